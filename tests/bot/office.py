"""The bot between simulated neighbours, in one process, with a clock that can be turned."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.clock import SystemClock
from bot.duties import Duties
from bot.office import Office, OpenStore
from bot.patience import Patience
from bot.settings import Settings, read_settings
from bot.tracing import untraced
from playground.garage import FOUR_PORTS, Garage, GaragePort
from playground.network import SimulatedChargePoint
from playground.settings import API_KEY, API_PASSWORD, STATION_GROUP
from playground.slack.presses import Press
from playground.slack.simulation import SimulatedSlack
from playground.slack.workspace import ROOM, Message, dm_of
from queue_store.site import Site

ADA, GRACE, ALAN, HEDY = "U0ADA", "U0GRACE", "U0ALAN", "U0HEDY"
ADAS_CAR, GRACES_CAR, LISES_CAR = "700101", "700102", "700105"
EAST, WEST = FOUR_PORTS[0], FOUR_PORTS[2]
DEADLINE_SECONDS = 15

# A test has little time, but a busy machine must not look like a broken neighbour.
QUICK = Patience(
    outbox=0.05,
    pace=0.0,
    store=0.05,
    stream=0.0,
    reading=0.5,
    looks=0.0,
    socket=0.5,
    first_retry=0.02,
    requests=2.0,
    finish=2.0,
    flush=2.0,
)


class Clock:
    """The machine's clock, turned ahead by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return SystemClock().now() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead.total_seconds()

    def turn(self, **delta: float) -> None:
        self.ahead += timedelta(**delta)


class Neighbours:
    """A Slack, a garage with two ports, ChargePoint's view of it, and a file for the queue."""

    def __init__(
        self,
        slack: SimulatedSlack,
        garage: Garage,
        network: SimulatedChargePoint,
        store: Path,
        clock: Clock,
    ) -> None:
        self.slack = slack
        self.garage = garage
        self.network = network
        self.store = store
        self.clock = clock

    def environment(self, **changed: str) -> dict[str, str]:
        """Answer the bot's environment; whatever is not about the neighbours has its default."""
        options = self.slack.options
        return {
            "SLACK_BOT_TOKEN": options.bot_token,
            **(
                {"SLACK_APP_TOKEN": options.app_token}
                if options.socket_mode
                else {"SLACK_SIGNING_SECRET": options.signing_secret}
            ),
            "SLACK_CHANNEL": ROOM,
            "SLACK_API_URL": self.slack.api_url,
            "CHARGEPOINT_API_KEY": API_KEY,
            "CHARGEPOINT_API_PASSWORD": API_PASSWORD,
            "CHARGEPOINT_API_URL": self.network.soap_url,
            "CHARGEPOINT_STATION_GROUP": STATION_GROUP,
            "CHARGEPOINT_XMPP_HOST": self.network.xmpp_host,
            "CHARGEPOINT_XMPP_PORT": str(self.network.xmpp_port),
            "CHARGEPOINT_XMPP_TLS": "none",
            "QUEUE_STORE": f"sqlite:{self.store}",
            "SITE_TIMEZONE": "America/Los_Angeles",
            "QUIET_HOURS": "",
            "QUIET_DAYS": "",
            "PORT": "0",
            **changed,
        }

    def settings(self, **changed: str) -> Settings:
        return read_settings(self.environment(**changed))

    def leave(self, port: GaragePort = EAST) -> None:
        self.garage.plug_out(port.station, port.number)

    def plug_in(self, port: GaragePort = EAST, *, user: str | None) -> None:
        self.garage.plug_in(port.station, port.number, user=user)

    def room(self, fragment: str = "") -> list[Message]:
        """Answer what the bot said in the room for everybody, as far as it contains this."""
        return self.private(ROOM, fragment)

    def private(self, channel: str, fragment: str = "") -> list[Message]:
        """Answer what the bot said for everybody in a conversation."""
        said = self.slack.workspace.messages(channel)
        return [each for each in said if each.by_bot and fragment in each.text]

    def told(self, user: str, fragment: str = "") -> list[Message]:
        """Answer what the bot told this person alone, in private or for their eyes only."""
        whispered = [
            each
            for channel in (ROOM, dm_of(user))
            for each in self.slack.workspace.seen_by(user, channel)
            if each.by_bot and each.only == user and fragment in each.text
        ]
        return [*whispered, *self.private(dm_of(user), fragment)]

    async def hears(self, fragment: str, *, times: int = 1) -> Message:
        """Wait until the bot has said it in the room so many times; answer the last."""
        return (await self._until(lambda: self.room(fragment), times))[-1]

    async def tells(self, user: str, fragment: str, *, times: int = 1) -> Message:
        """Wait until the bot has told this person so; answer the last."""
        return (await self._until(lambda: self.told(user, fragment), times))[-1]

    async def press(self, user: str, on: Message, action: str) -> Message | None:
        return await self.slack.press(user, Press(on=on.ts, action=action))

    async def _until(self, said: Callable[[], list[Message]], times: int) -> list[Message]:
        await self.slack.workspace.until(lambda _: len(said()) >= times, within=DEADLINE_SECONDS)
        return said()


