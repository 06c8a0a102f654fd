"""Joining and leaving the queue."""

import pytest

from bot.effects import (
    AnnounceFree,
    AskWhoPluggedIn,
    CallDriver,
    CallOutcome,
    TellRemoved,
    TellTimeIsUp,
    UpdateAskWho,
    UpdateCall,
)
from bot.replies import (
    AdminsOnly,
    AlreadyCharging,
    AlreadyIn,
    Done,
    DriverNotInQueue,
    Joined,
    Left,
    NotInQueue,
    Removed,
    TooFarAhead,
    board,
)
from tests.story import ADA, ALAN, EAST, GRACE, HEDY, NINE, Story, name


def test_c7_add_joins_at_the_bottom_and_shows_the_whole_listing(story: Story) -> None:
    story.joins(ADA)

    assert story.asks(GRACE, "add") == Joined(driver=GRACE, board=board(story.site))
    assert story.queue == [ADA, GRACE]


def test_c8_add_beside_a_free_port_is_followed_by_the_offer() -> None:
    story = Story(stations=(EAST,))

    assert story.says(ADA, "add") == (CallDriver(offer=1, driver=ADA, port=name(EAST)),)
    assert story.says(GRACE, "add") == ()


def test_c9_add_again_says_so_and_keeps_the_place(story: Story) -> None:
    story.joins(ADA, GRACE)

    assert story.asks(ADA, "add") == AlreadyIn(driver=ADA, position=1)
    assert story.queue == [ADA, GRACE]


def test_c9_add_again_does_not_resume(story: Story) -> None:
    story.joins(ADA)
    story.says(ADA, "suspend")
    because = story.entry(ADA).suspended

    assert story.asks(ADA, "add") == AlreadyIn(driver=ADA, position=1, suspended=because)
    assert story.entry(ADA).suspended is because is not None


def test_c9_add_until_again_says_when_to_leave(story: Story) -> None:
    story.joins(ADA)

    assert story.asks(ADA, "add until 10:00") == AlreadyIn(
        driver=ADA, position=1, until=story.after(hours=1)
    )
    assert story.asks(ADA, "add") == AlreadyIn(driver=ADA, position=1, until=story.after(hours=1))


def test_c10_add_while_charging_says_so(story: Story) -> None:
    story.registers(ADA, "600001")

    assert story.asks(ADA, "add") == AlreadyCharging(port=name(EAST), session=1)
    assert story.queue == []


def test_c10_that_is_not_me_makes_the_car_a_strangers(story: Story) -> None:
    story.registers(ADA, "600001")

    effects = story.presses(ADA, "that's not me", 1)

    assert effects == (UpdateAskWho(session=1, port=name(EAST)),)
    assert story.reply() == Done()
    assert story.session(EAST).driver is None
    assert isinstance(story.asks(ADA, "add"), Joined)


def test_c10_the_room_is_asked_whose_car_it_is_if_it_was_not_before() -> None:
    story = Story()
    story.registers(ADA, "700101")
    story.plugs_in(EAST, "700101")

    effects = story.presses(ADA, "that's not me", 1)

    assert effects == (AskWhoPluggedIn(session=1, port=name(EAST)),)


def test_c10_who_takes_it_back_is_believed_and_may_take_that_back_too(story: Story) -> None:
    story.registers(ADA, "600001")
    story.presses(ADA, "that's not me", 1)

    story.presses(ADA, "that's me", 1)
    assert story.session(EAST).driver == ADA

    story.presses(ADA, "undo", 1)
    assert story.site.registrations == {"600001": ADA}, "it was hers before the claim"


def test_c11_add_until_leaves_by_itself_then_by_the_sites_clock(story: Story) -> None:
    reply = story.asks(ADA, "add until 16:00")
    assert reply == Joined(driver=ADA, until=story.after(hours=7), board=board(story.site))

    assert not [e for e in story.later(hours=6, minutes=59) if isinstance(e, TellTimeIsUp)]
    assert TellTimeIsUp(driver=ADA) in story.later(minutes=1)
    assert story.queue == []


