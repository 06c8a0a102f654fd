"""What /readyz tells beside what is wrong: who leads, how old the news is, and what is unsaid.

It is taken from the store, so that every instance tells the same. Anybody may ask as often as they
like; the store is asked every few seconds at most.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.clock import Clock
from bot.leader import Leader
from bot.tracing import untraced
from queue_store.errors import StoreError
from queue_store.site import Site
from queue_store.store import OutboxRow, QueueStore

FRESH_SECONDS = 5.0

# Whoever asks wants to hear that the store does not answer, and soon.
PATIENCE_SECONDS = 2.0

Facts = Mapping[str, Any]


class Health:
    """Knows the facts of one instance and of the site that it serves."""

    def __init__(self, store: QueueStore, leader: Leader, *, clock: Clock) -> None:
        self._store = store
        self._leader = leader
        self._clock = clock
        self._asking = asyncio.Lock()
        self._stored: Facts = {}
        self._asked_at: float | None = None

    async def facts(self) -> Facts:
        """Answer who leads and, where the store tells, how things are at the site."""
        async with self._asking:
            if self._asked_at is None or self._age > FRESH_SECONDS:
                self._stored = await self._of_store()
                self._asked_at = self._clock.monotonic()
        return {"leader": self._of_leader(), **self._stored}

    @property
    def _age(self) -> float:
        return self._clock.monotonic() - (self._asked_at or 0.0)

    def _of_leader(self) -> Facts | None:
        known = self._leader.known
        if known is None:
            return None
        return {"here": self._leader.term is not None, "name": known.name, "term": known.term}

    async def _of_store(self) -> Facts:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                with untraced():
                    return await self._asked()
        except (StoreError, TimeoutError):
            # Why is told among what is wrong.
            return {"stations": None, "outbox": None}

    async def _asked(self) -> Facts:
        now = self._clock.now()
        site = (await self._store.load()).site
        rows = await self._store.outbox()
        refused = await self._store.refused(now=now)
        return {
            "stations": _of_stations(site, now),
            "outbox": {**_of_outbox(rows, now), "set_aside": len(refused)},
        }


def _of_stations(site: Site, now: datetime) -> Facts:
    spoken = max((port.spoken for port in site.ports if port.spoken), default=None)
    return {"event_seconds_ago": _ago(spoken, now), "reading_seconds_ago": _ago(site.read, now)}


def _of_outbox(rows: tuple[OutboxRow, ...], now: datetime) -> Facts:
    oldest = min((row.created for row in rows), default=None)
    return {"waiting": len(rows), "oldest_seconds_ago": _ago(oldest, now)}


def _ago(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else round((now - moment).total_seconds(), 1)
