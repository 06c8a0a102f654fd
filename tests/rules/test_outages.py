"""What must not be decided on old news, and what must not be forgotten meanwhile."""

from datetime import time, timedelta

from bot.effects import CallDriver, TellCalled, UpdateCall
from bot.events import (
    Asker,
    CardPosted,
    ClaimUndone,
    ClockTicked,
    ForgetConfirmed,
    NotMine,
    PauseRequested,
    SessionClaimed,
)
from bot.quiet import QuietTimes
from bot.rules import Rules
from chargepoint.events import PortReading, PortStatus, SessionStarted
from queue_store.site import Hold
from tests.story import ADA, ALAN, EAST, GRACE, HEDY, NINE, WEST, ZONE, Story, reading


def test_5f_a_bot_that_was_away_for_hours_blames_nobody_before_it_has_looked() -> None:
    story = Story(stations=(EAST,))
    story.joins(ADA)
    story.joins(GRACE)
    story.now += timedelta(hours=3)

    assert story.happens(ClockTicked()) == ()
    assert story.called == [ADA]


def test_11a_nobody_is_called_to_a_port_of_which_nobody_has_heard_for_long() -> None:
    story = Story(stations=(EAST,))
    story.now += timedelta(minutes=15)
    story.joins(ADA)
    assert story.called == []

    story.reads(reading(EAST))
    assert story.called == [ADA]


def test_11a_a_free_port_is_not_silent_for_having_nothing_to_say() -> None:
    """Only a reading tells: the stream speaks of ports where something happens."""
    story = Story()
    story.now += timedelta(minutes=20)
    story.plugs_in(EAST, "600001")

    story.joins(ADA)

    assert [offer.port for offer in story.site.offers] == [f"{WEST}/1"]


def test_5e_a_post_that_is_known_late_still_leaves_some_time() -> None:
    story = Story(stations=(EAST,))
    story.posts = False
    story.joins(ADA)
    posted = story.now
    story.now += timedelta(minutes=12)

    effects = story.happens(CardPosted(card="offer-1", at=posted))

    assert [type(effect) for effect in effects] == [TellCalled]
    assert story.site.offers[0].deadline == story.after(minutes=5)


def test_5h_who_is_asleep_is_called_once_and_not_all_night() -> None:
    night = QuietTimes(zone=ZONE, hours=(time(20), time(6)), days=frozenset())
    story = Story(stations=(EAST,), rules=Rules(zone=ZONE, quiet=night))
    story.at("21:00")
    story.joins(ADA)
    assert story.called == [ADA]

    effects = story.later(hours=8)

    assert not [effect for effect in effects if isinstance(effect, CallDriver)]


def test_14a_the_start_of_a_car_before_the_last_one_is_old_news() -> None:
    story = Story(stations=(EAST,))
    story.registers(ADA, "700101")
    first = SessionStarted(station=EAST, port="1", session="1", user="700101", started=story.now)
    story.happens(first)
    story.later(minutes=30)
    story.plugs_out(EAST)
    story.later(minutes=1)
    story.plugs_in(EAST, "600001")
    story.later(minutes=30)
    story.plugs_out(EAST)
    story.joins(ADA)

    assert story.happens(first) == ()
    assert story.queue == [ADA]


def test_14a_a_start_without_a_number_is_known_by_its_time() -> None:
    story = Story(stations=(EAST,))
    story.registers(ADA, "700101")
    start = SessionStarted(station=EAST, port="1", user="700101", started=story.now)
    story.happens(start)
    story.later(minutes=30)
    story.plugs_out(EAST)
    story.joins(ADA)

    assert story.happens(start) == ()
    assert story.queue == [ADA]


def test_4c_undo_gives_back_the_place_before_those_who_stood_behind() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    for driver in (GRACE, ALAN, HEDY):
        story.joins(driver)
    story.happens(SessionClaimed(asker=Asker(driver=ALAN), session=1))
    story.says(GRACE, "remove")

    story.happens(ClaimUndone(asker=Asker(driver=ALAN), session=1))

    assert story.queue == [ALAN, HEDY]


