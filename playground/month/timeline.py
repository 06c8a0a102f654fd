"""What is to happen, in order of time."""

from collections.abc import Callable
from datetime import datetime
from heapq import heappop, heappush
from itertools import count

Happening = Callable[[], None]


class Timeline:
    """Runs what was planned, each at its time; what happens may plan more."""

    def __init__(self, start: datetime) -> None:
        self.now = start
        self._planned: list[tuple[datetime, int, Happening]] = []
        self._order = count()

    def plan(self, at: datetime, happening: Happening) -> None:
        """Let it happen then, or now if that is past."""
        heappush(self._planned, (max(at, self.now), next(self._order), happening))

    def run(self) -> None:
        """Let everything happen."""
        while self._planned:
            self.now, _, happening = heappop(self._planned)
            happening()
