"""Rules 11 and 4 of a port that comes and goes: its offer ends some time, and blames nobody."""

from collections import Counter
from datetime import timedelta

import pytest

from bot.effects import (
    AnnounceFree,
    AskWhoPluggedIn,
    CallOutcome,
    Effect,
    RemindIdle,
    TellFrozen,
    TellGoesOn,
    TellWithdrawn,
    UpdateCall,
)
from bot.events import CardPosted
from chargepoint.events import PortStatus
from queue_store.site import Offer
from tests.story import ADA, EAST, GRACE, NINE, Story, name

THE_LONGEST = timedelta(minutes=10 + 10 + 5)


def called() -> Story:
    """Call Ada to the only port, with Grace behind her."""
    story = Story(stations=(EAST,))
    story.joins(ADA, GRACE)
    return story


def goes_and_comes(story: Story, *, gone: float, there: float) -> tuple[Effect, ...]:
    """Let the port be out of reach for so many seconds, and in reach again for so many."""
    said = story.reports(EAST, PortStatus.UNREACHABLE)
    said += story.later(seconds=gone)
    said += story.reports(EAST, PortStatus.AVAILABLE)
    return said + story.later(seconds=there)


def outcomes(effects: tuple[Effect, ...]) -> Counter[CallOutcome]:
    """Count what the calls came to."""
    return Counter(effect.outcome for effect in effects if isinstance(effect, UpdateCall))


def ran_on(story: Story) -> timedelta:
    """Answer how long Ada's call has been running."""
    return story.now - NINE


@pytest.mark.parametrize(
    ("gone", "there"), [(1, 1), (1, 240), (30, 30), (60, 240), (299, 299), (400, 30), (599, 10)]
)
def test_11c_an_offer_on_a_port_that_comes_and_goes_is_withdrawn_some_time(
    gone: float, there: float
) -> None:
    story = called()

    said: tuple[Effect, ...] = ()
    while [offer.number for offer in story.site.offers] == [1]:
        said += goes_and_comes(story, gone=gone, there=there)
        assert ran_on(story) <= THE_LONGEST + timedelta(seconds=gone + there)

    assert outcomes(said)[CallOutcome.WITHDRAWN] == 1
    assert outcomes(said)[CallOutcome.MISSED] == 0
    assert len([effect for effect in said if isinstance(effect, TellFrozen | TellGoesOn)]) <= 20
    assert story.queue == [ADA, GRACE]
    assert story.site.misses == {}


def test_11c_the_minutes_add_up() -> None:
    story = called()
    goes_and_comes(story, gone=240, there=60)
    goes_and_comes(story, gone=240, there=60)
    story.reports(EAST, PortStatus.UNREACHABLE)

    assert story.later(seconds=119) == ()
    assert story.later(seconds=1) == (
        UpdateCall(offer=1, driver=ADA, port=name(EAST), outcome=CallOutcome.WITHDRAWN),
        TellWithdrawn(driver=ADA, port=name(EAST)),
    )


def test_11c_what_it_was_prolonged_by_counts_where_that_is_more() -> None:
    story = called()
    story.later(minutes=9)
    goes_and_comes(story, gone=60, there=0)

    assert offer(story).deadline == story.after(minutes=5)
    assert offer(story).interrupted == timedelta(minutes=5)


def test_11c_each_time_counts_as_a_minute_at_least() -> None:
    """Nobody should be told a hundred times that it goes on."""
    story = called()

    for _ in range(10):
        goes_and_comes(story, gone=1, there=1)
    assert offer(story).number == 1

    assert outcomes(goes_and_comes(story, gone=1, there=1)) == {CallOutcome.WITHDRAWN: 1}


def test_11c_a_call_that_is_not_posted_yet_is_withdrawn_too() -> None:
    story = Story(stations=(EAST,))
    story.posts = False
    story.joins(ADA)
    for _ in range(10):
        goes_and_comes(story, gone=1, there=1)

    said = goes_and_comes(story, gone=1, there=1)

    assert outcomes(said) == {CallOutcome.WITHDRAWN: 1}
    assert story.happens(CardPosted(card="offer-1", at=story.now)) == ()


