"""Rule 5: an offer that ran out."""

import pytest

from bot.effects import (
    AnnouncePluggedIn,
    CallDriver,
    CallOutcome,
    Effect,
    TellMissed,
    TellMissedThrice,
    TellMissedTwice,
    TellTimeIsUp,
    TellWithdrawn,
    UpdateCall,
)
from bot.events import CardPosted
from chargepoint.events import PortStatus
from queue_store.site import Because
from tests.story import ADA, EAST, GRACE, QUIET, WEST, Story, name

MISSED = UpdateCall(offer=1, driver=ADA, port=name(EAST), outcome=CallOutcome.MISSED)


def alone() -> Story:
    """Offer the only port to Ada, who is alone."""
    story = Story(stations=(EAST,))
    story.joins(ADA)
    return story


def misses(story: Story) -> tuple[Effect, ...]:
    """Let Ada's offer run out, calling her back into the running first if need be."""
    if story.called != [ADA]:
        story.says(ADA, "resume")
    assert story.called == [ADA]
    return story.later(minutes=10)


def test_5a_an_offer_runs_out_after_ten_minutes_and_the_next_driver_is_called() -> None:
    story = alone()
    story.joins(GRACE)
    assert story.later(minutes=9, seconds=59) == ()

    effects = story.later(seconds=1)

    assert effects == (
        MISSED,
        TellMissed(driver=ADA, port=name(EAST), resumes=story.after(minutes=30)),
        CallDriver(offer=2, driver=GRACE, port=name(EAST)),
    )


def test_5b_the_first_miss_of_a_day_suspends_for_half_an_hour_with_the_place_kept() -> None:
    story = alone()
    story.joins(GRACE)
    story.later(minutes=10)

    assert story.queue == [ADA, GRACE]
    assert story.entry(ADA).suspended is Because.MISSED
    assert story.entry(ADA).resumes == story.after(minutes=30)


def test_5c_the_second_miss_of_a_day_sends_to_the_bottom() -> None:
    story = alone()
    misses(story)
    story.says(ADA, "resume")
    story.joins(GRACE)

    effects = misses(story)

    assert effects[1:] == (
        TellMissedTwice(driver=ADA, port=name(EAST)),
        CallDriver(offer=3, driver=GRACE, port=name(EAST)),
    )
    assert story.queue == [GRACE, ADA]
    assert story.entry(ADA).suspended is None


def test_5d_the_third_miss_of_a_day_is_out_and_may_rejoin() -> None:
    story = alone()
    misses(story)
    story.says(ADA, "resume")
    misses(story)

    effects = misses(story)

    assert effects[1] == TellMissedThrice(driver=ADA, port=name(EAST))
    assert story.queue == []
    story.presses(ADA, "rejoin")
    assert story.queue == [ADA]


def test_5e_the_clock_starts_when_the_message_has_been_posted() -> None:
    """When Slack is down nobody can know that they were called."""
    story = Story(stations=(EAST,))
    story.posts = False
    story.joins(ADA)
    assert story.later(minutes=60) == ()

    story.happens(CardPosted(card="offer-1", at=story.now))

    assert story.later(minutes=9, seconds=59) == ()
    assert story.later(seconds=1)[0] == MISSED


def test_5f_nothing_runs_out_while_the_station_data_is_stale() -> None:
    story = alone()
    story.later(minutes=4)
    story.presses(ADA, "on my way")
    story.online = False

    assert story.later(hours=2) == ()
    assert story.called == [ADA]


def test_5f_data_is_stale_when_nothing_was_heard_for_fifteen_minutes() -> None:
    story = alone()
    story.presses(ADA, "on my way")
    story.online = False
    assert story.later(minutes=20) == ()

    story = alone()
    story.presses(ADA, "on my way")
    story.online = False
    story.later(seconds=1)
    story.reports(EAST, PortStatus.AVAILABLE)
    assert story.later(minutes=20)[0] == MISSED


@pytest.mark.parametrize("by_reading", [True, False])
def test_5f_when_the_data_is_fresh_again_there_is_some_time_left(*, by_reading: bool) -> None:
    story = alone()
    story.presses(ADA, "on my way")
    story.online = False
    story.later(hours=2)

    story.online = by_reading
    if by_reading:
        story.speaks_again(EAST)
    else:
        story.reports(EAST, PortStatus.AVAILABLE)

    assert story.site.offers[0].deadline == story.after(minutes=5)
    assert story.later(minutes=5)[0] == MISSED


def test_5g_a_plug_in_reported_within_two_minutes_after_undoes_the_miss() -> None:
    story = alone()
    story.registers(ADA, "700101")
    misses(story)
    story.later(minutes=2)

    effects = story.plugs_in(EAST, "700101")

    plugged_in = CallOutcome.PLUGGED_IN
    assert effects == (UpdateCall(offer=1, driver=ADA, port=name(EAST), outcome=plugged_in),)
    assert story.site.misses == {}
    assert story.queue == []


def test_5g_and_not_a_plug_in_that_is_reported_later() -> None:
    story = alone()
    story.registers(ADA, "700101")
    misses(story)
    story.later(minutes=2, seconds=1)

    effects = story.plugs_in(EAST, "700101")

    assert effects == (AnnouncePluggedIn(driver=ADA, port=name(EAST)),)
    assert story.site.misses[ADA].count == 1


