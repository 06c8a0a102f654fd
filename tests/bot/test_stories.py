"""The rules, one story each, in the words of the product."""

from datetime import timedelta

import pytest

from bot.effects import (
    AnnounceFree,
    AnnouncePluggedIn,
    AskToMove,
    AskWhoPluggedIn,
    CallDriver,
    CallOutcome,
    RemindIdle,
    SayInRoom,
    TellCalled,
    TellMissed,
    TellMoveAnswer,
    TellMoved,
    TellPassedOver,
    TellTookOffered,
    TellWithdrawn,
    UpdateAskToMove,
    UpdateCall,
    UpdateWhoPluggedIn,
)
from bot.events import (
    Asker,
    CardPosted,
    MoveAnswer,
    MoveAnswered,
    OfferAnswer,
    OfferAnswered,
    PortsListed,
    RegisterRequested,
    SessionClaimed,
    SessionDisowned,
    UnregisterRequested,
)
from bot.replies import (
    AlreadyCharging,
    AlreadyIn,
    Joined,
    Left,
    Listing,
    NobodyWaiting,
    NothingFree,
    NotInQueue,
    NotYourButton,
    NotYourRegistration,
    PassedOver,
    Resumed,
    Suspended,
    TooEarlyToPass,
    TooLate,
    board,
)
from chargepoint.events import PortStatus, SessionStarted, SessionStopped
from queue_store.site import Availability
from tests.story import ADA, ALAN, EAST, GRACE, HEDY, NINE, WEST, Story, name, reading


@pytest.fixture
def story() -> Story:
    """Open an office with two ports, both taken by cars that nobody knows."""
    story = Story()
    story.plugs_in(EAST, "600001")
    story.plugs_in(WEST, "600002")
    return story


def test_a_plug_out_calls_the_first_driver_in_the_room_and_in_private(story: Story) -> None:
    story.says(ADA, "add")
    story.says(GRACE, "add")

    effects = story.plugs_out(EAST)
    told = story.happens(CardPosted(card="offer-3", at=story.now))

    assert effects == (CallDriver(offer=3, driver=ADA, port=name(EAST)),)
    assert story.called == [ADA]
    assert told == (), "the clock was started already, when the call was posted"


def test_the_private_message_names_the_deadline_that_began_with_the_post(story: Story) -> None:
    story.posts = False
    story.says(ADA, "add")
    story.plugs_out(EAST)
    story.later(minutes=30)

    told = story.happens(CardPosted(card="offer-3", at=story.now))

    deadline = story.now + timedelta(minutes=10)
    assert told == (TellCalled(driver=ADA, port=name(EAST), deadline=deadline),)


def test_a_plug_in_by_the_called_driver_takes_them_off_the_queue(story: Story) -> None:
    story.registers(ADA, "700101")
    story.says(ADA, "add")
    story.plugs_out(EAST)

    effects = story.plugs_in(EAST, "700101")

    assert story.queue == []
    assert effects == (
        UpdateCall(offer=3, driver=ADA, port=name(EAST), outcome=CallOutcome.PLUGGED_IN),
    )


def test_a_called_driver_may_plug_in_at_whatever_port_and_others_are_matched_again(
    story: Story,
) -> None:
    """Two drivers who swap ports must not cost either of them their turn."""
    story.registers(ADA, "700101")
    story.says(ADA, "add")
    story.says(GRACE, "add")
    story.plugs_out(EAST)
    story.plugs_out(WEST)
    deadline = story.now + timedelta(minutes=10)

    effects = story.plugs_in(WEST, "700101")

    assert story.queue == [GRACE]
    assert effects == (
        UpdateCall(offer=3, driver=ADA, port=name(WEST), outcome=CallOutcome.PLUGGED_IN),
        UpdateCall(
            offer=4, driver=GRACE, port=name(EAST), outcome=CallOutcome.MOVED, deadline=deadline
        ),
        TellMoved(driver=GRACE, taken=name(WEST), port=name(EAST), deadline=deadline),
    )


def test_a_driver_without_an_offer_who_plugs_in_is_announced_once(story: Story) -> None:
    story.registers(GRACE, "700102")
    story.says(GRACE, "add")
    story.says(GRACE, "suspend")
    story.plugs_out(EAST)

    effects = story.plugs_in(EAST, "700102")

    assert effects == (AnnouncePluggedIn(driver=GRACE, port=name(EAST)),)
    assert story.queue == []


def test_a_queue_jumper_gets_a_kind_word_and_the_called_driver_keeps_first_place(
    story: Story,
) -> None:
    story.registers(HEDY, "700104")
    story.says(ADA, "add")
    story.plugs_out(EAST)

    effects = story.plugs_in(EAST, "700104")

    assert effects == (
        TellTookOffered(driver=HEDY, port=name(EAST), called=ADA),
        UpdateCall(offer=3, driver=ADA, port=name(EAST), outcome=CallOutcome.WITHDRAWN),
        TellWithdrawn(driver=ADA, port=name(EAST)),
    )
    assert story.queue == [ADA]
    assert not story.site.queue[0].suspended


