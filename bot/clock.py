"""The time: read here and nowhere else, and passed on as a value or as a clock."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time; simulations have their own."""

    def now(self) -> datetime:
        """Answer this moment, aware and in UTC."""
        ...

    def monotonic(self) -> float:
        """Answer seconds that only ever grow, for measuring how long something took."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Answer this moment, aware and in UTC."""
        return datetime.now(UTC)  # noqa: TID251 # this is the one place where it is read

    def monotonic(self) -> float:
        """Answer seconds that only ever grow."""
        return time.monotonic()
