"""The store's own commands: a table is made, and a queue moves from one store to another."""

import asyncio
import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import Struct

from queue_store.__main__ import main
from queue_store.site import Site
from queue_store.store import Commit, Delivered
from tests.queue_store.decisions import NOON, SITE, card, refusal, request, said, say, waiting
from tests.queue_store.engines import ENGINES, OpenStore, table_of

WRONGLY_ASKED = 2


class Ended(Struct, frozen=True):
    """How a command ended, and what it printed."""

    code: int
    out: bytes
    words: str


Run = Callable[..., Ended]


@pytest.fixture
def run(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Answer how to do a command in this process."""

    def do(*words: str, given: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        try:
            code = main(words)
        except SystemExit as left:
            code = int(str(left.code))
        printed = capsysbinary.readouterr()
        return Ended(code, printed.out, printed.err.decode())

    return do


def place(engine: str, directory: Path) -> str:
    """Name a test's store as an administrator does."""
    if engine == "sqlite":
        return f"sqlite:{directory / 'queue.db'}"
    return f"dynamodb:{table_of(directory)}"


async def fill(open_store: OpenStore) -> None:
    """Keep something of every kind, at two sites."""
    store = await open_store(site=SITE)
    (first, second, _, last) = await say(store, b"first", b"second \xff", b"third", b"last")
    await store.begin(second.row, now=NOON)
    await store.discharge(Delivered(row=last.row, refused=refusal()))
    await store.lease(seconds=15).keep()
    answered = request("trigger 1", b"\x00")
    await store.commit(Commit(site=waiting("U0ADA"), seen=1, now=NOON, answered=answered))
    await store.discharge(Delivered(row=first.row, card=card()))
    await store.close()
    roof = await open_store(site="roof")
    await roof.commit(Commit(site=Site(id="roof"), seen=0, now=NOON, bodies=(b"many",) * 120))
    await roof.close()


async def assert_filled(open_store: OpenStore) -> None:
    """Find everything as it was."""
    store = await open_store(site=SITE)
    snapshot = await store.load()
    assert (snapshot.site, snapshot.revision) == (waiting("U0ADA"), 2)
    assert await said(store) == [b"second \xff", b"third"]
    assert [row.begun for row in await store.outbox()] == [NOON, None]
    assert [(row.body, row.why) for row in await store.refused(now=NOON)] == [
        (b"last", "channel_not_found")
    ]
    assert await store.answered("trigger 1", now=NOON) == b"\x00"
    assert await store.card("offer/1", now=NOON) == card()
    await store.close()
    roof = await open_store(site="roof")
    assert await said(roof) == [b"many"] * 120
    await roof.close()


@pytest.fixture
def exported(engine: str, open_store: OpenStore, tmp_path: Path, run: Run) -> bytes:
    """Answer what the export of a filled store printed."""
    asyncio.run(fill(open_store))
    ended = run("export", place(engine, tmp_path))
    assert (ended.code, ended.words) == (0, "127 records exported\n")
    return ended.out


def test_a_queue_moves_to_another_store_and_back(
    engine: str, exported: bytes, tmp_path: Path, run: Run
) -> None:
    """A pilot on SQLite becomes production on DynamoDB without anybody losing a place."""
    between, back = tmp_path / "between", tmp_path / "back"
    between.mkdir()
    back.mkdir()
    if engine != "sqlite":
        assert run("create", place(engine, back)).code == 0

    assert run("import", place("sqlite", between), given=exported).code == 0
    moved = run("export", place("sqlite", between)).out
    ended = run("import", place(engine, back), given=moved)

    assert (ended.code, ended.words) == (0, "127 records imported\n")
    assert sorted(moved.splitlines()) == sorted(exported.splitlines())
    asyncio.run(assert_filled(ENGINES[engine](back)))


def test_a_store_that_keeps_something_is_not_overwritten_unasked(
    engine: str, open_store: OpenStore, exported: bytes, tmp_path: Path, run: Run
) -> None:
    """A slip of the finger in the shell's history must not cost a queue."""
    lines = [line for line in exported.splitlines(keepends=True) if b'"roof"' in line]
    other = b"".join(lines)

    refused = run("import", place(engine, tmp_path), given=other)

    assert refused.code == 1
    assert "already; --replace drops what is there" in refused.words
    asyncio.run(assert_filled(open_store))
    assert run("import", "--replace", place(engine, tmp_path), given=other).code == 0
    assert sorted(run("export", place(engine, tmp_path)).out.splitlines()) == sorted(
        other.splitlines()
    )


def test_who_leads_is_nothing_to_overwrite_and_nothing_to_drop(
    engine: str, exported: bytes, tmp_path: Path, run: Run
) -> None:
    """Were terms counted anew, a leader of long ago would be taken for today's."""
    empty = tmp_path / "empty"
    empty.mkdir()
    asyncio.run(_lead(ENGINES[engine](empty)))

    assert run("import", place(engine, empty), given=exported).code == 0
    assert run("import", "--replace", place(engine, empty), given=exported).code == 0

    asyncio.run(assert_filled(ENGINES[engine](empty)))
    expected = 1 if engine == "sqlite" else 2
    assert asyncio.run(_lead(ENGINES[engine](empty))) == expected
    assert b"LEASE" not in exported


async def _lead(open_store: OpenStore) -> int | None:
    """Lead for a moment and answer in which term."""
    store = await open_store(site=SITE)
    lease = store.lease(seconds=15)
    await lease.keep()
    term = lease.term
    await lease.release()
    await store.close()
    return term


@pytest.mark.parametrize(
    "line",
    [b"garbage", b"{}", b'{"type":"site","site":"roof","revision":1,"body":{}}', b"\xff\xfe"],
)
def test_lines_that_are_no_records_are_named_before_anything_is_kept(
    engine: str, open_store: OpenStore, exported: bytes, tmp_path: Path, run: Run, line: bytes
) -> None:
    """Half an import would be worse than none."""
    ended = run("import", "--replace", place(engine, tmp_path), given=exported + line)

    assert ended.code == 1
    assert "line 128 is not a record" in ended.words
    asyncio.run(assert_filled(open_store))


def test_an_export_makes_no_file(tmp_path: Path, run: Run) -> None:
    """A mistyped path is told, not exported as an empty store."""
    ended = run("export", f"sqlite:{tmp_path}/queue.db")

    assert (ended.code, ended.out) == (1, b"")
    assert "there is no file" in ended.words
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("export",),
        ("export", "postgres:queue"),
        ("import", "queue.db"),
        ("create", "sqlite:queue.db"),
        ("create", "dynamodb:no spaces"),
        ("drop", "dynamodb:queue"),
    ],
)
def test_who_asks_wrongly_is_told_how_to_ask(words: tuple[str, ...], run: Run) -> None:
    """In words, with the exit code that every command has for it."""
    ended = run(*words)

    assert ended.code == WRONGLY_ASKED
    assert "usage: python -m queue_store" in ended.words
