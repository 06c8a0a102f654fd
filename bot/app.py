"""Slack's requests: slash commands, buttons, messages and mentions, over HTTP or Socket Mode.

The only importer of Bolt. Listeners take a request apart and hand it to the conversation; what
it means is decided elsewhere.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

import msgspec
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot import gate, messages
from bot.blocks import Message
from bot.conversation import Answer, Conversation, label_of
from bot.errors import SlackError, SlackUnavailable
from bot.events import Asker
from bot.log import facts
from bot.patience import Patience
from bot.settings import SlackSettings
from bot.slack import NO_ANSWER, Identity, Slack, is_signed
from bot.tracing import call, unit

log = logging.getLogger(__name__)

Body = dict[str, Any]
_T = TypeVar("_T")

_IN_ROOM = re.compile(r"\s*ev\s", re.IGNORECASE)
_ACTIONS = re.compile(r"[a-z_]{1,40}\.[a-z_]{1,40}")
# Other kinds of message tell of edits, deletions and who came and went.
_SAID = (None, "file_share", "me_message", "thread_broadcast")
MOST_LINES = 5
MOST_TRIES = 3
LONGEST_PAUSE_SECONDS = 10.0

# Slack's library mends a lost socket by itself; what it has not mended by now, it won't.
MOST_LOOKS_AT_A_LOST_SOCKET = 6
NO_SOCKET = "Socket Mode is not connected"


class Spawn(Protocol):
    """Begins a piece of work that a stop waits for."""

    def __call__(self, work: Coroutine[Any, Any, _T], /) -> asyncio.Task[_T]:
        """Begin it."""
        ...


class SlackApp:
    """Bolt, listening for one bot in one workspace."""

    def __init__(
        self,
        settings: SlackSettings,
        slack: Slack,
        conversation: Conversation,
        identity: Identity,
        *,
        spawn: Spawn,
        patience: Patience | None = None,
    ) -> None:
        self._settings = settings
        self._slack = slack
        self._conversation = conversation
        self._identity = identity
        self._ours = gate.Ours(team=settings.team or identity.team, app=identity.app)
        self._spawn = spawn
        self._patience = patience or Patience()
        self._socket: AsyncSocketModeHandler | None = None
        self._draining = False
        self._mention = re.compile(rf"<@{re.escape(identity.user)}(\|[^<>]*)?>")
        self._bolt = self._build()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer an HTTP request, if it is Slack's."""
        body = (await request.read()).decode(errors="replace")
        signature = request.headers.get("X-Slack-Signature", "")
        # Bolt would take apart what nobody signed, and stumble over what is no JSON.
        if not self._is_signed(body, request):
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        try:
            given = gate.fields(body, request.content_type)
            fit = gate.request(given, delivery=signature)
        except gate.Unfit as unfit:
            log.warning("slack.unfit", extra=facts(why=str(unfit)))
            return web.Response(status=unfit.status, text=f"This is {unfit}.")
        # Nobody signs headers, and to Bolt some of them mean something.
        asked = AsyncBoltRequest(body=fit, headers={"content-type": gate.JSON})
        return await to_aiohttp_response(await self._bolt.async_dispatch(asked))

    async def problem(self) -> str | None:
        """Say why Slack's requests can't reach us, or None."""
        if self._settings.app_token is None:
            return None
        if self._socket is None or not await self._socket.client.is_connected():
            return NO_SOCKET
        return None

    def drain(self) -> None:
        """Take no more requests over HTTP; Slack brings again what can be brought again.

        What a socket brings is answered until it is closed: it comes once.
        """
        self._draining = self._settings.app_token is None

    async def run_socket(self, app_token: str) -> None:
        """Answer the same requests over Socket Mode, until cancelled."""
        while True:
            self._socket = handler = _Socket(
                self._bolt,
                app_token,
                web_client=self._slack.client_with(app_token),
                ping_interval=self._patience.socket,
            )
            try:
                await self._until_lost(handler)
            finally:
                await handler.close_async()
            log.warning("socket.rebuilt")

    async def _until_lost(self, handler: AsyncSocketModeHandler) -> None:
        """Return when the socket is down and the library doesn't mend it."""
        async with asyncio.TaskGroup() as group:
            # It returns only when connected, which with a wrong token is never.
            connecting = group.create_task(handler.connect_async())  # type: ignore[no-untyped-call] # Bolt's own
            lost = 0
            while lost < MOST_LOOKS_AT_A_LOST_SOCKET:
                await asyncio.sleep(self._patience.socket)
                lost = 0 if await handler.client.is_connected() else lost + 1
            connecting.cancel()

    def _is_signed(self, body: str, request: web.Request) -> bool:
        secret = self._settings.signing_secret
        return secret is not None and is_signed(
            body,
            secret=secret.reveal(),
            timestamp=request.headers.get("X-Slack-Request-Timestamp", ""),
            signature=request.headers.get("X-Slack-Signature", ""),
        )

    def _build(self) -> AsyncApp:
        # Bolt warns that it finds a token in the environment as well, and of every small talk.
        quiet = logging.getLogger("slack_bolt")
        quiet.setLevel(logging.ERROR)
        bolt = AsyncApp(
            logger=quiet,
            client=self._slack.client,
            authorize=_authorizing(self._identity, self._settings.bot_token.reveal()),
            signing_secret="not Bolt's to know",  # noqa: S106 - verified before Bolt is asked
            request_verification_enabled=False,
            # What Bolt acknowledges before it is committed would be lost with the process.
            process_before_response=True,
            raise_error_for_unhandled_request=False,
        )
        bolt.use(self._our_workspace_only)
        bolt.command("/ev")(self._command)
        bolt.action(_ACTIONS)(self._button)
        bolt.event("message")(self._message)
        bolt.event("app_mention")(self._mentioned)
        bolt.event("app_home_opened")(_nothing)
        bolt.error(_failed)
        return bolt

    async def _our_workspace_only(
        self, body: Body, respond: AsyncRespond, next_: Callable[[], Awaitable[BoltResponse]]
    ) -> BoltResponse:
        if self._draining:
            return BoltResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
        why = gate.stranger(body, self._ours)
        if why is None:
            return await next_()
        log.warning("slack.stranger", extra=facts(why=why))
        if why == gate.PERSON and "actions" in body:
            self._spawn(self._respond(respond, Answer(message=messages.from_elsewhere())))
            return BoltResponse(status=HTTPStatus.OK)
        if "event" in body:
            # Slack brings again what fails, and brings nothing more where most things fail.
            return BoltResponse(status=HTTPStatus.OK)
        return BoltResponse(status=HTTPStatus.FORBIDDEN, body="This app serves another workspace.")

    async def _command(self, ack: AsyncAck, body: Body) -> BoltResponse:
        in_room = body.get("channel_id") == self._settings.channel
        text = _plain(str(body.get("text") or ""))
        asker = Asker(driver=str(body["user_id"]), in_room=in_room)
        key = _key("trigger", body.get("trigger_id"))
        answering = self._spawn(self._conversation.said(text, asker, via="/ev", key=key))
        answer = await self._conversation.in_time(answering, text)
        if answer.message is None:
            return await ack()
        shown = "in_channel" if answer.public and in_room else "ephemeral"
        return await ack(**answer.message.content, response_type=shown)

    async def _button(self, ack: AsyncAck, body: Body, respond: AsyncRespond) -> BoltResponse:
        action = (body.get("actions") or [{}])[0]
        name = str(action.get("action_id", ""))
        # What a button answers is for the presser alone, so the room hears the rest elsewhere.
        asker = Asker(driver=str(body["user"]["id"]), in_room=False)
        key = _key("trigger", body.get("trigger_id"))
        pressing = self._conversation.pressed(name, _value(action), asker, key=key)
        answering = self._spawn(pressing)
        first = await self._conversation.in_time(answering, label_of(name))
        self._spawn(self._tell_presser(first, answering, respond))
        return await ack()

    async def _tell_presser(
        self, first: Answer, answering: "asyncio.Task[Answer]", respond: AsyncRespond
    ) -> None:
        """Tell what came of it; and before that, that it is not known yet, if it takes long."""
        await self._respond(respond, first)
        answer = await answering
        if answer is not first:
            await self._respond(respond, answer)

    async def _respond(self, respond: AsyncRespond, answer: Answer) -> None:
        if answer.message is None or answer.repeated:
            return
        try:
            with unit("answer", origin=answer.origin):
                await self._respond_with(answer.message, respond)
                log.info("answer.given")
        except Exception:
            # A fault of ours in one answer must not end the work on all the others.
            log.exception("answer.failed")

    async def _respond_with(self, message: Message, respond: AsyncRespond) -> None:
        for failures in range(1, MOST_TRIES + 1):
            why = await _responded(respond, message)
            if why is None:
                return
            log.warning("reply.waits", extra=facts(why=why, failures=failures))
            await asyncio.sleep(self._patience.retry(failures, most=LONGEST_PAUSE_SECONDS))

    async def _message(self, event: Body) -> BoltResponse | None:
        if _is_not_said_by_a_person(event):
            return None
        if event.get("channel_type") == "im":
            return await self._heard(event, self._lines(event) or [self._text(event)])
        if event.get("channel") == self._settings.channel:
            return await self._heard(event, self._lines(event))
        return None

    async def _mentioned(self, event: Body) -> BoltResponse | None:
        if _is_not_said_by_a_person(event):
            return None
        return await self._heard(event, self._lines(event) or [self._text(event)])

    async def _heard(self, event: Body, lines: list[str]) -> BoltResponse | None:
        """Acknowledge what was said once it has had its consequences; else Slack brings it again.

        What was begun goes on, and counts once however often it is brought.
        """
        heard = asyncio.Event()
        self._spawn(self._say(event, lines, heard))
        try:
            async with asyncio.timeout(self._patience.answer):
                await heard.wait()
        except TimeoutError:
            return BoltResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
        return None

    def _text(self, event: Body) -> str:
        return self._mention.sub(" ", str(event.get("text") or ""))

    def _lines(self, event: Body) -> list[str]:
        """Answer the lines that count wherever they are said.

        They are the same, and in the same place, whichever kind of event brings them.
        """
        return [line for line in self._text(event).splitlines() if _IN_ROOM.match(line)][
            :MOST_LINES
        ]

    async def _say(self, event: Body, lines: list[str], heard: asyncio.Event) -> None:
        try:
            answers = [await self._answer(event, place, line) for place, line in enumerate(lines)]
            heard.set()
            for asker, answer in answers:
                await self._reply(event, asker, answer)
        except Exception:
            # A fault of ours in one answer must not end the work on all the others.
            log.exception("message.failed")

    async def _answer(self, event: Body, place: int, line: str) -> tuple[Asker, Answer]:
        # The answer to a message doesn't ride on it: what is for the room is said by the relay.
        asker = Asker(driver=str(event["user"]), in_room=False)
        # A message that mentions us arrives as two kinds of event and counts once.
        key = _key("message", f"{event.get('channel')}:{event.get('ts')}:{place}")
        return asker, await self._conversation.said(_plain(line), asker, via="message", key=key)

    async def _reply(self, event: Body, asker: Asker, answer: Answer) -> None:
        if answer.message is None or answer.repeated or self._is_for_the_room(event, answer):
            return
        with unit("answer", origin=answer.origin):
            await self._reply_with(answer.message, event, asker)
            log.info("answer.given")

    async def _reply_with(self, message: Message, event: Body, asker: Asker) -> None:
        for failures in range(1, MOST_TRIES + 1):
            try:
                await self._put(event, asker, message)
            except SlackUnavailable as error:
                log.warning("reply.waits", extra=facts(why=str(error), failures=failures))
                pause = self._patience.retry(failures, most=LONGEST_PAUSE_SECONDS)
                await asyncio.sleep(pause if error.retry_after is None else error.retry_after)
            except SlackError as error:
                log.warning("reply.lost", extra=facts(why=str(error)))
                return
            else:
                return

    def _is_for_the_room(self, event: Body, answer: Answer) -> bool:
        return answer.public and event.get("channel") == self._settings.channel

    async def _put(self, event: Body, asker: Asker, message: Message) -> None:
        channel = str(event["channel"])
        if event.get("channel_type") == "im":
            await self._slack.post(channel, message, thread=event.get("thread_ts"))
        else:
            await self._slack.whisper(channel, asker.driver, message)


