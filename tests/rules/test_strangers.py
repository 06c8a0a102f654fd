"""Rule 4: plug-ins by users whom we don't know."""

import pytest

from bot.effects import (
    AnnouncePluggedIn,
    AskWasThatYou,
    AskWhoPluggedIn,
    CallDriver,
    CallOutcome,
    TellGoesOn,
    TellMoved,
    TellTookOffered,
    TellWithdrawn,
    ToRoom,
    UpdateAskWho,
    UpdateCall,
    UpdateWasThatYou,
    UpdateWhoPluggedIn,
    destination,
)
from bot.messages import Reader, render
from bot.replies import Done, NotYourButton, TooLate
from chargepoint.events import PortStatus, SessionStarted
from tests.story import ADA, ALAN, EAST, GRACE, HEDY, RULES, WEST, ZONE, Story, name

FROZEN = UpdateCall(offer=1, driver=ADA, port=name(EAST), outcome=CallOutcome.FROZEN)
ASKED = AskWasThatYou(offer=1, session=2, driver=ADA, port=name(EAST))


def offered() -> Story:
    """Offer the only port to Ada, with Grace behind her."""
    story = Story(stations=(EAST,))
    story.joins(ADA, GRACE)
    return story


def test_4a_a_plug_in_by_an_unknown_user_asks_the_room_who_it_is() -> None:
    story = Story()

    effects = story.plugs_in(EAST, "700101")

    assert effects == (AskWhoPluggedIn(session=1, port=name(EAST)),)
    assert destination(effects[0]) == ToRoom("session-1")


def test_4a_the_question_has_its_buttons_and_a_confirmation() -> None:
    asked = AskWhoPluggedIn(session=1, port=name(EAST))

    message = render(asked, Reader(now=Story().now, zone=ZONE, rules=RULES, names={}))

    mine, guest = message.blocks[-1]["elements"]
    assert (mine["text"]["text"], guest["text"]["text"]) == ("That's me", "It's a guest")
    assert "confirm" in mine


def test_4a_a_plug_in_without_a_user_is_given_a_moment_to_be_introduced() -> None:
    """A status often overtakes the session start that names the driver."""
    story = Story(stations=(EAST,))

    assert story.reports(EAST, PortStatus.INUSE) == ()
    assert story.later(seconds=19) == ()
    effects = story.later(seconds=1)

    assert effects == (AskWhoPluggedIn(session=1, port=name(EAST)),)


def test_4a_who_is_introduced_in_time_is_no_stranger() -> None:
    story = offered()
    story.registers(ADA, "700101")
    story.reports(EAST, PortStatus.INUSE)
    story.later(seconds=5)

    effects = story.plugs_in(EAST, "700101")

    plugged_in = CallOutcome.PLUGGED_IN
    assert effects == (UpdateCall(offer=1, driver=ADA, port=name(EAST), outcome=plugged_in),)


def test_4a_its_a_guest_says_so() -> None:
    story = Story()
    story.plugs_in(EAST, "700101")

    effects = story.presses(GRACE, "it's a guest", 1)

    assert effects == (UpdateWhoPluggedIn(session=1, port=name(EAST), driver=None),)
    assert story.site.registrations == {}


def test_4b_thats_me_registers_names_the_session_and_takes_off_the_queue(story: Story) -> None:
    story.joins(ADA)

    effects = story.presses(ADA, "that's me", 1)

    assert effects == (
        UpdateWhoPluggedIn(session=1, port=name(EAST), driver=ADA, undoable=True),
        AnnouncePluggedIn(driver=ADA, port=name(EAST)),
    )
    assert story.site.registrations == {"600001": ADA}
    assert story.session(EAST).driver == ADA
    assert story.queue == []


def test_4b_without_an_id_there_is_nothing_to_register() -> None:
    story = Story()
    story.plugs_in(EAST)
    story.later(seconds=20)

    story.presses(ADA, "that's me", 1)

    assert story.site.registrations == {}
    assert story.session(EAST).driver == ADA


def test_4b_a_car_that_has_a_driver_is_claimed_by_nobody_else(story: Story) -> None:
    story.presses(ADA, "that's me", 1)

    for button in ("that's me", "it's a guest"):
        assert story.presses(GRACE, button, 1) == ()
        assert story.reply() == NotYourButton(driver=ADA)

    assert story.site.registrations == {"600001": ADA}


