"""Two bots on one table, as in a rolling deploy: what comes from Slack goes to one or the other."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from msgspec.structs import replace

from bot.patience import Patience
from playground.garage import FOUR_PORTS, Garage
from playground.network import SimulatedChargePoint
from playground.people import Person
from playground.settings import API_KEY, API_PASSWORD, STATION_GROUP
from playground.slack.deliveries import Http
from playground.slack.options import Options
from playground.slack.simulation import SimulatedSlack
from playground.slack.workspace import ROOM
from queue_store.site import Site
from queue_store.store import QueueStore
from tests.bot.office import Neighbours
from tests.crashes.child import Job
from tests.crashes.clock import SharedClock
from tests.crashes.keeping import Keeping
from tests.crashes.outcome import Listening
from tests.crashes.people import typed
from tests.crashes.steps import Victim
from tests.crashes.supervisor import Life
from tests.crashes.telling import DEADLINE_SECONDS, RETRY_DELAYS
from tests.queue_store.servers import free_port

LOOK_SECONDS = 0.02
PATIENCE_SECONDS = 90.0


class Balanced(Http):
    """Brings one delivery to one address, the next to the next, and none anywhere else."""

    def __init__(self, slack: SimulatedSlack, *urls: str) -> None:
        self.urls = urls
        self._turns = count()
        super().__init__(slack.options, lambda: slack.workspace.clock().timestamp())

    @property
    def url(self) -> str | None:
        """Where this delivery goes."""
        return self.urls[next(self._turns) % len(self.urls)]

    @url.setter
    def url(self, _: str | None) -> None:
        pass


class Two:
    """Two bots, the first of which leads, and the office around them.

    `people` are all who work there.
    """

    def __init__(
        self, neighbours: Neighbours, jobs: Sequence[Job], store: QueueStore, people: Sequence[str]
    ) -> None:
        self.neighbours = neighbours
        self.people = people
        self.lives: list[Life] = []
        self.said = Listening(neighbours.slack.workspace)
        self._jobs = jobs
        self._store = store

    async def begin(self) -> None:
        """Start one after the other."""
        for job in self._jobs:
            self.lives.append(Life(job))
            await self.lives[0].ask("lead")
            await self.lives[-1].ask("serve")

    def end(self) -> None:
        """Kill whoever is alive."""
        for life in self.lives:
            life.kill()

    def url(self, which: int) -> str:
        """Answer where one of them serves."""
        return f"http://127.0.0.1:{self._jobs[which].environment['PORT']}"

    def leave(self, *ports: int) -> None:
        """Let cars drive off, by their places in the garage."""
        for port in ports:
            self.neighbours.leave(self.neighbours.garage.ports[port])

    async def everybody_adds(self) -> int:
        """Let all of them type `/ev add` at once; answer how often somebody had to try again."""
        slack = self.neighbours.slack
        tries = await asyncio.gather(*(typed(slack, person, "add") for person in self.people))
        return sum(tries) - len(tries)

    async def joined(self, people: int) -> None:
        """Wait until so many have read that they are in, while the others wait for their answer."""
        room = self.neighbours.room
        chat = self.neighbours.slack.workspace
        await chat.until(lambda _: len(room("joined the queue")) >= people, within=PATIENCE_SECONDS)

    async def site(self) -> Site:
        """Answer how the site stands."""
        return (await self._store.load()).site

    async def until(self, holds: Callable[[Site], object]) -> None:
        """Wait until it holds of the site."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds(await self.site()):  # noqa: ASYNC110 - of other processes' doing
                await asyncio.sleep(LOOK_SECONDS)

    async def settled(self) -> None:
        """Wait until nothing is left to be brought or said."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.neighbours.slack.settled()
            while await self._store.outbox():  # noqa: ASYNC110 - likewise
                await asyncio.sleep(LOOK_SECONDS)
            await self.neighbours.slack.settled()

    def called(self) -> Counter[str]:
        """Count how often the room read of each driver that a port is held for them."""
        calls = self.neighbours.room("is free and held for you until")
        return Counter(person for call in calls for person in call.notifies)


@asynccontextmanager
async def two_bots(
    folder: Path,
    keeping: Keeping,
    *,
    people: int,
    patience: Patience,
    deadline: float = DEADLINE_SECONDS,
    victim: Victim | None = None,
    **settings: str,
) -> AsyncIterator[Two]:
    """Start two bots in an office with so many people, and cars on all four ports.

    Slack waits until the deadline for an answer. The first one falls asleep or dies at its victim,
    counted from when it is armed.
    """
    office = tuple(map(_person, range(people)))
    clock = SharedClock.wound_up(folder / "clock")
    async with _neighbours(folder, clock, office, deadline) as neighbours:
        kept = {**keeping.environment(folder), **settings}
        first, second = (_job(neighbours, folder, which, patience, kept) for which in range(2))
        if victim is not None:
            first = replace(first, victims=(victim,))
        await keeping.begin(folder, Site(id=ROOM))
        store = await keeping.open(folder)
        two = Two(neighbours, (first, second), store, [person.slack_id for person in office])
        urls = (f"{two.url(which)}/slack/events" for which in range(2))
        neighbours.slack.http = Balanced(neighbours.slack, *urls)
        await two.begin()
        try:
            yield two
        finally:
            two.end()
            await store.close()


@asynccontextmanager
async def _neighbours(
    folder: Path, clock: SharedClock, office: tuple[Person, ...], deadline: float
) -> AsyncIterator[Neighbours]:
    slack = SimulatedSlack(
        clock=clock.now,
        people=office,
        options=Options(retry_delays=RETRY_DELAYS, deadline=deadline, copies=2),
        signs_at=lambda: clock.now().timestamp(),
    )
    garage = Garage(clock=clock.now)
    for port in FOUR_PORTS:
        garage.plug_in(port.station, port.number, user=None)
    network = SimulatedChargePoint(garage, key=API_KEY, password=API_PASSWORD, group=STATION_GROUP)
    async with slack, network:
        yield Neighbours(slack, garage, network, folder / "queue.db", clock)


def _job(
    neighbours: Neighbours, folder: Path, which: int, patience: Patience, settings: dict[str, str]
) -> Job:
    return Job(
        environment=neighbours.environment(PORT=f"{free_port()}", **settings),
        clock=folder / "clock",
        trail=folder / f"trail-{which}",
        log=folder / f"log-{which}",
        patience=patience,
    )


def _person(number: int) -> Person:
    return Person(
        slack_id=f"U0N{number:03}", name=f"Number {number}", chargepoint_user=f"7002{number:02}"
    )