def test_11c_the_port_is_offered_anew_when_it_stays() -> None:
    story = called()
    for _ in range(10):
        goes_and_comes(story, gone=1, there=1)

    goes_and_comes(story, gone=1, there=1)

    assert story.called == [ADA]
    assert offer(story).interrupted == timedelta()


def test_4h_an_offer_that_strangers_have_prolonged_for_long_runs_out_in_the_end() -> None:
    """Who hears nothing for half an hour of "was that you?" is not there."""
    story = called()

    said: tuple[Effect, ...] = ()
    while [each.number for each in story.site.offers] == [1]:
        story.plugs_in(EAST, "600001")
        said += story.later(seconds=30)
        said += story.plugs_out(EAST)
        said += story.later(minutes=3)
        assert ran_on(story) <= THE_LONGEST + timedelta(minutes=3.5)

    assert outcomes(said)[CallOutcome.MISSED] == 1
    assert story.called == [GRACE]


def test_4h_nobody_is_told_that_an_offer_goes_on_that_runs_out() -> None:
    story = worn_out()
    story.later(minutes=9, seconds=50)
    story.plugs_in(EAST, "600009")
    story.now += timedelta(seconds=10)

    said = story.plugs_out(EAST)

    assert outcomes(said) == {CallOutcome.MISSED: 1}
    assert not [effect for effect in said if isinstance(effect, TellGoesOn)]


def test_4h_nor_is_anybody_asked_who_has_no_time_to_answer() -> None:
    story = worn_out()
    story.later(minutes=9, seconds=50)
    story.reports(EAST, PortStatus.INUSE)

    said = story.later(seconds=20)

    assert said[0] == AskWhoPluggedIn(session=12, port=name(EAST))
    assert outcomes(said) == {CallOutcome.WITHDRAWN: 1}
    assert story.site.misses == {}


def worn_out() -> Story:
    """Call Ada to a port at which strangers came and went for long."""
    story = called()
    for _ in range(10):
        story.plugs_in(EAST, "600001")
        story.plugs_out(EAST)
    assert offer(story).interrupted == timedelta(minutes=10)
    return story


def offer(story: Story) -> Offer:
    """Answer the only offer."""
    (only,) = story.site.offers
    return only


def test_1e_a_car_that_came_and_went_unnoticed_makes_no_news() -> None:
    """A plug that doesn't sit well is no reason to write to the room all day."""
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.plugs_out(EAST)
    assert len(story.later(minutes=10)) == 1

    for _ in range(100):
        assert story.reports(EAST, PortStatus.INUSE) == ()
        assert story.later(seconds=19) == ()
        assert story.plugs_out(EAST) == ()
        assert story.later(minutes=1) == ()


def test_7b_nor_does_it_make_the_port_less_idle() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.plugs_out(EAST)
    since = story.now

    story.later(minutes=5)
    story.reports(EAST, PortStatus.INUSE)
    story.later(seconds=10)
    story.plugs_out(EAST)

    assert story.until(since + timedelta(minutes=10)) == (RemindIdle(port=name(EAST), since=since),)


def test_1e_a_port_that_is_out_of_reach_now_and_then_is_no_news_when_it_is_back() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.plugs_out(EAST)
    assert len(story.later(minutes=10)) == 1

    for _ in range(100):
        assert goes_and_comes(story, gone=60, there=240) == ()


def test_7b_the_idle_time_before_a_car_is_over_with_it() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.plugs_out(EAST)
    story.later(minutes=4)
    story.plugs_in(EAST, "600001")
    story.later(minutes=30)

    assert story.plugs_out(EAST) == (AnnounceFree(port=name(EAST)),)
    assert story.later(minutes=10) == (
        RemindIdle(port=name(EAST), since=story.now - timedelta(minutes=10)),
    )
