"""Quiet hours and days: when the room is left in peace, by the site's own clock.

Hours and days that touch are one quiet period: with quiet nights and quiet weekends, the one that
begins on Friday evening ends on Monday morning.
"""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

_DAY = timedelta(days=1)
_DAY_SECONDS = 24 * 60 * 60
_WEEK = 7


def moment(zone: ZoneInfo, wall: datetime) -> datetime:
    """Answer when a wall clock at the site shows this.

    A time that the clocks skip means the next instant; of one that comes twice, the first.
    """
    local = wall.replace(tzinfo=zone, fold=0)
    there = local.astimezone(UTC)
    if there.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return there
    # In the gap, fold 0 reckons with the offset before it and fold 1 with the one after it: the
    # clocks jump at the later one's reading of the earlier instant.
    return _jump(zone, there)


def _jump(zone: ZoneInfo, after: datetime) -> datetime:
    """Answer the instant at which the clocks last changed, within a day before this one."""
    before, offset = after - _DAY, after.astimezone(zone).utcoffset()

    def has_changed(seconds: int) -> bool:
        return (before + timedelta(seconds=seconds)).astimezone(zone).utcoffset() == offset

    return before + timedelta(seconds=bisect_left(range(_DAY_SECONDS), x=True, key=has_changed))


class QuietTimes(Struct, frozen=True, kw_only=True):
    """When to be quiet; `hours` from one time to another, `days` as `datetime.weekday` counts."""

    zone: ZoneInfo
    hours: tuple[time, time] | None = None
    days: frozenset[int] = frozenset()

    def begun(self, now: datetime) -> datetime | None:
        """Answer when the quiet period that is now began; None if it is not quiet."""
        return next((start for start, end in self._around(now) if start <= now < end), None)

    def ends(self, now: datetime) -> datetime:
        """Answer when it is not quiet any more, which is now if it isn't quiet."""
        return max((now, *(end for start, end in self._around(now) if start <= now)))

    def last_began(self, now: datetime) -> datetime | None:
        """Answer when a quiet period last began, over or not."""
        return max((start for start, _ in self._around(now) if start <= now), default=None)

    def next_begins(self, now: datetime) -> datetime | None:
        """Answer when the next quiet period begins."""
        return min((start for start, _ in self._around(now) if start > now), default=None)

    def _around(self, now: datetime) -> tuple[tuple[datetime, datetime], ...]:
        return _periods(self, now.astimezone(self.zone).date())


# Every rule asks at every event, and the answer is the same all day.
@lru_cache(maxsize=32)
def _periods(quiet: QuietTimes, today: date) -> tuple[tuple[datetime, datetime], ...]:
    """Answer the quiet periods from some days ago to some days ahead, in order."""
    first = datetime.combine(today, time()) - (_WEEK + 2) * _DAY
    days = [first + number * _DAY for number in range(2 * _WEEK + 5)]
    return _joined(sorted(span for day in days for span in _begins_on(quiet, day)))


def _begins_on(quiet: QuietTimes, day: datetime) -> list[tuple[datetime, datetime]]:
    spans = []
    if day.weekday() in quiet.days:
        spans.append((day, day + _DAY))
    if quiet.hours is not None:
        start, end = (datetime.combine(day, each) for each in quiet.hours)
        spans.append((start, end if start < end else end + _DAY))
    return [(moment(quiet.zone, start), moment(quiet.zone, end)) for start, end in spans]


def _joined(spans: list[tuple[datetime, datetime]]) -> tuple[tuple[datetime, datetime], ...]:
    joined: list[tuple[datetime, datetime]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)
