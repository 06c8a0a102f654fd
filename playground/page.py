"""The playground's page: the chat, the garage, and a live connection that shows every change.

It listens to this machine only: requests by any other name, or sent by another site's page, are
refused. The page gets plain values and builds what it shows from text alone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal
from weakref import WeakSet

import msgspec
from aiohttp import web
from msgspec import Struct
from yarl import URL

from playground.garage import Garage, GarageError, GaragePort
from playground.people import Person
from playground.slack.errors import SimulatedSlackError
from playground.slack.presses import Press
from playground.slack.rendering import names_of, parts, shown
from playground.slack.simulation import SimulatedSlack
from playground.slack.workspace import BOT_NAME, ROOM, ROOM_NAME, dm_of

Json = dict[str, Any]
_FILES = Path(__file__).parent / "page"
_PAGE = {"/": "index.html", **{f"/{n}": n for n in ("page.js", "style.css", "icon.svg")}}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_TEXT = 4000
_MESSAGES = 200
_SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Send(Struct, forbid_unknown_fields=True):
    """Somebody pressed Enter: `/ev …` is a command, anything else a message."""

    person: str
    channel: str
    text: str


class Pressed(Struct, forbid_unknown_fields=True):
    """Somebody pressed a button or picked from a menu."""

    person: str
    on: str
    action: str
    block: str | None = None
    value: str | None = None
    choice: str | None = None


class Look(Struct, forbid_unknown_fields=True):
    """Somebody is looking at a conversation."""

    person: str
    channel: str


class Open(Struct, forbid_unknown_fields=True):
    """Somebody opened the bot's Home tab, or their direct messages with it."""

    person: str
    tab: Literal["home", "messages"]


class PlugIn(Struct, forbid_unknown_fields=True):
    """Somebody plugs a car in; without a user it is a guest's."""

    station: str
    number: str
    user: str | None = None


class PlugOut(Struct, forbid_unknown_fields=True):
    """Somebody unplugs the car that is there."""

    station: str
    number: str


class Refused(Exception):
    """What the page asked can't be done; the text is for the person at the page."""


def page_app(slack: SimulatedSlack, garage: Garage, *, notes: tuple[str, ...]) -> web.Application:
    """Build the page of one office; `notes` are lines on what runs faster than in real life."""
    page = _Page(slack, garage, notes)
    app = web.Application(middlewares=[_only_this_machine], client_max_size=2**16)
    for path in _PAGE:
        app.router.add_get(path, _file)
    app.router.add_get("/live", page.live)
    app.router.add_post("/do/{deed}", page.do)
    app.on_shutdown.append(page.close)
    return app


