"""The embedded store: one SQLite file for one process, with the promises of every other store.

Every statement runs on one thread of the store's own. A write is one transaction, and on the
disk before it is acknowledged; a task that stops waiting for it does not stop it halfway. A lock
file beside the database refuses a second process; the operating system lets go of it when its
holder dies. Whoever holds it leads, so there is one term only.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Self, TypeVar

import msgspec
from msgspec import Struct

from queue_store import file_versions
from queue_store.errors import (
    Conflict,
    NotEmpty,
    OutcomeUnknown,
    Repeated,
    StoreError,
    StoreUnavailable,
    Unreadable,
)
from queue_store.holding import FileLease, hold, is_held, refuse_deposed, refuse_unwritable
from queue_store.inspection import Inspection
from queue_store.patience import PERSONS, Patience
from queue_store.records import KeptAnswer, KeptCard, KeptRefused, KeptRow, KeptSite, Record
from queue_store.site import Site
from queue_store.store import (
    FORGOTTEN,
    Answered,
    Commit,
    Delivered,
    OutboxRow,
    PostedCard,
    RefusedRow,
    Snapshot,
    row_id,
)
from queue_store.stored import decoded, encoded
from queue_store.tracing import step
from queue_store.workers import Workers

_T = TypeVar("_T")

_DAMAGE = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
}


class SqliteStore:
    """One site's queue in one SQLite file."""

    def __init__(self, path: Path, *, site: str, patience: Patience) -> None:
        self._file = _File(path.resolve(), site, patience)
        self._workers = Workers(1, "sqlite", seconds=patience.whole)
        self._closing: asyncio.Future[None] | None = None

    @classmethod
    async def open(cls, path: Path, *, site: str, patience: Patience = PERSONS) -> Self:
        """Open the file, made if it is missing, and hold it until `close`.

        Raises:
            StoreInUse: another process, or another store in this one, holds the file.
            StoreUnavailable: the file can't be made or opened; the message says why.
            Unreadable: the file is damaged, not a store of ours, or a newer version's.
        """
        store = cls(path, site=site, patience=patience)
        try:
            await store._run("open", store._file.open, at_leisure=True)
        except BaseException:
            await store.close()
            raise
        return store

    @classmethod
    async def inspect(cls, path: Path, *, site: str, patience: Patience = PERSONS) -> Inspection:
        """Look into the file beside whoever holds it; nothing is made, brought up to date or held.

        Raises:
            StoreError: as `open`, but that the file may be held.
        """
        store = cls(path, site=site, patience=patience)
        try:
            return await store._run("inspect", store._file.inspect, at_leisure=True)
        finally:
            await store.close()

    async def load(self) -> Snapshot:
        """Answer the site as last committed."""
        return await self._run("load", self._file.load)

    async def answered(self, request: str, *, now: datetime) -> bytes | None:
        """Answer what this request was told, if it is still remembered."""
        return await self._run("answered", lambda: self._file.answered(request, now))

    async def commit(self, commit: Commit) -> int:
        """Store the decision whole and answer the new revision."""
        return await self._run("commit", lambda: self._file.commit(commit), writes=True)

    async def outbox(self) -> tuple[OutboxRow, ...]:
        """Answer what is still to be said, oldest first."""
        return await self._run("outbox", self._file.outbox)

    async def begin(self, row: str, *, now: datetime, term: int | None = None) -> None:
        """Note that somebody begins to say the row; what was noted first stays."""
        await self._run("begin", lambda: self._file.begin(row, now, term), writes=True)

    async def discharge(self, delivered: Delivered, *, term: int | None = None) -> None:
        """Take a row from the outbox and keep its card, or set it aside."""
        await self._run("discharge", lambda: self._file.discharge(delivered, term), writes=True)

    async def refused(self, *, now: datetime) -> tuple[RefusedRow, ...]:
        """Answer what was set aside and has not expired, oldest first."""
        return await self._run("refused", lambda: self._file.refused(now))

    def lease(self, *, seconds: float) -> FileLease:
        """Answer how to become the one that leads, which whoever holds the file is already."""
        return FileLease(lambda: self._closing is None, seconds=seconds)

    async def card(self, key: str, *, now: datetime) -> PostedCard | None:
        """Answer where the card stands, if it is still remembered."""
        return await self._run("card", lambda: self._file.card(key, now))

    async def records(self) -> list[Record]:
        """Answer everything that is kept, of every site."""
        return await self._run("records", lambda: list(self._file.records()))

    async def restore(self, records: Sequence[Record], *, replace: bool) -> None:
        """Keep these records and nothing else, all of them or none."""
        await self._run(
            "restore", lambda: self._file.restore(records, replace=replace), writes=True
        )

    async def close(self) -> None:
        """Finish what was begun and let go of the file; harmless if repeated."""
        if self._closing is None:
            self._closing = self._workers.do_last(self._file.close)
        await asyncio.shield(self._closing)

    async def _run(
        self,
        name: str,
        work: Callable[[], _T],
        *,
        writes: bool = False,
        at_leisure: bool = False,
    ) -> _T:
        if self._closing is not None:
            raise StoreUnavailable("the store is closed")
        with step(f"SQLite {name}"):
            try:
                return await self._workers.do(work, writes=writes, at_leisure=at_leisure)
            except sqlite3.Error as error:
                raise _translated(error) from error


