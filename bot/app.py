"""Slack's requests: slash commands, buttons, messages and mentions, over HTTP or Socket Mode.

The only importer of Bolt. Listeners take a request apart and hand it to the conversation; what
it means is decided elsewhere.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse

from bot.conversation import Answer, Conversation, Spawn, in_time
from bot.errors import SlackError
from bot.events import Asker
from bot.log import facts
from bot.messages import Message
from bot.settings import SlackSettings
from bot.slack import Identity, Slack

log = logging.getLogger(__name__)

Body = dict[str, Any]

_IN_ROOM = re.compile(r"\s*ev\s", re.IGNORECASE)
_ACTIONS = re.compile(r"[a-z_]{1,40}\.[a-z_]{1,40}")
MOST_LINES = 5


class SlackApp:
    """Bolt, listening for one bot in one workspace."""

    def __init__(
        self,
        settings: SlackSettings,
        slack: Slack,
        conversation: Conversation,
        identity: Identity,
        spawn: Spawn,
    ) -> None:
        self._settings = settings
        self._slack = slack
        self._conversation = conversation
        self._identity = identity
        self._spawn = spawn
        self._mention = re.compile(rf"<@{re.escape(identity.user)}(\|[^>]*)?>")
        self._bolt = self._build()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer an HTTP request of Slack's."""
        response = await self._bolt.async_dispatch(await to_bolt_request(request))
        return await to_aiohttp_response(response)

    async def run_socket(self, app_token: str) -> None:
        """Answer the same requests over Socket Mode, until cancelled."""
        handler = AsyncSocketModeHandler(
            self._bolt, app_token, web_client=self._slack.client_with(app_token)
        )
        try:
            await handler.connect_async()  # type: ignore[no-untyped-call] # Bolt's own
            await asyncio.Event().wait()
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call] # Bolt's own

    def _build(self) -> AsyncApp:
        secret = self._settings.signing_secret
        # Bolt warns that it finds a token in the environment as well, and of every small talk.
        quiet = logging.getLogger("slack_bolt")
        quiet.setLevel(logging.ERROR)
        bolt = AsyncApp(
            logger=quiet,
            client=self._slack.client,
            authorize=_authorizing(self._identity, self._settings.bot_token.reveal()),
            signing_secret=secret.reveal() if secret else "socket mode verifies its connection",
            request_verification_enabled=secret is not None,
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
        self, body: Body, next_: Callable[[], Awaitable[BoltResponse]]
    ) -> BoltResponse:
        team = body.get("team_id") or (body.get("team") or {}).get("id")
        if team == (self._settings.team or self._identity.team):
            return await next_()
        log.warning("slack.stranger", extra=facts(team=str(team)[:20]))
        return BoltResponse(status=403, body="This app serves another workspace.")

    async def _command(self, ack: AsyncAck, body: Body) -> None:
        in_room = body.get("channel_id") == self._settings.channel
        text = str(body.get("text") or "")
        asker = Asker(driver=str(body["user_id"]), in_room=in_room)
        key = _key("trigger", body.get("trigger_id"))
        answering = self._spawn(self._conversation.said(text, asker, via="/ev", key=key))
        answer = await in_time(answering, text)
        public = answer.public and in_room
        if answer.message is None:
            await ack()
            return
        await ack(**_body(answer.message), response_type="in_channel" if public else "ephemeral")

    async def _button(self, ack: AsyncAck, body: Body, respond: AsyncRespond) -> None:
        await ack()
        action = (body.get("actions") or [{}])[0]
        channel = (body.get("channel") or {}).get("id")
        asker = Asker(driver=str(body["user"]["id"]), in_room=channel == self._settings.channel)
        answer = await self._spawn(
            self._conversation.pressed(
                str(action.get("action_id", "")),
                str(action.get("value", "")),
                asker,
                key=_key("trigger", body.get("trigger_id")),
            )
        )
        if answer.message is not None:
            await respond(
                **_body(answer.message), response_type="ephemeral", replace_original=False
            )

    async def _message(self, event: Body) -> None:
        if _is_not_said_by_a_person(event):
            return
        text = str(event.get("text") or "")
        if event.get("channel_type") == "im":
            await self._say(event, [self._mention.sub(" ", text)])
        elif event.get("channel") == self._settings.channel:
            lines = [line for line in text.splitlines() if _IN_ROOM.match(line)]
            await self._say(event, lines[:MOST_LINES])

    async def _mentioned(self, event: Body) -> None:
        if not _is_not_said_by_a_person(event):
            await self._say(event, [self._mention.sub(" ", str(event.get("text") or ""))])

    async def _say(self, event: Body, lines: list[str]) -> None:
        channel, user = str(event.get("channel")), str(event["user"])
        asker = Asker(driver=user, in_room=channel == self._settings.channel)
        for place, line in enumerate(lines):
            # A message that mentions us arrives as two kinds of event and counts once.
            key = _key("message", f"{channel}:{event.get('ts')}:{place}")
            said = self._conversation.said(_plain(line), asker, via="message", key=key)
            answer = await self._spawn(said)
            if not answer.repeated:
                await self._reply(event, asker, answer)

    async def _reply(self, event: Body, asker: Asker, answer: Answer) -> None:
        if answer.message is None:
            return
        channel = str(event["channel"])
        try:
            if event.get("channel_type") == "im" or (answer.public and asker.in_room):
                await self._slack.post(channel, answer.message, thread=event.get("thread_ts"))
            else:
                await self._slack.whisper(channel, asker.driver, answer.message)
        except SlackError as error:
            log.warning("reply.lost", extra=facts(why=str(error)))


def _authorizing(identity: Identity, token: str) -> Callable[..., Awaitable[AuthorizeResult]]:
    # Bolt passes arguments by the names that it finds, so a method won't do.
    async def authorize(team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id=team_id, bot_user_id=identity.user, bot_token=token
        )

    return authorize


def _is_not_said_by_a_person(event: Body) -> bool:
    return bool(event.get("bot_id") or event.get("subtype") or not event.get("user"))


def _plain(text: str) -> str:
    """Answer what was typed, without Slack's escapes."""
    for escaped, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(escaped, character)
    return text


def _key(kind: str, value: object) -> str | None:
    return f"{kind}:{value}"[:200] if value else None


def _body(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}


async def _nothing() -> None:
    """Take note of nothing."""


async def _failed(error: Exception) -> None:
    log.error("slack.request_failed", exc_info=error)
