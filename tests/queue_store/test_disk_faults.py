"""What becomes of a commit when the embedded store's disk, or somebody at its file, is in the way.

`make faults` prints what became of each.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import Struct

from queue_store.patience import Patience
from queue_store.sqlite import SqliteStore
from queue_store.store import Commit
from tests.queue_store.decisions import NOON, SITE, request, say, waiting
from tests.queue_store.faults import DONE, UNAVAILABLE, UNKNOWN, Note, told_of

IMPATIENT = Patience(connection=0.05, answer=0.05, attempts=0.05, whole=1.5)

Trouble = Callable[[SqliteStore, Path], Iterator[None]]


class DiskFault(Struct, frozen=True):
    """What goes wrong, and what the bot is told of it."""

    name: str
    told: str
    trouble: Trouble
    kept: bool = False


def nothing(_: SqliteStore, __: Path) -> Iterator[None]:
    """Let it be."""
    yield


def writing_shell(_: SqliteStore, path: Path) -> Iterator[None]:
    """Let an administrator's shell write, for longer than anybody waits."""
    shell = sqlite3.connect(path, isolation_level=None)
    shell.execute("BEGIN IMMEDIATE")
    yield
    shell.close()


def full(store: SqliteStore, _: Path) -> Iterator[None]:
    """Let the file have no page more."""
    _limit(store, 1)
    yield
    _limit(store, 1_000_000)


def read_only(store: SqliteStore, _: Path) -> Iterator[None]:
    """Let nothing be written, as a disk does that was mounted anew after an error."""
    _tell(store, "PRAGMA query_only = ON")
    yield
    _tell(store, "PRAGMA query_only = OFF")


def busy(store: SqliteStore, _: Path) -> Iterator[None]:
    """Let the store's thread hang in something else."""
    enough = threading.Event()
    store._workers._threads.submit(enough.wait)
    yield
    enough.set()


def hanging(store: SqliteStore, _: Path) -> Iterator[None]:
    """Let the disk take its time over the last step."""
    enough = threading.Event()

    def hang(statement: str) -> None:
        if statement == "COMMIT":
            enough.wait()

    def trace(connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(hang)

    _in_its_thread(store, trace)
    yield
    enough.set()


FAULTS = [
    DiskFault("none", DONE, nothing, kept=True),
    DiskFault("a shell that writes", UNAVAILABLE, writing_shell),
    DiskFault("a full disk", UNAVAILABLE, full),
    DiskFault("a disk that can't be written to", UNAVAILABLE, read_only),
    DiskFault("a disk that hangs before", UNAVAILABLE, busy),
    DiskFault("a disk that hangs at the end", UNKNOWN, hanging, kept=True),
]


def _limit(store: SqliteStore, pages: int) -> None:
    _tell(store, f"PRAGMA max_page_count = {pages}")


def _tell(store: SqliteStore, statement: str) -> None:
    _in_its_thread(store, lambda connection: connection.execute(statement).fetchall())


def _in_its_thread(store: SqliteStore, work: Callable[[sqlite3.Connection], object]) -> None:
    connection = store._file._connection
    assert connection is not None
    store._workers._threads.submit(work, connection).result()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_of_the_disk_costs_nothing_and_doubles_nothing(
    tmp_path: Path, fault: DiskFault, note: Note
) -> None:
    """Stored once or not at all, and not told otherwise; and it works again when that is over."""
    path = tmp_path / "queue.db"
    store = await SqliteStore.open(path, site=SITE, patience=IMPATIENT)
    await store.commit(Commit(site=waiting(), seen=0, now=NOON))
    much = (b"x" * 100_000,)
    commit = Commit(
        site=waiting("U0ADA"), seen=1, now=NOON, answered=request("trigger 1"), bodies=much
    )

    with contextmanager(fault.trouble)(store, path):
        told = await told_of(store.commit(commit))

    assert told == fault.told
    assert (await store.load()).revision == (2 if fault.kept else 1)
    assert len(await store.outbox()) == (1 if fault.kept else 0)
    seen = (await store.load()).revision
    assert await store.commit(Commit(site=waiting(), seen=seen, now=NOON)) == seen + 1
    await store.close()
    note("sqlite", fault.name, f"{told}, {'kept' if fault.kept else 'not kept'}")


@pytest.mark.parametrize("method", ["begin", "discharge"])
async def test_what_is_noted_of_a_row_may_have_been_when_the_disk_hangs(
    tmp_path: Path, method: str
) -> None:
    """Told that nothing was changed, the relay would take it for a row that nobody touched."""
    path = tmp_path / "queue.db"
    store = await SqliteStore.open(path, site=SITE, patience=IMPATIENT)
    (row,) = await say(store, b"called")

    with contextmanager(hanging)(store, path):
        noted = store.begin(row.row, now=NOON) if method == "begin" else store.discharge(row)
        assert await told_of(noted) == UNKNOWN

    rows = await store.outbox()
    assert [each.begun for each in rows] == ([NOON] if method == "begin" else [])
    await store.close()
