"""Ports that are held back: paused by an admin, or reported as unusable."""

from datetime import timedelta

import pytest

from bot.effects import (
    AnnounceFree,
    AskWhoPluggedIn,
    CallDriver,
    CallOutcome,
    RemindIdle,
    ReportUnusable,
    TellMoved,
    TellWithdrawn,
    UpdateCall,
    UpdateWasThatYou,
)
from bot.replies import AdminsOnly, Paused, Unpaused, WasNotHeldBack, WhichPort
from bot.rules import Rules
from chargepoint.events import PortStatus
from queue_store.site import Hold
from tests.story import ADA, EAST, GRACE, HEDY, QUIET, WEST, ZONE, Story, name


def test_c30_a_paused_port_is_not_offered_until_it_is_given_back() -> None:
    story = Story(stations=(EAST,))

    reply = story.asks(HEDY, "pause east", admin=True)
    assert reply == Paused(port=name(EAST), by=HEDY)
    story.joins(ADA)
    assert story.called == []

    reply = story.asks(HEDY, "unpause east", admin=True)
    assert reply == Unpaused(port=name(EAST), by=HEDY)
    assert story.called == [ADA]


def test_c30_only_admins_can() -> None:
    story = Story()

    assert story.asks(ADA, "pause east") == AdminsOnly()
    assert story.port(EAST).held_back is None
    story.says(HEDY, "pause east", admin=True)
    assert story.asks(ADA, "unpause east") == AdminsOnly()
    assert story.port(EAST).held_back is Hold.PAUSED


def test_c30_a_live_offer_on_a_paused_port_is_matched_again() -> None:
    story = Story()
    story.joins(ADA)
    deadline = story.after(minutes=10)

    effects = story.says(HEDY, "pause east", admin=True)

    assert effects == (
        UpdateCall(
            offer=1, driver=ADA, port=name(WEST), outcome=CallOutcome.MOVED, deadline=deadline
        ),
        TellMoved(driver=ADA, taken=name(EAST), port=name(WEST), deadline=deadline),
    )
    story.says(HEDY, "pause west", admin=True)
    assert story.called == []
    assert story.queue == [ADA]


def test_c30_an_offer_that_waits_for_its_station_is_matched_again_too() -> None:
    story = Story()
    story.joins(ADA)
    story.reports(EAST, PortStatus.UNREACHABLE)

    effects = story.says(HEDY, "pause east", admin=True)

    assert [type(effect) for effect in effects] == [UpdateCall, TellMoved]
    assert story.site.offers[0].port == f"{WEST}/1"
    assert story.site.offers[0].frozen is None


def test_c30_a_plug_in_does_not_end_a_pause(story: Story) -> None:
    story.says(HEDY, "pause east", admin=True)
    story.plugs_out(EAST)
    story.plugs_in(EAST, "600003")
    story.plugs_out(EAST)

    assert story.port(EAST).held_back is Hold.PAUSED


def test_c30_what_is_not_held_back_can_not_be_given_back() -> None:
    assert Story().asks(HEDY, "unpause east", admin=True) == WasNotHeldBack(port=name(EAST))


def test_c30_a_port_that_was_given_back_is_idle_since_then() -> None:
    """Nobody is to blame for a charger that nobody was allowed to use."""
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.plugs_out(EAST)
    story.says(HEDY, "pause east", admin=True)
    assert story.later(hours=48) == ()

    assert story.says(HEDY, "unpause east", admin=True) == ()
    since = story.now
    assert story.later(minutes=10) == (RemindIdle(port=name(EAST), since=since),)


@pytest.mark.parametrize("words", ["east", "EAST", "/ east", "hq  garage / EAST", "ast"])
def test_c31_a_port_is_named_by_any_unambiguous_part_of_its_name(words: str) -> None:
    story = Story()

    assert story.asks(HEDY, f"pause {words}", admin=True) == Paused(port=name(EAST), by=HEDY)


@pytest.mark.parametrize("words", ["garage", "st", "north"])
def test_c31_otherwise_the_ports_are_listed(words: str) -> None:
    story = Story()
    ports = (name(EAST), name(WEST))

    assert story.asks(HEDY, f"pause {words}", admin=True) == WhichPort(words=words, ports=ports)
    assert {story.port(EAST).held_back, story.port(WEST).held_back} == {None}


def test_c31_a_whole_name_is_not_ambiguous_though_another_contains_it() -> None:
    story = Story(stations=("GARAGE 1", "GARAGE 12"))

    reply = story.asks(HEDY, "pause garage 1", admin=True)

    assert reply == Paused(port="GARAGE 1", by=HEDY)


def test_6a_cant_use_it_is_no_miss_and_keeps_first_place_for_the_next_port() -> None:
    story = Story()
    story.joins(ADA)

    effects = story.presses(ADA, "can't use it")

    assert effects == (
        UpdateCall(offer=1, driver=ADA, port=name(EAST), outcome=CallOutcome.UNUSABLE),
        ReportUnusable(port=name(EAST), by=ADA, admin=None),
        CallDriver(offer=2, driver=ADA, port=name(WEST)),
    )
    assert story.site.misses == {}


