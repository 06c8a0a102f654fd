"""Appointments are kept, moved and never skipped for being late."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.clock import SystemClock
from bot.scheduler import Scheduler

ZONE = ZoneInfo("America/Los_Angeles")


class Diary:
    """What was done, and a way to wait for it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self._changed = asyncio.Event()

    async def first(self) -> None:
        self._note("first")

    async def second(self) -> None:
        self._note("second")

    async def until(self, *done: str) -> None:
        """Wait until exactly this was done."""
        async with asyncio.timeout(10):
            while self.done != list(done):
                self._changed.clear()
                await self._changed.wait()

    def _note(self, what: str) -> None:
        self.done.append(what)
        self._changed.set()


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
async def scheduler() -> AsyncIterator[Scheduler]:
    scheduler = Scheduler(ZONE)
    scheduler.start()
    yield scheduler
    scheduler.stop()


def now() -> datetime:
    return SystemClock().now()


async def test_a_new_wake_up_takes_the_place_of_the_one_before(
    scheduler: Scheduler, diary: Diary
) -> None:
    scheduler.once("wake-up", diary.first, at=now() + timedelta(hours=1))
    scheduler.once("wake-up", diary.second, at=now())

    await diary.until("second")
    assert scheduler._jobs.get_jobs() == []


async def test_no_wake_up_is_no_wake_up(scheduler: Scheduler, diary: Diary) -> None:
    scheduler.once("wake-up", diary.first, at=None)
    scheduler.once("wake-up", diary.first, at=now() + timedelta(hours=1))
    scheduler.once("wake-up", diary.first, at=None)

    assert scheduler._jobs.get_jobs() == []


@pytest.mark.parametrize("late", [timedelta(seconds=5), timedelta(hours=3), timedelta(days=3)])
async def test_what_is_due_is_done_however_late(
    scheduler: Scheduler, diary: Diary, late: timedelta
) -> None:
    """A machine that slept must not forget what fell due meanwhile."""
    scheduler.once("wake-up", diary.first, at=now() - late)

    await diary.until("first")


async def test_a_wake_up_that_is_due_while_the_last_one_is_handled_is_kept(
    scheduler: Scheduler, diary: Diary
) -> None:
    """Two offers run out a moment apart; the second must not wait for the next event."""

    async def handle() -> None:
        scheduler.once("wake-up", diary.second, at=now())
        await diary.first()
        # The second one is begun before this one is over.
        await diary.until("first", "second")

    scheduler.once("wake-up", handle, at=now())

    await diary.until("first", "second")


async def test_the_daily_appointment_is_at_the_sites_own_time(
    scheduler: Scheduler, diary: Diary
) -> None:
    scheduler.daily("refresh", diary.first, at=time(6, 0))
    trigger = scheduler._jobs.get_job("refresh").trigger

    # The clocks are set back in the night before the first of November.
    before = trigger.get_next_fire_time(None, datetime(2026, 10, 31, 6, tzinfo=UTC))
    after = trigger.get_next_fire_time(before, datetime(2026, 10, 31, 15, tzinfo=UTC))

    assert before.astimezone(UTC) == datetime(2026, 10, 31, 13, tzinfo=UTC)
    assert after.astimezone(UTC) == datetime(2026, 11, 1, 14, tzinfo=UTC)


async def test_a_time_of_day_that_does_not_exist_means_the_next_instant(
    scheduler: Scheduler, diary: Diary
) -> None:
    scheduler.daily("refresh", diary.first, at=time(2, 30))
    trigger = scheduler._jobs.get_job("refresh").trigger

    fired = trigger.get_next_fire_time(None, datetime(2026, 3, 8, 8, tzinfo=UTC))

    assert fired.astimezone(UTC) == datetime(2026, 3, 8, 10, 30, tzinfo=UTC)


async def test_what_is_done_every_so_often_is_done_again(
    scheduler: Scheduler, diary: Diary
) -> None:
    scheduler.every("reconcile", diary.first, span=timedelta(milliseconds=20))

    await diary.until("first", "first", "first")
