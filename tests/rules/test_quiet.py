"""Rule 12: quiet hours from 20:00 to 06:00, and quiet weekends."""

from datetime import UTC, datetime

from bot.effects import (
    AnnounceFree,
    AskToMove,
    CallDriver,
    CallOutcome,
    RemindIdle,
    TellQuietBegan,
    UpdateCall,
)
from bot.replies import Joined
from tests.story import ADA, EAST, GRACE, HEDY, QUIET, WEST, Story, name

FRIDAY_NOON = datetime(2026, 11, 27, 20, tzinfo=UTC)


def evening(*stations: str) -> Story:
    """Begin a moment before eight in the evening, with the ports taken by strangers."""
    story = Story(stations=stations or (EAST,), rules=QUIET)
    story.at("19:59")
    for station in stations or (EAST,):
        story.plugs_in(station, f"60{station[-1]}")
    return story


def test_12a_no_notice_of_a_free_charger() -> None:
    story = evening()
    story.at("20:00")

    assert story.plugs_out(EAST) == ()


def test_12a_a_moment_before_there_is_one() -> None:
    story = evening()

    assert story.plugs_out(EAST) == (AnnounceFree(port=name(EAST)),)


def test_12a_no_reminder_and_no_request_to_move() -> None:
    story = evening(EAST, WEST)
    story.plugs_out(EAST)

    assert story.at("05:59") == ()


def test_12a_on_quiet_days_neither() -> None:
    story = Story(stations=(EAST, WEST), rules=QUIET, now=FRIDAY_NOON)
    story.at("19:59")
    story.plugs_in(EAST, "600001")
    story.at("12:00")

    assert story.plugs_in(WEST, "600002") != ()
    assert story.plugs_out(WEST) == ()
    assert story.at("5:59") == ()
    assert story.at("5:59") == ()


def test_12b_commands_are_answered_as_always() -> None:
    story = evening()
    story.at("23:00")

    assert isinstance(story.asks(ADA, "add"), Joined)


def test_12b_a_waiting_driver_is_still_called() -> None:
    story = evening()
    story.at("23:00")
    story.joins(ADA)

    assert story.plugs_out(EAST) == (CallDriver(offer=2, driver=ADA, port=name(EAST)),)


def test_12c_an_offer_that_is_running_when_they_begin_runs_on() -> None:
    story = evening()
    story.joins(ADA)
    story.plugs_out(EAST)

    assert story.at("20:08") == ()
    assert story.called == [ADA]
    assert story.queue == [ADA]


def test_12c_when_it_runs_out_the_entry_ends_in_one_word_and_without_a_miss() -> None:
    story = evening()
    story.joins(ADA)
    story.plugs_out(EAST)

    assert story.at("20:30") == (
        UpdateCall(offer=2, driver=ADA, port=name(EAST), outcome=CallOutcome.MISSED),
        TellQuietBegan(driver=ADA),
    )
    assert story.site.misses == {}


def test_12d_what_is_still_true_when_they_end_is_said_then_once() -> None:
    story = evening(EAST, WEST)
    charging = story.now
    story.at("22:00")
    story.plugs_out(EAST)
    freed = story.now
    assert story.at("5:59") == ()

    assert story.at("6:00") == (
        RemindIdle(port=name(EAST), since=freed),
        AskToMove(session=2, asked=1, driver=None, port=name(WEST), since=charging),
    )
    assert story.at("19:59") == ()


def test_12d_what_is_true_no_more_is_not_said() -> None:
    story = evening()
    story.at("22:00")
    story.plugs_out(EAST)
    story.plugs_in(EAST, "600001")

    assert story.at("6:30") == (
        AskToMove(
            session=2,
            asked=1,
            driver=None,
            port=name(EAST),
            since=story.session(EAST).since,
        ),
    )


def test_12d_a_port_that_was_freed_just_before_they_end_is_news_and_no_waste_yet() -> None:
    story = evening()
    story.at("5:55")
    story.plugs_out(EAST)
    freed = story.now

    assert story.at("6:00") == (AnnounceFree(port=name(EAST)),)
    assert story.at("6:05") == (RemindIdle(port=name(EAST), since=freed),)


def test_12e_entries_made_before_end_with_a_private_note_and_may_be_made_again() -> None:
    story = evening()
    story.joins(ADA, GRACE)
    story.says(GRACE, "suspend")

    effects = story.at("20:00")

    assert effects == (TellQuietBegan(driver=ADA), TellQuietBegan(driver=GRACE))
    assert story.queue == []
    story.presses(ADA, "rejoin")
    assert story.queue == [ADA]


def test_12e_entries_made_in_quiet_hours_stay_until_the_next_ones() -> None:
    story = evening()
    story.at("20:00")
    story.joins(HEDY)

    assert story.at("19:59")[:1] != (TellQuietBegan(driver=HEDY),)
    assert story.queue == [HEDY]
    assert TellQuietBegan(driver=HEDY) in story.at("20:00")


def test_12e_the_weekend_is_one_quiet_period_and_ends_entries_once() -> None:
    story = Story(stations=(EAST,), rules=QUIET, now=FRIDAY_NOON)
    story.plugs_in(EAST, "600001")
    story.at("20:00")
    story.joins(ADA)

    for _ in range(2):
        story.at("21:00")
    assert story.queue == [ADA]
    story.at("6:00")
    assert story.queue == [ADA]


def test_12e_with_nobody_waiting_their_beginning_wakes_nobody() -> None:
    assert Story(rules=QUIET).wakeup is None
