"""Slack's Web API, as far as the bot speaks to it; the only importer of slack_sdk.

Every call is a step of the trace, and every way in which it can fail becomes one of our own
errors here. Nothing is retried: that is for whoever knows whether a repeat does harm.
"""

import hmac
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, cast

import aiohttp
from msgspec import Struct
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.blocks import Message
from bot.errors import SlackError, SlackMisconfigured, SlackRefused, SlackUnavailable
from bot.patience import Patience
from bot.tracing import call
from queue_store.store import OutboxRow

ROW_EVENT = "ev_concierge_row"

# A message that Slack took may by its clock be a little older than the row by ours.
CLOCKS_DIFFER_SECONDS = 300.0
MOST_PAGES = 10
PEOPLE = ("U", "W")

# The last is how Slack's library stumbles over a text in the place of JSON.
NO_ANSWER = (aiohttp.ClientError, SlackClientError, OSError, ValueError, AttributeError)

# Why there was no answer, as far as it can be said in plain words.
NO_SUCH_HOST = "the host's name can't be resolved"
NOBODY_THERE = "nobody listens there"
NO_TLS = "no TLS is spoken there"
UNTRUSTED = "the certificate is not trusted"
MUTE = "no answer in time"

RATE_LIMITED = "ratelimited"

MISCONFIGURED = frozenset(
    {
        "access_denied",
        "account_inactive",
        "ekm_access_denied",
        "enterprise_is_restricted",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    }
)

# What an administrator has to mend where it concerns the room. Where it concerns one person, it
# is that person who left, or who takes no messages.
NO_ENTRY = frozenset(
    {
        "channel_not_found",
        "is_archived",
        "not_in_channel",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
    }
)

PASSING = frozenset(
    {
        "fatal_error",
        "internal_error",
        "message_limit_exceeded",
        RATE_LIMITED,
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
    }
)


class Identity(Struct, frozen=True, kw_only=True):
    """Who the bot is: its own user ID, and the workspace that its token belongs to."""

    user: str
    team: str


class Greeting(Struct, frozen=True, kw_only=True):
    """What Slack says to a token: whose it is, what it may do, and what time it is there.

    Without a list of scopes or a date they are None.
    """

    identity: Identity
    name: str
    workspace: str
    scopes: frozenset[str] | None
    told_at: datetime | None


class Profile(Struct, frozen=True, kw_only=True):
    """What the workspace knows of a person; one who left is not active any more."""

    name: str
    is_admin: bool
    is_active: bool = True
    is_bot: bool = False


class Slack:
    """One bot token's view of one workspace."""

    def __init__(self, token: str, *, api_url: str, seconds: float = Patience().call) -> None:
        self._token = token
        self._api_url = api_url
        self._seconds = seconds
        self._session: aiohttp.ClientSession | None = None
        self._client: AsyncWebClient | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=self._seconds)
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
        return (await self.greet()).identity

    async def greet(self) -> Greeting:
        """Ask who we are, and what we may do here."""
        said = await self._answer("auth.test", {})
        user, team = said.get("user_id"), said.get("team_id")
        if not user or not team:
            raise SlackUnavailable("auth.test", "an answer that is not Slack's")
        return Greeting(
            identity=Identity(user=str(user), team=str(team)),
            name=str(said.get("user") or user),
            workspace=str(said.get("team") or team),
            scopes=_scopes(said.headers.get("x-oauth-scopes")),
            told_at=_moment(said.headers.get("Date")),
        )

    async def look_into(self, channel: str) -> None:
        """Read a conversation's newest message, to see whether we are in it."""
        await self._call("conversations.history", {"channel": channel, "limit": 1}, http_verb="GET")

    async def try_socket(self, app_token: str) -> None:
        """Ask for a connection and leave it: a second one would take requests from the first."""
        await self._call("apps.connections.open", {}, client=self.client_with(app_token))

    async def post(
        self, to: str, message: Message, *, row: OutboxRow | None = None, thread: str | None = None
    ) -> tuple[str, str]:
        """Post to a conversation and answer where the message stands."""
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

    async def tell(self, person: str, message: Message, *, row: OutboxRow) -> tuple[str, str]:
        """Post to a person in private; one who can't be written to is refused, like a bad call."""
        try:
            return await self.post(person, message, row=row)
        except SlackMisconfigured as error:
            if error.reason in NO_ENTRY:
                raise SlackRefused(error.method, error.reason) from error
            raise

    async def find(self, to: str, row: OutboxRow) -> tuple[str, str] | None:
        """Look in a conversation's history for what the row became, and answer where it stands.

        Raises:
            SlackMisconfigured: among others, the history may not be read (`missing_scope`).
        """
        channel = await self._private(to) if to.startswith(PEOPLE) else to
        begun = row.begun or row.created
        page: dict[str, Any] = {
            "channel": channel,
            "oldest": f"{begun.timestamp() - CLOCKS_DIFFER_SECONDS:.6f}",
            "include_all_metadata": True,
            "limit": 200,
        }
        for _ in range(MOST_PAGES):
            said = await self._call("conversations.history", page, http_verb="GET")
            for message in said.get("messages") or ():
                if _is_of(message, row):
                    return channel, str(message["ts"])
            cursor = (said.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
            page = {**page, "cursor": cursor}
        return None

    async def _private(self, person: str) -> str:
        """Answer the conversation with this person alone."""
        said = await self._call("conversations.open", {"users": person})
        return str(said["channel"]["id"])

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
            name=str(name),
            is_admin=bool(person.get("is_admin") or person.get("is_owner")),
            is_active=not person.get("deleted"),
            is_bot=bool(person.get("is_bot")),
        )

    async def _call(
        self,
        method: str,
        arguments: dict[str, Any],
        *,
        http_verb: str = "POST",
        client: AsyncWebClient | None = None,
    ) -> dict[str, Any]:
        payload = {"params" if http_verb == "GET" else "json": arguments}
        said = await self._answer(method, payload, http_verb=http_verb, client=client)
        return cast("dict[str, Any]", said.data)

    async def _answer(
        self,
        method: str,
        payload: dict[str, Any],
        *,
        http_verb: str = "POST",
        client: AsyncWebClient | None = None,
    ) -> AsyncSlackResponse:
        with call("Slack", method, url=self._api_url, method=http_verb) as asking:
            try:
                said = await (client or self.client).api_call(
                    method, http_verb=http_verb, **payload
                )
            except SlackApiError as error:
                refusal = _refusal(method, error.response)
                asking.answered(_status(error.response))
                if refusal.reason == RATE_LIMITED:
                    asking.throttled()
                raise refusal from error
            except NO_ANSWER as error:
                raise SlackUnavailable(method, _why(error)) from error
            asking.answered(said.status_code)
            if not isinstance(said.data, dict):
                raise SlackUnavailable(method, "an answer that is not Slack's")
            return said


