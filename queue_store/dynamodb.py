"""The production store: one DynamoDB table for any number of machines; the importer of boto3.

A commit is one transaction. Every request is made again, the same to the letter, for as long as
its failure may pass and a person would wait; boto3's own retries are off because their pauses
don't know how long that is. A write carries its commit's name: if its acknowledgement is lost,
what a second attempt finds there tells whether the first one was taken.

boto3 waits for answers in threads of the store's own. A task that stops waiting does not stop a
write halfway. Region, credentials and endpoint come from AWS's own environment.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import uuid4

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

from queue_store import items
from queue_store.errors import (
    Conflict,
    NotEmpty,
    OutcomeUnknown,
    Repeated,
    StoreError,
    StoreUnavailable,
)
from queue_store.items import Found, Item, Write
from queue_store.patience import PERSONS, Patience
from queue_store.records import KeptSite, Record
from queue_store.store import Commit, Delivered, OutboxRow, PostedCard, Snapshot
from queue_store.tracing import step

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_T = TypeVar("_T")

_THREADS = 8

_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.4

_UNSENT = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError, SSLError)
_BUSY = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ContinuousBackupsUnavailableException",
    "ThrottlingException",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
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
_UNFINISHED = {"TransactionInProgressException", "InternalServerError", "ServiceUnavailable"}
_CONDITION = "ConditionalCheckFailed"
_FAULT = 500
_TROUBLE = (BotoCoreError, ClientError, ResponseParserError)

_HOW_TO_CREATE = "make it with python -m queue_store create"

# boto3 alone would not look at AWS_REGION, by which everything else on AWS goes.
_REGION = ("region", ["AWS_REGION", "AWS_DEFAULT_REGION"], None, None)


# AWS's description of DynamoDB is long; one reading does for every client.
_descriptions = cache(create_loader)


class DynamoDbStore:
    """One site's queue in a DynamoDB table."""

    def __init__(self, table: str, *, site: str, patience: Patience = PERSONS) -> None:
        self._table = Table(table, patience=patience)
        self._site = site
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="dynamodb")
        self._closing: asyncio.Future[None] | None = None

    @classmethod
    async def open(cls, table: str, *, site: str, patience: Patience = PERSONS) -> Self:
        """Open the table, which must be there, and look whether it can be read.

        Raises:
            StoreUnavailable: AWS is not set up or can't be reached, or there is no such table; the
                message says which.
            Unreadable: the table is not a store of ours, or what it keeps a newer version's.
        """
        store = cls(table, site=site, patience=patience)
        try:
            await store._call("open", store._table.connect)
            await store.load()
        except BaseException:
            await store.close()
            raise
        return store

    async def load(self) -> Snapshot:
        """Answer the site as last committed."""
        return items.read_site(await self._get(items.SITE), site=self._site)

    async def answered(self, request: str, *, now: datetime) -> bytes | None:
        """Answer what this request was told, if it is still remembered."""
        return items.read_answer(await self._get(items.ANSWERED + request), now=now)

    async def card(self, key: str, *, now: datetime) -> PostedCard | None:
        """Answer where the card stands, if it is still remembered."""
        return items.read_card(await self._get(items.CARD + key), now=now)

    async def commit(self, commit: Commit) -> int:
        """Store the decision whole and answer the new revision."""
        if commit.site.id != self._site:
            raise ValueError(f"this store keeps site {self._site!r}, not {commit.site.id!r}")
        name = uuid4().hex
        writes = items.transaction(commit, name=name)
        writes += await self._forgetting(commit, room=items.MOST_WRITES - len(writes))

        def work() -> int:
            try:
                self._table.write(writes, token=name)
            except _ConditionsFailed as failed:
                _settle(commit, name, failed.found)
            return commit.seen + 1

        return await self._call("TransactWriteItems", work)

    async def outbox(self) -> tuple[OutboxRow, ...]:
        """Answer what is still to be said, oldest first."""
        while True:
            found = await self._query(items.OUTBOX)
            bundles = list(filter(None, map(items.read_bundle, found)))
            if not bundles:
                return tuple(map(items.read_row, found))
            await self._unpack(bundles[0])

    async def discharge(self, delivered: Delivered) -> None:
        """Take a row that was said from the outbox and keep its card."""
        await self._write_or_leave(items.delivery(self._site, delivered))

    async def records(self) -> list[Record]:
        """Answer everything that is kept, of every site.

        Raises:
            Conflict: a site changed while it was read.
        """
        found = await self._call("Scan", lambda: list(self._table.scan()))
        kept = [record for each in found for record in items.records(each)]
        for record in kept:
            if isinstance(record, KeptSite):
                await self._refuse_changed(record)
        return kept

    async def restore(self, records: Sequence[Record], *, replace: bool) -> None:
        """Keep these records and nothing else; the sites come last.

        Not all or nothing: what fails halfway is done again with `replace`.
        """
        there = await self._call("Scan", lambda: list(self._table.scan()))
        if there and not replace:
            raise NotEmpty(f"there is something in table {self._table.name} already")
        for found in there:
            await self._write_or_leave([items.deletion(found)])
        for record in sorted(records, key=lambda each: isinstance(each, KeptSite)):
            await self._write_or_leave([items.put(items.kept(record))])

    async def close(self) -> None:
        """Finish what was begun and let go of the connections; harmless if repeated."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().run_in_executor(None, self._end)
        await asyncio.shield(self._closing)

    def _end(self) -> None:
        self._threads.shutdown()
        self._table.close()

    async def _get(self, name: str) -> Found | None:
        key = items.key(self._site, name)
        return await self._call("GetItem", lambda: self._table.get(key))

    async def _query(self, prefix: str) -> list[Found]:
        key = items.key(self._site, prefix)
        return await self._call("Query", lambda: list(self._table.query(key)))

    async def _refuse_changed(self, kept: KeptSite) -> None:
        key = items.key(kept.site, items.SITE)
        found = await self._call("GetItem", lambda: self._table.get(key))
        if items.read_site(found, site=kept.site).revision != kept.revision:
            raise Conflict(f"site {kept.site} changed while it was read: stop the bot first")

    async def _unpack(self, bundle: items.Bundle) -> None:
        """Give each thing to be said an item of its own, unless somebody else just did."""
        await self._write_or_leave(items.unpacking(self._site, bundle))

    async def _forgetting(self, commit: Commit, *, room: int) -> list[Write]:
        """Answer how to delete the answers that name the forgotten driver.

        What there is no room for in the commit goes at once: without the answer to a request of
        last week nothing is lost, and kept longer than said it would be.
        """
        if commit.forgotten is None:
            return []
        own = items.ANSWERED + commit.answered.request if commit.answered else None
        doomed = [
            items.deletion(found)
            for found in await self._query(items.ANSWERED)
            if items.speaks_of(found, commit.forgotten) and found["sk"]["S"] != own
        ]
        for first in range(room, len(doomed), items.MOST_WRITES):
            await self._write_or_leave(doomed[first : first + items.MOST_WRITES])
        return doomed[:room]

    async def _write_or_leave(self, writes: Sequence[Write]) -> None:
        def work() -> None:
            try:
                self._table.write(writes, token=uuid4().hex)
            except _ConditionsFailed:
                # It was done already, by us or by another.
                return

        await self._call("TransactWriteItems", work)

    async def _call(self, method: str, work: Callable[[], _T]) -> _T:
        if self._closing is not None:
            raise StoreUnavailable("the store is closed")
        with step(f"DynamoDB {method}", self._table.attributes(method)):
            # An executor's thread does not inherit the span.
            within = copy_context().run
            return await asyncio.get_running_loop().run_in_executor(self._threads, within, work)


class NoTable(StoreUnavailable):
    """There is no such table in this region of this account."""


class _ConditionsFailed(Exception):
    """Some writes' conditions did not hold; `found` has what was there, by the write's place."""

    def __init__(self, found: Mapping[int, Found]) -> None:
        super().__init__("conditions did not hold")
        self.found = found


class _Failure(Struct, frozen=True):
    """What a failed attempt means: whether it may pass, and whether it may yet have worked."""

    words: str
    cause: Exception | None = None
    passing: bool = False
    unanswered: bool = False
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
            _ConditionsFailed: none was done, by this attempt.
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
                if not failure.passing or time.monotonic() > until:
                    raise failure.as_error(unanswered=unanswered) from failure.cause
            time.sleep(random.uniform(0, pause))  # noqa: S311 # jitter is no secret
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
            return _Failure(f"DynamoDB is too busy ({code})", cause=error, passing=True)
        if code in _UNFINISHED or error.response["ResponseMetadata"]["HTTPStatusCode"] >= _FAULT:
            return _Failure(f"DynamoDB failed ({code})", cause=error, passing=True, unanswered=True)
        if code in _REFUSED:
            # What AWS says of a signature quotes the request, session token and all.
            return _Failure(f"AWS refuses the credentials or what they are used for ({code})")
        if code == "ResourceNotFoundException":
            words = f"there is no table {self.name}: {_HOW_TO_CREATE} dynamodb:{self.name}"
            return _Failure(words, kind=NoTable)
        return _Failure(f"DynamoDB refuses what table {self.name} is asked: {error}", cause=error)


def _client(patience: Patience) -> "DynamoDBClient":
    config = Config(
        connect_timeout=patience.connection,
        read_timeout=patience.answer,
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=_THREADS,
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
        raise _ConditionsFailed(failed) from error
    codes = {reason.get("Code", "None") for reason in reasons} - {"None"}
    words = f"DynamoDB cancelled the write ({', '.join(sorted(codes))})"
    return _Failure(words, cause=error, passing=bool(codes) and codes <= _BUSY)


def _settle(commit: Commit, name: str, found: Mapping[int, Found]) -> None:
    """Make out why a commit's conditions did not hold; perhaps because it was already made.

    Raises:
        Repeated, Conflict: as the contract says.
    """
    if any(items.made_by(each, name, revision=commit.seen + 1) for each in found.values()):
        return
    if commit.answered is not None and 1 in found:
        raise Repeated(items.read_told(found[1]))
    if 0 in found:
        raise Conflict(f"the site is not at revision {commit.seen} any more")
    raise Conflict("the outbox row is gone")


def _noted(answer: dict[str, Any]) -> dict[str, Any]:
    span = trace.get_current_span()
    if span.is_recording():
        described = answer["ResponseMetadata"]
        span.set_attribute("aws.request_id", described.get("RequestId", ""))
        span.set_attribute("http.status_code", described["HTTPStatusCode"])
    return answer
