"""`make two-bots`: two bots on one table, and what becomes of forty people when one of them goes.

Both are processes of their own with the defaults of an office, beside a DynamoDB engine on this
machine. What Slack brings goes to one and to the other in turn, events twice, and it waits three
seconds. Whatever is lost, said twice or too slow makes it end with 1.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from signal import SIGCONT, SIGSTOP, SIGTERM
from tempfile import TemporaryDirectory
from time import perf_counter

import pytest
from msgspec import Struct

from bot.patience import Patience
from queue_store.site import Site
from tests.crashes.keeping import Keeping, dynamodb
from tests.crashes.steps import Victim
from tests.crashes.two import Two, two_bots
from tests.queue_store.servers import aws_environment, dynoxide, running

PEOPLE = 40
SLACKS_SECONDS = 3.0
LEASE_SECONDS = "15"


class Way(Struct, frozen=True, kw_only=True):
    """A way for the leader to go, and how soon it has to be followed."""

    name: str
    goes: Callable[[Two], Awaitable[object]]
    target: float
    victim: Victim | None = None


class Gone(Struct, frozen=True, kw_only=True):
    """What came of it."""

    way: Way
    seconds: float
    tried_again: int
    waiting: int
    offers: int
    calls: int
    repeats: int

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, said twice or too slow."""
        whole = self.waiting == PEOPLE and self.calls == self.offers
        return whole and self.repeats == 0 and self.seconds <= self.way.target

    def told(self) -> str:
        """Answer a line of the table."""
        return (
            f"{self.way.name:10}{self.seconds:11.1f} s (at most {self.way.target:g})"
            f"{self.waiting:9} of {PEOPLE}{self.tried_again:13}{self.calls:9} of {self.offers}"
            f"{self.repeats:13}"
        )


HEAD = "leader     followed after              in queue  tried again     called   said twice"


async def _killed(two: Two) -> None:
    two.leave(0, 1)
    two.lives[0].kill()


async def _stopped(two: Two) -> None:
    two.leave(0, 1)
    two.lives[0].signal(SIGTERM)


async def _asleep(two: Two) -> None:
    await two.lives[0].ask("arm")
    two.leave(0, 1)


WAYS = (
    Way(name="killed", goes=_killed, target=30),
    Way(name="stopped", goes=_stopped, target=3),
    Way(
        name="asleep",
        goes=_asleep,
        target=30,
        victim=Victim("after DynamoDB update of OUTBOX", signal=SIGSTOP),
    ),
)


async def _gone(way: Way, keeping: Keeping, folder: Path) -> Gone:
    async with two_bots(
        folder,
        keeping,
        people=PEOPLE,
        patience=Patience(),
        deadline=SLACKS_SECONDS,
        victim=way.victim,
        LEASE_SECONDS=LEASE_SECONDS,
    ) as two:
        async with asyncio.TaskGroup() as group:
            adding = group.create_task(two.everybody_adds())
            await two.joined(PEOPLE // 4)
            seconds = await _until_followed(way, two)
            await two.until(_all_ports_are_held)
            two.lives[0].signal(SIGCONT)
        await two.settled()
        return await _what_came_of_it(way, two, seconds, adding.result())


async def _until_followed(way: Way, two: Two) -> float:
    await way.goes(two)
    began = perf_counter()
    two.leave(2, 3)
    await two.lives[1].ask("lead")
    return perf_counter() - began


async def _what_came_of_it(way: Way, two: Two, seconds: float, tried_again: int) -> Gone:
    site = await two.site()
    return Gone(
        way=way,
        seconds=seconds,
        tried_again=tried_again,
        waiting=len({entry.driver for entry in site.queue}),
        offers=len(site.offers),
        calls=sum(two.called()[offer.driver] for offer in site.offers),
        repeats=sum(times > 1 for times in two.said.rows().values()),
    )


def _all_ports_are_held(site: Site) -> bool:
    return {offer.port for offer in site.offers} == {port.id for port in site.ports}


async def _measured() -> Sequence[Gone]:
    gone = []
    with running(dynoxide()) as engine, pytest.MonkeyPatch.context() as environment:
        for name, value in aws_environment(engine.url).items():
            environment.setenv(name, value)
        for way in WAYS:
            with TemporaryDirectory() as folder:
                gone.append(await _gone(way, dynamodb(engine.url), Path(folder)))
                sys.stdout.write(f"{gone[-1].told()}\n")
    return gone


def main() -> int:
    """Let the leader go in every way, and answer whether anybody was the worse for it."""
    sys.stdout.write(
        f"{PEOPLE} people add at once, 4 cars leave, {LEASE_SECONDS} s lease\n{HEAD}\n"
    )
    gone = asyncio.run(_measured())
    return int(not all(each.is_good for each in gone))


if __name__ == "__main__":
    sys.exit(main())