class _Page:
    def __init__(self, slack: SimulatedSlack, garage: Garage, notes: tuple[str, ...]) -> None:
        self._slack = slack
        self._garage = garage
        self._notes = notes
        self._live: WeakSet[web.WebSocketResponse] = WeakSet()
        self._deeds: dict[str, tuple[type[Struct], Callable[[Any], Awaitable[None]]]] = {
            "send": (Send, self._send),
            "press": (Pressed, self._press),
            "look": (Look, self._look),
            "open": (Open, self._open),
            "plug-in": (PlugIn, self._plug_in),
            "plug-out": (PlugOut, self._plug_out),
        }
        garage.listen(lambda _event: slack.workspace.touch())

    # The live connection

    async def live(self, request: web.Request) -> web.StreamResponse:
        try:
            people = self._slack.workspace.people
            person = self._slack.workspace.person(request.query.get("person", people[0].slack_id))
        except SimulatedSlackError:
            return web.Response(status=404)
        socket = web.WebSocketResponse(heartbeat=20)
        await socket.prepare(request)
        self._live.add(socket)
        async with asyncio.TaskGroup() as group:
            pushing = group.create_task(self._push(socket, person))
            async for _ in socket:
                pass
            pushing.cancel()
        return socket

    async def close(self, _app: web.Application) -> None:
        for socket in [*self._live]:
            await socket.close()

    async def _push(self, socket: web.WebSocketResponse, person: Person) -> None:
        workspace, last = self._slack.workspace, None
        with suppress(ConnectionError):
            while True:
                seen, state = workspace.version, self._state(person)
                if state != last:
                    await socket.send_json({**state, "now": workspace.clock().timestamp()})
                    last = state
                if workspace.version == seen:
                    await workspace.changed()

    # What the page is told

    def _state(self, me: Person) -> Json:
        workspace = self._slack.workspace
        names = names_of({person.slack_id: person.name for person in workspace.people})
        home = workspace.homes.get(me.slack_id)
        return {
            "me": me.slack_id,
            "people": [self._person(person) for person in workspace.people],
            "conversations": [
                self._conversation(me, ROOM, f"# {ROOM_NAME}", names),
                self._conversation(me, dm_of(me.slack_id), BOT_NAME, names),
            ],
            "home": home and {"id": home.id, "parts": [*parts(tuple(home.view["blocks"]), names)]},
            "garage": [self._port(port) for port in self._garage.ports],
            "notes": self._notes,
        }

    def _person(self, person: Person) -> Json:
        workspace, user = self._slack.workspace, person.slack_id
        return {
            "id": user,
            "name": person.name,
            "chargepoint": person.chargepoint_user,
            "admin": person.is_admin,
            "unread": sum(workspace.unread(user, each) for each in (ROOM, dm_of(user))),
        }

    def _conversation(self, me: Person, channel: str, name: str, names: dict[str, str]) -> Json:
        workspace = self._slack.workspace
        said = workspace.seen_by(me.slack_id, channel)[-_MESSAGES:]
        return {
            "id": channel,
            "name": name,
            "unread": workspace.unread(me.slack_id, channel),
            "messages": [shown(message, names) for message in said],
        }

    def _port(self, port: GaragePort) -> Json:
        names = {person.chargepoint_user: person.name for person in self._slack.workspace.people}
        car = port.car
        return {
            "station": port.station,
            "number": port.number,
            "name": port.name,
            "status": port.status,
            "car": car
            and {
                "driver": names.get(car.user or "", "A guest"),
                "user": car.user,
                "since": car.since.timestamp(),
            },
        }

    # What the page does

    async def do(self, request: web.Request) -> web.Response:
        kind, deed = self._deeds.get(request.match_info["deed"], (None, None))
        if kind is None or deed is None:
            return _problem(404, "The page asked for something unknown. Reload it.")
        if request.content_type != "application/json":
            return _problem(415, "The page must speak JSON.")
        try:
            await deed(msgspec.json.decode(await request.read(), type=kind))
        except msgspec.MsgspecError:
            return _problem(400, "The page sent something odd. Reload it.")
        except (Refused, GarageError, SimulatedSlackError) as error:
            # No mistake of the page's, so no error of HTTP's that a console would complain of.
            return _problem(200, _sentence(str(error)))
        return web.json_response({"ok": True})

    async def _send(self, sent: Send) -> None:
        text = sent.text.strip()
        if not text or len(text) > _TEXT:
            raise Refused(f"a message has between 1 and {_TEXT} characters")
        if not text.startswith("/"):
            self._slack.say(sent.person, text, sent.channel)
            return
        word, _, rest = text.partition(" ")
        if word.lower() != "/ev":
            raise Refused(f"{word} is not a command here; try /ev help")
        await self._slack.command(sent.person, rest.strip(), sent.channel)

    async def _press(self, pressed: Pressed) -> None:
        press = Press(
            on=pressed.on,
            action=pressed.action,
            block=pressed.block,
            value=pressed.value,
            choice=pressed.choice,
        )
        await self._slack.press(pressed.person, press)

    async def _look(self, look: Look) -> None:
        self._slack.workspace.place(look.person, look.channel)
        self._slack.workspace.read(look.person, look.channel)

    async def _open(self, opened: Open) -> None:
        self._slack.open_home(opened.person, opened.tab)

    async def _plug_in(self, plug: PlugIn) -> None:
        known = {person.chargepoint_user for person in self._slack.workspace.people}
        if plug.user is not None and plug.user not in known:
            raise Refused("nobody here has that ChargePoint ID")
        self._garage.plug_in(plug.station, plug.number, user=plug.user)

    async def _plug_out(self, plug: PlugOut) -> None:
        self._garage.plug_out(plug.station, plug.number)


@web.middleware
async def _only_this_machine(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    # A page elsewhere can make a browser send requests here, and can even give this machine a
    # name of its own; neither can fake Host and Origin.
    if not _is_loopback(request.host):
        return _problem(421, "This page is only for the machine that it runs on.")
    if _acts(request) and request.headers.get("Origin") != f"http://{request.host}":
        return _problem(403, "This page takes no orders from other pages.")
    return await handler(request)


def _is_loopback(host: str) -> bool:
    try:
        return URL(f"http://{host}").host in _LOOPBACK
    except ValueError:
        return False


def _acts(request: web.Request) -> bool:
    return request.method != "GET" or request.path == "/live"


async def _file(request: web.Request) -> web.FileResponse:
    return web.FileResponse(_FILES / _PAGE[request.path], headers=_SECURITY)


def _problem(status: int, words: str) -> web.Response:
    return web.json_response({"problem": words}, status=status)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