class Bot:
    """The bot at work."""

    def __init__(self, office: Office, neighbours: Neighbours, url: str) -> None:
        self.office = office
        self.neighbours = neighbours
        self.url = url
        self.told = asyncio.Event()

    @property
    def duties(self) -> Duties:
        """What it does as the leader that it is."""
        assert self.office._duties is not None
        return self.office._duties

    async def tick(self) -> None:
        await self.duties.tick()

    async def site(self) -> Site:
        # A test that looks is no work of the bot's.
        with untraced():
            return await self.office._dispatcher.site()

    async def queue(self) -> list[str]:
        return [entry.driver for entry in (await self.site()).queue]

    async def called(self) -> list[str]:
        return [offer.driver for offer in (await self.site()).offers]

    async def problems(self) -> dict[str, str]:
        return dict(await self.office._problems())

    async def get(self, path: str) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.url}{path}") as answer,
        ):
            return answer.status, await answer.text()

    async def ready(self) -> None:
        """Wait until nothing is in its way."""
        await until(self._is_ready)

    async def quiet(self) -> None:
        """Wait until everything that was said to it has had its consequences."""
        await self.neighbours.slack.settled()
        # Whatever was said before is taken up before this is answered.
        await self.neighbours.slack.command(HEDY, "status")
        await until(self._is_quiet)

    async def is_leading(self) -> bool:
        """Tell whether it does what only one instance does."""
        return self.office._leader.term is not None and self.office._duties is not None

    async def is_serving(self) -> bool:
        """Tell whether people are answered, whatever else is in its way."""
        return "slack" not in await self.problems()

    async def is_idle(self) -> bool:
        """Tell whether no request is under way."""
        return not self.office._begun

    async def _is_ready(self) -> bool:
        return not await self.problems()

    async def _is_quiet(self) -> bool:
        with untraced():
            return await self.is_idle() and not await self.office._store.outbox()


class Gate:
    """Holds up Slack's messages on their way out."""

    def __init__(self, slack: Any) -> None:  # noqa: ANN401 # any part that posts
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()
        self._post = slack.post
        slack.post = self

    def let_one_through(self) -> None:
        """Let the message go that waits, and hold up the next one."""
        self.reached.clear()
        self.opened.set()
        self.opened.clear()

    async def __call__(self, *given: object, **named: object) -> object:
        self.reached.set()
        await self.opened.wait()
        return await self._post(*given, **named)


@asynccontextmanager
async def at_work(
    neighbours: Neighbours,
    *,
    patience: Patience = QUICK,
    open_store: OpenStore | None = None,
    ready: bool = True,
    leads: bool = True,
    settings: Settings | None = None,
) -> AsyncIterator[Bot]:
    """Run the bot until the block ends; it has to stop promptly.

    It begins once the bot leads, unless another one does, and is `ready`.
    """
    office = Office(
        settings or neighbours.settings(),
        clock=neighbours.clock,
        patience=patience,
        open_store=open_store,
    )
    async with office, asyncio.TaskGroup() as group:
        url = f"http://127.0.0.1:{await office.server.start(0)}"
        neighbours.slack.bot_url = f"{url}/slack/events"
        bot = Bot(office, neighbours, url)
        running = group.create_task(office.run(bot.told))
        try:
            if leads:
                await until(bot.is_leading)
            if ready:
                await bot.ready()
            yield bot
        finally:
            bot.told.set()
            async with asyncio.timeout(DEADLINE_SECONDS):
                await asyncio.wait({running})


async def until(
    happened: Callable[[], Awaitable[object]], *, within: float = DEADLINE_SECONDS
) -> None:
    """Wait until it has happened."""
    async with asyncio.timeout(within):
        while not await happened():  # noqa: ASYNC110 - what is waited for is in other tasks' values
            await asyncio.sleep(0.005)


@asynccontextmanager
async def neighbours_of(
    store: Path, slack: SimulatedSlack, clock: Clock
) -> AsyncIterator[Neighbours]:
    """Open everything that is around the bot; two cars are on the two ports."""
    garage = Garage((EAST, WEST), clock=clock.now)
    garage.plug_in(EAST.station, EAST.number, user=None)
    garage.plug_in(WEST.station, WEST.number, user=LISES_CAR)
    network = SimulatedChargePoint(garage, key=API_KEY, password=API_PASSWORD, group=STATION_GROUP)
    async with slack, network:
        yield Neighbours(slack, garage, network, store, clock)


def logged(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    """Answer the facts of every such event that was logged."""
    return [
        vars(record).get("facts", {}) for record in caplog.records if record.getMessage() == event
    ]