def test_4c_thats_me_can_be_undone_for_24_hours(story: Story) -> None:
    story.joins(ADA, GRACE)
    story.presses(ADA, "that's me", 1)
    assert story.queue == [GRACE]
    story.later(hours=24)

    effects = story.presses(ADA, "undo", 1)

    assert effects[0] == UpdateAskWho(session=1, port=name(EAST))
    assert story.reply() == Done()
    assert story.site.registrations == {}
    assert story.session(EAST).driver is None
    assert story.queue == [ADA, GRACE], "the place in the queue is back too"


def test_4c_and_not_after_that(story: Story) -> None:
    story.presses(ADA, "that's me", 1)
    story.later(hours=24, seconds=1)

    story.presses(ADA, "undo", 1)

    assert story.reply() == TooLate()
    assert story.site.registrations == {"600001": ADA}


def test_4c_by_whom_it_concerns_or_an_admin(story: Story) -> None:
    story.presses(ADA, "that's me", 1)

    story.presses(GRACE, "undo", 1)
    assert story.reply() == NotYourButton(driver=ADA)
    story.presses(HEDY, "undo", 1, admin=True)
    assert story.reply() == Done()


def test_4c_when_the_car_has_left_the_id_can_still_be_given_back(story: Story) -> None:
    story.joins(ADA)
    story.presses(ADA, "that's me", 1)
    story.plugs_out(EAST)

    story.presses(ADA, "undo", 1)

    assert story.site.registrations == {}
    assert story.called == [ADA]


def test_4c_nobody_is_put_back_into_the_queue_who_charges_elsewhere(story: Story) -> None:
    story.joins(ADA)
    story.presses(ADA, "that's me", 1)
    story.presses(ADA, "that's me", 2)

    story.presses(ADA, "undo", 1)

    assert story.queue == []


def test_4d_at_an_offered_port_its_driver_is_asked_first() -> None:
    story = offered()

    assert story.plugs_in(EAST, "700101") == (FROZEN, ASKED)
    assert story.called == [ADA]


def test_4d_the_room_is_not_asked_before() -> None:
    story = offered()
    story.plugs_in(EAST, "700101")

    assert story.later(minutes=9) == ()


def test_4d_another_car_after_it_is_another_question() -> None:
    story = offered()
    story.plugs_in(EAST, "700101")

    effects = story.plugs_in(EAST, "700102")

    again = AskWasThatYou(offer=1, session=3, driver=ADA, port=name(EAST))
    assert effects == (
        UpdateWasThatYou(offer=1, session=2, driver=ADA, port=name(EAST), mine=None),
        FROZEN,
        again,
    )


def test_4e_yes_is_thats_me_and_can_be_undone() -> None:
    story = offered()
    story.plugs_in(EAST, "700101")

    effects = story.presses(ADA, "yes, that's me")

    plugged_in = CallOutcome.PLUGGED_IN
    mine = UpdateWasThatYou(
        offer=1, session=2, driver=ADA, port=name(EAST), mine=True, undoable=True
    )
    assert effects == (
        UpdateCall(offer=1, driver=ADA, port=name(EAST), outcome=plugged_in),
        mine,
    )
    assert story.site.registrations == {"700101": ADA}
    assert story.queue == [GRACE]
    shown = render(mine, Reader(now=story.now, zone=ZONE, rules=RULES, names={}))
    assert shown.blocks[-1]["elements"][0]["action_id"] == "session.undo"

    story.presses(ADA, "undo", 2)
    assert story.queue == [ADA, GRACE]


def test_4e_no_is_rule_three_without_a_miss() -> None:
    story = offered()
    story.plugs_in(EAST, "700101")

    effects = story.presses(ADA, "no")

    assert effects == (
        UpdateWasThatYou(offer=1, session=2, driver=ADA, port=name(EAST), mine=False),
        AskWhoPluggedIn(session=2, port=name(EAST)),
        UpdateCall(offer=1, driver=ADA, port=name(EAST), outcome=CallOutcome.WITHDRAWN),
        TellWithdrawn(driver=ADA, port=name(EAST)),
    )
    assert story.queue == [ADA, GRACE]
    assert story.entry(ADA).suspended is None
    assert story.site.misses == {}


def test_4e_no_answer_by_the_deadline_is_a_no() -> None:
    story = offered()
    story.plugs_in(EAST, "700101")
    assert story.later(minutes=9, seconds=59) == ()

    effects = story.later(seconds=1)

    assert TellWithdrawn(driver=ADA, port=name(EAST)) in effects
    assert story.entry(ADA).suspended is None
    assert story.site.misses == {}


