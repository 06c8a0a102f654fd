"""Bringing things to the bot: once, with a deadline, by signed HTTP requests or Socket Mode.

Events are brought again when they fail, as Slack does it; commands and presses are not.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlencode

import aiohttp
from msgspec import Struct
from slack_sdk.signature import SignatureVerifier

from playground.slack.errors import DeliveryFailed, Rejected, TooLate, Unreachable
from playground.slack.options import Options

Json = dict[str, Any]
_SUCCESS = range(200, 300)


class Retry(Struct, frozen=True, kw_only=True):
    """Says that a delivery was tried before: how often, and what went wrong last."""

    number: int
    reason: str


class Carrier(Protocol):
    """A way to the bot."""

    async def carry(self, kind: str, payload: Json, retry: Retry | None = None) -> str:
        """Bring the payload and answer the body of the bot's answer.

        Raises:
            DeliveryFailed: the bot could not be reached, was too slow, or rejected it.
        """
        ...


class Http:
    """Signed requests to the bot's URL; `signs_at` is the moment on the signature."""

    def __init__(self, options: Options, signs_at: Callable[[], float]) -> None:
        self.url: str | None = None
        self._options = options
        self._signs_at = signs_at
        self._session: aiohttp.ClientSession | None = None

    async def carry(self, kind: str, payload: Json, retry: Retry | None = None) -> str:
        """Bring the payload as the body of a request."""
        try:
            async with asyncio.timeout(self._options.deadline):
                return await self._post(*_encoded(kind, payload), retry)
        except TimeoutError as error:
            raise TooLate from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable from error

    async def verify_url(self, challenge: str) -> str:
        """Ask the bot to prove that the URL is its own, and answer what it said."""
        return await self.carry("events_api", {"type": "url_verification", "challenge": challenge})

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, body: str, content_type: str, retry: Retry | None) -> str:
        url = self.url
        if url is None:
            raise Unreachable
        headers = {"Content-Type": content_type, **self._signed(body), **_retried(retry)}
        self._session = self._session or aiohttp.ClientSession()
        async with self._session.post(
            url, data=body.encode(), headers=headers, allow_redirects=False
        ) as answer:
            if answer.status not in _SUCCESS:
                final = answer.headers.get("X-Slack-No-Retry") == "1"
                raise Rejected(answer.status, final=final)
            return await answer.text()

    def _signed(self, body: str) -> dict[str, str]:
        at = str(int(self._signs_at()))
        verifier = SignatureVerifier(self._options.signing_secret)
        signature = verifier.generate_signature(timestamp=at, body=body) or ""
        return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signature}


def _encoded(kind: str, payload: Json) -> tuple[str, str]:
    form = "application/x-www-form-urlencoded"
    match kind:
        case "slash_commands":
            return urlencode(payload), form
        case "interactive":
            return urlencode({"payload": json.dumps(payload)}), form
        case _:
            return json.dumps(payload), "application/json"


def _retried(retry: Retry | None) -> dict[str, str]:
    if retry is None:
        return {}
    return {"X-Slack-Retry-Num": str(retry.number), "X-Slack-Retry-Reason": retry.reason}


async def deliver_event(carrier: Carrier, payload: Json, delays: tuple[float, ...]) -> bool:
    """Bring an event, again after each delay as long as it fails; answer whether it arrived."""
    retry: Retry | None = None
    for number, delay in enumerate((*delays, None), start=1):
        try:
            await carrier.carry("events_api", payload, retry)
        except DeliveryFailed as error:
            if error.final or delay is None:
                return False
            retry = Retry(number=number, reason=error.reason)
            await asyncio.sleep(delay)
        else:
            return True
    return False
