"""Looking into a store: it tells what is there, and leaves everything as it was."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from queue_store.dynamodb import DynamoDbStore
from queue_store.errors import StoreError, StoreUnavailable, Unreadable
from queue_store.opening import DynamoDbTable, SqliteFile, inspect_store
from queue_store.sqlite import SqliteStore
from queue_store.store import Commit
from queue_store.table import create
from tests.queue_store.between import Refusal, Refusing
from tests.queue_store.decisions import NOON, SITE, waiting
from tests.queue_store.engines import SERVERS, heard, table_of

KEPT = Commit(site=waiting("U0ADA"), seen=0, now=NOON)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


@pytest.fixture(params=[name for name in heard() if name in SERVERS])
def table(
    reach_engine: Callable[[str], str], request: pytest.FixtureRequest, tmp_path: Path
) -> str:
    """Make a table in each engine."""
    reach_engine(str(request.param))
    assert list(create(table_of(tmp_path)))
    return table_of(tmp_path)


async def test_where_no_file_is_none_is_made(path: Path) -> None:
    """Made by an administrator, it would not be the bot's own user's."""
    found = await inspect_store(SqliteFile(path), site=SITE)

    assert (found.snapshot.revision, found.is_held) == (0, False)
    assert list(path.parent.iterdir()) == []


async def test_a_file_is_read_and_written_to_while_somebody_looks(path: Path) -> None:
    """The bot goes on working, and whoever looks sees what it did last."""
    bot = await SqliteStore.open(path, site=SITE)
    revision = await bot.commit(KEPT)

    found = await inspect_store(SqliteFile(path), site=SITE)

    assert found.is_held
    assert found.snapshot == await bot.load()
    assert await bot.commit(Commit(site=waiting("U0GRACE"), seen=revision, now=NOON))
    await bot.close()


async def test_a_file_that_nobody_holds_is_left_to_whoever_comes(path: Path) -> None:
    """Whoever only looks must not keep the bot from starting."""
    await _leave(path)
    before = {each.name: each.read_bytes() for each in path.parent.iterdir()}

    found = await inspect_store(SqliteFile(path), site=SITE)

    assert not found.is_held
    assert found.snapshot.site == waiting("U0ADA")
    assert {each.name: each.read_bytes() for each in path.parent.iterdir()} == before


async def test_an_empty_file_is_one_in_which_nothing_is_kept(path: Path) -> None:
    """Some tools make it before the bot does."""
    _execute(path)
    assert _size(path) == 0

    found = await inspect_store(SqliteFile(path), site=SITE)

    assert found.snapshot.revision == 0
    assert _size(path) == 0


async def test_an_older_file_is_read_and_stays_as_old_as_it_is(path: Path) -> None:
    """The bot of before may still be at work with it."""
    await _leave(path)
    _execute(path, "PRAGMA user_version = 1", "DROP TABLE refused")

    found = await inspect_store(SqliteFile(path), site=SITE)

    assert found.snapshot.site == waiting("U0ADA")
    assert _version(path) == 1


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda path: path.write_bytes(b"noise" * 1000), Unreadable),
        (lambda path: _execute(path, "PRAGMA user_version = 99"), Unreadable),
        (lambda path: _execute(path, "PRAGMA application_id = 1"), Unreadable),
        (lambda path: (path.unlink(), path.mkdir()), StoreUnavailable),
    ],
)
async def test_what_is_no_store_of_ours_is_refused(
    path: Path, spoil: Callable[[Path], object], error: type[StoreError]
) -> None:
    """As the bot would refuse it."""
    await _leave(path)
    spoil(path)

    with pytest.raises(error):
        await inspect_store(SqliteFile(path), site=SITE)


async def test_a_file_that_cannot_be_written_to_is_found_out(path: Path) -> None:
    """Reading works with far fewer rights than the bot needs."""
    await _leave(path)
    with closing(sqlite3.connect(path)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            await inspect_store(SqliteFile(path), site=SITE)


async def test_a_table_is_looked_at_and_nothing_is_written(table: str) -> None:
    """Whether it could be is tried under conditions that never hold."""
    store = await DynamoDbStore.open(table, site=SITE)
    await store.commit(KEPT)
    before = await store.records()

    found = await inspect_store(DynamoDbTable(table), site=SITE)

    assert found.snapshot == await store.load()
    assert found.shortcomings == ()
    assert set(found.unseen) <= {"point-in-time recovery"}
    assert await store.records() == before
    await store.close()


async def test_a_right_to_write_that_is_missing_is_found_out(table: str) -> None:
    """It would otherwise be found out by the first who wants to queue."""
    store = await DynamoDbStore.open(table, site=SITE)
    Refusing(store._table, Refusal("AccessDeniedException"))

    with pytest.raises(StoreUnavailable, match="AccessDeniedException"):
        await store.inspect()
    await store.close()


async def _leave(path: Path) -> None:
    """Keep something, and let go of the file."""
    store = await SqliteStore.open(path, site=SITE)
    await store.commit(KEPT)
    await store.close()


def _execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def _version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        return version


def _size(path: Path) -> int:
    return path.stat().st_size
