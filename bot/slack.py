"""Slack's Web API, as far as the bot speaks to it; the only importer of slack_sdk.

Every call is a step of the trace, and every way in which it can fail becomes one of our own
errors here. Nothing is retried: that is for whoever knows whether a repeat does harm.
"""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import msgspec
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

_T = TypeVar("_T")

ROW_EVENT = "ev_concierge_row"

# A message that Slack took may by its clock be a little older than the row by ours.
CLOCKS_DIFFER_SECONDS = 300.0
MOST_PAGES = 10

# Slack asks for a minute at most; who asks for a year is not Slack.
LONGEST_WISH = 3600.0
PEOPLE = ("U", "W")
PRIVATE = "D"

# The last is how Slack's library stumbles over a text in the place of JSON.
NO_ANSWER = (aiohttp.ClientError, SlackClientError, OSError, ValueError, AttributeError)

# Why there was no answer, as far as it can be said in plain words.
NO_SUCH_HOST = "the host's name can't be resolved"
NOBODY_THERE = "nobody listens there"
NO_TLS = "no TLS is spoken there"
UNTRUSTED = "the certificate is not trusted"
MUTE = "no answer in time"
NOT_SLACKS = "an answer that is not Slack's"

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
    """Who the bot is: its own user ID, and the workspace that its token belongs to.

    `app` is its app's ID, where that may be asked.
    """

    user: str
    team: str
    app: str | None = None


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


class _Tested(Struct, frozen=True):
    user_id: str
    team_id: str
    user: str | None = None
    team: str | None = None
    bot_id: str | None = None


class _Bot(Struct, frozen=True):
    app_id: str | None = None


class _BotsInfo(Struct, frozen=True):
    bot: _Bot


class _Posted(Struct, frozen=True):
    channel: str
    ts: str


class _Conversation(Struct, frozen=True):
    id: str


class _Opened(Struct, frozen=True):
    channel: _Conversation


class _Message(Struct, frozen=True):
    ts: str
    metadata: object = None


class _Next(Struct, frozen=True):
    next_cursor: str | None = None


class _History(Struct, frozen=True):
    messages: tuple[_Message, ...] = ()
    response_metadata: _Next | None = None


class _Shown(Struct, frozen=True):
    display_name: str | None = None
    real_name: str | None = None


class _User(Struct, frozen=True):
    name: str | None = None
    profile: _Shown = _Shown()
    is_admin: bool | None = None
    is_owner: bool | None = None
    deleted: bool | None = None
    is_bot: bool | None = None


