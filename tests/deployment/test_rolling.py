"""A new version takes over while the queue is in use, and nothing is lost or said twice.

Two instances behind a load balancer share one table. The old ones go and the new ones come, one
after the other, again and again; meanwhile people type, press and plug in without a pause.
"""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from msgspec import Struct

from playground.garage import Garage
from playground.network import SimulatedChargePoint
from playground.settings import API_KEY, API_PASSWORD, STATION_GROUP
from playground.slack.options import Options
from playground.slack.simulation import SimulatedSlack
from playground.slack.workspace import ROOM, dm_of
from queue_store.dynamodb import DynamoDbStore
from queue_store.records import KeptAnswer
from tests.bot.office import Clock, Neighbours, until
from tests.bot.process import ROOT
from tests.deployment import next_version
from tests.deployment.fleet import Fleet, LoadBalancer
from tests.deployment.traffic import PATIENCE_SECONDS, PORTS, Traffic, people
from tests.queue_store.engines import open_table

TABLE = "ev-concierge"
DRIVERS = 5
QUICK = {
    # Nobody is ever late: whoever is called again has a new offer.
    "OFFER_MINUTES": "600",
    "ACCEPTED_OFFER_MINUTES": "600",
    "IDLE_REMINDER_MINUTES": "600",
    "CHARGING_LIMIT_MINUTES": "600",
    # What happens while nobody listens is believed at the second reading.
    "RECONCILE_SECONDS": "3",
    "LEASE_SECONDS": "4",
}


class Way(Struct, frozen=True):
    """How an instance is replaced: with or without notice to the balancer, and how roughly."""

    name: str
    drained: bool
    by: signal.Signals
    leaves_with: int
    socket: bool = False


WITH_NOTICE = Way("with notice", drained=True, by=signal.SIGTERM, leaves_with=0)
WAYS = [
    WITH_NOTICE,
    Way("without notice", drained=False, by=signal.SIGTERM, leaves_with=0),
    Way("by socket", drained=False, by=signal.SIGTERM, leaves_with=0, socket=True),
    Way("by a crash", drained=False, by=signal.SIGKILL, leaves_with=-signal.SIGKILL),
]


@pytest.fixture(params=WAYS, ids=lambda way: way.name)
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


@pytest.fixture
async def neighbours(tmp_path: Path, way: Way) -> AsyncIterator[Neighbours]:
    """Open a busy office's Slack, and a garage that is too small for it."""
    clock = Clock()
    options = Options(retry_delays=(0.0, 0.5, 2.0), socket_mode=way.socket)
    slack = SimulatedSlack(clock=clock.now, people=people(DRIVERS), options=options)
    garage = Garage(PORTS, clock=clock.now)
    network = SimulatedChargePoint(garage, key=API_KEY, password=API_PASSWORD, group=STATION_GROUP)
    async with slack, network:
        yield Neighbours(slack, garage, network, tmp_path / "never-made.db", clock)


