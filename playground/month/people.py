"""When people come, how long they charge, and what they do when they are called or asked."""

from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from msgspec import Struct

ZONE = ZoneInfo("America/Los_Angeles")
WORKDAYS = 5


class Rates(Struct, frozen=True, kw_only=True):
    """How often people do what; each is a share of the visits."""

    comes: float = 0.6
    no_show: float = 0.08
    not_now: float = 0.10
    over_stays: float = 0.25
    jumps: float = 0.04


class Visit(Struct, frozen=True, kw_only=True):
    """One driver's day: `lingers` is how long the full car stays on its port unasked.

    `walk` is the way to the garage, `moves` the time from being asked to having moved.
    """

    driver: str
    arrives: datetime
    leaves: datetime
    needs: timedelta
    walk: timedelta
    lingers: timedelta
    moves: timedelta
    no_show: bool
    not_now: bool
    jumps: bool

    @property
    def user(self) -> str:
        """The driver's ChargePoint user ID."""
        return f"7{self.driver[1:]}"


def visits(first: date, days: int, drivers: int, rates: Rates, random: Random) -> tuple[Visit, ...]:
    """Make up the visits of the drivers on the workdays from the first on, in order of arrival."""
    made = [
        _visit(f"U{number:04d}", first + timedelta(days=day), rates, random)
        for day in range(days)
        if (first + timedelta(days=day)).weekday() < WORKDAYS
        for number in range(drivers)
        if random.random() < rates.comes
    ]
    return tuple(sorted(made, key=lambda visit: visit.arrives))


def _visit(driver: str, day: date, rates: Rates, random: Random) -> Visit:
    arrives = _at(day, time(9)) + _minutes(random.gauss(0, 45))
    over_stays = random.random() < rates.over_stays
    return Visit(
        driver=driver,
        arrives=arrives,
        leaves=_at(day, time(17, 30)) + _minutes(random.gauss(0, 40)),
        needs=_minutes(random.uniform(75, 210)),
        walk=_minutes(random.uniform(3, 9)),
        lingers=_minutes(random.uniform(120, 360) if over_stays else random.uniform(5, 40)),
        moves=_minutes(random.uniform(5, 15)),
        no_show=random.random() < rates.no_show,
        not_now=random.random() < rates.not_now,
        jumps=random.random() < rates.jumps,
    )


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, ZONE)


def _minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