def test_a_driver_in_the_queue_joining_again_keeps_their_place(story: Story) -> None:
    story.says(ADA, "add")
    story.says(GRACE, "add")

    assert story.asks(ADA, "add") == AlreadyIn(driver=ADA, position=1, suspended=False)
    assert story.queue == [ADA, GRACE]


def test_joining_shows_the_whole_listing_as_it_is_after_the_call() -> None:
    story = Story(stations=(EAST,))

    reply = story.asks(ADA, "add")

    assert isinstance(reply, Joined)
    assert [offer.driver for offer in reply.board.offers] == [ADA]


def test_a_driver_who_is_charging_need_not_queue(story: Story) -> None:
    story.registers(ADA, "600001")

    assert story.asks(ADA, "add") == AlreadyCharging(port=name(EAST))
    assert story.queue == []


def test_leaving_passes_a_held_offer_on_at_once(story: Story) -> None:
    story.says(ADA, "add")
    story.says(GRACE, "add")
    story.plugs_out(EAST)

    effects = story.says(ADA, "remove")

    assert effects == (
        UpdateCall(offer=3, driver=ADA, port=name(EAST), outcome=CallOutcome.LEFT),
        CallDriver(offer=4, driver=GRACE, port=name(EAST)),
    )
    assert story.asks(ADA, "remove") == NotInQueue()
    assert story.asks(GRACE, "remove") == Left(driver=GRACE)


def test_a_suspended_driver_keeps_their_place_and_is_passed_over(story: Story) -> None:
    story.says(ADA, "add")
    story.says(GRACE, "add")
    assert story.asks(ADA, "suspend") == Suspended(driver=ADA, position=1)

    story.plugs_out(EAST)

    assert story.called == [GRACE]
    assert story.queue == [ADA, GRACE]
    assert story.asks(ADA, "resume") == Resumed(driver=ADA, position=1)
    assert story.called == [GRACE], "resuming recalls no offer"


def test_not_now_is_a_suspension_of_half_an_hour_and_the_next_is_called(story: Story) -> None:
    story.says(ADA, "add")
    story.says(GRACE, "add")
    story.plugs_out(EAST)

    story.happens(OfferAnswered(asker=Asker(driver=ADA), offer=3, answer=OfferAnswer.NOT_NOW))

    assert story.called == [GRACE]
    assert story.site.queue[0].resumes == story.now + timedelta(minutes=30)
    story.later(minutes=30)
    assert not story.site.queue[0].suspended


def test_on_my_way_gives_fifteen_minutes(story: Story) -> None:
    story.says(ADA, "add")
    story.plugs_out(EAST)
    story.later(minutes=9)

    effects = story.happens(
        OfferAnswered(asker=Asker(driver=ADA), offer=3, answer=OfferAnswer.ON_MY_WAY)
    )

    deadline = story.now + timedelta(minutes=15)
    assert effects == (
        UpdateCall(
            offer=3, driver=ADA, port=name(EAST), outcome=CallOutcome.ACCEPTED, deadline=deadline
        ),
    )


def test_a_button_pressed_late_or_by_the_wrong_person_changes_nothing(story: Story) -> None:
    story.says(ADA, "add")
    story.plugs_out(EAST)
    before = story.site

    wrong = story.decides(
        OfferAnswered(asker=Asker(driver=GRACE), offer=3, answer=OfferAnswer.LEAVE)
    )
    late = story.decides(OfferAnswered(asker=Asker(driver=ADA), offer=2, answer=OfferAnswer.LEAVE))

    assert (wrong.reply, late.reply) == (NotYourButton(driver=ADA), TooLate())
    assert story.site == before


def test_an_offer_runs_out_ten_minutes_after_it_was_posted(story: Story) -> None:
    story.says(ADA, "add")
    story.says(GRACE, "add")
    story.plugs_out(EAST)
    assert story.later(minutes=9, seconds=59) == ()

    effects = story.later(seconds=1)

    assert effects == (
        UpdateCall(offer=3, driver=ADA, port=name(EAST), outcome=CallOutcome.MISSED),
        TellMissed(driver=ADA, port=name(EAST), resumes=story.now + timedelta(minutes=30)),
        CallDriver(offer=4, driver=GRACE, port=name(EAST)),
    )
    assert story.queue == [ADA, GRACE]


def test_nothing_runs_out_while_the_call_was_not_posted(story: Story) -> None:
    """When Slack is down nobody can know that they were called."""
    story.posts = False
    story.says(ADA, "add")
    story.plugs_out(EAST)

    assert story.later(minutes=60) == ()
    assert story.called == [ADA]


