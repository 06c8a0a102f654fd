"""One instance does what must be done once, for as long as its lease lasts and no longer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.leader import Leader
from queue_store.errors import StoreUnavailable
from queue_store.lease import Leadership
from tests.bot.office import logged, until


class ScriptedLease:
    """A lease that the test gives and takes."""

    def __init__(self) -> None:
        self.granted: int | None = None
        self.term: int | None = None
        self.leader: Leadership | None = None
        self.left = 0.0
        self.pause = 0.001
        self.fails = False
        self.hangs = False
        self.kept = 0
        self.released = 0

    async def keep(self) -> None:
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        if self.fails:
            raise StoreUnavailable("too busy")
        self.kept += 1
        self.term = self.granted
        self.left = 0.05 if self.term else 0.0

    async def release(self) -> None:
        self.released += 1
        self.term = self.granted = None


class Working:
    """Work that goes on until it is stopped or cancelled."""

    def __init__(self, term: int) -> None:
        self.term = term
        self.ended: str | None = None
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        try:
            await self._stopped.wait()
            self.ended = "stopped"
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise

    def stop(self) -> None:
        self._stopped.set()


class Campaign:
    """A leader, its lease, and the work of its terms."""

    def __init__(self) -> None:
        self.lease = ScriptedLease()
        self.terms: list[Working] = []
        self.leader = Leader(self.lease, self._new_work)

    def _new_work(self, term: int) -> Working:
        self.terms.append(Working(term))
        return self.terms[-1]

    async def leads(self) -> bool:
        return bool(self.terms) and self.terms[-1].ended is None

    async def follows(self) -> bool:
        return bool(self.terms) and self.terms[-1].ended is not None


@asynccontextmanager
async def campaign() -> AsyncIterator[Campaign]:
    campaign = Campaign()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(campaign.leader.run())
        yield campaign
        running.cancel()


async def test_nothing_is_done_without_the_lease() -> None:
    async with campaign() as one:
        await until(lambda: _kept(one, 5))

        assert one.terms == []
        assert one.leader.term is None


async def test_each_term_has_work_of_its_own() -> None:
    """What was heard in an earlier one is old news."""
    async with campaign() as one:
        one.lease.granted = 4
        await until(one.leads)
        one.lease.granted = None
        await until(one.follows)
        assert one.terms[0].ended == "cancelled"

        one.lease.granted = 6
        await until(one.leads)

        assert [each.term for each in one.terms] == [4, 6]


async def test_an_engine_that_hangs_ends_the_work_when_the_time_is_up() -> None:
    async with campaign() as one:
        one.lease.granted = 1
        await until(one.leads)
        one.lease.hangs = True

        async def runs_out() -> bool:
            # As a lease does by itself, by the monotonic clock.
            one.lease.term, one.lease.left = None, 0.0
            return await one.follows()

        await until(runs_out)


async def test_trouble_with_the_store_is_named_and_outlived(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with campaign() as one:
        one.lease.granted = 1
        await until(one.leads)
        one.lease.fails = True
        await until(lambda: _named(one))
        assert await one.leads()

        one.lease.fails = False

        async def mended() -> bool:
            return one.leader.problem is None

        await until(mended)
        assert len(one.terms) == 1
        assert "too busy" in logged(caplog, "lease.unkept")[0]["why"]


async def test_who_stops_finishes_and_lets_go_at_once() -> None:
    async with asyncio.TaskGroup() as group:
        one = Campaign()
        one.lease.granted = 1
        running = group.create_task(one.leader.run())
        await until(one.leads)

        one.leader.stop()
        await running

    assert one.terms[0].ended == "stopped"
    assert one.lease.released == 1


async def test_who_is_told_to_stop_while_taking_the_lease_begins_nothing() -> None:
    """Nobody would tell that work to stop, and the stop would wait for it in vain."""
    async with asyncio.TaskGroup() as group:
        one = Campaign()
        keep = one.lease.keep

        async def stopped_meanwhile() -> None:
            await keep()
            one.leader.stop()

        one.lease.keep = stopped_meanwhile  # type: ignore[method-assign] # only comes at that moment
        one.lease.granted = 1
        async with asyncio.timeout(1):
            await group.create_task(one.leader.run())

    assert one.terms == []
    assert one.lease.released == 1


async def test_who_is_cut_off_lets_go_too() -> None:
    async with campaign() as one:
        one.lease.granted = 1
        await until(one.leads)

    assert one.terms[0].ended == "cancelled"
    assert one.lease.released == 1


async def _kept(one: Campaign, times: int) -> bool:
    return one.lease.kept >= times


async def _named(one: Campaign) -> bool:
    return one.leader.problem is not None
