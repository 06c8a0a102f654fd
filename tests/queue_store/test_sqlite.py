"""What the embedded store promises besides the contract: about its file and its one process."""

import asyncio
import os
import sqlite3
import sys
import threading
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from queue_store import file_versions, tracing
from queue_store.errors import (
    Conflict,
    OutcomeUnknown,
    Repeated,
    StoreInUse,
    StoreUnavailable,
    Unreadable,
)
from queue_store.patience import Patience
from queue_store.site import SCHEMA, Entry, Site
from queue_store.sqlite import SqliteStore
from queue_store.store import Commit, Delivered, Snapshot
from tests.queue_store.decisions import (
    NEXT_WEEK,
    NOON,
    SITE,
    card,
    refusal,
    request,
    said,
    say,
    waiting,
)
from tests.queue_store.engines import ROOT
from tests.queue_store.full_disk import ROOM_LEFT

IMPATIENT = Patience(connection=0.01, answer=0.01, attempts=0.01)

AS_FAST_AS_SLACK_SECONDS = 3.0

EXAMPLES = Path(__file__).with_name("examples")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name the file."""
    return tmp_path / "queue.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    """Open a store that nothing was ever kept in."""
    opened = await SqliteStore.open(path, site=SITE)
    yield opened
    await opened.close()


def write(path: Path, content: bytes) -> None:
    """Put this in the file's place."""
    path.write_bytes(content)


def remove(path: Path) -> None:
    """Take the file away."""
    path.unlink()


def make_directory(path: Path) -> None:
    """Put a directory in the file's place."""
    path.mkdir()


def content(path: Path) -> bytes:
    """Answer what is in the file."""
    return path.read_bytes()


def in_the_file(path: Path, statement: str, *values: object) -> list[tuple[object, ...]]:
    """Do to the file what an administrator's shell could."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


async def test_a_second_store_on_the_file_is_refused_until_the_first_is_closed(path: Path) -> None:
    """Two bots on one file would call two drivers for one port."""
    first = await SqliteStore.open(path, site=SITE)

    with pytest.raises(StoreInUse, match=r"queue\.db"):
        await SqliteStore.open(path, site=SITE)

    assert (await first.load()).revision == 0
    await first.close()
    second = await SqliteStore.open(path, site=SITE)
    await second.close()


async def test_a_second_store_is_refused_whatever_it_calls_the_file(
    path: Path, tmp_path: Path
) -> None:
    """A symbolic link is no way around the lock."""
    other_name = tmp_path / "other.db"
    other_name.symlink_to(path)
    first = await SqliteStore.open(path, site=SITE)

    with pytest.raises(StoreInUse):
        await SqliteStore.open(other_name, site=SITE)

    await first.close()


async def test_a_second_process_is_refused_until_the_first_dies(path: Path) -> None:
    """A bot that was killed doesn't lock its successor out."""
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.queue_store.committing", "sqlite", str(path.parent)),
        stdout=PIPE,
        cwd=ROOT,
    )
    async with asyncio.timeout(30):
        assert holder.stdout is not None
        assert await holder.stdout.readline()
        with pytest.raises(StoreInUse):
            await SqliteStore.open(path, site=SITE)
        holder.kill()
        await holder.stdout.read()
        await holder.wait()

    store = await SqliteStore.open(path, site=SITE)
    assert (await store.load()).revision > 0
    await store.close()


async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    """The person who mistyped the path reads which part of it is wrong."""
    with pytest.raises(StoreUnavailable, match=r"the directory .*nowhere does not exist"):
        await SqliteStore.open(tmp_path / "nowhere" / "queue.db", site=SITE)


async def test_a_directory_in_the_files_place_is_refused(path: Path) -> None:
    """Nothing but a file can be the store."""
    make_directory(path)

    with pytest.raises(StoreUnavailable):
        await SqliteStore.open(path, site=SITE)


async def test_a_lock_that_cannot_be_made_is_named(path: Path) -> None:
    """Without its lock the file could be opened twice."""
    make_directory(path.with_name("queue.db.lock"))

    with pytest.raises(StoreUnavailable, match="can't be locked"):
        await SqliteStore.open(path, site=SITE)


async def test_a_failed_opening_lets_go_of_the_file(path: Path) -> None:
    """The playground goes on living after a wrong path; it must be able to try again."""
    write(path, b"not a database at all " * 100)
    with pytest.raises(Unreadable):
        await SqliteStore.open(path, site=SITE)
    remove(path)

    store = await SqliteStore.open(path, site=SITE)
    await store.close()


