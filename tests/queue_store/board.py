"""Heartbeats in memory, with every moment at which the world can change in between.

A request stops twice: on its way, and when it was done and its answer is on its way back. Whoever
drives the coroutine decides when it goes on, and what gets lost.
"""

import enum
from collections.abc import Generator

from queue_store.errors import OutcomeUnknown
from queue_store.lease import Heartbeat


class Fate(enum.Enum):
    """What becomes of what is on its way."""

    ARRIVES = enum.auto()
    LOST = enum.auto()


class _OnItsWay:
    def __await__(self) -> Generator[None, Fate | None, Fate]:
        return (yield) or Fate.ARRIVES


class Board:
    """The heartbeats of one site."""

    def __init__(self) -> None:
        self.beat: Heartbeat | None = None
        self.term = 0
        self.late: list[tuple[Heartbeat | None, Heartbeat]] = []

    async def last(self) -> Heartbeat | None:
        await _OnItsWay()
        return self.beat

    async def last_term(self) -> int:
        await _OnItsWay()
        return self.term

    async def follow(self, seen: Heartbeat | None, new: Heartbeat) -> Heartbeat | None:
        while True:
            try:
                await _OnItsWay()
            except (OutcomeUnknown, GeneratorExit):
                # Nobody waits for it any more; it may arrive all the same.
                self.late.append((seen, new))
                raise
            last = self.take(seen, new)
            if await _OnItsWay() is Fate.ARRIVES:
                return last

    def take(self, seen: Heartbeat | None, new: Heartbeat) -> Heartbeat | None:
        """Do what a table does in one transaction."""
        begins = seen is None or seen.term != new.term
        if self.beat == seen and (new.term > self.term or not begins):
            self.beat = new
            self.term = max(self.term, new.term)
        return self.beat
