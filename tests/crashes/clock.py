"""A clock that several processes go by: it stands still until somebody turns it.

So a day takes as long as its work, and two tellings of it have the same times in them.
"""

import mmap
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bot.office import Clock

# A Monday, nine in the morning in California. What is due then must not be due today: the
# bot's scheduler keeps its appointments by the machine's own clock.
NINE = datetime(2099, 11, 23, 17, tzinfo=UTC)
_SECONDS = struct.Struct("d")


class SharedClock(Clock):
    """The clock that is kept in a file."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._kept = mmap.mmap(file.fileno(), _SECONDS.size)

    @classmethod
    def wound_up(cls, path: Path) -> "SharedClock":
        """Make the file, and answer its clock, at nine."""
        path.write_bytes(_SECONDS.pack(0.0))
        return cls(path)

    def now(self) -> datetime:
        return NINE + self._turned

    def monotonic(self) -> float:
        return time.monotonic() + self._turned.total_seconds()

    def turn(self, **delta: float) -> None:
        turned = self._turned + timedelta(**delta)
        _SECONDS.pack_into(self._kept, 0, turned.total_seconds())

    @property
    def _turned(self) -> timedelta:
        return timedelta(seconds=_SECONDS.unpack_from(self._kept)[0])