def test_4e_who_did_not_answer_has_time_to_get_to_another_port() -> None:
    """What came of a stranger's car must not become a miss a moment later."""
    story = Story()
    story.joins(ADA)
    story.plugs_in(EAST, "700101")

    effects = story.later(minutes=10)

    deadline = story.after(minutes=5)
    told = TellMoved(driver=ADA, taken=name(EAST), port=name(WEST), deadline=deadline)
    assert effects[-1] == told
    assert story.site.misses == {}
    assert story.later(minutes=4) == ()


def test_4e_only_the_called_driver_is_asked() -> None:
    story = offered()
    story.plugs_in(EAST, "700101")

    story.presses(GRACE, "yes, that's me", 1, 2)
    assert story.reply() == NotYourButton(driver=ADA)
    story.presses(ADA, "yes, that's me", 1, 1)
    assert story.reply() == TooLate()


def test_4f_should_that_car_leave_first_the_offer_goes_on() -> None:
    story = offered()
    story.plugs_in(EAST, "700101")
    story.later(minutes=2)

    effects = story.plugs_out(EAST)

    deadline = story.after(minutes=8)
    goes_on = CallOutcome.GOES_ON
    assert effects == (
        UpdateWasThatYou(offer=1, session=2, driver=ADA, port=name(EAST), mine=None),
        UpdateCall(offer=1, driver=ADA, port=name(EAST), outcome=goes_on, deadline=deadline),
        TellGoesOn(driver=ADA, port=name(EAST), deadline=deadline),
    )


def test_4f_with_at_least_five_minutes_left() -> None:
    story = offered()
    story.plugs_in(EAST, "700101")
    story.later(minutes=9)

    story.plugs_out(EAST)

    assert story.site.offers[0].deadline == story.after(minutes=5)
    assert story.later(minutes=4, seconds=59) == ()


def test_4f_the_same_car_back_is_asked_about_anew() -> None:
    story = offered()
    story.plugs_in(EAST, "700101")
    story.plugs_out(EAST)

    effects = story.plugs_in(EAST, "700101")

    assert effects == (FROZEN, AskWasThatYou(offer=1, session=3, driver=ADA, port=name(EAST)))


def test_4g_a_user_learnt_later_edits_what_was_said() -> None:
    story = Story()
    story.registers(ADA, "700101")
    story.joins(ALAN)
    story.says(ALAN, "suspend")
    story.plugs_in(WEST)
    story.later(seconds=20)

    effects = story.introduces(WEST, user="700101")

    assert effects == (UpdateWhoPluggedIn(session=2, port=name(WEST), driver=ADA),)
    assert story.session(WEST).number == 2


def test_4g_a_user_learnt_from_a_reading_takes_its_driver_off_the_queue() -> None:
    story = Story(stations=(EAST,))
    story.registers(GRACE, "700102")
    story.plugs_in(EAST)
    story.joins(GRACE)
    story.later(minutes=2)

    effects = story.introduces(EAST, user="700102")

    assert effects == (
        UpdateWhoPluggedIn(session=1, port=name(EAST), driver=GRACE),
        AnnouncePluggedIn(driver=GRACE, port=name(EAST)),
    )


def test_4g_the_question_was_that_you_is_settled_when_the_user_is_learnt() -> None:
    story = offered()
    story.registers(HEDY, "700104")
    story.plugs_in(EAST)
    story.later(minutes=1)
    assert story.site.offers[0].asked == 2

    effects = story.introduces(EAST, user="700104")

    assert effects == (
        TellTookOffered(driver=HEDY, port=name(EAST), called=ADA),
        UpdateCall(offer=1, driver=ADA, port=name(EAST), outcome=CallOutcome.WITHDRAWN),
        UpdateWasThatYou(offer=1, session=2, driver=ADA, port=name(EAST), mine=False),
        TellWithdrawn(driver=ADA, port=name(EAST)),
    )


def test_4d_who_plugs_in_elsewhere_meanwhile_was_not_that_car() -> None:
    story = Story()
    story.registers(ADA, "700101")
    story.joins(ADA)
    story.plugs_in(EAST, "700109")

    effects = story.plugs_in(WEST, "700101")

    assert effects == (
        UpdateCall(offer=1, driver=ADA, port=name(WEST), outcome=CallOutcome.PLUGGED_IN),
        UpdateWasThatYou(offer=1, session=2, driver=ADA, port=name(EAST), mine=False),
        AskWhoPluggedIn(session=2, port=name(EAST)),
    )
    assert not [effect for effect in effects if isinstance(effect, CallDriver)]