async def test_a_cancelled_opening_lets_go_of_the_file(path: Path) -> None:
    """A start that is called off leaves nothing locked."""
    async with asyncio.TaskGroup() as tasks:
        opening = tasks.create_task(SqliteStore.open(path, site=SITE))
        await asyncio.sleep(0)
        opening.cancel()

    store = await SqliteStore.open(path, site=SITE)
    await store.close()


async def test_a_file_of_noise_is_refused(path: Path) -> None:
    """Better no bot than one that forgot the queue and says nothing."""
    noise = os.urandom(8192)
    write(path, noise)

    with pytest.raises(Unreadable, match="damaged"):
        await SqliteStore.open(path, site=SITE)

    assert content(path) == noise


async def test_a_file_damaged_in_the_middle_is_refused(path: Path) -> None:
    """A failing disk is found at the start, not when the damaged page is needed."""
    store = await SqliteStore.open(path, site=SITE)
    await say(store, *(os.urandom(2000) for _ in range(40)))
    await store.close()
    whole = content(path)
    middle = len(whole) // 2
    write(path, whole[:middle] + os.urandom(8192) + whole[middle + 8192 :])

    with pytest.raises(Unreadable, match="damaged"):
        await SqliteStore.open(path, site=SITE)


async def test_another_programs_database_is_left_alone(path: Path) -> None:
    """A mistyped path must not put our tables into somebody's accounts."""
    in_the_file(path, "CREATE TABLE accounts (name TEXT)")
    before = content(path)

    with pytest.raises(Unreadable, match="not a store of EV Concierge"):
        await SqliteStore.open(path, site=SITE)

    assert content(path) == before


async def test_a_newer_file_is_refused(path: Path) -> None:
    """An old version that is started by mistake spoils nothing."""
    await (await SqliteStore.open(path, site=SITE)).close()
    in_the_file(path, "PRAGMA user_version = 3")

    with pytest.raises(Unreadable, match="file version 3"):
        await SqliteStore.open(path, site=SITE)


@pytest.mark.parametrize("version", [-1, 0])
async def test_a_file_of_a_version_that_never_was_is_refused(path: Path, version: int) -> None:
    """There is no telling what is in it."""
    await (await SqliteStore.open(path, site=SITE)).close()
    in_the_file(path, f"PRAGMA user_version = {version}")

    with pytest.raises(Unreadable, match=f"file version {version}"):
        await SqliteStore.open(path, site=SITE)


# When version 1 wrote its example.
THEN = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def version1(path: Path) -> Path:
    """Put a file that version 1 wrote in the file's place."""
    write(path, content(EXAMPLES / "version1.db"))
    return path


async def test_an_older_file_is_brought_up_to_date(version1: Path) -> None:
    """Who updates the bot keeps the queue, and what is still to be said."""
    site = Site(id=SITE, queue=(Entry(driver="U0ADA", joined=THEN),))
    store = await SqliteStore.open(version1, site=SITE)

    assert await store.load() == Snapshot(site=site, revision=1)
    assert await store.answered("trigger 1", now=THEN) == b"You're in"
    assert await store.card("offer/1", now=THEN) == card(expires=THEN + timedelta(days=7))
    first, second = await store.outbox()
    assert [(row.body, row.begun) for row in (first, second)] == [
        (b"first", None),
        (b"second", None),
    ]
    await store.begin(first.id, now=THEN)
    await store.discharge(Delivered(row=second.id, refused=refusal()))
    await store.close()
    store = await SqliteStore.open(version1, site=SITE)
    assert [row.begun for row in await store.outbox()] == [THEN]
    assert [row.body for row in await store.refused(now=THEN)] == [b"second"]
    await store.close()


async def test_a_file_brought_up_to_date_is_made_like_a_new_one(
    version1: Path, tmp_path: Path
) -> None:
    """Or the next version would have two kinds of files to bring up to date."""
    new = tmp_path / "new.db"
    for path in (version1, new):
        await (await SqliteStore.open(path, site=SITE)).close()

    assert _design(version1) == _design(new)


def _design(path: Path) -> dict[str, object]:
    names = in_the_file(path, "SELECT name FROM sqlite_schema ORDER BY name")
    return {
        "version": in_the_file(path, "PRAGMA user_version"),
        **{str(name): in_the_file(path, f"PRAGMA table_xinfo({name})") for (name,) in names},
        **{f"{name} in": in_the_file(path, f"PRAGMA index_xinfo({name})") for (name,) in names},
    }


