"""Slack's Web API, as far as the bot speaks to it; the only importer of slack_sdk.

Every call is a step of the trace, and every way in which it can fail becomes one of our own
errors here. Nothing is retried: that is for whoever knows whether a repeat does harm.
"""

from types import TracebackType
from typing import Any, Self

import aiohttp
from msgspec import Struct
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import SlackError, SlackMisconfigured, SlackRefused, SlackUnavailable
from bot.messages import Message
from bot.tracing import step

CALL_SECONDS = 10.0
ROW_EVENT = "ev_concierge_row"

MISCONFIGURED = frozenset(
    {
        "account_inactive",
        "channel_not_found",
        "invalid_auth",
        "is_archived",
        "missing_scope",
        "not_allowed_token_type",
        "not_authed",
        "not_in_channel",
        "org_login_required",
        "token_expired",
        "token_revoked",
    }
)

PASSING = frozenset(
    {"fatal_error", "internal_error", "ratelimited", "request_timeout", "service_unavailable"}
)


class Identity(Struct, frozen=True, kw_only=True):
    """Who the bot is: its own user ID, and the workspace that its token belongs to."""

    user: str
    team: str


class Profile(Struct, frozen=True, kw_only=True):
    """What the workspace knows of a person."""

    name: str
    is_admin: bool


class Slack:
    """One bot token's view of one workspace."""

    def __init__(self, token: str, *, api_url: str) -> None:
        self._token = token
        self._api_url = api_url
        self._session: aiohttp.ClientSession | None = None
        self._client: AsyncWebClient | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
        self._session = aiohttp.ClientSession(timeout=timeout, trust_env=True)
        self._client = AsyncWebClient(
            self._token, base_url=self._api_url, session=self._session, retry_handlers=[]
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def client(self) -> AsyncWebClient:
        """The client itself, for Bolt."""
        if self._client is None:
            raise AssertionError("Slack is entered before it is used")
        return self._client

    def client_with(self, token: str) -> AsyncWebClient:
        """Answer a client like ours for another token."""
        return AsyncWebClient(token, base_url=self._api_url, session=self._session)

    async def identify(self) -> Identity:
        """Ask who we are; tells whether the token is good."""
        said = await self._call("auth.test", {})
        return Identity(user=str(said["user_id"]), team=str(said["team_id"]))

    async def post(
        self, to: str, message: Message, *, row: str | None = None, thread: str | None = None
    ) -> tuple[str, str]:
        """Post to a channel, or to a person in private, and answer where the message stands."""
        said = await self._call(
            "chat.postMessage",
            {
                "channel": to,
                **_content(message),
                "unfurl_links": False,
                "unfurl_media": False,
                **({"thread_ts": thread} if thread else {}),
                **({"metadata": _metadata(row)} if row else {}),
            },
        )
        return str(said["channel"]), str(said["ts"])

    async def update(self, channel: str, ts: str, message: Message) -> None:
        """Edit a message of ours; nobody is notified."""
        await self._call("chat.update", {"channel": channel, "ts": ts, **_content(message)})

    async def whisper(self, channel: str, user: str, message: Message) -> None:
        """Show something to one person only; it is gone when they reload."""
        await self._call(
            "chat.postEphemeral", {"channel": channel, "user": user, **_content(message)}
        )

    async def profile(self, user: str) -> Profile:
        """Ask who somebody is."""
        said = await self._call("users.info", {"user": user}, http_verb="GET")
        person = said.get("user") or {}
        shown = person.get("profile") or {}
        name = shown.get("display_name") or shown.get("real_name") or person.get("name") or user
        return Profile(
            name=str(name), is_admin=bool(person.get("is_admin") or person.get("is_owner"))
        )

    async def _call(
        self, method: str, arguments: dict[str, Any], *, http_verb: str = "POST"
    ) -> dict[str, Any]:
        payload = {"params" if http_verb == "GET" else "json": arguments}
        with step(f"Slack {method}"):
            try:
                said = await self.client.api_call(method, http_verb=http_verb, **payload)
            except SlackApiError as error:
                raise _refusal(method, error) from error
            except (aiohttp.ClientError, SlackClientError, OSError, ValueError) as error:
                raise SlackUnavailable(method, type(error).__name__) from error
            return dict(said.data) if isinstance(said.data, dict) else {}


def _refusal(method: str, error: SlackApiError) -> SlackError:
    status = error.response.status_code
    reason = str(error.response.get("error", "")) or f"HTTP {status}"
    if status == 429 or reason == "ratelimited":  # noqa: PLR2004 - Too Many Requests
        wish = error.response.headers.get("Retry-After", "")
        return SlackUnavailable(method, reason, retry_after=float(wish) if wish.isdigit() else 1.0)
    if status >= 500 or reason in PASSING:  # noqa: PLR2004 - the server's own trouble
        return SlackUnavailable(method, reason)
    if reason in MISCONFIGURED:
        return SlackMisconfigured(method, reason)
    return SlackRefused(method, reason)


def _content(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}


def _metadata(row: str) -> dict[str, Any]:
    return {"event_type": ROW_EVENT, "event_payload": {"row": row}}
