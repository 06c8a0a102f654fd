"""Rule 13: durations, days and times of the site's clock."""

from datetime import UTC, datetime, timedelta

from bot.effects import TellMissed, TellMissedTwice, TellTimeIsUp
from tests.story import ADA, EAST, GRACE, Story

# Los Angeles sets its clocks back at 09:00 UTC, and forward at 10:00 UTC.
NIGHT_OF_AUTUMN = datetime(2026, 11, 1, 7, tzinfo=UTC)
NIGHT_OF_SPRING = datetime(2026, 3, 8, 8, tzinfo=UTC)


def test_13a_until_times_and_timed_suspensions_end_by_themselves(story: Story) -> None:
    story.says(ADA, "add until 10:00")
    story.says(ADA, "suspend 30")

    story.later(minutes=29, seconds=59)
    assert story.entry(ADA).suspended is not None
    story.later(seconds=1)
    assert story.entry(ADA).suspended is None
    assert TellTimeIsUp(driver=ADA) in story.at("10:00")


def test_13a_an_until_ends_also_behind_somebody_who_stays(story: Story) -> None:
    story.joins(GRACE)
    story.says(ADA, "add until 10:00")

    assert TellTimeIsUp(driver=ADA) in story.at("10:00")
    assert story.queue == [GRACE]


def test_13b_durations_are_real_time_across_clock_changes() -> None:
    for night in (NIGHT_OF_AUTUMN, NIGHT_OF_SPRING):
        story = Story(stations=(EAST,), now=night)
        story.plugs_in(EAST, "600001")
        story.joins(ADA)
        story.says(ADA, "suspend 240")

        assert story.entry(ADA).resumes == night + timedelta(hours=4)


def test_13b_an_offer_lasts_ten_minutes_over_a_clock_change_too() -> None:
    story = Story(stations=(EAST,), now=datetime(2026, 11, 1, 8, 55, tzinfo=UTC))
    story.joins(ADA)

    assert story.later(minutes=9, seconds=59) == ()
    assert isinstance(story.later(seconds=1)[1], TellMissed)


def test_13c_that_day_is_the_sites_date() -> None:
    """Midnight at the site is eight o'clock in UTC."""
    story = Story(stations=(EAST,))
    story.at("23:45")
    story.joins(ADA)
    story.later(minutes=10)
    story.says(ADA, "resume")

    effects = story.later(minutes=10)

    assert isinstance(effects[1], TellMissed), "it is tomorrow, and the first miss of the day"


def test_13c_and_not_that_of_utc() -> None:
    story = Story(stations=(EAST,))
    story.at("15:45")
    story.joins(ADA)
    story.later(minutes=10)
    story.says(ADA, "resume")

    effects = story.later(minutes=10)

    assert isinstance(effects[1], TellMissedTwice), "it is tomorrow in UTC only"


def test_13d_a_time_that_does_not_exist_means_the_next_instant() -> None:
    story = Story(stations=(EAST,), now=NIGHT_OF_SPRING)

    story.says(ADA, "add until 2:30")

    assert story.entry(ADA).until == datetime(2026, 3, 8, 10, tzinfo=UTC)


def test_13d_of_a_time_that_comes_twice_the_first_is_meant() -> None:
    story = Story(stations=(EAST,), now=NIGHT_OF_AUTUMN)

    story.says(ADA, "add until 1:30")

    assert story.entry(ADA).until == datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
