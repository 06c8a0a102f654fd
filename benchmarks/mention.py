"""`make bench-mention`: how long it takes from a car that leaves to the mention of who is next.

The bodies that were recorded from the real network, with invented IDs and the times of now, go
through a real XMPP server to the real bot: a process of its own, with its queue in a file. Each
measure is from the moment that the first stanza is handed to the XMPP client until the post has
arrived at Slack, which is simulated. Everything is on this machine, so what the internet adds is
not in it.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from playground.garage import FOUR_PORTS, Garage
from playground.network import SimulatedChargePoint
from playground.people import OFFICE
from playground.settings import API_KEY, API_PASSWORD, STATION_GROUP, Times, environment
from playground.slack.simulation import SimulatedSlack
from playground.slack.workspace import ROOM, Change, Posted
from tests.bot.process import started
from tests.chargepoint.account import PASSWORD
from tests.chargepoint.fixtures import recorded, saying
from tests.chargepoint.link import LOOPBACK
from tests.chargepoint.prosody import is_installed, prosody
from tests.chargepoint.streams import (
    ACCOUNTS,
    BOT,
    FEED,
    ProsodyStream,
    SmallStream,
    prosody_stream,
    small_stream,
)

PLUG_OUTS = 50
TARGET_MS = 1000
PATIENCE_SECONDS = 15
DRIVERS = OFFICE[:2]
PORT = FOUR_PORTS[0]
AS_IN_AN_OFFICE = Times(
    offer=10,
    accepted_offer=15,
    suspension=30,
    idle_reminder=10,
    charging_limit=150,
    nag_repeat=30,
)


class Bench:
    """One port and two drivers: whoever unplugs makes it the other's turn."""

    def __init__(
        self, slack: SimulatedSlack, garage: Garage, stream: ProsodyStream | SmallStream
    ) -> None:
        self._slack = slack
        self._garage = garage
        self._stream = stream
        self._mentioned: asyncio.Future[tuple[float, str]]
        self._awaited = ""
        slack.workspace.listen(self._on_change)

    async def measure(self, plug_outs: int) -> list[float]:
        """Answer the milliseconds from each plug-out to the mention that it led to."""
        for driver in DRIVERS:
            await self._slack.command(driver.slack_id, f"register {driver.chargepoint_user}")
        await self._slack.command(DRIVERS[1].slack_id, "add")
        return [await self._round(turn) for turn in range(plug_outs)]

    async def _round(self, turn: int) -> float:
        leaving, called = (DRIVERS[(turn + each) % 2] for each in (0, 1))
        self._awaited = called.slack_id
        self._mentioned = asyncio.get_running_loop().create_future()
        began = perf_counter()
        await self._leave()
        async with asyncio.timeout(PATIENCE_SECONDS):
            arrived, card = await self._mentioned
        await self._arrive(called.chargepoint_user, card)
        await self._slack.command(leaving.slack_id, "add")
        return (arrived - began) * 1000

    async def _leave(self) -> None:
        car = self._garage.port(PORT.station, PORT.number).car
        self._garage.plug_out(PORT.station, PORT.number)
        times = {"startTime": f"{car.since:%F %T}", "endTime": f"{_now():%F %T}"} if car else {}
        await self._say("stop.xml", sessionID=str(self._garage.sessions), **times)
        await self._say("status.xml", status="AVAILABLE")

    async def _arrive(self, user: str, card: str) -> None:
        self._garage.plug_in(PORT.station, PORT.number, user=user)
        session = {"sessionID": str(self._garage.sessions), "userID": user}
        await self._say("start.xml", startTime=f"{_now():%FT%TZ}", **session)
        await self._say("status.xml", status="INUSE")
        await self._slack.workspace.until(
            lambda chat: "plugged in" in chat.message(card).text, within=PATIENCE_SECONDS
        )

    async def _say(self, name: str, **fields: str) -> None:
        body = recorded(name)
        place = {"stationID": PORT.station, "portNumber": PORT.number}
        for field, value in (place | fields).items():
            body = saying(body, field, value)
        await self._stream.say(body)

    def _on_change(self, change: Change) -> None:
        if not isinstance(change, Posted) or not change.message.by_bot:
            return
        in_room = change.message.channel == ROOM
        if in_room and self._awaited in change.message.notifies:
            self._mentioned.set_result((perf_counter(), change.message.ts))


async def _measured(folder: Path) -> list[float]:
    garage = Garage((PORT,), clock=_now)
    garage.plug_in(PORT.station, PORT.number, user=DRIVERS[0].chargepoint_user)
    network = SimulatedChargePoint(garage, key=API_KEY, password=API_PASSWORD, group=STATION_GROUP)
    async with SimulatedSlack(clock=_now) as slack, network, _stream(folder) as stream:
        settings = {
            **environment(slack, network, port=0, store=folder / "q.db", times=AS_IN_AN_OFFICE),
            "PORT": "0",
            "CHARGEPOINT_XMPP_JID": BOT,
            "CHARGEPOINT_XMPP_PASSWORD": PASSWORD,
            "CHARGEPOINT_XMPP_HOST": LOOPBACK,
            "CHARGEPOINT_XMPP_PORT": str(stream.link.port),
            "CHARGEPOINT_XMPP_SENDERS": FEED,
        }
        async with started(settings) as bot:
            slack.bot_url = f"{await bot.ready()}/slack/events"
            return await Bench(slack, garage, stream).measure(PLUG_OUTS)


@asynccontextmanager
async def _stream(folder: Path) -> AsyncIterator[ProsodyStream | SmallStream]:
    if not is_installed():
        async with small_stream() as small:
            yield small
        return
    with prosody(folder, ACCOUNTS) as ports:
        async with prosody_stream(ports) as real:
            yield real


def _told(milliseconds: Sequence[float]) -> str:
    ordered = sorted(milliseconds)
    figures = {
        "min": ordered[0],
        "median": median(ordered),
        "p95": ordered[ceil(0.95 * len(ordered)) - 1],
        "max": ordered[-1],
    }
    return "  ".join(f"{name} {value:.0f} ms" for name, value in figures.items())


def main() -> int:
    """Measure, say the figures, and answer whether all of them are within the target."""
    server = "Prosody" if is_installed() else "the playground's server (Prosody is not installed)"
    with TemporaryDirectory() as folder:
        milliseconds = asyncio.run(_measured(Path(folder)))
    lines = (
        f"From the station's stanza to the driver's mention, {len(milliseconds)} plug-outs",
        f"through {server} to the bot with SQLite:",
        _told(milliseconds),
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return int(max(milliseconds) > TARGET_MS)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the simulated neighbours' clock


if __name__ == "__main__":
    sys.exit(main())
