"""Rule 11: a station that went silent or out of service."""

from datetime import timedelta

from bot.effects import (
    CallOutcome,
    TellFrozen,
    TellGoesOn,
    TellMoved,
    TellTookOffered,
    TellWithdrawn,
    UpdateCall,
)
from bot.messages import Reader, answer
from bot.replies import Listing, board
from chargepoint.events import PortStatus, SessionUpdated
from tests.story import ADA, EAST, GRACE, HEDY, RULES, WEST, ZONE, Story, name

FROZEN = (
    UpdateCall(offer=1, driver=ADA, port=name(EAST), outcome=CallOutcome.FROZEN),
    TellFrozen(driver=ADA, port=name(EAST)),
)
WITHDRAWN = (
    UpdateCall(offer=1, driver=ADA, port=name(EAST), outcome=CallOutcome.WITHDRAWN),
    TellWithdrawn(driver=ADA, port=name(EAST)),
)


def test_11a_a_station_is_silent_that_says_nothing_for_fifteen_minutes_while_others_speak() -> None:
    story = Story()
    story.falls_silent(EAST)

    story.later(minutes=10)
    assert not story.port(EAST).silent
    story.later(minutes=5)
    assert story.port(EAST).silent
    assert not story.port(WEST).silent


def test_11a_while_nobody_speaks_it_is_not_the_stations_fault() -> None:
    story = Story()
    story.online = False

    story.later(hours=2)

    assert not story.port(EAST).silent


def test_11a_it_is_shown_with_the_time_of_its_last_word() -> None:
    story = Story()
    story.falls_silent(EAST)
    last = int(story.now.timestamp())
    story.later(minutes=20)

    reader = Reader(now=story.now, zone=ZONE, rules=RULES, names={})
    shown = answer(Listing(asker=ADA, board=board(story.site)), reader).text

    assert f"*HQ GARAGE / EAST*: out of service, last word at <!date^{last}^" in shown


def test_11a_it_is_never_newly_offered() -> None:
    story = Story(stations=(EAST, WEST))
    story.plugs_in(WEST, "600002")
    story.falls_silent(EAST)
    story.later(minutes=15)

    story.joins(ADA)
    assert story.called == []

    story.speaks_again(EAST)
    assert story.called == [ADA]


def test_11a_nor_is_one_out_of_service() -> None:
    story = Story(stations=(EAST,))
    story.reports(EAST, PortStatus.UNREACHABLE)

    story.joins(ADA)

    assert story.called == []


def test_11a_it_is_no_reason_to_ask_anybody_to_move() -> None:
    story = Story(stations=(EAST, WEST, "NORTH"))
    story.plugs_in(EAST, "600001")
    story.plugs_in(WEST, "600002")
    story.reports(EAST, PortStatus.UNREACHABLE)
    story.falls_silent(WEST)

    assert story.later(hours=3) == ()


def test_11a_nor_to_remind_of_a_port_that_may_not_be_free() -> None:
    story = Story()
    story.plugs_in(EAST, "600001")
    story.later(minutes=5)
    story.plugs_out(EAST)
    story.reports(EAST, PortStatus.UNREACHABLE)

    assert story.later(hours=1) == ()


def test_11b_a_live_offer_on_it_is_frozen() -> None:
    story = Story(stations=(EAST,))
    story.joins(ADA)

    assert story.reports(EAST, PortStatus.UNREACHABLE) == FROZEN
    assert story.called == [ADA]


def test_11b_it_is_withdrawn_after_ten_minutes_without_a_miss() -> None:
    story = Story(stations=(EAST,))
    story.joins(ADA)
    story.later(minutes=5)
    story.reports(EAST, PortStatus.UNREACHABLE)
    assert story.later(minutes=9, seconds=59) == ()

    assert story.later(seconds=1) == WITHDRAWN
    assert story.site.misses == {}
    assert story.queue == [ADA]
    assert story.entry(ADA).suspended is None


def test_11b_a_silent_stations_offer_is_frozen_too() -> None:
    story = Story()
    story.falls_silent(EAST)
    story.later(minutes=10)
    story.joins(ADA)

    assert story.later(minutes=5) == FROZEN


def test_11b_it_goes_on_when_the_station_speaks_again_with_some_time_left() -> None:
    story = Story(stations=(EAST,))
    story.joins(ADA)
    story.later(minutes=8)
    story.reports(EAST, PortStatus.UNREACHABLE)
    story.later(minutes=5)

    effects = story.reports(EAST, PortStatus.AVAILABLE)

    deadline = story.after(minutes=5)
    goes_on = CallOutcome.GOES_ON
    assert effects == (
        UpdateCall(offer=1, driver=ADA, port=name(EAST), outcome=goes_on, deadline=deadline),
        TellGoesOn(driver=ADA, port=name(EAST), deadline=deadline),
    )


def test_11b_who_waits_behind_a_frozen_offer_keeps_waiting_behind_it() -> None:
    story = Story(stations=(EAST,))
    story.joins(ADA, GRACE)
    story.reports(EAST, PortStatus.UNREACHABLE)
    story.later(minutes=10)

    story.reports(EAST, PortStatus.AVAILABLE)

    assert story.called == [ADA]


def test_11b_nobody_is_told_that_an_offer_goes_on_which_another_car_has_ended() -> None:
    story = Story()
    story.registers(HEDY, "700104")
    story.joins(ADA)
    story.reports(EAST, PortStatus.UNREACHABLE)
    deadline = story.after(minutes=10)

    effects = story.plugs_in(EAST, "700104")

    moved = CallOutcome.MOVED
    assert effects == (
        TellTookOffered(driver=HEDY, port=name(EAST), called=ADA),
        UpdateCall(offer=1, driver=ADA, port=name(WEST), outcome=moved, deadline=deadline),
        TellMoved(driver=ADA, taken=name(EAST), port=name(WEST), deadline=deadline),
    )
    assert story.site.offers[0].frozen is None


def test_11a_a_station_that_the_stream_hears_is_not_silent() -> None:
    story = Story()
    story.plugs_in(EAST, "600001")
    story.falls_silent(EAST)
    story.later(minutes=12)
    story.happens(SessionUpdated(station=EAST, port="1", session="4001"))

    story.later(minutes=14)
    assert not story.port(EAST).silent
    story.later(minutes=5)
    assert story.port(EAST).silent


def test_11b_a_car_on_a_frozen_port_decides_about_the_offer() -> None:
    story = Story(stations=(EAST,))
    story.joins(ADA)
    story.reports(EAST, PortStatus.UNREACHABLE)
    story.later(minutes=3)

    story.plugs_in(EAST, "600009")

    (offer,) = story.site.offers
    assert (offer.asked, offer.frozen, offer.interrupted) == (2, None, timedelta(minutes=3))
    assert story.later(minutes=6, seconds=59) == ()
