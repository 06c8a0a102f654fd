"""The simulated workspace as a whole: serves the bot, and lets people speak, command and press.

async with SimulatedSlack(clock=clock) as slack:
    slack.bot_url = "http://127.0.0.1:8000/slack/events"
    await slack.command("U0ADA", "add")
"""

import time
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from msgspec.structs import replace

from playground.people import OFFICE, Person
from playground.slack import payloads
from playground.slack.answers import respond, show_answer
from playground.slack.arguments import arguments_of
from playground.slack.deliveries import Carrier, Http, deliver_event
from playground.slack.errands import Errands
from playground.slack.errors import ApiError, DeliveryFailed
from playground.slack.methods import Backend
from playground.slack.mrkdwn import mentioned, typed
from playground.slack.options import Options
from playground.slack.presses import Press, pressed, surface
from playground.slack.sockets import Sockets
from playground.slack.triggers import ResponseUrl, ResponseUrls
from playground.slack.web_api import WebApi
from playground.slack.workspace import (
    BOT_NAME,
    BOT_USER,
    ROOM,
    TEAM,
    Change,
    Content,
    Deleted,
    Edited,
    Message,
    Posted,
    Workspace,
)

Json = dict[str, Any]
_BOT = Person(slack_id=BOT_USER, name=BOT_NAME, chargepoint_user="")


