"""The month without the bot: whoever finds a free port takes it, and the others look again."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from random import Random

from playground.month.people import Visit
from playground.month.tally import Tally
from playground.month.timeline import Timeline

LOOK_AGAIN = timedelta(minutes=60)


def first_come(visits: Sequence[Visit], ports: int, random: Random) -> Tally:
    """Run the month and answer what came of it."""
    month = _FirstCome(visits, ports, random)
    month.timeline.run()
    return month.tally


class _FirstCome:
    def __init__(self, visits: Sequence[Visit], ports: int, random: Random) -> None:
        self.tally = Tally()
        self.timeline = Timeline(visits[0].arrives)
        self._free = ports
        self._waiting = 0
        self._random = random
        for visit in visits:
            self.tally.visits += 1
            self.timeline.plan(visit.arrives, partial(self._arrives, visit))

    def _arrives(self, visit: Visit) -> None:
        self._waiting += 1
        self._looks(visit)

    def _looks(self, visit: Visit) -> None:
        now = self.timeline.now
        if now >= visit.leaves:
            self._waiting -= 1
        elif self._free:
            self._waiting, self._free = self._waiting - 1, self._free - 1
            self.tally.served(visit.arrives, now)
            gone = min(now + visit.needs + visit.lingers, max(visit.leaves, now))
            self.timeline.plan(gone, self._drives_off)
        else:
            # Somebody has to get up and look; some do it more often than others.
            self.tally.walks_in_vain += 1
            again = now + LOOK_AGAIN * self._random.uniform(0.5, 1.5)
            self.timeline.plan(min(again, visit.leaves), lambda: self._looks(visit))
        self.tally.passes(now, free=self._free, waiting=self._waiting)

    def _drives_off(self) -> None:
        self._free += 1
        self.tally.passes(self.timeline.now, free=self._free, waiting=self._waiting)
