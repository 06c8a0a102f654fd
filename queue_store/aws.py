"""DynamoDB's table, asked with patience; the importer of boto3.

Every request is made again, the same to the letter, for as long as its failure may pass and there
is time; boto3's own retries are off because their pauses don't know how much there is. What
DynamoDB and boto3 have to complain of becomes the store's own errors here. Region, credentials
and endpoint come from AWS's own environment.
"""

import random
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import boto3.session
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    SSLError,
)
from botocore.loaders import create_loader
from botocore.parsers import ResponseParserError
from msgspec import Struct
from opentelemetry import trace

from queue_store.errors import OutcomeUnknown, StoreError, StoreUnavailable
from queue_store.notation import Found, Item, Write
from queue_store.patience import Patience

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# How many may ask at once.
CONNECTIONS = 8

_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.4

_UNSENT = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError, SSLError)
_THROTTLED = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
}
_BUSY = _THROTTLED | {
    "ContinuousBackupsUnavailableException",
    "TransactionConflict",
    "TransactionConflictException",
}
_REFUSED = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
}
# Whose words are known to repeat nothing of the request.
_QUOTABLE = {"ValidationException", "ResourceInUseException", "LimitExceededException"}
_ACTION = re.compile(r"not authorized to perform: ([a-z]+:[A-Za-z]+)")
_UNFINISHED = {"TransactionInProgressException", "InternalServerError", "ServiceUnavailable"}
_CONDITION = "ConditionalCheckFailed"
_FAULT = 500
_TROUBLE = (BotoCoreError, ClientError, ResponseParserError)

_HOW_TO_CREATE = "make it with python -m queue_store create"

# boto3 alone would not look at AWS_REGION, by which everything else on AWS goes.
_REGION = ("region", ["AWS_REGION", "AWS_DEFAULT_REGION"], None, None)


# AWS's description of DynamoDB is long; one reading does for every client.
_descriptions = cache(create_loader)


class NoTable(StoreUnavailable):
    """There is no such table in this region of this account."""


class ConditionsFailed(Exception):
    """Some writes' conditions did not hold; `found` has what was there, by the write's place."""

    def __init__(self, found: Mapping[int, Found]) -> None:
        super().__init__("conditions did not hold")
        self.found = found


class _Failure(Struct, frozen=True):
    """What a failed attempt means: whether it may pass, and whether it may yet have worked.

    `throttled` if we were asked to slow down.
    """

    words: str
    cause: Exception | None = None
    passing: bool = False
    unanswered: bool = False
    throttled: bool = False
    kind: type[StoreError] = StoreUnavailable

    def as_error(self, *, unanswered: bool) -> StoreError:
        """Answer the error for whoever asked; `unanswered` if any attempt was."""
        if unanswered:
            return OutcomeUnknown(f"whether it was stored is unknown: {self.words}")
        return self.kind(self.words)


