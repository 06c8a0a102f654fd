"""The production store: one DynamoDB table for any number of machines.

A commit is one transaction. A write carries its commit's name: if its acknowledgement is lost,
what a second attempt finds there tells whether the first one was taken.

DynamoDB's answers are waited for in threads of the store's own, and of each lease's own. A task
that stops waiting does not stop a write halfway.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Self, TypeVar
from uuid import uuid4

from queue_store import items, lease_items
from queue_store.aws import CONNECTIONS, ConditionsFailed, Table
from queue_store.errors import Conflict, Deposed, NotEmpty, Repeated, StoreUnavailable
from queue_store.heartbeats import TableHeartbeats
from queue_store.inspection import Inspection
from queue_store.lease import KeptLease
from queue_store.notation import Found, Write, deletion, key, put
from queue_store.patience import PERSONS, Patience, within
from queue_store.records import KeptSite, Record
from queue_store.store import (
    Commit,
    Delivered,
    OutboxRow,
    PostedCard,
    RefusedRow,
    Snapshot,
)
from queue_store.table import examined
from queue_store.tracing import step
from queue_store.workers import Workers

_T = TypeVar("_T")

# Whoever stops the bot waits for its last heartbeat, however long the lease is.
_LONGEST_HEARTBEAT_SECONDS = 3.0

_DEPOSED = "another instance leads since; nothing was changed"


class DynamoDbStore:
    """One site's queue in a DynamoDB table."""

    def __init__(self, table: str, *, site: str, patience: Patience = PERSONS) -> None:
        self._table = Table(table, patience=patience)
        self._site = site
        self._workers = Workers(CONNECTIONS, "dynamodb", seconds=patience.whole)
        self._heartbeats: list[TableHeartbeats] = []
        self._closing: asyncio.Future[None] | None = None

    @classmethod
    async def open(cls, table: str, *, site: str, patience: Patience = PERSONS) -> Self:
        """Open the table, which must be there, and look whether it can be read.

        Raises:
            StoreUnavailable: AWS is not set up or can't be reached, or there is no such table; the
                message says which.
            Unreadable: the table is not a store of ours, or what it keeps a newer version's.
        """
        store = cls(table, site=site, patience=patience)
        try:
            await store._call("open", store._table.connect, at_leisure=True)
            await store.load()
        except BaseException:
            await store.close()
            raise
        return store

    async def load(self) -> Snapshot:
        """Answer the site as last committed."""
        return items.read_site(await self._get(items.SITE), site=self._site)

    async def answered(self, request: str, *, now: datetime) -> bytes | None:
        """Answer what this request was told, if it is still remembered."""
        return items.read_answer(await self._get(items.ANSWERED + request), now=now)

    async def card(self, key: str, *, now: datetime) -> PostedCard | None:
        """Answer where the card stands, if it is still remembered."""
        return items.read_card(await self._get(items.CARD + key), now=now)

    async def commit(self, commit: Commit) -> int:
        """Store the decision whole and answer the new revision."""
        if commit.site.id != self._site:
            raise ValueError(f"this store keeps site {self._site!r}, not {commit.site.id!r}")
        name = uuid4().hex
        writes = items.transaction(commit, name=name) + await self._set_aside(commit.delivered)
        writes += await self._forgetting(commit, room=items.MOST_WRITES - len(writes))

        def work() -> int:
            try:
                self._table.write(writes, token=name)
            except ConditionsFailed as failed:
                _settle(commit, name, failed.found, deposed=_is_deposed(writes, failed))
            return commit.seen + 1

        return await self._call("TransactWriteItems", work, writes=True)

    async def outbox(self) -> tuple[OutboxRow, ...]:
        """Answer what is still to be said, oldest first."""
        while True:
            found = await self._query(items.OUTBOX)
            bundles = list(filter(None, map(items.read_bundle, found)))
            if not bundles:
                return tuple(map(items.read_row, found))
            await self._unpack(bundles[0])

    async def begin(self, row: str, *, now: datetime, term: int | None = None) -> None:
        """Note that somebody begins to say the row; what was noted first stays."""
        writes = [items.beginning(self._site, row, now=now), *lease_items.fence(self._site, term)]
        if await self._written(writes):
            return
        # It may be in a bundle still.
        await self.outbox()
        if not await self._written(writes):
            raise Conflict(f"outbox row {row} is gone")

    async def discharge(self, delivered: Delivered, *, term: int | None = None) -> None:
        """Take a row from the outbox and keep its card, or set it aside."""
        aside = await self._set_aside(delivered)
        taken = items.delivery(self._site, delivered)
        await self._written([*taken, *aside, *lease_items.fence(self._site, term)])

    async def refused(self, *, now: datetime) -> tuple[RefusedRow, ...]:
        """Answer what was set aside and has not expired, oldest first."""
        rows = map(items.read_refused, await self._query(items.REFUSED))
        return tuple(row for row in rows if row.expires > now)

    def lease(self, *, seconds: float) -> KeptLease:
        """Answer how to become the one that leads, by heartbeats in this table."""
        patience = within(min(seconds / 3, _LONGEST_HEARTBEAT_SECONDS))
        heartbeats = TableHeartbeats(self._table.name, site=self._site, patience=patience)
        self._heartbeats.append(heartbeats)
        return KeptLease(heartbeats, seconds=seconds, monotonic=time.monotonic)

    async def records(self) -> list[Record]:
        """Answer everything that is kept, of every site.

        Raises:
            Conflict: a site changed while it was read.
        """
        found = await self._call("Scan", lambda: list(self._table.scan()))
        kept = [record for each in found for record in items.records(each)]
        for record in kept:
            if isinstance(record, KeptSite):
                await self._refuse_changed(record)
        return kept

    async def restore(self, records: Sequence[Record], *, replace: bool) -> None:
        """Keep these records and nothing else; the sites come last.

        Not all or nothing: what fails halfway is done again with `replace`. Who leads stays as it
        is: were terms counted anew, a leader of long ago would be taken for today's.
        """
        found = await self._call("Scan", lambda: list(self._table.scan()))
        there = [each for each in found if not lease_items.is_leadership(each)]
        if there and not replace:
            raise NotEmpty(f"there is something in table {self._table.name} already")
        for each in there:
            await self._written([deletion(each)])
        for record in sorted(records, key=lambda each: isinstance(each, KeptSite)):
            await self._written([put(items.kept(record))])

    async def inspect(self) -> Inspection:
        """Look how the table is set up, and whether we might write; nothing is written.

        Raises:
            StoreUnavailable: we might not.
        """
        await self._call("TransactWriteItems", self._attempt)
        shortcomings, unseen = await self._call("Describe", lambda: examined(self._table))
        return Inspection(snapshot=await self.load(), shortcomings=shortcomings, unseen=unseen)

    async def close(self) -> None:
        """Finish what was begun and let go of the connections; harmless if repeated."""
        if self._closing is None:
            for heartbeats in self._heartbeats:
                heartbeats.refuse()
            self._closing = asyncio.get_running_loop().run_in_executor(None, self._end)
        await asyncio.shield(self._closing)

    def _end(self) -> None:
        for heartbeats in self._heartbeats:
            heartbeats.close()
        self._workers.finish()
        self._table.close()

    def _attempt(self) -> None:
        with suppress(ConditionsFailed):
            self._table.write(items.attempts(self._site), token=uuid4().hex)

    async def _get(self, name: str) -> Found | None:
        named = key(self._site, name)
        return await self._call("GetItem", lambda: self._table.get(named))

    async def _query(self, prefix: str) -> list[Found]:
        named = key(self._site, prefix)
        return await self._call("Query", lambda: list(self._table.query(named)))

    async def _refuse_changed(self, kept: KeptSite) -> None:
        named = key(kept.site, items.SITE)
        found = await self._call("GetItem", lambda: self._table.get(named))
        if items.read_site(found, site=kept.site).revision != kept.revision:
            raise Conflict(f"site {kept.site} changed while it was read: stop the bot first")

    async def _unpack(self, bundle: items.Bundle) -> None:
        """Give each thing to be said an item of its own, unless somebody else just did."""
        await self._written(items.unpacking(self._site, bundle))

    async def _set_aside(self, delivered: Delivered | None) -> list[Write]:
        """Answer how to keep what was refused; what a row says never changes."""
        if delivered is None or delivered.refused is None:
            return []
        found = await self._get(items.outbox_name(delivered.row))
        return items.setting_aside(self._site, found, delivered.refused)

    async def _forgetting(self, commit: Commit, *, room: int) -> list[Write]:
        """Answer how to take the forgotten driver out of answers and of what was set aside.

        What there is no room for in the commit is done at once: without the answer to a request
        of last week nothing is lost, and kept longer than said it would be.
        """
        if commit.forgotten is None:
            return []
        own = items.ANSWERED + commit.answered.request if commit.answered else None
        doomed = [
            items.forgetting(found)
            for prefix in (items.ANSWERED, items.REFUSED)
            for found in await self._query(prefix)
            if items.speaks_of(found, commit.forgotten) and found["sk"]["S"] != own
        ]
        for first in range(room, len(doomed), items.MOST_WRITES):
            await self._written(doomed[first : first + items.MOST_WRITES])
        return doomed[:room]

    async def _written(self, writes: Sequence[Write]) -> bool:
        """Do these writes, and answer whether it was for us to do them.

        If not, there was nothing to write to: it was done already, by us or by another.

        Raises:
            Deposed: another term has begun.
        """
        token = uuid4().hex

        def work() -> bool:
            try:
                self._table.write(writes, token=token)
            except ConditionsFailed as failed:
                if _is_deposed(writes, failed):
                    raise Deposed(_DEPOSED) from failed
                return False
            return True

        return await self._call("TransactWriteItems", work, writes=True)

    async def _call(
        self,
        method: str,
        work: Callable[[], _T],
        *,
        writes: bool = False,
        at_leisure: bool = False,
    ) -> _T:
        if self._closing is not None:
            raise StoreUnavailable("the store is closed")
        with step(f"DynamoDB {method}", self._table.attributes(method)):
            return await self._workers.do(work, writes=writes, at_leisure=at_leisure)


def _is_deposed(writes: Sequence[Write], failed: ConditionsFailed) -> bool:
    return any(writes[place].is_fence for place in failed.found)


def _settle(commit: Commit, name: str, found: Mapping[int, Found], *, deposed: bool) -> None:
    """Make out why a commit's conditions did not hold; perhaps because it was already made.

    Raises:
        Repeated, Deposed, Conflict: as the contract says.
    """
    if any(items.made_by(each, name, revision=commit.seen + 1) for each in found.values()):
        return
    if commit.answered is not None and 1 in found:
        raise Repeated(items.read_told(found[1]))
    if deposed:
        raise Deposed(_DEPOSED)
    if 0 in found:
        raise Conflict(f"the site is not at revision {commit.seen} any more")
    raise Conflict("the outbox row is gone")
