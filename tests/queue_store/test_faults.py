"""What becomes of a commit when the way to DynamoDB, or DynamoDB itself, fails.

`make faults` prints what each engine made of each fault.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from queue_store.dynamodb import DynamoDbStore
from queue_store.patience import ADMINISTRATORS
from queue_store.store import Commit
from tests.queue_store.between import Wire
from tests.queue_store.decisions import NOON, SITE, request, said, waiting
from tests.queue_store.engines import SERVERS, heard, open_table, table_of
from tests.queue_store.faults import DONE, FAULTS, QUICK, Fault, Note, told_of


@pytest.fixture(params=[name for name in heard() if name in SERVERS])
def engine(reach_engine: Callable[[str], str], request: pytest.FixtureRequest) -> str:
    """Name the DynamoDB engine, which the environment leads to."""
    return reach_engine(str(request.param))


@pytest.fixture
async def after(engine: str, tmp_path: Path) -> AsyncIterator[DynamoDbStore]:
    """Open a store that nothing stands before, to see what became of the commit."""
    assert engine
    opened = await open_table(table_of(tmp_path), site=SITE)
    yield opened
    await opened.close()


@pytest.fixture
async def store(
    after: DynamoDbStore, wire: Wire, fault: Fault, tmp_path: Path
) -> AsyncIterator[DynamoDbStore]:
    """Open a store at the other end of the wire; it gives up quickly where it is to give up."""
    # The one was opened before the way led over the other.
    assert after
    assert wire
    patience = ADMINISTRATORS if fault.told == DONE else QUICK
    opened = await DynamoDbStore.open(table_of(tmp_path), site=SITE, patience=patience)
    yield opened
    await opened.close()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_costs_nothing_and_doubles_nothing(
    store: DynamoDbStore, after: DynamoDbStore, wire: Wire, engine: str, fault: Fault, note: Note
) -> None:
    """Whatever fails: stored once, or not at all, and the driver isn't told otherwise."""
    commit = Commit(
        site=waiting("U0ADA"), seen=0, now=NOON, answered=request("trigger 1"), bodies=(b"in",) * 2
    )

    with fault.between(store._table, wire):
        told = await told_of(store.commit(commit))

    assert told == fault.told
    assert len(await said(after)) == (2 if fault.kept else 0)
    assert (await after.load()).revision == (1 if fault.kept else 0)
    assert await after.answered("trigger 1", now=NOON) == (b"You're in" if fault.kept else None)
    note(engine, fault.name, f"{told}, {'kept' if fault.kept else 'not kept'}")