class SimulatedSlack:
    """One workspace on loopback.

    `bot_url` is where the bot takes requests, unless Socket Mode is on. `clock` gives every
    message its time; `signs_at` the moment on signatures, which a bot compares with its own.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        people: tuple[Person, ...] = OFFICE,
        options: Options | None = None,
        port: int = 0,
        signs_at: Callable[[], float] = time.time,
    ) -> None:
        self.options = options or Options()
        self.workspace = Workspace(people, clock=clock)
        self.sockets = Sockets(self.workspace, self.options)
        self.http = Http(self.options, signs_at)
        self.backend = Backend(self.workspace, self.options, self._socket_url)
        self.web_api = WebApi(self.backend)
        self._response_urls = ResponseUrls(clock)
        self._errands = Errands(self.workspace.touch)
        self._port = port
        self._runner: web.AppRunner | None = None
        self.workspace.listen(self._told)

    async def __aenter__(self) -> Self:
        await self._errands.__aenter__()
        self._runner = web.AppRunner(
            self._routes(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._errands.__aexit__(kind, error, trace)
        await self.sockets.drop()
        if self._runner is not None:
            await self._runner.cleanup()
        await self.http.close()

    @property
    def api_url(self) -> str:
        """The base URL of the Web API."""
        return f"{self._origin}/api/"

    @property
    def bot_url(self) -> str | None:
        """Where the bot takes signed requests."""
        return self.http.url

    @bot_url.setter
    def bot_url(self, url: str | None) -> None:
        self.http.url = url

    def set_up(self, **changed: Any) -> None:  # noqa: ANN401 - each as in Options
        """Let an administrator set the app up anew, with these options instead."""
        self.options = self.backend.options = replace(self.options, **changed)

    # What people do

    def say(self, user: str, text: str, channel: str = ROOM) -> Message:
        """Let a person say something; the bot hears of it in its own time."""
        wire = typed(text, (*self.workspace.people, _BOT), labels=False)
        person, where = self.workspace.place(user, channel)
        return self.workspace.post(
            Message(ts="", channel=where.id, user=person.slack_id, content=Content(text=wire))
        )

    async def command(self, user: str, text: str = "", channel: str = ROOM) -> Message | None:
        """Let a person type `/ev text`, and answer what they were shown at once, if anything."""
        person, where = self.workspace.place(user, channel)
        wire = typed(text, self.workspace.people, labels=True)
        url = self._response_urls.issue(user, channel, prompt=f"/ev {text}".strip())
        payload = payloads.command(person, where, wire, self.backend.triggers.issue())
        payload["response_url"] = self._response_url(url)
        return await self._ask("slash_commands", payload, url)

    async def press(self, user: str, press: Press) -> Message | None:
        """Let a person press a button, and answer the complaint that they see, if any."""
        person, on = self.workspace.person(user), surface(self.workspace, user, press.on)
        element, block = pressed(on.blocks, press)
        action = payloads.action(element, block, self.workspace.next_ts(), press.choice)
        url = self._response_urls.issue(user, on.channel, source=on.ts)
        payload = {**payloads.press(person, self.backend.triggers.issue(), action), **on.told}
        if on.ts:
            payload["response_url"] = self._response_url(url)
        return await self._ask("interactive", payload, url)

    def open_home(self, user: str, tab: str = "home") -> None:
        """Let a person look at the bot's Home tab, or at its `messages` tab."""
        home, at = self.workspace.homes.get(user), self.workspace.next_ts()
        self._send_event(payloads.home_opened(self.workspace.person(user).slack_id, tab, home, at))

    async def settled(self) -> None:
        """Wait until nothing is on its way to the bot, redeliveries included."""
        while self._errands.under_way:
            await self.workspace.changed()

    # What the bot is told

    @property
    def _carrier(self) -> Carrier:
        return self.sockets if self.options.socket_mode else self.http

    async def _ask(self, kind: str, payload: Json, asked: ResponseUrl) -> Message | None:
        try:
            answer = await self._carrier.carry(kind, payload)
            return show_answer(self.workspace, answer, asked) if asked.prompt else None
        except DeliveryFailed as error:
            return self._complain(asked, error.shown)
        except ApiError as error:
            self.web_api.note(f"answer to {asked.prompt}", payload, error)
            return self._complain(asked, "invalid_command_response")

    def _complain(self, asked: ResponseUrl, error: str) -> Message:
        what = asked.prompt.split()[0] if asked.prompt else "That button"
        text = f'{what} failed with the error "{error}"'
        return self.workspace.post(
            Message(
                ts="",
                channel=asked.channel,
                user="USLACKBOT",
                content=Content(text=text),
                only=asked.user,
            )
        )

    def _told(self, change: Change) -> None:
        scope = f"{'channels' if change.message.channel == ROOM else 'im'}:history"
        if change.message.only is None and scope in self.options.scopes:
            self._send_event(self._message_event(change))
        if _calls_the_bot(change) and "app_mentions:read" in self.options.scopes:
            self._send_event(payloads.mention(change.message))

    def _message_event(self, change: Change) -> Json:
        match change:
            case Posted():
                return payloads.posted(change)
            case Edited():
                return payloads.edited(change)
            case Deleted():
                return payloads.deleted(change, self.workspace.next_ts())

    def _send_event(self, inner: Json) -> None:
        event = payloads.event(inner)
        for _ in range(self.options.copies):
            self._errands.run(self._bring(event))

    async def _bring(self, event: Json) -> None:
        await deliver_event(self._carrier, event, self.options.retry_delays)

    # What is served

    def _routes(self) -> web.Application:
        app = web.Application(client_max_size=2**20)
        app.router.add_route("GET", "/api/{method}", self.web_api.serve)
        app.router.add_route("POST", "/api/{method}", self.web_api.serve)
        app.router.add_get("/link", self.sockets.serve)
        app.router.add_post("/commands/{team}/{token}", self._respond)
        return app

    async def _respond(self, request: web.Request) -> web.Response:
        given: Json = {}
        stumbled = await self.web_api.stumble("response_url", request)
        if stumbled is not None:
            return stumbled
        try:
            url = self._response_urls.use(request.match_info["token"])
            given = (await arguments_of(request)).given
            respond(self.workspace, given, url)
        except ApiError as error:
            self.web_api.note("response_url", given, error)
            status = 404 if error.error.endswith("_url") else 400
            return web.json_response({"ok": False, "error": error.error}, status=status)
        return web.Response(text="ok")

    @property
    def _origin(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _socket_url(self) -> str:
        return f"ws://127.0.0.1:{self._port}/link?ticket={self.sockets.ticket()}"

    def _response_url(self, url: ResponseUrl) -> str:
        return f"{self._origin}/commands/{TEAM}/{url.token}"


def _calls_the_bot(change: Change) -> bool:
    new = isinstance(change, Posted) and not change.message.by_bot
    room = change.message.channel == ROOM
    return new and room and BOT_USER in mentioned(change.message.text)