def test_5g_who_was_called_meanwhile_is_told_at_once() -> None:
    story = alone()
    story.joins(GRACE)
    story.registers(ADA, "700101")
    story.later(minutes=11)
    assert story.called == [GRACE]

    effects = story.plugs_in(EAST, "700101")

    assert effects == (
        UpdateCall(offer=1, driver=ADA, port=name(EAST), outcome=CallOutcome.PLUGGED_IN),
        UpdateCall(offer=2, driver=GRACE, port=name(EAST), outcome=CallOutcome.WITHDRAWN),
        TellWithdrawn(driver=GRACE, port=name(EAST)),
    )
    assert story.entry(GRACE).suspended is None


def test_5g_of_two_misses_one_is_left() -> None:
    story = alone()
    story.registers(ADA, "700101")
    misses(story)
    story.says(ADA, "resume")
    misses(story)

    story.plugs_in(EAST, "700101")

    assert story.site.misses[ADA].count == 1


def test_5h_in_quiet_hours_it_is_no_miss() -> None:
    story = Story(stations=(EAST,), rules=QUIET)
    story.at("21:00")
    story.joins(ADA)

    effects = misses(story)

    assert effects == (
        MISSED,
        TellMissed(driver=ADA, port=name(EAST), resumes=QUIET.quiet.ends(story.now)),
    )
    assert story.site.misses == {}
    assert story.queue == [ADA]


def test_5h_however_often() -> None:
    story = Story(stations=(EAST,), rules=QUIET)
    story.at("21:00")
    story.joins(ADA)

    for _ in range(4):
        misses(story)

    assert story.queue == [ADA]
    assert story.site.misses == {}


def test_5a_an_offer_does_not_run_out_while_a_car_waits_to_be_introduced() -> None:
    """Whoever plugs in at the last moment has come in time."""
    story = alone()
    story.registers(ADA, "700101")
    story.later(minutes=9, seconds=55)
    story.reports(EAST, PortStatus.INUSE)

    assert story.later(seconds=10) == ()
    effects = story.introduces(EAST, user="700101")

    plugged_in = CallOutcome.PLUGGED_IN
    assert effects == (UpdateCall(offer=1, driver=ADA, port=name(EAST), outcome=plugged_in),)


def test_4e_who_is_asked_after_the_deadline_still_has_time_to_answer() -> None:
    story = alone()
    story.later(minutes=9, seconds=55)
    story.reports(EAST, PortStatus.INUSE)

    story.later(seconds=20)

    assert story.site.offers[0].asked == 2
    assert story.site.offers[0].deadline == story.after(minutes=5)


def test_5a_with_two_ports_each_offer_has_its_own_clock() -> None:
    story = Story()
    story.joins(ADA)
    story.later(minutes=4)
    story.joins(GRACE)

    effects = story.later(minutes=6)

    assert effects[0] == MISSED
    assert story.called == [GRACE]
    assert story.site.offers[0].port == f"{WEST}/1"


def test_5g_a_miss_is_undone_once() -> None:
    """Two cars of one driver are no reason to forget two misses."""
    story = Story()
    story.registers(ADA, "700101")
    story.plugs_in(WEST, "600002")
    story.joins(ADA)
    misses(story)
    story.says(ADA, "resume")
    story.later(minutes=10)
    assert story.site.misses[ADA].count == 2

    story.plugs_in(EAST, "700101")
    story.plugs_out(WEST)
    story.plugs_in(WEST, "700101")

    assert story.site.misses[ADA].count == 1


def test_5g_of_two_who_missed_only_the_one_who_came_is_pardoned() -> None:
    story = Story()
    story.registers(ADA, "700101")
    story.registers(GRACE, "700102")
    story.joins(ADA, GRACE)
    story.later(minutes=10)

    story.plugs_in(EAST, "700101")
    assert set(story.site.misses) == {GRACE}
    story.plugs_in(WEST, "700102")
    assert story.site.misses == {}


def test_5b_what_others_missed_today_is_counted_on_and_of_yesterday_nothing_is_kept() -> None:
    story = Story()
    story.joins(ADA, GRACE)
    story.later(minutes=10)
    for driver in (ADA, GRACE):
        story.says(driver, "suspend")
    assert counts(story) == {ADA: 1, GRACE: 1}
    story.at("09:00")

    story.says(ADA, "resume")
    story.later(minutes=10)

    assert counts(story) == {ADA: 1}
    story.says(ADA, "suspend")
    story.says(GRACE, "resume")
    story.later(minutes=10)
    assert counts(story) == {ADA: 1, GRACE: 1}


def counts(story: Story) -> dict[str, int]:
    """Answer how many offers each driver is known to have missed."""
    return {driver: misses.count for driver, misses in story.site.misses.items()}


def test_5f_nobody_is_woken_for_an_offer_that_can_not_run_out() -> None:
    story = alone()
    story.presses(ADA, "on my way")
    assert story.site.offers[0].deadline == story.after(minutes=15)

    assert story.wakeup is None


def test_5a_whose_offer_runs_out_just_when_their_own_time_does_is_told_once() -> None:
    story = Story(stations=(EAST,))
    story.says(ADA, "add until 09:10")

    effects = story.later(minutes=10)

    assert effects[:2] == (MISSED, TellTimeIsUp(driver=ADA))
    assert story.queue == []