def test_4c_who_joined_anew_has_no_old_place_to_get_back() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    for driver in (GRACE, ALAN):
        story.joins(driver)
    story.happens(SessionClaimed(asker=Asker(driver=GRACE), session=1))
    story.plugs_out(EAST)
    story.joins(GRACE)
    story.says(GRACE, "remove")

    story.happens(ClaimUndone(asker=Asker(driver=GRACE), session=1))

    assert GRACE not in story.queue


def test_6b_a_port_that_is_missing_from_one_list_is_still_held_back() -> None:
    story = Story()
    admin = Asker(driver="U0ADMIN", admin=True)
    story.happens(PauseRequested(asker=admin, port="EAST"))

    story.reads(reading(WEST))
    story.reads(reading(EAST), reading(WEST))

    assert story.port(EAST).held_back is Hold.PAUSED


def test_5f_a_reading_after_hours_gives_the_called_driver_some_minutes() -> None:
    story = Story(stations=(EAST,))
    story.joins(ADA)
    story.joins(GRACE)
    story.now += timedelta(hours=3)

    effects = story.reads(reading(EAST))

    assert not [effect for effect in effects if isinstance(effect, UpdateCall)]
    assert story.called == [ADA]


def test_7a_nobody_is_reminded_of_a_port_of_which_nobody_has_heard_for_long() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.plugs_out(EAST)
    story.now += timedelta(hours=3)

    assert story.happens(ClockTicked()) == ()


def test_8a_nobody_is_asked_to_move_who_may_have_left_long_ago() -> None:
    story = Story(stations=(EAST,))
    story.registers(ADA, "700101")
    story.plugs_in(EAST, "700101")
    story.now += timedelta(hours=3)

    assert story.happens(ClockTicked()) == ()


def test_c10_a_claim_that_was_not_me_after_all_is_undone() -> None:
    """The ID must not stay with whoever pressed the wrong button."""
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.happens(SessionClaimed(asker=Asker(driver=ADA), session=1))

    story.happens(NotMine(asker=Asker(driver=ADA), session=1))

    assert story.site.registrations == {}


def test_4g_an_owner_who_is_learnt_later_is_believed_before_a_guess() -> None:
    story = Story(stations=(EAST,))
    story.registers(ADA, "700101")
    story.joins(ADA)
    story.says(ADA, "suspend")
    story.plugs_in(EAST)
    story.later(minutes=1)
    story.happens(SessionClaimed(asker=Asker(driver=GRACE), session=story.site.serial))

    story.later(minutes=2)
    story.reads(reading(EAST, PortStatus.INUSE, "700101"))

    session = story.port(EAST).session
    assert session is not None
    assert session.driver == ADA
    assert story.queue == []


def test_c3_a_car_that_was_there_first_is_shown_with_its_start_where_the_network_tells() -> None:
    there = PortReading(
        station=EAST,
        port="1",
        name="EAST",
        status=PortStatus.INUSE,
        user="600001",
        started=NINE - timedelta(hours=1),
    )
    story = Story(stations=())

    story.reads(there)

    session = story.port(EAST).session
    assert session is not None
    assert (session.since, session.since_known) == (NINE - timedelta(hours=1), True)


def test_10a_a_plug_in_that_was_missed_has_its_own_start_where_the_network_tells() -> None:
    story = Story(stations=(EAST,))
    story.later(minutes=30)
    started = story.now - timedelta(minutes=20)

    story.reads(
        PortReading(
            station=EAST,
            port="1",
            name="EAST",
            status=PortStatus.INUSE,
            user="600001",
            started=started,
        )
    )

    session = story.port(EAST).session
    assert session is not None
    assert (session.since, session.since_known) == (started, True)


def test_c32_what_is_forgotten_is_forgotten_in_the_store_too() -> None:
    story = Story(stations=(EAST,))
    story.joins(ADA)
    story.later(minutes=10)
    assert ADA in story.site.misses

    decision = story.decides(ForgetConfirmed(asker=Asker(driver=ADA)))

    assert decision.forgotten == ADA
    assert story.site.misses == {}
    assert story.queue == []
