"""The heartbeats of leadership in DynamoDB: asked for in a thread of their own.

So a leader's sign of life never waits behind the work that it is a sign of.
"""

from collections.abc import Callable
from typing import TypeVar

from queue_store import lease_items
from queue_store.aws import ConditionsFailed, Table
from queue_store.errors import StoreUnavailable
from queue_store.lease import Heartbeat
from queue_store.notation import Found, key
from queue_store.patience import Patience
from queue_store.workers import Workers

_T = TypeVar("_T")


class TableHeartbeats:
    """Where one site's heartbeats are, as one instance sees it."""

    def __init__(self, table: str, *, site: str, patience: Patience) -> None:
        self._table = Table(table, patience=patience)
        self._site = site
        self._workers = Workers(1, "heartbeat", seconds=patience.whole)
        self._closed = False

    async def last(self) -> Heartbeat | None:
        """Answer the last heartbeat, if there ever was one."""
        return lease_items.read_heartbeat(await self._get(lease_items.LEASE))

    async def last_term(self) -> int:
        """Answer the latest term that has begun, 0 before the first."""
        return lease_items.read_fence(await self._get(lease_items.FENCE))

    async def follow(self, seen: Heartbeat | None, new: Heartbeat) -> Heartbeat | None:
        """Keep the new heartbeat if the one seen is still the last; answer which is the last."""
        writes = lease_items.following(self._site, seen, new)

        def work() -> Heartbeat | None:
            try:
                self._table.write(writes, token=new.id)
            except ConditionsFailed as failed:
                return lease_items.read_heartbeat(failed.found[0]) if 0 in failed.found else seen
            return new

        return await self._call(work, writes=True)

    def refuse(self) -> None:
        """Begin nothing more."""
        self._closed = True

    def close(self) -> None:
        """Finish what was begun and let go of the connections."""
        self.refuse()
        self._workers.finish()
        self._table.close()

    async def _get(self, name: str) -> Found | None:
        return await self._call(lambda: self._table.get(key(self._site, name)))

    async def _call(self, work: Callable[[], _T], *, writes: bool = False) -> _T:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        return await self._workers.do(lambda: self._connected(work), writes=writes)

    def _connected(self, work: Callable[[], _T]) -> _T:
        if self._table.client is None:
            self._table.connect()
        return work()