class _UsersInfo(Struct, frozen=True):
    user: _User


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
        told = _read("auth.test", said.data, _Tested)
        app = await self._app(told.bot_id) if told.bot_id else None
        return Greeting(
            identity=Identity(user=told.user_id, team=told.team_id, app=app),
            name=told.user or told.user_id,
            workspace=told.team or told.team_id,
            scopes=_scopes(said.headers.get("x-oauth-scopes")),
            told_at=_moment(said.headers.get("Date")),
        )

    async def _app(self, bot: str) -> str | None:
        """Ask which app the bot is; whoever may not ask that can do without."""
        try:
            said = await self._call("bots.info", {"bot": bot}, _BotsInfo, http_verb="GET")
        except (SlackMisconfigured, SlackRefused):
            return None
        return said.bot.app_id

    async def look_into(self, channel: str) -> None:
        """Read a conversation's newest message, to see whether we are in it."""
        page = {"channel": channel, "limit": 1}
        await self._call("conversations.history", page, _History, http_verb="GET")

    async def try_socket(self, app_token: str) -> None:
        """Ask for a connection and leave it: a second one would take requests from the first."""
        await self._answer(
            "apps.connections.open", {"json": {}}, client=self.client_with(app_token)
        )

    async def post(
        self, to: str, message: Message, *, row: OutboxRow | None = None, thread: str | None = None
    ) -> tuple[str, str]:
        """Post to a conversation and answer where the message stands."""
        said = await self._call(
            "chat.postMessage",
            {
                "channel": to,
                **message.content,
                "unfurl_links": False,
                "unfurl_media": False,
                **({"thread_ts": thread} if thread else {}),
                **({"metadata": _metadata(row)} if row else {}),
            },
            _Posted,
        )
        return said.channel, said.ts

    async def tell(self, person: str, message: Message, *, row: OutboxRow) -> tuple[str, str]:
        """Post to a person in private; one who can't be written to is refused, like a bad call."""
        with _between_us_and_a_person():
            return await self.post(person, message, row=row)

    async def find(self, to: str, row: OutboxRow) -> tuple[str, str] | None:
        """Look in a conversation's history for what the row became, and answer where it stands.

        Raises:
            SlackMisconfigured: among others, the history may not be read (`missing_scope`).
            SlackRefused: there is no history to look into, or none for us.
        """
        if not to.startswith(PEOPLE):
            return await self._look_for(row, to)
        with _between_us_and_a_person():
            return await self._look_for(row, await self._private(to))

    async def _look_for(self, row: OutboxRow, channel: str) -> tuple[str, str] | None:
        begun = row.begun or row.created
        page: dict[str, Any] = {
            "channel": channel,
            "oldest": f"{begun.timestamp() - CLOCKS_DIFFER_SECONDS:.6f}",
            "include_all_metadata": True,
            "limit": 200,
        }
        for _ in range(MOST_PAGES):
            said = await self._call("conversations.history", page, _History, http_verb="GET")
            for message in said.messages:
                if _is_of(message, row):
                    return channel, message.ts
            cursor = said.response_metadata and said.response_metadata.next_cursor
            if not cursor:
                break
            page = {**page, "cursor": cursor}
        return None

    async def _private(self, person: str) -> str:
        """Answer the conversation with this person alone."""
        said = await self._call("conversations.open", {"users": person}, _Opened)
        return said.channel.id

    async def update(self, channel: str, ts: str, message: Message) -> None:
        """Edit a message of ours; nobody is notified. In private, refusals are as in `tell`."""
        where = {"channel": channel, "ts": ts}
        with _between_us_and_a_person() if channel.startswith(PRIVATE) else nullcontext():
            await self._answer("chat.update", {"json": {**where, **message.content}})

    async def whisper(self, channel: str, user: str, message: Message) -> None:
        """Show something to one person only; it is gone when they reload."""
        where = {"channel": channel, "user": user}
        await self._answer("chat.postEphemeral", {"json": {**where, **message.content}})

    async def profile(self, user: str) -> Profile:
        """Ask who somebody is."""
        said = await self._call("users.info", {"user": user}, _UsersInfo, http_verb="GET")
        person, shown = said.user, said.user.profile
        return Profile(
            name=shown.display_name or shown.real_name or person.name or user,
            is_admin=bool(person.is_admin or person.is_owner),
            is_active=not person.deleted,
            is_bot=bool(person.is_bot),
        )

    async def _call(
        self, method: str, arguments: dict[str, Any], kind: type[_T], *, http_verb: str = "POST"
    ) -> _T:
        payload = {"params" if http_verb == "GET" else "json": arguments}
        return _read(method, (await self._answer(method, payload, http_verb=http_verb)).data, kind)

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
                raise SlackUnavailable(method, NOT_SLACKS)
            return said


@contextmanager
def _between_us_and_a_person() -> Iterator[None]:
    """Refuse for good what only that person could mend."""
    try:
        yield
    except SlackMisconfigured as error:
        if error.reason in NO_ENTRY:
            raise SlackRefused(error.method, error.reason) from error
        raise


def _read(method: str, data: object, kind: type[_T]) -> _T:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise SlackUnavailable(method, NOT_SLACKS) from error


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
    return min(float(wish), LONGEST_WISH) if wish.isascii() and wish.isdigit() else 1.0


def _scopes(listed: str | None) -> frozenset[str] | None:
    if listed is None:
        return None
    return frozenset(each.strip() for each in listed.split(",") if each.strip())


def _moment(date: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(date or "").replace(tzinfo=UTC)
    except ValueError:
        return None


def _is_of(message: _Message, row: OutboxRow) -> bool:
    found = message.metadata if isinstance(message.metadata, dict) else {}
    return all(found.get(name) == value for name, value in _metadata(row).items())


def _metadata(row: OutboxRow) -> dict[str, Any]:
    # Another store's rows may have had the same names.
    payload = {"row": row.id, "created": row.created.isoformat()}
    return {"event_type": ROW_EVENT, "event_payload": payload}