@pytest.mark.parametrize("statement", range(len(file_versions.UPGRADES[1])))
async def test_an_update_of_the_file_that_is_cut_off_is_made_again(
    version1: Path, monkeypatch: pytest.MonkeyPatch, statement: int
) -> None:
    """All or nothing: the version before can still read it, and the next start brings it on."""
    before = _design(version1)
    cut = (*file_versions.UPGRADES[1][: statement + 1], "nonsense")
    with monkeypatch.context() as patched:
        patched.setattr(file_versions, "UPGRADES", {1: cut})
        with pytest.raises(Unreadable):
            await SqliteStore.open(version1, site=SITE)
    assert _design(version1) == before

    store = await SqliteStore.open(version1, site=SITE)

    assert await said(store) == [b"first", b"second"]
    await store.close()


async def test_a_newer_site_is_refused(store: SqliteStore) -> None:
    """The same, where only the form of the site is newer."""
    await store.commit(Commit(site=Site(id=SITE, schema=SCHEMA + 1), seen=0, now=NOON))

    with pytest.raises(Unreadable, match=f"newer version .schema {SCHEMA + 1}"):
        await store.load()


@pytest.mark.parametrize("body", [None, 7, b"", b"{}", "text"])
async def test_a_damaged_site_is_refused(path: Path, store: SqliteStore, body: object) -> None:
    """Whatever became of the row, the answer is plain words."""
    in_the_file(path, "DROP TABLE site")
    in_the_file(path, "CREATE TABLE site (site, revision, body)")
    in_the_file(path, "INSERT INTO site VALUES (?, 1, ?)", SITE, body)

    with pytest.raises(Unreadable):
        await store.load()


async def test_a_damaged_row_is_refused(path: Path, store: SqliteStore) -> None:
    """A row that can't be read is reported, not skipped: somebody waits to be called."""
    await say(store, b"called")
    in_the_file(path, "UPDATE outbox SET created = 'yesterday'")

    with pytest.raises(Unreadable, match="created"):
        await store.outbox()


async def test_a_missing_table_is_damage(path: Path, store: SqliteStore) -> None:
    """Waiting would not bring it back."""
    in_the_file(path, "DROP TABLE card")

    with pytest.raises(Unreadable, match="card"):
        await store.card("offer/1", now=NOON)


async def test_a_full_disk_changes_nothing_and_passes(store: SqliteStore) -> None:
    """The command is refused in plain words; with room again, the next one works."""
    await store.commit(Commit(site=waiting("U0ADA"), seen=0, now=NOON))
    await _limit_pages(store, 1)
    too_much = Commit(
        site=waiting("U0GRACE"),
        seen=1,
        now=NOON,
        answered=request("trigger 1"),
        bodies=(b"x" * 100_000,),
    )

    with pytest.raises(StoreUnavailable, match="full"):
        await store.commit(too_much)

    assert (await store.load()).site == waiting("U0ADA")
    assert await store.answered("trigger 1", now=NOON) is None
    await _limit_pages(store, 1_000_000)
    assert await store.commit(too_much) == 2


async def _limit_pages(store: SqliteStore, pages: int) -> None:
    # SQLite never goes below what the file already has.
    await store._run("limit", lambda: store._file._value(f"PRAGMA max_page_count = {pages}"))


async def test_a_disk_that_fills_up_loses_nothing_and_keeps_nothing_by_halves(
    tmp_path: Path,
) -> None:
    """Told that nothing was changed, people try again; so nothing must have been."""
    mounted = 'mount -t tmpfs -o size=1m none "$1" && exec "$0" -m tests.queue_store.full_disk "$1"'
    filling = await asyncio.create_subprocess_exec(
        *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted),
        *(sys.executable, str(tmp_path)),
        stdout=PIPE,
        stderr=PIPE,
        cwd=ROOT,
    )
    async with asyncio.timeout(30):
        told, trouble = await filling.communicate()
    if b"unshare" in trouble or b"mount" in trouble:
        pytest.skip("a small disk can't be had here")

    *refused, works_again = told.decode().splitlines()
    assert trouble == b""
    assert len(refused) == len(ROOM_LEFT) + 1
    assert all(line.startswith("StoreUnavailable: ") for line in refused)
    assert works_again == "True"


async def test_a_disk_that_does_not_confirm_a_commit_leaves_the_outcome_unknown(
    tmp_path: Path,
) -> None:
    """People are told that it may have happened, and the store works when the disk does."""
    refusing = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.queue_store.refusing_disk", str(tmp_path)),
        stdout=PIPE,
        cwd=ROOT,
    )
    async with asyncio.timeout(30):
        output, _ = await refusing.communicate()

    assert output.split() == [OutcomeUnknown.__name__.encode(), b"2"]


