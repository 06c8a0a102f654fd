"""Threads that wait for an engine, and how long somebody waits for them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from queue_store.errors import OutcomeUnknown, StoreError, StoreUnavailable

_T = TypeVar("_T")


class Workers:
    """Some threads; what they are asked for is heard of within `seconds`, whatever they hang in.

    Who stops waiting does not stop what was begun. What was not begun by then never is.
    """

    def __init__(self, count: int, name: str, *, seconds: float | None) -> None:
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._seconds = seconds

    async def do(
        self, work: Callable[[], _T], *, writes: bool = False, at_leisure: bool = False
    ) -> _T:
        """Answer what the work answers, whenever it does if there is leisure.

        Raises:
            StoreUnavailable: it was not heard of in time, and nothing was changed.
            OutcomeUnknown: it was not heard of in time, and may have written.
        """
        # A thread does not inherit the span.
        doing = self._threads.submit(copy_context().run, work)
        heard = asyncio.wrap_future(doing)
        heard.add_done_callback(_note)
        try:
            await asyncio.wait({heard}, timeout=None if at_leisure else self._seconds)
        finally:
            begun = not doing.cancel()
            heard.cancel()
        if begun and doing.done():
            return doing.result()
        raise _unheard(perhaps_written=begun and writes)

    def do_last(self, work: Callable[[], None]) -> "asyncio.Future[None]":
        """Do this after all that was begun, if there is one thread, and take nothing more."""
        last = asyncio.wrap_future(self._threads.submit(work))
        self._threads.shutdown(wait=False)
        return last

    def finish(self) -> None:
        """Wait for what was begun, and take nothing more."""
        self._threads.shutdown()


def _note(heard: "asyncio.Future[Any]") -> None:
    # Where nobody waits any more, nobody misses the failure either.
    if not heard.cancelled():
        heard.exception()


def _unheard(*, perhaps_written: bool) -> StoreError:
    if perhaps_written:
        return OutcomeUnknown("whether it was stored is unknown: there was no answer in time")
    return StoreUnavailable("the store does not answer in time; nothing was changed")