def test_next_passes_over_a_driver_who_has_not_come(story: Story) -> None:
    story.says(ADA, "add")
    story.says(GRACE, "add")
    story.plugs_out(EAST)

    assert story.asks(GRACE, "next") == TooEarlyToPass(driver=ADA, port=name(EAST))
    story.later(minutes=5)
    assert story.asks(GRACE, "next") == PassedOver(driver=ADA, by=GRACE, port=name(EAST))
    assert story.called == [GRACE]
    assert story.queue == [ADA, GRACE]


def test_an_admin_may_pass_over_at_any_time_and_the_driver_is_told_by_whom(story: Story) -> None:
    story.says(ADA, "add")
    story.plugs_out(EAST)

    effects = story.says(HEDY, "next", admin=True)

    resumes = story.now + timedelta(minutes=30)
    assert TellPassedOver(driver=ADA, by=HEDY, resumes=resumes) in effects


def test_next_without_a_free_port_says_which_car_has_been_on_longest(story: Story) -> None:
    story.registers(ALAN, "600001")
    story.later(minutes=30)

    assert story.asks(ADA, "next") == NothingFree(
        port=name(EAST), driver=ALAN, since=NINE, since_known=True
    )


def test_next_with_nobody_waiting_says_what_is_free(story: Story) -> None:
    story.plugs_out(EAST)

    assert story.asks(ADA, "next") == NobodyWaiting(ports=(name(EAST),), suspended=0)


def test_with_nobody_waiting_the_room_hears_that_a_port_is_free(story: Story) -> None:
    assert story.plugs_out(EAST) == (AnnounceFree(port=name(EAST)),)


def test_an_idle_port_is_mentioned_once_after_ten_minutes(story: Story) -> None:
    story.plugs_out(EAST)
    freed = story.now

    assert story.later(minutes=10) == (RemindIdle(port=name(EAST), since=freed),)
    assert story.later(minutes=120) == ()


def test_an_idle_port_counts_from_the_end_of_its_last_offer(story: Story) -> None:
    story.says(ADA, "add")
    story.plugs_out(EAST)
    story.later(minutes=10)
    missed = story.now

    assert story.later(minutes=9) == ()
    assert story.later(minutes=1) == (RemindIdle(port=name(EAST), since=missed),)


def test_the_first_reading_of_a_deployment_is_bearings_not_news() -> None:
    story = Story()

    assert story.later(hours=24) == ()


def test_a_car_over_its_time_is_asked_to_move_three_times_while_somebody_waits() -> None:
    story = Story(stations=(EAST,))
    story.registers(ADA, "700101")
    story.plugs_in(EAST, "700101")
    story.says(GRACE, "add")

    effects = story.later(hours=10)

    asked = [effect for effect in effects if isinstance(effect, AskToMove)]
    assert [effect.asked for effect in asked] == [1, 2, 3]
    assert {(effect.driver, effect.port, effect.since) for effect in asked} == {
        (ADA, name(EAST), NINE)
    }


def test_a_car_over_its_time_is_asked_only_once_while_nobody_waits() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "700101")

    assert [type(effect) for effect in story.later(hours=2, minutes=29)] == []
    assert [type(effect) for effect in story.later(hours=10)] == [AskToMove]


def test_the_answer_silences_the_next_request_and_is_passed_on(story: Story) -> None:
    story.registers(ADA, "600001")
    story.says(GRACE, "add")
    story.later(minutes=150)

    effects = story.happens(
        MoveAnswered(asker=Asker(driver=ADA), session=1, answer=MoveAnswer.FIFTEEN_MINUTES)
    )

    assert effects == (
        UpdateAskToMove(
            session=1, asked=1, driver=ADA, port=name(EAST), answer=MoveAnswer.FIFTEEN_MINUTES
        ),
        TellMoveAnswer(driver=GRACE, about=ADA, port=name(EAST), answer=MoveAnswer.FIFTEEN_MINUTES),
    )
    assert not [e for e in story.later(minutes=14) if isinstance(e, AskToMove) and e.driver == ADA]
    assert [e for e in story.later(minutes=1) if isinstance(e, AskToMove) and e.driver == ADA]


def test_a_stranger_is_asked_for_and_that_is_me_names_the_session(story: Story) -> None:
    story.says(ADA, "add")
    story.says(ADA, "suspend")
    story.plugs_out(EAST)
    asked = story.plugs_in(EAST, "700101")

    effects = story.happens(SessionClaimed(asker=Asker(driver=ADA), session=3))

    assert asked == (AskWhoPluggedIn(session=3, port=name(EAST), user="700101"),)
    assert effects == (
        UpdateWhoPluggedIn(session=3, port=name(EAST), driver=ADA),
        AnnouncePluggedIn(driver=ADA, port=name(EAST)),
    )
    assert story.queue == []
    assert story.site.registrations == {"700101": ADA}


