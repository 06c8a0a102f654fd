"""Leadership: of all instances that serve a site one leads, and the others watch its heartbeats.

No clock is compared with another. The leader leads for four fifths of the lease, by its own clock
and from before its last heartbeat was sent. Another takes over when it has seen one and the same
heartbeat for a whole lease by its own clock, or one that says that the leader let go. Each
takeover begins a new term; what only a leader may do carries the term, and the store refuses it
once a later one has begun. So a leader whose machine slept, its clock with it, spoils nothing.
"""

import math
from collections.abc import Callable
from typing import Protocol
from uuid import uuid4

from msgspec import Struct

# The rest is for clocks that don't run equally fast.
_LED = 0.8

_BEATS = 3
_NAME_LENGTH = 8
_LOOK_SECONDS = 1.0


class Leadership(Struct, frozen=True, kw_only=True):
    """Who leads, by a name that means nothing, and in which term."""

    name: str
    term: int


class Lease(Protocol):
    """One instance's part in leadership; `keep` is called again after each `pause`, for ever."""

    @property
    def leader(self) -> Leadership | None:
        """Who leads, ourselves or another, by what was last seen; None if nobody is known to."""
        ...

    @property
    def term(self) -> int | None:
        """The term in which we lead; None if we don't, or our time is up."""
        ...

    @property
    def left(self) -> float:
        """For how many seconds we lead still if nothing renews it."""
        ...

    @property
    def pause(self) -> float:
        """In how many seconds the next `keep` is due.

        Within a third of the lease, and within a second for whoever doesn't lead.
        """
        ...

    async def keep(self) -> None:
        """Give a sign of life, or look whether the lease is to be had and take it.

        Raises:
            StoreError: the store can't be asked; the lease then runs out by itself.
        """
        ...

    async def release(self) -> None:
        """Let another one lead at once; harmless if we don't lead.

        Raises:
            StoreError: the store could not be told; we don't lead any more all the same, and
                another one does when the lease has run out.
        """
        ...


class Heartbeat(Struct, frozen=True, kw_only=True):
    """A leader's sign of life; none before it had its id."""

    owner: str
    id: str
    term: int
    released: bool = False


class Heartbeats(Protocol):
    """Where the last heartbeat is kept for all to see, and which terms have begun."""

    async def last(self) -> Heartbeat | None:
        """Answer the last heartbeat, if there ever was one."""
        ...

    async def last_term(self) -> int:
        """Answer the latest term that has begun, 0 before the first."""
        ...

    async def follow(self, seen: Heartbeat | None, new: Heartbeat) -> Heartbeat | None:
        """Keep the new heartbeat if the one seen is still the last; answer which is the last then.

        With a new term, that term begins in the same write. An attempt whose acknowledgement was
        lost and that is made again answers the new heartbeat, as the first attempt would have.
        """
        ...


class KeptLease:
    """A lease that is kept by heartbeats."""

    def __init__(
        self, heartbeats: Heartbeats, *, seconds: float, monotonic: Callable[[], float]
    ) -> None:
        self._heartbeats = heartbeats
        self._seconds = seconds
        self._monotonic = monotonic
        self._owner = uuid4().hex
        # Our own last heartbeat, for as long as nobody else's is known to have come after it.
        self._own: Heartbeat | None = None
        self._leading_since = -math.inf
        self._watched: Heartbeat | None = None
        self._watched_since = -math.inf

    @property
    def leader(self) -> Leadership | None:
        """Who leads, ourselves or another, by what was last seen; None if nobody is known to."""
        beat = self._watched if self.term is None else self._own
        if beat is None:
            return None
        return Leadership(name=beat.owner[:_NAME_LENGTH], term=beat.term)

    @property
    def term(self) -> int | None:
        """The term in which we lead; None if we don't, or our time is up."""
        return self._own.term if self._own is not None and self.left else None

    @property
    def left(self) -> float:
        """For how many seconds we lead still if nothing renews it."""
        return max(0.0, self._leading_since + _LED * self._seconds - self._monotonic())

    @property
    def pause(self) -> float:
        """In how many seconds the next `keep` is due."""
        third = self._seconds / _BEATS
        look = min(third, _LOOK_SECONDS)
        if self.term is None:
            due, most = self._watched_since + self._seconds, look
        else:
            due, most = self._leading_since + third, third
        # What is overdue was tried in vain, and is tried again soon.
        wait = due - self._monotonic()
        return min(wait, most) if wait > 0 else look

    async def keep(self) -> None:
        """Give a sign of life, or look whether the lease is to be had and take it."""
        if self._own is not None:
            await self._renew(self._own)
            return
        last = await self._heartbeats.last()
        if last is not None and self._is_ours(last):
            # We took over and did not hear that we had.
            await self._renew(last)
        elif self._is_vacant(last):
            await self._take(last)

    async def release(self) -> None:
        """Let another one lead at once; harmless if we don't lead."""
        own, self._own, self._leading_since = self._own, None, -math.inf
        while own is not None:
            last = await self._heartbeats.follow(own, self._beat(own.term, released=True))
            own = last if last is not None and self._is_ours(last) else None

    async def _renew(self, own: Heartbeat) -> None:
        asked = self._monotonic()
        beat = self._beat(own.term)
        last = await self._heartbeats.follow(own, beat)
        if last == beat:
            self._lead(beat, since=asked)
        elif last is not None and self._is_ours(last):
            # A heartbeat of ours came through that we had given up.
            await self._renew(last)
        else:
            self._own, self._leading_since = None, -math.inf

    async def _take(self, last: Heartbeat | None) -> None:
        asked = self._monotonic()
        ended = last.term if last is not None else 0
        beat = self._beat(max(ended, await self._heartbeats.last_term()) + 1)
        if await self._heartbeats.follow(last, beat) == beat:
            self._lead(beat, since=asked)

    def _lead(self, beat: Heartbeat, *, since: float) -> None:
        self._own, self._leading_since, self._watched = beat, since, None

    def _beat(self, term: int, *, released: bool = False) -> Heartbeat:
        return Heartbeat(owner=self._owner, id=uuid4().hex, term=term, released=released)

    def _is_ours(self, last: Heartbeat) -> bool:
        return last.owner == self._owner and not last.released

    def _is_vacant(self, last: Heartbeat | None) -> bool:
        if last is None or last.released:
            self._watched = None
            return True
        if last != self._watched:
            self._watched, self._watched_since = last, self._monotonic()
        return self._monotonic() - self._watched_since >= self._seconds