class Table:
    """The table itself, asked with patience; usable from any thread once connected."""

    def __init__(self, name: str, *, patience: Patience) -> None:
        self.name = name
        self.client: DynamoDBClient | None = None
        self._named = {"TableName": name}
        self._patience = patience

    def connect(self) -> None:
        """Read AWS's environment and its description of DynamoDB, which takes a while.

        Raises:
            StoreUnavailable: the environment lacks something.
        """
        self.client = _client(self._patience)

    def close(self) -> None:
        if self.client is not None:
            self.client.close()

    def attributes(self, method: str) -> dict[str, str | list[str]]:
        region = {} if self.client is None else {"cloud.region": self.client.meta.region_name}
        return {
            "rpc.system": "aws-api",
            "rpc.service": "DynamoDB",
            "rpc.method": method,
            "aws.dynamodb.table_names": [self.name],
            **region,
        }

    def get(self, key: Item) -> Found | None:
        answer = self.ask("get_item", {**self._named, "Key": key, "ConsistentRead": True})
        return cast("Found | None", answer.get("Item"))

    def query(self, key: Item) -> Iterator[Found]:
        """Answer the items of a site whose names begin so, in the order of their names."""
        request = {
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :sk)",
            "ExpressionAttributeValues": {":pk": key["pk"], ":sk": key["sk"]},
            "ConsistentRead": True,
        }
        return self._pages("query", request)

    def scan(self) -> Iterator[Found]:
        """Answer every item, in no order of sites, and within a site in the order of names."""
        return self._pages("scan", {"ConsistentRead": True})

    def write(self, writes: Sequence[Write], *, token: str) -> None:
        """Do all of the writes or none.

        Raises:
            ConditionsFailed: none was done, by this attempt.
            OutcomeUnknown: all were done, or none was.
        """
        named = [{each.verb: {**self._named, **each.terms}} for each in writes]
        request = {"TransactItems": named, "ClientRequestToken": token}
        self.ask("transact_write_items", request, writes=True)

    def _pages(self, method: str, request: dict[str, Any]) -> Iterator[Found]:
        page = self.ask(method, {**self._named, **request})
        yield from page["Items"]
        while last := page.get("LastEvaluatedKey"):
            page = self.ask(method, {**self._named, **request, "ExclusiveStartKey": last})
            yield from page["Items"]

    def ask(self, method: str, request: dict[str, Any], *, writes: bool = False) -> dict[str, Any]:
        """Ask until there is an answer, or a failure that won't pass, or no time left.

        Raises:
            StoreUnavailable: nothing was changed.
            OutcomeUnknown: of a request that writes, whether it was done is unknown.
        """
        call = getattr(self.client, method)
        until = time.monotonic() + self._patience.attempts
        unanswered, pause = False, _FIRST_PAUSE_SECONDS
        while True:
            try:
                return _noted(call(**request))
            except _TROUBLE as error:
                failure = self._failure(error)
                unanswered |= writes and failure.unanswered
                if failure.throttled:
                    trace.get_current_span().set_attribute("throttled", value=True)
                left = until - time.monotonic()
                if not failure.passing or left < 0:
                    if isinstance(error, ClientError):
                        _noted(cast("dict[str, Any]", error.response))
                    raise failure.as_error(unanswered=unanswered) from failure.cause
            time.sleep(random.uniform(0, min(pause, left)))  # noqa: S311 # jitter is no secret
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _failure(self, error: Exception) -> _Failure:
        if isinstance(error, ClientError):
            return self._refusal(error)
        if isinstance(error, _UNSENT):
            return _Failure(f"DynamoDB can't be reached: {error}", cause=error, passing=True)
        if isinstance(error, BotoCoreError) and not isinstance(error, HTTPClientError):
            return _Failure(f"AWS is not set up: {error}", cause=error)
        return _Failure(
            f"DynamoDB does not answer: {error}", cause=error, passing=True, unanswered=True
        )

    def _refusal(self, error: ClientError) -> _Failure:
        code = error.response["Error"]["Code"]
        if code == "TransactionCanceledException":
            return _cancellation(error)
        if code in _BUSY:
            words = f"DynamoDB is too busy ({code})"
            return _Failure(words, cause=error, passing=True, throttled=code in _THROTTLED)
        if code in _UNFINISHED or error.response["ResponseMetadata"]["HTTPStatusCode"] >= _FAULT:
            return _Failure(f"DynamoDB failed ({code})", cause=error, passing=True, unanswered=True)
        if code == "ResourceNotFoundException":
            words = f"there is no table {self.name}: {_HOW_TO_CREATE} dynamodb:{self.name}"
            return _Failure(words, kind=NoTable)
        if code in _QUOTABLE:
            words = f"DynamoDB refuses what table {self.name} is asked: {error}"
            return _Failure(words, cause=error)
        # What AWS says of a signature quotes the request, session token and all.
        return _Failure(f"AWS refuses {self._what(code)} ({code}{_forbidden(error)})")

    def _what(self, code: str) -> str:
        if code in _REFUSED:
            return "the credentials or what they are used for"
        return f"what table {self.name} is asked"


def _client(patience: Patience) -> "DynamoDBClient":
    config = Config(
        connect_timeout=patience.connection,
        read_timeout=patience.answer,
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=CONNECTIONS,
        tcp_keepalive=True,
    )
    core = botocore.session.Session(session_vars={"region": _REGION})
    core.register_component("data_loader", _descriptions())
    try:
        return boto3.session.Session(botocore_session=core).client("dynamodb", config=config)
    except (BotoCoreError, ValueError) as error:
        raise StoreUnavailable(f"AWS is not set up: {error}") from error


def _cancellation(error: ClientError) -> _Failure:
    reasons = error.response.get("CancellationReasons", [])
    failed = {
        place: reason.get("Item", {})
        for place, reason in enumerate(reasons)
        if reason.get("Code") == _CONDITION
    }
    if failed:
        raise ConditionsFailed(failed) from error
    codes = {reason.get("Code", "None") for reason in reasons} - {"None"}
    words = f"DynamoDB cancelled the write ({', '.join(sorted(codes))})"
    passing, throttled = bool(codes) and codes <= _BUSY, bool(codes & _THROTTLED)
    return _Failure(words, cause=error, passing=passing, throttled=throttled)


def _forbidden(error: ClientError) -> str:
    """Answer which action was forbidden, if AWS says so."""
    action = _ACTION.search(error.response["Error"].get("Message", ""))
    return f": {action[1]}" if action else ""


def _noted(answer: dict[str, Any]) -> dict[str, Any]:
    span, described = trace.get_current_span(), answer.get("ResponseMetadata")
    if span.is_recording() and described:
        span.set_attribute("aws.request_id", described.get("RequestId", ""))
        span.set_attribute("http.response.status_code", described["HTTPStatusCode"])
    return answer
