"""What is counted over the month, whoever runs the garage."""

from datetime import datetime, timedelta
from statistics import mean, median, quantiles


class Tally:
    """Cars, waits and idle ports; `idle` counts port hours that somebody waited through."""

    def __init__(self) -> None:
        self.visits = 0
        self.services: list[tuple[datetime, datetime]] = []
        self.walks_in_vain = 0
        self.idle = timedelta()
        self.missed = 0
        self.messages = 0
        self.edits = 0
        self.private = 0
        self._since: datetime | None = None
        self._free_and_wanted = 0

    def passes(self, now: datetime, *, free: int, waiting: int) -> None:
        """Count the time since the last call, and note how things are from now on."""
        if self._since is not None:
            self.idle += (now - self._since) * self._free_and_wanted
        self._since, self._free_and_wanted = now, min(free, waiting)

    def served(self, arrived: datetime, plugged_in: datetime) -> None:
        """Count a car."""
        self.services.append((arrived, plugged_in))

    @property
    def waits(self) -> list[timedelta]:
        """How long each driver who was served had waited."""
        return [plugged_in - arrived for arrived, plugged_in in self.services]

    @property
    def overtaken(self) -> int:
        """How many drivers saw somebody plug in who had arrived after them."""
        return sum(
            any(arrived < later < plugged_in and at < plugged_in for later, at in self.services)
            for arrived, plugged_in in self.services
        )

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Answer each figure with its name."""
        waits = [wait.total_seconds() / 60 for wait in self.waits]
        return (
            ("drivers who came to charge", f"{self.visits}"),
            ("cars served", f"{len(waits)}"),
            ("drivers overtaken by later comers", f"{self.overtaken}"),
            ("walks to the garage in vain", f"{self.walks_in_vain}"),
            ("wait, mean", f"{mean(waits):.0f} min"),
            ("wait, median", f"{median(waits):.0f} min"),
            ("wait, 90 %", f"{quantiles(waits, n=10)[-1]:.0f} min"),
            ("port hours idle while somebody waited", f"{self.idle.total_seconds() / 3600:.0f} h"),
            ("offers missed", f"{self.missed}"),
            ("new messages in the room", f"{self.messages}"),
            ("edits of messages", f"{self.edits}"),
            ("private messages", f"{self.private}"),
        )