def test_a_guest_is_a_guest(story: Story) -> None:
    effects = story.happens(SessionDisowned(asker=Asker(driver=ADA), session=1))

    assert effects == (UpdateWhoPluggedIn(session=1, port=name(EAST), driver=None),)


def test_a_car_without_a_user_is_given_a_moment_to_be_introduced(story: Story) -> None:
    """A status often overtakes the session start that names the driver."""
    story.registers(ADA, "700101")
    story.says(ADA, "add")
    story.plugs_out(EAST)

    assert story.reports(EAST, PortStatus.INUSE) == ()
    assert story.later(seconds=5) == ()
    effects = story.plugs_in(EAST, "700101")

    assert effects == (
        UpdateCall(offer=3, driver=ADA, port=name(EAST), outcome=CallOutcome.PLUGGED_IN),
    )


def test_a_car_that_nobody_introduces_is_a_stranger(story: Story) -> None:
    story.plugs_out(EAST)
    story.reports(EAST, PortStatus.INUSE)

    assert story.later(seconds=20) == (AskWhoPluggedIn(session=3, port=name(EAST), user=None),)


def test_registering_takes_effect_on_the_live_session(story: Story) -> None:
    story.says(GRACE, "add")

    effects = story.registers(GRACE, "600002")

    assert effects == (
        UpdateWhoPluggedIn(session=2, port=name(WEST), driver=GRACE),
        AnnouncePluggedIn(driver=GRACE, port=name(WEST)),
    )
    assert story.queue == []


def test_another_drivers_id_is_not_taken_over(story: Story) -> None:
    story.registers(ADA, "700101")

    taken = story.decides(RegisterRequested(asker=Asker(driver=GRACE), user="700101"))
    given = story.decides(UnregisterRequested(asker=Asker(driver=GRACE), user="700101"))

    assert taken.reply == given.reply == NotYourRegistration(user="700101")
    assert story.site.registrations == {"700101": ADA}


def test_a_repeated_start_changes_nothing(story: Story) -> None:
    before = story.site
    again = SessionStarted(station=EAST, port="1", session="4001", user="600001", started=NINE)

    assert story.happens(again) == ()
    assert story.site.queue == before.queue
    assert story.port(EAST).session == before.ports[0].session


def test_a_late_start_of_a_session_that_ended_changes_nothing(story: Story) -> None:
    story.plugs_out(EAST)
    late = SessionStarted(station=EAST, port="1", session="4001", user="600001", started=NINE)

    assert story.happens(late) == ()
    assert story.port(EAST).session is None


def test_a_stop_alone_prompts_a_look_and_frees_nothing(story: Story) -> None:
    own = story.decides(SessionStopped(station=EAST, port="1", session="4001"))
    other = story.decides(SessionStopped(station=EAST, port="1", session="17"))

    assert (own.look, other.look) == (True, False)
    assert story.port(EAST).session is not None


def test_an_unknown_station_is_ignored(story: Story) -> None:
    before = story.site

    assert story.plugs_in("1:999999", "600001") == ()
    assert story.site == before


def test_a_port_out_of_service_is_not_offered(story: Story) -> None:
    story.says(ADA, "add")
    story.reports(EAST, PortStatus.UNREACHABLE)

    assert story.port(EAST).availability is Availability.OUT_OF_SERVICE
    assert story.called == []


def test_a_port_that_is_listed_no_more_takes_its_offer_with_it(story: Story) -> None:
    story.says(ADA, "add")
    story.plugs_out(EAST)

    story.happens(PortsListed(ports=(reading(WEST),)))

    assert story.called == []
    assert story.queue == [ADA]


def test_what_is_asked_from_elsewhere_is_heard_in_the_room_too(story: Story) -> None:
    effects = story.says(ADA, "add", in_room=False)

    assert effects == (SayInRoom(reply=Joined(driver=ADA, board=board(story.site))),)
    assert story.says(ADA, "list", in_room=False) == ()


def test_a_listing_shows_the_asker_the_board(story: Story) -> None:
    assert story.asks(ADA, "list") == Listing(asker=ADA, board=board(story.site))


def test_a_car_that_has_a_driver_is_claimed_by_nobody_else(story: Story) -> None:
    story.happens(SessionClaimed(asker=Asker(driver=ADA), session=1))

    late = story.decides(SessionClaimed(asker=Asker(driver=GRACE), session=1))
    guest = story.decides(SessionDisowned(asker=Asker(driver=GRACE), session=1))

    assert late.reply == guest.reply == NotYourButton(driver=ADA)
    assert story.port(EAST).session == story.site.ports[0].session
    assert story.site.registrations == {"600001": ADA}
