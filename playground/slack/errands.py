"""Work under way that nobody waits for, and that ends with the workspace."""

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self


class Errands:
    """Runs coroutines beside its block and cancels what is left when the block ends."""

    def __init__(self, finished: Callable[[], None]) -> None:
        self._finished = finished
        self._group = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._running:
            task.cancel()
        await self._group.__aexit__(kind, error, trace)

    @property
    def under_way(self) -> int:
        """How many have not finished."""
        return len(self._running)

    def run(self, errand: Coroutine[Any, Any, None]) -> None:
        """Begin an errand."""
        task = self._group.create_task(errand)
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._finished()
