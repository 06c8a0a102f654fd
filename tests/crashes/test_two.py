"""Two overlapping instances, as in a rolling deploy, behave as one."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from signal import SIGCONT, SIGSTOP, SIGTERM
from typing import Protocol

import aiohttp
import pytest
from msgspec.structs import replace

from queue_store.site import Site
from tests.bot.office import QUICK
from tests.crashes.keeping import dynamodb
from tests.crashes.steps import Victim
from tests.crashes.two import Balanced, Two, two_bots
from tests.queue_store.conftest import Servers

PEOPLE = 12

# A busy machine must not look like a dead leader.
LEASE_SECONDS = 2
LONG_SECONDS = 60
PATIENCE = replace(QUICK, answer=10.0, outbox=0.1)


class NewTwo(Protocol):
    """Starts two bots."""

    def __call__(
        self, *, lease: int = LEASE_SECONDS, victim: Victim | None = None
    ) -> AbstractAsyncContextManager[Two]:
        """Start them; who leads is silent for so many seconds before somebody else does."""
        ...


@pytest.fixture
def two_bots_of(tmp_path: Path, servers: Servers, reach_engine: Callable[[str], str]) -> NewTwo:
    keeping = dynamodb(servers(reach_engine("dynoxide")).url)
    return lambda *, lease=LEASE_SECONDS, victim=None: two_bots(
        tmp_path,
        keeping,
        people=PEOPLE,
        patience=PATIENCE,
        victim=victim,
        LEASE_SECONDS=f"{lease}",
    )


@pytest.fixture
async def two(two_bots_of: NewTwo) -> AsyncIterator[Two]:
    async with two_bots_of() as opened:
        yield opened


async def test_the_leader_is_killed_while_everybody_adds_and_the_cars_leave(two: Two) -> None:
    leader, follower = two.lives
    async with asyncio.TaskGroup() as group:
        adding = group.create_task(two.everybody_adds())
        await two.joined(PEOPLE // 3)
        two.leave(0, 1)
        leader.kill()
        two.leave(2, 3)

    assert adding.result() > 0
    await follower.ask("lead")
    await two.until(lambda site: _all_are_in_once(site) and _all_ports_are_held(site))
    await _nobody_was_called_twice(two)


async def test_a_leader_that_stops_is_followed_at_once(two_bots_of: NewTwo) -> None:
    """Nobody waits for the lease of one who said goodbye."""
    async with two_bots_of(lease=LONG_SECONDS) as two, asyncio.timeout(LONG_SECONDS / 2):
        leader, follower = two.lives
        await two.everybody_adds()
        leader.signal(SIGTERM)
        two.leave(0, 1, 2, 3)

        assert await leader.ended() == 0
        await follower.ask("lead")
        await two.until(_all_ports_are_held)
        await _nobody_was_called_twice(two)


@pytest.mark.parametrize(
    "asleep",
    [
        "before XMPP PortStatusChanged",
        "before DynamoDB update of SITE",
        "after DynamoDB update of OUTBOX",
        "after Slack chat.postMessage",
    ],
)
async def test_a_leader_that_slept_does_no_harm_when_it_wakes(
    two_bots_of: NewTwo, asleep: str
) -> None:
    """A machine may stand still for longer than the lease, in the middle of anything."""
    async with two_bots_of(victim=Victim(asleep, signal=SIGSTOP)) as two:
        leader, follower = two.lives
        await two.everybody_adds()
        await leader.ask("arm")
        two.leave(0)
        await follower.ask("lead")
        two.leave(1, 2, 3)
        await two.until(_all_ports_are_held)
        leader.signal(SIGCONT)

        assert not await leader.ask("leads")
        await _nobody_was_called_twice(two)


async def test_one_message_that_comes_to_both_as_two_kinds_of_event_counts_once(two: Two) -> None:
    ada = two.people[0]

    two.neighbours.slack.say(ada, "@EV Concierge\nev add\nev suspend 45")
    await two.until(lambda site: site.queue and site.queue[0].suspended)
    await two.settled()

    assert [entry.driver for entry in (await two.site()).queue] == [ada]
    assert len(two.neighbours.room("joined")) == 1
    assert len(two.neighbours.room("lets others go ahead")) == 1


async def test_who_follows_is_ready_and_answers(two: Two) -> None:
    _, follower = (two.url(which) for which in range(2))
    two.neighbours.slack.http = Balanced(two.neighbours.slack, f"{follower}/slack/events")

    await two.everybody_adds()

    assert _all_are_in_once(await two.site())
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{follower}/readyz") as answer,
    ):
        told = await answer.json()
        assert (answer.status, told["ready"], told["leader"]["here"]) == (200, True, False)


def _all_are_in_once(site: Site) -> bool:
    drivers = [entry.driver for entry in site.queue]
    return len(drivers) == len(set(drivers)) == PEOPLE


def _all_ports_are_held(site: Site) -> bool:
    return {offer.port for offer in site.offers} == {port.id for port in site.ports}


async def _nobody_was_called_twice(two: Two) -> None:
    await two.settled()
    offers = (await two.site()).offers
    assert two.called() == Counter({offer.driver: 1 for offer in offers})
    assert set(two.said.rows().values()) == {1}
