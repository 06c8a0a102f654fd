"""What can be made to go wrong with a Web API call, on purpose, and how fast calls may come."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct


class Refuse(Struct, frozen=True):
    """Answer the call with this error code."""

    error: str


class Break(Struct, frozen=True):
    """Answer with this HTTP status and a body that is no JSON."""

    status: int = 500


class Limit(Struct, frozen=True):
    """Answer 429 with this Retry-After, in seconds."""

    retry_after: int = 1


class Hang(Struct, frozen=True):
    """Take the call and never answer."""


class Reset(Struct, frozen=True):
    """Cut the connection without having done anything."""


class LoseAnswer(Struct, frozen=True):
    """Do what was asked, then cut the connection: the caller can't know."""


Fault = Refuse | Break | Limit | Hang | Reset | LoseAnswer


class Faults:
    """Faults waiting for the next calls of their methods, in the order given."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, list[Fault]] = defaultdict(list)

    def add(self, method: str, fault: Fault, *, times: int = 1) -> None:
        """Let the next so many calls of the method meet this fault."""
        self._waiting[method] += [fault] * times

    def take(self, method: str) -> Fault | None:
        """Answer the fault that this call meets, if any."""
        return self._waiting[method].pop(0) if self._waiting[method] else None

    def clear(self) -> None:
        """Let everything work again."""
        self._waiting.clear()


class Pace(Struct, frozen=True, kw_only=True):
    """How fast messages may come in one conversation: `burst` at once, then one every `every`."""

    every: timedelta = timedelta(seconds=1)
    burst: int = 4


class Throttle:
    """Watches that messages come no faster than the pace."""

    def __init__(self, pace: Pace | None, clock: Callable[[], datetime]) -> None:
        self._pace = pace
        self._clock = clock
        self._busy_until: dict[str, datetime] = {}

    def wait_for(self, channel: str) -> timedelta:
        """Answer how long the caller has to wait, zero if the message may be posted now."""
        if self._pace is None:
            return timedelta(0)
        now = self._clock()
        busy = max(self._busy_until.get(channel, now), now) + self._pace.every
        excess = busy - now - self._pace.every * self._pace.burst
        if excess <= timedelta(0):
            self._busy_until[channel] = busy
        return max(excess, timedelta(0))