class _Socket(AsyncSocketModeHandler):
    """Brings what is fit through the gate, and acknowledges the rest: it would only come again."""

    async def handle(self, client: Any, req: Any) -> None:  # noqa: ANN401 - values of slack_sdk's
        try:
            fit = gate.request(req.payload, delivery=req.envelope_id)
        except gate.Unfit as unfit:
            log.warning("slack.unfit", extra=facts(why=str(unfit)))
            await send_async_response(client, req, BoltResponse(status=HTTPStatus.OK), 0.0)
        else:
            req.payload = msgspec.json.decode(fit)
            await super().handle(client, req)

    async def close_async(self) -> None:
        try:
            await super().close_async()  # type: ignore[no-untyped-call] # Bolt's own
        finally:
            # Slack may never say good-bye, and whoever waits for that is cancelled at a stop.
            await self.client.aiohttp_client_session.close()


async def _responded(respond: AsyncRespond, message: Message) -> str | None:
    """Answer where a request came from; say why that failed, without the address: it is secret."""
    url = respond.response_url or ""
    with call("Slack", "response_url", url=url) as asking:
        try:
            said = await respond(
                **message.content, response_type="ephemeral", replace_original=False
            )
        except NO_ANSWER as error:
            asking.fail(error)
            return type(error).__name__
        asking.answered(said.status_code)
    return None if said.status_code == HTTPStatus.OK else f"HTTP {said.status_code}"


def _value(action: Body) -> str:
    """Answer what a button stands for, or what was picked from a menu."""
    return str((action.get("selected_option") or action).get("value", ""))


def _authorizing(identity: Identity, token: str) -> Callable[..., Awaitable[AuthorizeResult]]:
    # Bolt passes arguments by the names that it finds, so a method won't do.
    async def authorize(team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id=team_id, bot_user_id=identity.user, bot_token=token
        )

    return authorize


def _is_not_said_by_a_person(event: Body) -> bool:
    is_news = event.get("subtype") not in _SAID
    return bool(event.get("bot_id") or is_news or not event.get("user"))


def _plain(text: str) -> str:
    """Answer what was typed, without Slack's escapes."""
    for escaped, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(escaped, character)
    return text


def _key(kind: str, value: object) -> str | None:
    return f"{kind}:{value}"[:200] if value else None


async def _nothing() -> None:
    """Take note of nothing."""


async def _failed(error: Exception) -> None:
    log.error("slack.request_failed", exc_info=error)