@pytest.fixture
async def table(dynamodb: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> DynamoDbStore:
    """Make the table and look at it beside the bots."""
    for name, value in dynamodb.items():
        monkeypatch.setenv(name, value)
    return await open_table(TABLE, site=ROOM)


@pytest.fixture
def settings(neighbours: Neighbours, dynamodb: dict[str, str]) -> dict[str, str]:
    """Answer the settings of every instance."""
    return neighbours.environment(QUEUE_STORE=f"dynamodb:{TABLE}", **QUICK, **dynamodb)


class Office(Struct, frozen=True):
    """An office at work while versions come and go."""

    neighbours: Neighbours
    table: DynamoDbStore
    way: Way
    rounds: int
    traffic: Traffic

    async def lives_through(self, fleet: Fleet, balancer: LoadBalancer) -> None:
        """Replace every instance so many times, until all is said that there is to say."""
        async with balancer.serving(), fleet.running(2):
            self.neighbours.slack.bot_url = balancer.url
            async with asyncio.TaskGroup() as group:
                group.create_task(self.traffic.flow())
                for _ in range(self.rounds):
                    await fleet.deploy(drained=self.way.drained, by=self.way.by)
                self.traffic.over.set()
            await until(lambda: nothing_to_say(self.table))

    async def is_led_again(self) -> None:
        """Wait until somebody has looked at the ports, twice, and has said what waits by now.

        Whoever kills a leader makes all deaf and dumb for as long as its lease lasts; and whoever
        kills the next one before it has done anything, and so on, does so for ever.
        """
        if self.way.by is not signal.SIGKILL:
            return
        waiting = {row.id for row in await self.table.outbox()}

        async def are_said() -> bool:
            return not waiting & {row.id for row in await self.table.outbox()}

        # What the stream had no time to tell is believed at the second reading.
        for _ in range(2):
            await self.is_read_again()
        await until(are_said, within=PATIENCE_SECONDS)

    async def is_read_again(self) -> None:
        """Wait until the ports have been read."""
        before = (await self.table.load()).site.read

        async def is_later() -> bool:
            return (await self.table.load()).site.read != before

        await until(is_later, within=PATIENCE_SECONDS)

    async def has_lost_nothing(self) -> None:
        """See that everybody got what they asked for, and that nothing was said twice."""
        assert said_twice(self.neighbours) == []
        site = (await self.table.load()).site
        assert (site.queue, site.offers) == ((), ())
        assert await self.table.refused(now=self.neighbours.clock.now()) == ()
        asked, without = self.traffic.asked, len(self.traffic.failures) + self.traffic.unanswered
        assert asked - without <= await answers(self.table) <= asked
        await self.table.close()

    def told(self, fleet: Fleet) -> str:
        """Answer in figures what went on."""
        return (
            f"{len(fleet.codes)} instances replaced, {self.traffic.asked} requests,"
            f" {len(self.traffic.failures)} failed visibly, {self.traffic.unanswered} found the bot"
            " too busy,"
            f" {len(everything_said(self.neighbours))} messages, none twice"
        )


@pytest.fixture
def office(
    neighbours: Neighbours, table: DynamoDbStore, way: Way, request: pytest.FixtureRequest
) -> Office:
    """Let it be as busy, and for as long, as was asked for."""
    option = request.config.getoption
    return Office(
        neighbours, table, way, option("--rounds"), Traffic(neighbours, seed=option("--seed"))
    )


async def test_nothing_is_lost_or_doubled_while_versions_come_and_go(
    office: Office, settings: Mapping[str, str], way: Way
) -> None:
    balancer = LoadBalancer()
    fleet = Fleet(balancer, settings, patient=way.socket, between=office.is_led_again)

    await office.lives_through(fleet, balancer)

    assert set(fleet.codes) == {way.leaves_with}
    if way.drained:
        assert office.traffic.failures == [], balancer.refusals
    await office.has_lost_nothing()
    print(f"\n{way.name}: {office.told(fleet)}")  # noqa: T201 # for whoever asked with -s


@pytest.mark.parametrize("way", [WITH_NOTICE], indirect=True, ids=lambda way: way.name)
async def test_the_next_version_works_beside_this_one_though_it_stores_another_form(
    office: Office, settings: Mapping[str, str], tmp_path: Path
) -> None:
    """One of each is at work all the time, and reads what the other wrote."""
    following = next_version.made(tmp_path / "next")
    balancer = LoadBalancer()
    fleet = Fleet(balancer, settings, versions=(ROOT, following))

    await office.lives_through(fleet, balancer)

    assert office.traffic.failures == [], balancer.refusals
    assert min(fleet.decisions.values()) > 10
    await office.has_lost_nothing()
    print(f"\ntwo versions: {office.told(fleet)}")  # noqa: T201 # likewise


async def nothing_to_say(table: DynamoDbStore) -> bool:
    """Tell whether everything that was decided was said."""
    return not await table.outbox()


def said_twice(neighbours: Neighbours) -> list[str]:
    """Name what was said more than once, to whomever."""
    said = everything_said(neighbours)
    assert said
    return [row for row, times in Counter(said).items() if times > 1]


def everything_said(neighbours: Neighbours) -> list[str]:
    """Name whatever the relay said, to whomever."""
    users = [person.slack_id for person in neighbours.slack.workspace.people]
    return [
        message.content.metadata["event_payload"]["row"]
        for channel in (ROOM, *map(dm_of, users))
        for message in neighbours.private(channel)
        if message.content.metadata
    ]


async def answers(table: DynamoDbStore) -> int:
    """Count the requests that were answered; each has one answer, however often it came."""
    return sum(isinstance(each, KeptAnswer) for each in await table.records())
