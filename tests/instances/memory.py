"""A store in memory that any number of instances share, held to the one contract.

`pause` is awaited before and after everything, so that others may come in between; what is done in
between is done at once. Whoever is cancelled in a pause doesn't know whether it was done.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from msgspec.structs import replace

from queue_store.errors import Conflict, Deposed, Repeated, StoreUnavailable
from queue_store.lease import Heartbeat, KeptLease
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

_T = TypeVar("_T")

Pause = Callable[[], Awaitable[None]]


class Shelf:
    """What is kept of one site."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.revision = 0
        self.body = encoded(Site(id=site))
        self.answers: dict[str, Answered] = {}
        self.cards: dict[str, PostedCard] = {}
        self.rows: dict[str, OutboxRow] = {}
        self.refused: dict[str, RefusedRow] = {}
        self.beat: Heartbeat | None = None
        self.term = 0

    def loaded(self) -> Snapshot:
        return Snapshot(site=decoded(self.body, site=self.site), revision=self.revision)

    def commit(self, commit: Commit) -> int:
        told = commit.answered and self.answers.get(commit.answered.request)
        if told and told.expires > commit.now:
            raise Repeated(told.answer)
        self.refuse_deposed(commit.term)
        delivered = commit.delivered
        if commit.seen != self.revision or (delivered and delivered.row not in self.rows):
            raise Conflict("somebody else was faster")
        body = encoded(commit.site)
        self.revision, self.body = commit.seen + 1, body
        self._forget(commit.forgotten)
        if commit.answered:
            self.answers = {**self.answers, commit.answered.request: commit.answered}
        for place, body in enumerate(commit.bodies):
            row = OutboxRow(id=row_id(self.revision, place), body=body, created=commit.now)
            self.rows[row.id] = row
        if delivered:
            self.take(delivered)
        return self.revision

    def begin(self, row: str, now: datetime) -> None:
        if row not in self.rows:
            raise Conflict("the row is gone")
        self.rows[row] = replace(self.rows[row], begun=self.rows[row].begun or now)

    def take(self, delivered: Delivered) -> None:
        row, refused = self.rows.pop(delivered.row, None), delivered.refused
        if row and delivered.card:
            self.cards[delivered.card.key] = delivered.card
        if row and refused:
            self.refused[row.id] = RefusedRow(
                id=row.id,
                body=row.body,
                created=row.created,
                why=refused.why,
                expires=refused.expires,
            )

    def refuse_deposed(self, term: int | None) -> None:
        if term not in {None, self.term}:
            raise Deposed("another instance leads since")

    def follow(self, seen: Heartbeat | None, new: Heartbeat) -> Heartbeat | None:
        begins = seen is None or seen.term != new.term
        if self.beat == seen and (new.term > self.term or not begins):
            self.beat, self.term = new, max(self.term, new.term)
        return self.beat

    def _forget(self, driver: str | None) -> None:
        if driver is not None:
            name = driver.encode()
            self.answers = {
                k: replace(a, answer=FORGOTTEN) if name in a.answer else a
                for k, a in self.answers.items()
            }
            self.refused = {k: r for k, r in self.refused.items() if name not in r.body}


class MemoryStore:
    """One instance's way to the shelf."""

    def __init__(self, shelf: Shelf, *, pause: Pause, monotonic: Callable[[], float]) -> None:
        self._shelf = shelf
        self._pause = pause
        self._monotonic = monotonic
        self._closed = False

    async def load(self) -> Snapshot:
        return await self._do(self._shelf.loaded)

    async def answered(self, request: str, *, now: datetime) -> bytes | None:
        found = await self._do(lambda: self._shelf.answers.get(request))
        return found.answer if found and found.expires > now else None

    async def commit(self, commit: Commit) -> int:
        if commit.site.id != self._shelf.site:
            raise ValueError(f"this is the shelf of {self._shelf.site}, not of {commit.site.id}")
        return await self._do(lambda: self._shelf.commit(commit))

    async def outbox(self) -> tuple[OutboxRow, ...]:
        return await self._do(lambda: tuple(self._shelf.rows.values()))

    async def begin(self, row: str, *, now: datetime, term: int | None = None) -> None:
        def begin() -> None:
            self._shelf.refuse_deposed(term)
            self._shelf.begin(row, now)

        await self._do(begin)

    async def discharge(self, delivered: Delivered, *, term: int | None = None) -> None:
        def discharge() -> None:
            self._shelf.refuse_deposed(term)
            self._shelf.take(delivered)

        await self._do(discharge)

    async def refused(self, *, now: datetime) -> tuple[RefusedRow, ...]:
        rows = await self._do(lambda: tuple(self._shelf.refused.values()))
        kept = (row for row in rows if row.expires > now)
        return tuple(sorted(kept, key=lambda row: (row.id[:12], len(row.id), row.id)))

    async def card(self, key: str, *, now: datetime) -> PostedCard | None:
        found = await self._do(lambda: self._shelf.cards.get(key))
        return found if found and found.expires > now else None

    def lease(self, *, seconds: float) -> KeptLease:
        return KeptLease(self, seconds=seconds, monotonic=self._monotonic)

    async def last(self) -> Heartbeat | None:
        return await self._do(lambda: self._shelf.beat)

    async def last_term(self) -> int:
        return await self._do(lambda: self._shelf.term)

    async def follow(self, seen: Heartbeat | None, new: Heartbeat) -> Heartbeat | None:
        return await self._do(lambda: self._shelf.follow(seen, new))

    async def close(self) -> None:
        self._closed = True

    async def _do(self, work: Callable[[], _T]) -> _T:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        await self._pause()
        answer = work()
        await self._pause()
        return answer