def _why(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError(certificate_error=why):
            return f"{UNTRUSTED} ({getattr(why, 'verify_message', why)})"
        case aiohttp.ClientConnectorDNSError():
            return NO_SUCH_HOST
        case aiohttp.ClientSSLError():
            return NO_TLS
        case aiohttp.ClientConnectorError(os_error=ConnectionRefusedError()):
            return NOBODY_THERE
        case TimeoutError():
            return MUTE
    return type(error).__name__


def is_signed(body: str, *, secret: str, timestamp: str, signature: str) -> bool:
    """Whether Slack signed this body at that moment."""
    right = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body) or ""
    return hmac.compare_digest(right.encode(), signature.encode(errors="replace"))


def _refusal(method: str, response: Any) -> SlackError:  # noqa: ANN401 # Slack's, or aiohttp's where it is no JSON
    data = getattr(response, "data", None)
    code = str(data.get("error") or "") if isinstance(data, dict) else ""
    if code == RATE_LIMITED or _status(response) == HTTPStatus.TOO_MANY_REQUESTS:
        return SlackUnavailable(method, RATE_LIMITED, retry_after=_wish(response), obeyed=False)
    if not code:
        # Whoever stands between Slack and us may say anything, and does not speak for Slack.
        return SlackUnavailable(method, f"HTTP {_status(response)}")
    if code in PASSING or _status(response) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return SlackUnavailable(method, code)
    if code in MISCONFIGURED | NO_ENTRY:
        return SlackMisconfigured(method, code)
    return SlackRefused(method, code)


def _status(response: Any) -> int:  # noqa: ANN401 # as above
    return int(getattr(response, "status_code", 0) or getattr(response, "status", 0))


def _wish(response: Any) -> float:  # noqa: ANN401 # as above
    wish = str(response.headers.get("Retry-After", ""))
    return float(wish) if wish.isascii() and wish.isdigit() else 1.0


def _scopes(listed: str | None) -> frozenset[str] | None:
    if listed is None:
        return None
    return frozenset(each.strip() for each in listed.split(",") if each.strip())


def _moment(date: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(date or "").replace(tzinfo=UTC)
    except ValueError:
        return None


def _content(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}


def _is_of(message: dict[str, Any], row: OutboxRow) -> bool:
    found, wanted = message.get("metadata") or {}, _metadata(row)
    return all(found.get(name) == value for name, value in wanted.items())


def _metadata(row: OutboxRow) -> dict[str, Any]:
    # Another store's rows may have had the same names.
    payload = {"row": row.id, "created": row.created.isoformat()}
    return {"event_type": ROW_EVENT, "event_payload": payload}
