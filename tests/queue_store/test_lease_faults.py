"""What becomes of leadership when the way to DynamoDB, or DynamoDB itself, fails.

`make faults` prints what each engine made of each fault.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from queue_store.heartbeats import TableHeartbeats
from queue_store.lease import KeptLease
from queue_store.patience import within
from queue_store.table import create
from tests.queue_store.between import Wire
from tests.queue_store.decisions import SITE
from tests.queue_store.engines import SERVERS, heard, table_of
from tests.queue_store.faults import DONE, FAULTS, UNAVAILABLE, Fault, Note, told_of

SECONDS, LED, BEAT = 15.0, 12.0, 5.0


@pytest.fixture(params=[name for name in heard() if name in SERVERS])
def engine(reach_engine: Callable[[str], str], request: pytest.FixtureRequest) -> str:
    """Name the DynamoDB engine, which the environment leads to."""
    return reach_engine(str(request.param))


class Clock:
    """Time that passes when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Answer a clock that stands still."""
    return Clock()


@pytest.fixture
def heartbeats(engine: str, wire: Wire, tmp_path: Path, fault: Fault) -> Iterator[TableHeartbeats]:
    """Reach the heartbeats over the wire, and give up quickly where they are to be given up."""
    assert engine
    assert wire
    list(create(table_of(tmp_path)))
    seconds = 60.0 if fault.told == DONE else 1.0
    made = TableHeartbeats(table_of(tmp_path), site=SITE, patience=within(seconds))
    yield made
    made.close()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_of_a_heartbeat_costs_no_term(
    heartbeats: TableHeartbeats, clock: Clock, wire: Wire, engine: str, fault: Fault, note: Note
) -> None:
    """A leader leads on for the time that it has, and in the same term when the fault is over."""
    lease = KeptLease(heartbeats, seconds=SECONDS, monotonic=clock)
    await lease.keep()
    clock.now += BEAT

    with fault.between(heartbeats._table, wire):
        told = await told_of(lease.keep())

    assert told == fault.told
    assert lease.left == (LED if told == DONE else LED - BEAT)
    await lease.keep()
    assert lease.term == 1
    assert lease.left == LED
    note(engine, f"heartbeat: {fault.name}", f"{told}, leads on")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_of_a_takeover_costs_no_term(
    heartbeats: TableHeartbeats, clock: Clock, wire: Wire, engine: str, fault: Fault, note: Note
) -> None:
    """Nobody leads without having heard so, and whoever took over does from the next look on."""
    await heartbeats.last()
    lease = KeptLease(heartbeats, seconds=SECONDS, monotonic=clock)

    with fault.between(heartbeats._table, wire):
        told = await told_of(lease.keep())

    # The first thing is to look who leads.
    assert told == (UNAVAILABLE if fault.mute else fault.told)
    assert (lease.term is not None) == (told == DONE)
    assert await heartbeats.last_term() == (1 if fault.kept else 0)
    await lease.keep()
    assert lease.left == LED
    assert lease.leader is not None
    assert lease.leader.term == 1
    note(
        engine,
        f"takeover: {fault.name}",
        f"{told}, leads {'at once' if told == DONE else 'next time'}",
    )


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_of_letting_go_leaves_no_two_leaders(
    heartbeats: TableHeartbeats, clock: Clock, wire: Wire, engine: str, fault: Fault, note: Note
) -> None:
    """Whoever let go leads no more, and the next one leads at once or when the lease is over."""
    lease, other = (KeptLease(heartbeats, seconds=SECONDS, monotonic=clock) for _ in range(2))
    await lease.keep()

    with fault.between(heartbeats._table, wire):
        told = await told_of(lease.release())

    assert told == fault.told
    assert lease.term is None
    await other.keep()
    assert (other.term is not None) == fault.kept
    clock.now += SECONDS
    await other.keep()
    assert other.term == 2
    followed = "followed at once" if fault.kept else "followed after a lease"
    note(engine, f"letting go: {fault.name}", f"{told}, {followed}")
