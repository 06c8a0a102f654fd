"""What hangs is given up in time, and what was given up is told as what it is."""

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest

from queue_store.errors import OutcomeUnknown, StoreUnavailable
from queue_store.workers import Workers

A_MOMENT = 0.02


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Make one worker that nobody waits for for long."""
    made = Workers(1, "worker", seconds=A_MOMENT)
    yield made
    made.finish()


@pytest.fixture
def enough() -> Iterator[threading.Event]:
    """Say when whatever hangs goes on."""
    event = threading.Event()
    yield event
    event.set()


async def test_what_is_asked_for_is_answered(workers: Workers) -> None:
    """The usual case."""
    assert await workers.do(lambda: "done") == "done"


async def test_a_failure_is_whoever_askeds(workers: Workers) -> None:
    """With its own words."""

    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await workers.do(fail)


async def test_what_only_reads_changed_nothing_when_it_hangs(
    workers: Workers, enough: threading.Event
) -> None:
    """So that is what the person is told."""
    with pytest.raises(StoreUnavailable, match="nothing was changed"):
        await workers.do(enough.wait)


async def test_what_writes_may_have_done_so_when_it_hangs(
    workers: Workers, enough: threading.Event
) -> None:
    """Told that nothing was changed, a driver would join twice."""
    with pytest.raises(OutcomeUnknown, match="in time"):
        await workers.do(enough.wait, writes=True)


async def test_what_was_not_begun_in_time_never_is(
    workers: Workers, enough: threading.Event
) -> None:
    """It waits behind what hangs, and nobody waits for it any more."""
    done: list[str] = []
    with pytest.raises(OutcomeUnknown):
        await workers.do(enough.wait, writes=True)

    with pytest.raises(StoreUnavailable, match="nothing was changed"):
        await workers.do(lambda: done.append("late"), writes=True)
    enough.set()
    await workers.do(lambda: done.append("again"), at_leisure=True)

    assert done == ["again"]


async def test_what_was_begun_is_finished_though_nobody_hears_of_it(
    workers: Workers, enough: threading.Event
) -> None:
    """Half a write would be worse than none or a whole one."""
    done: list[str] = []

    def work() -> None:
        enough.wait()
        done.append("late")

    with pytest.raises(OutcomeUnknown):
        await workers.do(work, writes=True)
    enough.set()
    await workers.do(lambda: None, at_leisure=True)

    assert done == ["late"]


async def test_who_is_at_leisure_waits(workers: Workers) -> None:
    """A start may take as long as it does."""
    event = threading.Event()
    asyncio.get_running_loop().call_later(2 * A_MOMENT, event.set)

    assert await workers.do(event.wait, at_leisure=True)


async def test_a_failure_that_nobody_waits_for_is_not_complained_of(
    workers: Workers, enough: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever asked was told already; the log must not cry for what is over."""

    def fail() -> None:
        enough.wait()
        raise ZeroDivisionError

    with caplog.at_level(logging.DEBUG), pytest.raises(StoreUnavailable):
        await workers.do(fail)
    enough.set()
    await workers.do(lambda: None, at_leisure=True)
    await asyncio.sleep(0)

    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_who_is_called_off_leaves_nothing_to_be_begun(
    workers: Workers, enough: threading.Event
) -> None:
    """The bot stops while a request waits for its turn."""
    done: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        hanging = tasks.create_task(workers.do(enough.wait, at_leisure=True))
        waiting = tasks.create_task(workers.do(lambda: done.append("late"), at_leisure=True))
        await asyncio.sleep(0)
        waiting.cancel()
        hanging.cancel()
    enough.set()
    await workers.do(lambda: None, at_leisure=True)

    assert done == []
    assert hanging.cancelled()
    assert waiting.cancelled()
