"""Days on end of one office: people and cars as they please, and bad weather now and then."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from math import ceil
from pathlib import Path
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from playground.garage import Garage
from playground.month.people import ZONE, Rates, visits
from playground.network import SimulatedChargePoint
from playground.settings import API_KEY, API_PASSWORD, STATION_GROUP
from playground.slack.options import Options
from playground.slack.simulation import SimulatedSlack
from playground.slack.workspace import ROOM
from queue_store.patience import PERSONS
from queue_store.site import Site
from tests.bot.office import Neighbours
from tests.chargepoint.link import Link
from tests.crashes.child import PATIENCE, Job
from tests.crashes.clock import NINE, SharedClock
from tests.crashes.keeping import Keeping
from tests.crashes.outcome import Listening
from tests.crashes.supervisor import Lives, living
from tests.crashes.telling import RETRY_DELAYS
from tests.queue_store.between import Wire
from tests.queue_store.servers import free_port
from tests.soak.ledger import Ledger, ledger
from tests.soak.people import People, office
from tests.soak.weather import Weather

# What the stream did not tell is read this often: by night, so that nobody seems to be silent.
BY_DAY, BY_NIGHT = timedelta(minutes=8), timedelta(minutes=14)
WORKING_HOURS = range(7, 20)


class Plan(Struct, frozen=True, kw_only=True):
    """How long a month is, how many work there, and how often something goes wrong.

    Of so many looks at the clock: `faults` of a hundred, `kills` of a thousand.
    """

    days: float
    drivers: int
    seed: int
    faults: int
    kills: int = 0


class Report(Struct, frozen=True, kw_only=True):
    """What happened in all that time."""

    counts: Mapping[str, int]
    faults: Mapping[str, int]
    deaths: int
    ledger: Ledger
    mentions: int
    memory: tuple[int, int]


class Month:
    """Lets time pass."""

    def __init__(
        self, plan: Plan, lives: Lives, people: People, weather: Weather, chance: Random
    ) -> None:
        self._plan = plan
        self._lives = lives
        self._people = people
        self._weather = weather
        self._chance = chance

    async def passes(self, days: float) -> None:
        """Let so many days go by, and then let everything come to rest."""
        clock = self._people.clock
        until = clock.now() + timedelta(days=days)
        while clock.now() < until:
            await self._hop()
            await self._people.act()
            await self._settles()
        self._weather.clears_up()
        await self._settles()

    async def _hop(self) -> None:
        clock = self._people.clock
        longest = BY_DAY if clock.now().astimezone(ZONE).hour in WORKING_HOURS else BY_NIGHT
        upcoming = self._people.next_at()
        span = longest if upcoming is None else min(longest, upcoming - clock.now())
        clock.turn(seconds=max(span.total_seconds(), 0.0))
        if self._chance.randrange(1000) < self._plan.kills:
            self._lives.life.kill()
        if self._chance.randrange(100) < self._plan.faults or not self._weather.is_fair:
            await self._weather.changes()
        await self._lives.ask("look") and await self._lives.ask("tick")

    async def _settles(self) -> None:
        await self._people.are_heard()
        if self._weather.is_fair:
            await self._lives.settle()


async def soaked(plan: Plan, keeping: Keeping, folder: Path, *, engine_port: int | None) -> Report:
    """Let a month pass, and report; `engine_port` is the store's, where it is elsewhere."""
    chance = Random(plan.seed)
    async with AsyncExitStack() as stack:
        neighbours = await stack.enter_async_context(_neighbours(folder, plan))
        link = await stack.enter_async_context(Link(neighbours.network.xmpp_port))
        wire = Wire(engine_port) if engine_port is not None else None
        if wire is not None:
            stack.callback(wire.close)
        await keeping.begin(folder, Site(id=ROOM))
        listening = Listening(neighbours.slack.workspace)
        job = _job(neighbours, keeping, folder, link, wire)
        lives = await stack.enter_async_context(living(job))
        first = NINE.astimezone(ZONE).date()
        everybody = visits(first, ceil(plan.days), plan.drivers, Rates(), chance)
        people = People(neighbours, everybody, chance)
        weather = Weather(neighbours, lives, link, wire, chance)
        month = Month(plan, lives, people, weather, chance)
        await lives.settle()
        await month.passes(days=min(1, plan.days))
        early = lives.life.memory
        await month.passes(days=plan.days - 1)
        memory = early, lives.life.memory
    return Report(
        counts=people.counts,
        faults=weather.faults,
        deaths=lives.deaths,
        ledger=ledger(folder / "log", listening),
        mentions=listening.mentions,
        memory=memory,
    )


@asynccontextmanager
async def _neighbours(folder: Path, plan: Plan) -> AsyncIterator[Neighbours]:
    clock = SharedClock.wound_up(folder / "clock")
    slack = SimulatedSlack(
        clock=clock.now,
        people=office(plan.drivers),
        options=Options(retry_delays=RETRY_DELAYS),
        signs_at=lambda: clock.now().timestamp(),
    )
    garage = Garage(clock=clock.now)
    network = SimulatedChargePoint(garage, key=API_KEY, password=API_PASSWORD, group=STATION_GROUP)
    async with slack, network:
        yield Neighbours(slack, garage, network, folder / "queue.db", clock)


def _job(
    neighbours: Neighbours, keeping: Keeping, folder: Path, link: Link, wire: Wire | None
) -> Job:
    port = free_port()
    neighbours.slack.bot_url = f"http://127.0.0.1:{port}/slack/events"
    changed = {
        "PORT": f"{port}",
        "QUIET_HOURS": "20:00-06:00",
        "QUIET_DAYS": "Sat,Sun",
        "CHARGEPOINT_XMPP_PORT": f"{link.port}",
        "CHARGEPOINT_PING_SECONDS": "0.5",
        **keeping.environment(folder),
        **({"AWS_ENDPOINT_URL_DYNAMODB": wire.url} if wire else {}),
    }
    return Job(
        environment=neighbours.environment(**changed),
        clock=folder / "clock",
        trail=folder / "trail",
        log=folder / "log",
        patience=replace(PATIENCE, outbox=0.2, call=0.5, names=0.5),
        store_patience=PERSONS,
    )
