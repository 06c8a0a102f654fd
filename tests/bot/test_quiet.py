"""Quiet hours and days, by clocks that are put forward and back."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.quiet import QuietTimes, moment

NEW_YORK = ZoneInfo("America/New_York")
LOS_ANGELES = ZoneInfo("America/Los_Angeles")
NIGHTS = (time(20), time(6))
WEEKENDS = frozenset({5, 6})
SECOND = timedelta(seconds=1)


def at(zone: ZoneInfo, *wall: int) -> datetime:
    """Answer when the clocks there show this."""
    return datetime(*wall, tzinfo=zone).astimezone(UTC)  # type: ignore[arg-type, misc] # year, month, day and so on


def test_nothing_set_is_never_quiet() -> None:
    never = QuietTimes(zone=NEW_YORK)
    now = at(NEW_YORK, 2026, 11, 28, 3)

    assert never.begun(now) is None
    assert never.ends(now) == now
    assert never.last_began(now) is None
    assert never.next_begins(now) is None


def test_hours_over_midnight_begin_on_one_day_and_end_on_the_next() -> None:
    nights = QuietTimes(zone=NEW_YORK, hours=NIGHTS)
    begins, ends = at(NEW_YORK, 2026, 11, 24, 20), at(NEW_YORK, 2026, 11, 25, 6)

    for now in (begins, begins + timedelta(hours=5), ends - SECOND):
        assert (nights.begun(now), nights.ends(now)) == (begins, ends)
    for now in (begins - SECOND, ends):
        assert (nights.begun(now), nights.ends(now)) == (None, now)


def test_hours_within_a_day_begin_and_end_on_it() -> None:
    lunch = QuietTimes(zone=NEW_YORK, hours=(time(12), time(13, 30)))
    begins, ends = at(NEW_YORK, 2026, 11, 24, 12), at(NEW_YORK, 2026, 11, 24, 13, 30)

    assert (lunch.begun(begins), lunch.ends(begins)) == (begins, ends)
    assert lunch.begun(begins - SECOND) is None
    assert lunch.begun(ends) is None


def test_quiet_times_know_when_they_last_began_and_when_they_begin_next() -> None:
    nights = QuietTimes(zone=NEW_YORK, hours=NIGHTS)
    monday, tuesday = at(NEW_YORK, 2026, 11, 23, 20), at(NEW_YORK, 2026, 11, 24, 20)

    for now in (monday, tuesday - SECOND):
        assert (nights.last_began(now), nights.next_begins(now)) == (monday, tuesday)
    assert nights.last_began(tuesday) == tuesday


@pytest.mark.parametrize("zone", [NEW_YORK, LOS_ANGELES])
def test_friday_evening_to_monday_morning_is_one_period(zone: ZoneInfo) -> None:
    quiet = QuietTimes(zone=zone, hours=NIGHTS, days=WEEKENDS)
    begins, ends = at(zone, 2026, 11, 27, 20), at(zone, 2026, 11, 30, 6)

    now = begins
    while now < ends:
        assert (quiet.begun(now), quiet.ends(now)) == (begins, ends)
        now += timedelta(hours=1)
    assert quiet.begun(ends) is None
    assert quiet.next_begins(begins) == at(zone, 2026, 11, 30, 20)


def test_a_quiet_weekend_is_one_period_without_quiet_nights_too() -> None:
    weekends = QuietTimes(zone=NEW_YORK, days=WEEKENDS)

    sunday = at(NEW_YORK, 2026, 11, 29, 12)

    assert weekends.begun(sunday) == at(NEW_YORK, 2026, 11, 28)


def test_hours_within_a_day_end_on_that_day() -> None:
    lunch = QuietTimes(zone=NEW_YORK, hours=(time(12), time(13)))

    assert lunch.ends(at(NEW_YORK, 2026, 11, 23, 12, 30)) == at(NEW_YORK, 2026, 11, 23, 13)
    assert lunch.begun(at(NEW_YORK, 2026, 11, 23, 13)) is None


def test_hours_that_begin_when_they_end_are_the_whole_day() -> None:
    always = QuietTimes(zone=NEW_YORK, hours=(time(6), time(6)))

    for hour in range(24):
        assert always.begun(at(NEW_YORK, 2026, 11, 23, hour)) is not None


def test_days_alone_are_quiet_from_midnight_to_midnight() -> None:
    weekends = QuietTimes(zone=NEW_YORK, days=WEEKENDS)
    begins, ends = at(NEW_YORK, 2026, 11, 28), at(NEW_YORK, 2026, 11, 30)

    assert (weekends.begun(begins), weekends.ends(begins)) == (begins, ends)
    assert weekends.begun(begins - SECOND) is None
    assert weekends.begun(ends) is None
    assert weekends.next_begins(ends) == at(NEW_YORK, 2026, 12, 5)


def test_days_that_do_not_touch_are_periods_of_their_own() -> None:
    quiet = QuietTimes(zone=NEW_YORK, days=frozenset({0, 2}))
    monday = at(NEW_YORK, 2026, 11, 23)

    assert quiet.ends(monday) == at(NEW_YORK, 2026, 11, 24)
    assert quiet.next_begins(monday) == at(NEW_YORK, 2026, 11, 25)


@pytest.mark.parametrize("zone", [NEW_YORK, LOS_ANGELES])
@pytest.mark.parametrize(("evening", "hours"), [((2026, 3, 7), 9), ((2026, 10, 31), 11)])
def test_a_night_on_which_the_clocks_change_still_ends_at_six(
    zone: ZoneInfo, evening: tuple[int, int, int], hours: int
) -> None:
    nights = QuietTimes(zone=zone, hours=NIGHTS)
    begins = at(zone, *evening, 20)

    assert nights.begun(begins) == begins
    assert nights.ends(begins) == begins + timedelta(hours=hours)


@pytest.mark.parametrize("zone", [NEW_YORK, LOS_ANGELES])
def test_a_quiet_sunday_has_as_many_hours_as_it_has(zone: ZoneInfo) -> None:
    sundays = QuietTimes(zone=zone, days=frozenset({6}))

    for day, hours in (((2026, 3, 8), 23), ((2026, 11, 1), 25), ((2026, 11, 8), 24)):
        begins = at(zone, *day)
        assert sundays.ends(begins) == begins + timedelta(hours=hours)


@pytest.mark.parametrize("zone", [NEW_YORK, LOS_ANGELES])
def test_hours_that_end_at_a_time_that_the_clocks_skip_end_at_the_next_instant(
    zone: ZoneInfo,
) -> None:
    quiet = QuietTimes(zone=zone, hours=(time(22), time(2, 30)))

    assert quiet.ends(at(zone, 2026, 3, 7, 23)) == at(zone, 2026, 3, 8, 3)


@pytest.mark.parametrize("zone", [NEW_YORK, LOS_ANGELES])
def test_a_time_that_the_clocks_skip_means_the_next_instant(zone: ZoneInfo) -> None:
    jump = at(zone, 2026, 3, 8, 3)

    for minute in (0, 1, 30, 59):
        assert moment(zone, wall(2026, 3, 8, 2, minute)) == jump
    assert moment(zone, wall(2026, 3, 8, 1, 59)) == jump - timedelta(minutes=1)
    assert moment(zone, wall(2026, 3, 8, 3, 0)) == jump


@pytest.mark.parametrize("zone", [NEW_YORK, LOS_ANGELES])
def test_of_a_time_that_comes_twice_the_first_is_meant(zone: ZoneInfo) -> None:
    midnight = at(zone, 2026, 11, 1)

    assert moment(zone, wall(2026, 11, 1, 1, 30)) == midnight + timedelta(minutes=90)
    second = wall(2026, 11, 1, 1, 30).replace(fold=1)
    assert moment(zone, second) == midnight + timedelta(minutes=90)
    assert moment(zone, wall(2026, 11, 1, 2, 0)) == midnight + timedelta(hours=3)


def test_the_clocks_of_small_islands_change_by_half_an_hour() -> None:
    lord_howe = ZoneInfo("Australia/Lord_Howe")

    skipped = moment(lord_howe, wall(2026, 10, 4, 2, 10))

    assert skipped == at(lord_howe, 2026, 10, 4, 2, 30)


def wall(*parts: int) -> datetime:
    """Answer what a clock on the wall shows."""
    return datetime(*parts)  # type: ignore[arg-type] # noqa: DTZ001 - as walls do


@pytest.mark.parametrize("zone", [LOS_ANGELES, ZoneInfo("Asia/Tokyo")])
def test_the_day_is_the_sites_wherever_the_bot_runs(zone: ZoneInfo) -> None:
    """Where it is quiet for ever the answers tell which day it is taken for."""
    quiet = QuietTimes(zone=zone, days=frozenset(range(7)))
    midnight = at(zone, 2026, 11, 23)

    hours = [midnight + timedelta(hours=hour) for hour in range(24)]

    assert len({(quiet.begun(hour), quiet.ends(hour)) for hour in hours}) == 1
    assert quiet.ends(midnight + timedelta(days=1)) != quiet.ends(midnight)