def test_4g_who_was_moved_meanwhile_is_not_asked_any_more() -> None:
    """Whose car it was is known now, and there is another port."""
    story = Story()
    story.joins(ADA)
    story.plugs_in(EAST, "700104")
    deadline = story.site.offers[0].deadline

    effects = story.registers(HEDY, "700104")

    moved = CallOutcome.MOVED
    assert effects == (
        TellTookOffered(driver=HEDY, port=name(EAST), called=ADA),
        UpdateWasThatYou(offer=1, session=2, driver=ADA, port=name(EAST), mine=False),
        UpdateCall(offer=1, driver=ADA, port=name(WEST), outcome=moved, deadline=deadline),
        TellMoved(driver=ADA, taken=name(EAST), port=name(WEST), deadline=deadline),
    )
    assert story.site.offers[0].asked is None


@pytest.mark.parametrize("button", ["yes, that's me", "no"])
def test_4e_the_answer_to_another_question_changes_nothing(story: Story, button: str) -> None:
    story.joins(ADA)
    story.plugs_out(EAST)
    story.plugs_in(EAST, "700101")
    offer = story.site.offers[0]
    other = story.session(WEST).number

    assert story.presses(ADA, button, offer.number, other) == ()
    assert story.reply() == TooLate()
    story.says(ADA, "remove")
    assert story.presses(ADA, button, offer.number, other) == ()
    assert story.reply() == TooLate()


def test_4c_a_claim_is_undone_once(story: Story) -> None:
    story.presses(ADA, "that's me", 1)
    story.presses(ADA, "undo", 1)

    assert story.presses(ADA, "undo", 1) == ()
    assert story.reply() == TooLate()


def test_4c_each_claim_can_be_undone(story: Story) -> None:
    story.presses(ADA, "that's me", 1)
    story.presses(GRACE, "that's me", 2)

    story.presses(ADA, "undo", 1)

    assert story.session(EAST).driver is None
    assert story.site.registrations == {"600002": GRACE}


def test_4c_of_two_claims_of_one_car_the_later_one_counts(story: Story) -> None:
    story.presses(ADA, "that's me", 1)
    story.says(ADA, "unregister 600001")
    story.presses(GRACE, "that's me", 1)

    story.presses(ADA, "undo", 1)
    assert story.reply() == NotYourButton(driver=GRACE)
    story.presses(GRACE, "undo", 1)
    assert story.session(EAST).driver is None


def test_4c_who_stood_ahead_stands_ahead_again(story: Story) -> None:
    story.joins(GRACE, ADA, ALAN)
    story.presses(ADA, "that's me", 1)

    story.presses(ADA, "undo", 1)

    assert story.queue == [GRACE, ADA, ALAN]


def test_4c_the_last_one_is_the_last_one_again(story: Story) -> None:
    story.joins(GRACE, ADA)
    story.presses(ADA, "that's me", 1)

    story.presses(ADA, "undo", 1)

    assert story.queue == [GRACE, ADA]


def test_4c_that_somebody_else_joins_costs_nobody_their_old_place(story: Story) -> None:
    story.joins(ADA)
    story.presses(ADA, "that's me", 1)
    story.joins(GRACE)

    story.presses(ADA, "undo", 1)

    assert story.queue == [GRACE, ADA]


def test_4g_a_repeated_word_about_a_car_that_is_not_mine_does_not_make_it_mine(
    story: Story,
) -> None:
    """Somebody drives Ada's car to work: it stays theirs, however often it is heard of."""
    story.registers(ADA, "600001")
    story.presses(ADA, "that's not me", 1)
    assert story.session(EAST).driver is None

    again = SessionStarted(station=EAST, port="1", session="4001", user="600001")
    assert story.happens(again) == ()
    assert story.session(EAST).driver is None


def test_4e_a_yes_does_not_cost_others_their_undo(story: Story) -> None:
    story.presses(GRACE, "that's me", 2)
    story.joins(ADA)
    story.plugs_out(EAST)
    story.plugs_in(EAST, "700101")
    story.presses(ADA, "yes, that's me")

    story.presses(GRACE, "undo", 2)

    assert story.reply() == Done()
    assert story.site.registrations == {"700101": ADA}


def test_4c_an_undo_does_not_take_an_id_from_whoever_has_it_by_now(story: Story) -> None:
    story.presses(ADA, "that's me", 1)
    story.says(ADA, "unregister 600001")
    story.registers(GRACE, "600001")

    story.presses(ADA, "undo", 1)

    assert story.reply() == Done()
    assert story.site.registrations == {"600001": GRACE}
    assert story.session(EAST).driver == GRACE
