"""Leadership: what must be done once is done by one instance, for as long as its lease lasts.

Every instance keeps asking for the lease. Whoever has it works until it is told to stop or its
time is up by its own monotonic clock, and renews it meanwhile; whoever stops lets go of it, so
that the next one need not wait.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from bot.log import facts
from bot.tracing import untraced
from queue_store.errors import StoreError
from queue_store.lease import Leadership, Lease

log = logging.getLogger(__name__)

# A stop has ten seconds in all; a lease that is not let go of runs out by itself.
RELEASE_SECONDS = 0.8


class Work(Protocol):
    """What is done in one term."""

    async def run(self) -> None:
        """Work until stopped or cancelled."""
        ...

    def stop(self) -> None:
        """Finish what was begun."""
        ...


class Leader:
    """Asks for the lease, and works whenever it is ours; `new_work` makes a term's work."""

    def __init__(self, lease: Lease, new_work: Callable[[int], Work]) -> None:
        self._lease = lease
        self._new_work = new_work
        self._stopped = asyncio.Event()
        self._work: Work | None = None
        self._problem: StoreError | None = None

    @property
    def problem(self) -> StoreError | None:
        """Why the lease can't be asked for, or None."""
        return self._problem

    @property
    def term(self) -> int | None:
        """The term in which we lead, or None."""
        return self._lease.term

    @property
    def known(self) -> Leadership | None:
        """Who leads, ourselves or another, as far as is known."""
        return self._lease.leader

    def stop(self) -> None:
        """Finish the work that was begun, and let another one lead."""
        self._stopped.set()
        if self._work is not None:
            self._work.stop()

    async def run(self) -> None:
        """Lead whenever the lease is to be had, until stopped."""
        try:
            while not self._stopped.is_set():
                await self._keep()
                if self._lease.term is None:
                    await self._pause()
                # Who was told to stop while they took the lease has nobody to stop their work.
                elif not self._stopped.is_set():
                    await self._lead(self._lease.term)
        finally:
            await self._release()

    async def _lead(self, term: int) -> None:
        log.info("leader.began", extra=facts(term=term))
        self._work = self._new_work(term)
        try:
            async with asyncio.TaskGroup() as group:
                working = group.create_task(self._work.run())
                renewing = group.create_task(self._renew(term))
                await asyncio.wait({working, renewing}, return_when=asyncio.FIRST_COMPLETED)
                working.cancel()
                renewing.cancel()
        finally:
            self._work = None
            log.info("leader.ended", extra=facts(term=term, lost=self._lease.term != term))

    async def _renew(self, term: int) -> None:
        """Renew the lease until it is lost."""
        while self._lease.term == term:
            await asyncio.sleep(min(self._lease.pause, self._lease.left))
            with suppress(TimeoutError):
                # An engine that hangs must not keep us from noticing that our time is up.
                async with asyncio.timeout(self._lease.left):
                    await self._keep()

    async def _keep(self) -> None:
        try:
            with untraced():
                await self._lease.keep()
            self._problem = None
        except StoreError as error:
            self._problem = error
            log.warning("lease.unkept", extra=facts(why=str(error)))

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._lease.pause):
                await self._stopped.wait()

    async def _release(self) -> None:
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._lease.release()
        except (StoreError, TimeoutError) as error:
            log.warning("lease.unreleased", extra=facts(why=str(error)))