class _StoredSite(Struct, frozen=True):
    revision: int
    body: bytes


class _File:
    """The file itself; used by one thread only."""

    def __init__(self, path: Path, site: str, patience: Patience) -> None:
        self._path = path
        self._site = site
        # Only an administrator's own shell can hold the file.
        self._busy_seconds = patience.answer
        self._lock: IO[bytes] | None = None
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        self._lock = hold(self._path)
        self._connection = sqlite3.connect(
            self._path, timeout=self._busy_seconds, isolation_level=None, cached_statements=64
        )
        self._recognise()
        self._execute("PRAGMA journal_mode = WAL")
        self._execute("PRAGMA synchronous = FULL")
        # The log's index takes room on the disk at the first reading, which later it may not have.
        self.load()

    def inspect(self) -> Inspection:
        if not self._path.exists():
            refuse_unwritable(self._path.parent)
            return Inspection(snapshot=self._never_stored)
        held = is_held(self._path)
        self._connection = sqlite3.connect(
            f"{self._path.as_uri()}?mode=rw",
            uri=True,
            timeout=self._busy_seconds,
            isolation_level=None,
        )
        self._refuse_damaged()
        if self._is_blank():
            return Inspection(snapshot=self._never_stored, is_held=held)
        self._refuse_foreign()
        # Nothing is written, but it would be refused here if it could not be.
        with self._transaction():
            return Inspection(snapshot=self.load(), is_held=held)

    @property
    def _never_stored(self) -> Snapshot:
        return Snapshot(site=Site(id=self._site), revision=0)

    def close(self) -> None:
        try:
            if self._connection is not None:
                self._connection.close()
        finally:
            if self._lock is not None:
                self._lock.close()

    def load(self) -> Snapshot:
        found = self._row("SELECT revision, body FROM site WHERE site = ?", self._site)
        if found is None:
            return self._never_stored
        stored = _converted(found, _StoredSite)
        return Snapshot(site=decoded(stored.body, site=self._site), revision=stored.revision)

    def answered(self, request: str, now: datetime) -> bytes | None:
        found = self._row(
            "SELECT request, answer, expires FROM answered"
            " WHERE site = ? AND request = ? AND expires > ?",
            *(self._site, request, _text(now)),
        )
        return None if found is None else _converted(found, Answered).answer

    def card(self, key: str, now: datetime) -> PostedCard | None:
        found = self._row(
            "SELECT key, channel, ts, expires FROM card WHERE site = ? AND key = ? AND expires > ?",
            *(self._site, key, _text(now)),
        )
        return None if found is None else _converted(found, PostedCard)

    def outbox(self) -> tuple[OutboxRow, ...]:
        rows = self._execute(
            "SELECT id, body, created, begun FROM outbox WHERE site = ? ORDER BY place", self._site
        )
        return tuple(_converted(_named(rows, row), OutboxRow) for row in rows.fetchall())

    def refused(self, now: datetime) -> tuple[RefusedRow, ...]:
        # Names of rows sort among the first thousand of a revision only.
        rows = self._execute(
            "SELECT id, body, created, why, expires FROM refused WHERE site = ? AND expires > ?"
            " ORDER BY substr(id, 1, 12), length(id), id",
            *(self._site, _text(now)),
        )
        return tuple(_converted(_named(rows, row), RefusedRow) for row in rows.fetchall())

    def commit(self, commit: Commit) -> int:
        with self._transaction():
            self._refuse_repeated(commit)
            refuse_deposed(commit.term)
            self._refuse_stale(commit)
            self._replace_site(commit)
            self._forget(commit.forgotten)
            self._remember(commit.answered)
            self._append(commit)
            if commit.delivered is not None and not self._take(commit.delivered):
                raise Conflict(f"outbox row {commit.delivered.row} is gone")
            self._sweep(commit.now)
        return commit.seen + 1

    def begin(self, row: str, now: datetime, term: int | None) -> None:
        refuse_deposed(term)
        with self._transaction():
            begun = self._execute(
                "UPDATE outbox SET begun = coalesce(begun, ?) WHERE site = ? AND id = ?",
                *(_text(now), self._site, row),
            )
            if not begun.rowcount:
                raise Conflict(f"outbox row {row} is gone")

    def discharge(self, delivered: Delivered, term: int | None) -> None:
        refuse_deposed(term)
        with self._transaction():
            self._take(delivered)

    def records(self) -> Iterator[Record]:
        for row in self._rows("SELECT site, revision, body FROM site"):
            body = _converted(row, _StoredSite).body
            yield _converted({**row, "body": msgspec.Raw(body)}, KeptSite)
        for row in self._rows("SELECT site, request, answer, expires FROM answered"):
            yield KeptAnswer(site=row["site"], answered=_converted(row, Answered))
        for row in self._rows("SELECT site, key, channel, ts, expires FROM card"):
            yield KeptCard(site=row["site"], card=_converted(row, PostedCard))
        for row in self._rows("SELECT site, id, body, created, begun FROM outbox ORDER BY place"):
            yield KeptRow(site=row["site"], row=_converted(row, OutboxRow))
        for row in self._rows("SELECT site, id, body, created, why, expires FROM refused"):
            yield KeptRefused(site=row["site"], row=_converted(row, RefusedRow))

    def restore(self, records: Sequence[Record], *, replace: bool) -> None:
        with self._transaction():
            for table in ("site", "answered", "card", "outbox", "refused"):
                dropped = self._execute(f"DELETE FROM {table}")  # noqa: S608 # our words
                if dropped.rowcount and not replace:
                    raise NotEmpty(f"there is something in {self._path} already")
            for record in records:
                self._restore(record)

    def _restore(self, record: Record) -> None:
        match record:
            case KeptSite(site=site, revision=revision, body=body):
                self._put("site", site, revision, bytes(body))
            case KeptAnswer(site=site, answered=told):
                self._put("answered", site, told.request, told.answer, _text(told.expires))
            case KeptCard(site=site, card=card):
                expires = _text(card.expires)
                self._put("card", site, card.key, card.channel, card.ts, expires)
            case KeptRow(site=site, row=row):
                begun = None if row.begun is None else _text(row.begun)
                self._put("outbox", None, site, row.id, row.body, _text(row.created), begun)
            case KeptRefused(site=site, row=row):
                moments = _text(row.created), row.why, _text(row.expires)
                self._put("refused", site, row.id, row.body, *moments)

    def _put(self, table: str, *values: object) -> None:
        places = ", ".join("?" for _ in values)
        self._execute(f"INSERT INTO {table} VALUES ({places})", *values)  # noqa: S608 # our words

    def _refuse_repeated(self, commit: Commit) -> None:
        if commit.answered is not None:
            answer = self.answered(commit.answered.request, commit.now)
            if answer is not None:
                raise Repeated(answer)

    def _refuse_stale(self, commit: Commit) -> None:
        found = self._row("SELECT revision FROM site WHERE site = ?", self._site)
        revision = 0 if found is None else found["revision"]
        if revision != commit.seen:
            raise Conflict(f"the site is at revision {revision}, not {commit.seen}")

    def _replace_site(self, commit: Commit) -> None:
        if commit.site.id != self._site:
            raise ValueError(f"this store keeps site {self._site!r}, not {commit.site.id!r}")
        self._execute(
            "INSERT OR REPLACE INTO site (site, revision, body) VALUES (?, ?, ?)",
            *(self._site, commit.seen + 1, encoded(commit.site)),
        )

    def _forget(self, driver: str | None) -> None:
        if driver is not None:
            # What only looks as if it spoke of them is no loss.
            them = (self._site, driver.encode())
            self._execute("DELETE FROM refused WHERE site = ? AND instr(body, ?)", *them)
            self._execute(
                "UPDATE answered SET answer = ? WHERE site = ? AND instr(answer, ?)",
                *(FORGOTTEN, *them),
            )

    def _remember(self, answered: Answered | None) -> None:
        if answered is not None:
            self._execute(
                "INSERT OR REPLACE INTO answered (site, request, answer, expires)"
                " VALUES (?, ?, ?, ?)",
                *(self._site, answered.request, answered.answer, _text(answered.expires)),
            )

    def _append(self, commit: Commit) -> None:
        for place, body in enumerate(commit.bodies):
            self._execute(
                "INSERT INTO outbox (site, id, body, created) VALUES (?, ?, ?, ?)",
                *(self._site, row_id(commit.seen + 1, place), body, _text(commit.now)),
            )

    def _take(self, delivered: Delivered) -> bool:
        # The card goes with its row: a discharge that comes again must not put an old card back.
        if delivered.refused is not None:
            self._execute(
                "INSERT INTO refused (site, id, body, created, why, expires)"
                " SELECT site, id, body, created, ?, ? FROM outbox WHERE site = ? AND id = ?",
                *(delivered.refused.why, _text(delivered.refused.expires)),
                *(self._site, delivered.row),
            )
        taken = self._execute(
            "DELETE FROM outbox WHERE site = ? AND id = ?", self._site, delivered.row
        )
        if taken.rowcount and delivered.card is not None:
            self._keep(delivered.card)
        return taken.rowcount > 0

    def _keep(self, card: PostedCard) -> None:
        self._execute(
            "INSERT OR REPLACE INTO card (site, key, channel, ts, expires) VALUES (?, ?, ?, ?, ?)",
            *(self._site, card.key, card.channel, card.ts, _text(card.expires)),
        )

    def _sweep(self, now: datetime) -> None:
        for table in ("answered", "card", "refused"):
            self._execute(
                f"DELETE FROM {table} WHERE site = ? AND expires <= ?",  # noqa: S608 # our words
                *(self._site, _text(now)),
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._execute("BEGIN IMMEDIATE")
        try:
            yield
            self._end()
        except BaseException:
            # After some errors SQLite has rolled back by itself, and another would be refused.
            with suppress(sqlite3.Error):
                self._execute("ROLLBACK")
            raise

    def _end(self) -> None:
        try:
            self._execute("COMMIT")
        except sqlite3.OperationalError as error:
            # The log may already hold the transaction although the disk did not confirm it.
            if _primary_code(error) == sqlite3.SQLITE_IOERR:
                raise OutcomeUnknown(f"the disk did not confirm the write: {error}") from error
            raise

    def _recognise(self) -> None:
        self._refuse_damaged()
        if self._is_blank():
            self._make()
        self._refuse_foreign()
        self._upgrade()

    def _refuse_damaged(self) -> None:
        if self._value("PRAGMA quick_check") != "ok":
            raise Unreadable(f"{self._path} is damaged")

    def _is_blank(self) -> bool:
        return bool(self._value("SELECT count(*) FROM sqlite_schema") == 0)

    def _refuse_foreign(self) -> None:
        if self._value("PRAGMA application_id") != file_versions.OURS:
            raise Unreadable(f"{self._path} is not a store of EV Concierge; give it another path")
        version = self._value("PRAGMA user_version")
        if version not in {file_versions.VERSION, *file_versions.UPGRADES}:
            raise Unreadable(
                f"{self._path} was made by another version (file version {version}, this version"
                f" reads {file_versions.VERSION}): update EV Concierge, or give it another path"
            )

    def _upgrade(self) -> None:
        while upgrade := file_versions.UPGRADES.get(self._value("PRAGMA user_version")):
            with self._transaction():
                for statement in upgrade:
                    self._execute(statement)

    def _make(self) -> None:
        with self._transaction():
            for statement in file_versions.TABLES:
                self._execute(statement)

    def _value(self, statement: str) -> Any:  # noqa: ANN401 # SQLite's types are the value's own
        return self._execute(statement).fetchone()[0]

    def _row(self, statement: str, *values: object) -> dict[str, Any] | None:
        cursor = self._execute(statement, *values)
        row = cursor.fetchone()
        return None if row is None else _named(cursor, row)

    def _rows(self, statement: str) -> list[dict[str, Any]]:
        cursor = self._execute(statement)
        return [_named(cursor, row) for row in cursor.fetchall()]

    def _execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        if self._connection is None:
            raise StoreUnavailable("the store is not open")
        return self._connection.execute(statement, values)


def _translated(error: sqlite3.Error) -> StoreError:
    if _primary_code(error) in _DAMAGE:
        return Unreadable(f"the SQLite file is damaged: {error}")
    return StoreUnavailable(f"SQLite can't do it now: {error}")


def _primary_code(error: sqlite3.Error) -> int:
    # An error without a code is Python's own, about a value that it could not read.
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF


def _named(cursor: sqlite3.Cursor, row: tuple[object, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def _converted(row: dict[str, Any], kind: type[_T]) -> _T:
    try:
        return msgspec.convert(row, kind)
    except msgspec.ValidationError as error:
        raise Unreadable(f"the SQLite file is damaged: {error}") from error


def _text(moment: datetime) -> str:
    """Write a moment so that texts sort as moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