def test_c11_a_time_that_has_passed_today_is_tomorrows(story: Story) -> None:
    story.at("15:00")

    story.asks(ADA, "add until 2am")

    assert story.entry(ADA).until == story.after(hours=11)


@pytest.mark.parametrize("until", ["21:01", "8:59", "9:00"])
def test_c12_add_until_more_than_twelve_hours_ahead_is_refused(story: Story, until: str) -> None:
    assert story.asks(ADA, f"add until {until}") == TooFarAhead(hours=12)
    assert story.queue == []


def test_c12_twelve_hours_ahead_are_not_too_many(story: Story) -> None:
    assert isinstance(story.asks(ADA, "add until 21:00"), Joined)


def test_c13_the_end_of_an_until_ends_an_offer_that_was_not_accepted() -> None:
    story = Story(stations=(EAST,))
    story.at("9:55")
    story.says(ADA, "add until 10:00")
    story.joins(GRACE)

    assert story.at("10:00") == (
        UpdateCall(offer=1, driver=ADA, port=name(EAST), outcome=CallOutcome.OVER),
        TellTimeIsUp(driver=ADA),
        CallDriver(offer=2, driver=GRACE, port=name(EAST)),
    )


def test_c13_the_end_of_an_until_never_ends_an_accepted_offer() -> None:
    story = Story(stations=(EAST,))
    story.at("9:55")
    story.says(ADA, "add until 10:00")
    story.presses(ADA, "on my way")

    assert story.at("10:09") == ()
    assert story.called == [ADA]


def test_c13_an_accepted_offer_that_runs_out_after_it_ends_the_entry_in_one_word() -> None:
    """Nobody is told that they keep their place, and in the same breath that they don't."""
    story = Story(stations=(EAST,))
    story.at("9:55")
    story.says(ADA, "add until 10:00")
    story.presses(ADA, "on my way")

    effects = story.at("10:10")

    assert effects == (
        UpdateCall(offer=1, driver=ADA, port=name(EAST), outcome=CallOutcome.MISSED),
        TellTimeIsUp(driver=ADA),
        AnnounceFree(port=name(EAST)),
    )
    assert story.site.misses[ADA].count == 1


def test_c14_remove_leaves(story: Story) -> None:
    story.joins(ADA, GRACE)

    assert story.asks(ADA, "remove") == Left(driver=ADA)
    assert story.asks(GRACE, "leave") == Left(driver=GRACE)
    assert story.asks(GRACE, "leave") == NotInQueue()
    assert story.queue == []


def test_c14_a_held_offer_passes_on_at_once(story: Story) -> None:
    story.joins(ADA, GRACE)
    story.plugs_out(EAST)

    assert story.says(ADA, "remove") == (
        UpdateCall(offer=3, driver=ADA, port=name(EAST), outcome=CallOutcome.LEFT),
        CallDriver(offer=4, driver=GRACE, port=name(EAST)),
    )


def test_c15_remove_of_another_is_for_admins(story: Story) -> None:
    story.joins(ADA, GRACE)

    assert story.asks(HEDY, f"remove <@{ADA}>") == AdminsOnly()
    assert story.queue == [ADA, GRACE]
    assert story.asks(HEDY, f"remove <@{ALAN}>", admin=True) == DriverNotInQueue(driver=ALAN)
    assert story.asks(GRACE, f"remove <@{GRACE}>") == Left(driver=GRACE)


def test_c15_the_driver_is_told_by_whom_and_may_rejoin(story: Story) -> None:
    story.joins(ADA, GRACE)

    effects = story.says(HEDY, f"remove <@{ADA}>", admin=True)

    assert effects == (TellRemoved(driver=ADA, by=HEDY),)
    assert story.reply() == Removed(driver=ADA, by=HEDY)
    assert story.queue == [GRACE]
    story.presses(ADA, "rejoin")
    assert story.queue == [GRACE, ADA]


def test_c15_a_removed_drivers_offer_passes_on(story: Story) -> None:
    story.joins(ADA, GRACE)
    story.plugs_out(EAST)

    story.says(HEDY, f"remove <@{ADA}>", admin=True)

    assert story.called == [GRACE]
    assert story.now == NINE
