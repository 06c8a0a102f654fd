"""A real store that can be told to fail, to hesitate, or to lose its word."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import cast

from queue_store.errors import StoreError
from queue_store.lease import Lease
from queue_store.opening import Place, open_store
from queue_store.store import (
    Commit,
    Delivered,
    OutboxRow,
    PostedCard,
    QueueStore,
    RefusedRow,
    Snapshot,
)


class TroubledStore:
    """A store with troubles: `fails` before the next calls of a method, `forgets` after them.

    Under "request" are the commits that answer somebody, which readings in between leave alone;
    under "delivered" those that note what Slack took.

    While `flowing` is cleared, commits wait.
    """

    def __init__(self, store: QueueStore) -> None:
        self._store = store
        self.fails: dict[str, list[StoreError]] = {}
        self.forgets: dict[str, list[StoreError]] = {}
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.commits = 0

    async def load(self) -> Snapshot:
        self._fail("load")
        return await self._store.load()

    async def answered(self, request: str, *, now: datetime) -> bytes | None:
        self._fail("answered")
        return await self._store.answered(request, now=now)

    async def commit(self, commit: Commit) -> int:
        if commit.answered is not None:
            self._fail("request")
        if commit.delivered is not None:
            self._fail("delivered")
        self._fail("commit")
        self.commits += 1
        await self.flowing.wait()
        revision = await self._store.commit(commit)
        self._forget("commit")
        return revision

    async def outbox(self) -> tuple[OutboxRow, ...]:
        self._fail("outbox")
        return await self._store.outbox()

    async def begin(self, row: str, *, now: datetime, term: int | None = None) -> None:
        self._fail("begin")
        await self._store.begin(row, now=now, term=term)
        self._forget("begin")

    async def discharge(self, delivered: Delivered, *, term: int | None = None) -> None:
        self._fail("discharge")
        await self._store.discharge(delivered, term=term)
        self._forget("discharge")

    async def refused(self, *, now: datetime) -> tuple[RefusedRow, ...]:
        self._fail("refused")
        return await self._store.refused(now=now)

    def lease(self, *, seconds: float) -> Lease:
        return self._store.lease(seconds=seconds)

    async def card(self, key: str, *, now: datetime) -> PostedCard | None:
        self._fail("card")
        return await self._store.card(key, now=now)

    async def close(self) -> None:
        await self._store.close()

    def _fail(self, method: str) -> None:
        if self.fails.get(method):
            raise self.fails[method].pop(0)

    def _forget(self, method: str) -> None:
        if self.forgets.get(method):
            raise self.forgets[method].pop(0)


class Opening:
    """Opens the store as a troubled store, and keeps it for the test."""

    def __init__(self) -> None:
        self.store: TroubledStore

    async def __call__(self, place: Place, site: str) -> QueueStore:
        self.store = TroubledStore(await open_store(place, site=site))
        return self.store


class OneStore:
    """Opens one store for all who ask, as machines share a table; the last to leave closes it."""

    def __init__(self) -> None:
        self._store: QueueStore | None = None
        self._holders = 0

    async def __call__(self, place: Place, site: str) -> QueueStore:
        self._store = self._store or await open_store(place, site=site)
        self._holders += 1
        return cast("QueueStore", _Share(self._store, self._leave))

    async def _leave(self) -> None:
        self._holders -= 1
        if self._store is not None and not self._holders:
            await self._store.close()


class _Share:
    """One machine's view of the store."""

    def __init__(self, store: QueueStore, leave: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self.close = leave

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)