def test_6a_with_no_other_port_the_driver_waits_for_the_next(story: Story) -> None:
    story.joins(ADA, GRACE)
    story.plugs_out(EAST)
    story.presses(ADA, "can't use it")
    assert story.called == []

    story.plugs_out(WEST)

    assert story.called == [ADA]
    assert story.queue == [ADA, GRACE]


def test_6b_the_port_is_held_back_until_somebody_plugs_in() -> None:
    story = Story(stations=(EAST,))
    story.joins(ADA)
    story.presses(ADA, "can't use it")
    assert story.later(hours=3) == ()
    assert story.port(EAST).held_back is Hold.REPORTED

    story.plugs_in(EAST, "600001")
    assert story.port(EAST).held_back is None
    story.plugs_out(EAST)
    assert story.called == [ADA]


def test_6b_or_until_an_admin_gives_it_back() -> None:
    story = Story(stations=(EAST,))
    story.joins(ADA)
    story.presses(ADA, "can't use it")

    effects = story.says(HEDY, "unpause east", admin=True)

    assert effects == (CallDriver(offer=2, driver=ADA, port=name(EAST)),)


def test_6b_that_it_is_given_back_is_said_once() -> None:
    story = Story(stations=(EAST,))
    story.joins(ADA)
    story.presses(ADA, "can't use it")
    story.says(ADA, "remove")

    assert story.says(HEDY, "unpause east", admin=True) == ()
    assert story.reply() == Unpaused(port=name(EAST), by=HEDY)


def test_6c_admins_are_told() -> None:
    story = Story(rules=Rules(zone=ZONE, admins=frozenset({HEDY, GRACE})))
    story.joins(ADA)

    effects = story.presses(ADA, "can't use it")

    told = [effect for effect in effects if isinstance(effect, ReportUnusable)]
    assert [(effect.admin, effect.by) for effect in told] == [(GRACE, ADA), (HEDY, ADA)]


def test_6c_the_room_does_not_hear_that_a_held_port_is_free() -> None:
    story = Story(stations=(EAST,))
    story.joins(ADA)

    effects = story.presses(ADA, "can't use it")

    assert not [effect for effect in effects if isinstance(effect, AnnounceFree | TellWithdrawn)]


def test_c30_a_port_that_is_given_back_is_reminded_of_anew() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.plugs_out(EAST)
    assert len(story.later(minutes=10)) == 1
    story.says(HEDY, "pause east", admin=True)
    story.says(HEDY, "unpause east", admin=True)

    assert story.later(minutes=10) == (
        RemindIdle(port=name(EAST), since=story.now - timedelta(minutes=10)),
    )


def test_6b_what_was_no_news_before_a_pause_is_none_after_it() -> None:
    """A port that became free at night was offered since, so nobody need hear of that night."""
    story = Story(rules=QUIET)
    story.at("21:00")
    for station in (EAST, WEST):
        story.plugs_in(station, "600002")
        story.plugs_out(station)
        story.later(minutes=1)
    story.joins(ADA)
    assert story.site.offers[0].port == f"{EAST}/1"
    story.says(HEDY, "pause east", admin=True)
    assert story.site.offers[0].port == f"{WEST}/1"
    story.says(HEDY, "pause west", admin=True)
    story.says(ADA, "remove")
    story.at("08:00")

    assert story.says(HEDY, "unpause west", admin=True) == ()


def test_6b_a_port_at_which_another_car_is_by_now_is_not_held_back() -> None:
    """Its driver sees why it can't be used, and no admin could do anything about it."""
    story = Story(stations=(EAST,))
    story.joins(ADA)
    story.plugs_in(EAST, "700101")

    effects = story.presses(ADA, "can't use it", 1)

    assert effects == (
        UpdateCall(offer=1, driver=ADA, port=name(EAST), outcome=CallOutcome.UNUSABLE),
        UpdateWasThatYou(offer=1, session=2, driver=ADA, port=name(EAST), mine=False),
        AskWhoPluggedIn(session=2, port=name(EAST)),
    )
    assert story.port(EAST).held_back is None
    assert story.queue == [ADA]


def test_7b_a_port_that_was_reported_is_idle_since_its_offer_ended() -> None:
    story = Story(stations=(EAST,))
    story.joins(ADA)
    story.presses(ADA, "can't use it")
    story.says(ADA, "remove")
    ended = story.now
    story.later(minutes=5)
    story.reports(EAST, PortStatus.INUSE)
    story.later(seconds=10)

    assert story.plugs_out(EAST) == (), "a plug that was only tried is no news"
    assert story.until(ended + timedelta(minutes=10)) == (RemindIdle(port=name(EAST), since=ended),)


def test_c30_that_a_port_is_free_which_was_offered_before_is_no_news_after_a_pause() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.joins(ADA)
    story.plugs_out(EAST)
    story.says(HEDY, "pause east", admin=True)
    story.says(ADA, "remove")

    assert story.says(HEDY, "unpause east", admin=True) == ()