async def test_a_locked_file_is_unavailable_until_it_is_let_go(path: Path) -> None:
    """An administrator's shell on the file makes the bot say so, not hang."""
    store = await SqliteStore.open(path, site=SITE, patience=IMPATIENT)
    shell = sqlite3.connect(path, isolation_level=None)
    shell.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreUnavailable, match="locked"):
        await store.commit(Commit(site=waiting("U0ADA"), seen=0, now=NOON))

    assert (await store.load()).revision == 0
    shell.close()
    assert await store.commit(Commit(site=waiting("U0ADA"), seen=0, now=NOON)) == 1
    await store.close()


async def test_a_disk_that_hangs_is_given_up_in_time(path: Path) -> None:
    """The driver is told that it may have worked, and it has once the disk goes on."""
    store = await SqliteStore.open(path, site=SITE)
    enough = threading.Event()

    def hang_at_the_end(statement: str) -> None:
        if statement == "COMMIT":
            enough.wait()

    def let_it_hang() -> None:
        assert store._file._connection is not None
        store._file._connection.set_trace_callback(hang_at_the_end)

    await store._run("trace", let_it_hang)
    begun = time.monotonic()

    commits = (Commit(site=waiting(who), seen=0, now=NOON) for who in ("U0ADA", "U0GRACE"))
    outcomes = await asyncio.gather(*map(store.commit, commits), return_exceptions=True)

    assert time.monotonic() - begun < AS_FAST_AS_SLACK_SECONDS
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown, StoreUnavailable]
    with pytest.raises(StoreUnavailable, match="in time"):
        await store.load()
    enough.set()
    assert await store.load() == Snapshot(site=waiting("U0ADA"), revision=1)
    assert await store.commit(Commit(site=waiting("U0GRACE"), seen=1, now=NOON)) == 2
    await store.close()


async def test_what_expired_is_swept_by_the_next_commit(path: Path, store: SqliteStore) -> None:
    """The file doesn't grow for ever, and what is forgotten is gone from the disk too."""
    (row, refused) = await say(store, b"called", b"refused")
    await store.discharge(Delivered(row=refused.row, refused=refusal()))
    await store.commit(
        Commit(
            site=waiting(),
            seen=1,
            now=NOON,
            answered=request("trigger 1"),
            delivered=type(row)(row=row.row, card=card()),
        )
    )

    await store.commit(Commit(site=waiting(), seen=2, now=NEXT_WEEK))

    kept = "SELECT request FROM answered UNION SELECT key FROM card UNION SELECT id FROM refused"
    assert in_the_file(path, kept) == []


async def test_every_commit_is_on_the_disk_before_it_is_acknowledged(store: SqliteStore) -> None:
    """A power cut loses nothing either."""
    journal = await store._run("read", lambda: store._file._value("PRAGMA journal_mode"))
    synchronous = await store._run("read", lambda: store._file._value("PRAGMA synchronous"))

    assert (journal, synchronous) == ("wal", 2)


async def test_each_call_is_a_step_of_the_trace(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the time of a command went can be seen."""
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(tracing, "_TRACER", provider.get_tracer("queue_store"))
    store = await SqliteStore.open(path, site=SITE)
    commit = Commit(site=waiting(), seen=0, now=NOON, answered=request("trigger 1"))
    await store.commit(commit)
    with pytest.raises(Repeated):
        await store.commit(commit)
    with pytest.raises(Conflict):
        await store.commit(Commit(site=waiting(), seen=0, now=NOON))
    in_the_file(path, "DROP TABLE outbox")
    with pytest.raises(Unreadable):
        await store.outbox()
    await store.close()

    finished = spans.get_finished_spans()

    assert [(span.name, (span.attributes or {}).get("outcome")) for span in finished] == [
        ("SQLite open", None),
        ("SQLite commit", None),
        ("SQLite commit", "Repeated"),
        ("SQLite commit", "Conflict"),
        ("SQLite outbox", None),
    ]
    # The file is no service of somebody else's.
    assert {span.kind for span in finished} == {SpanKind.INTERNAL}
    assert [span.status.status_code for span in finished] == [
        *(StatusCode.UNSET for _ in range(4)),
        StatusCode.ERROR,
    ]


async def test_rows_of_one_revision_stay_in_order_beyond_a_thousand(store: SqliteStore) -> None:
    """Names of rows stop sorting there; the order of saying doesn't."""
    bodies = [str(number).encode() for number in range(1002)]

    await say(store, *bodies)

    assert await said(store) == bodies
