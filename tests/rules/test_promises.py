"""What is true whatever happens; the properties test it for everything that can."""

import pytest
from msgspec.structs import replace

from bot.effects import CallDriver
from bot.events import CardPosted, FeedRegistered
from bot.replies import Done, NotYourButton, TooLate
from chargepoint.events import PortStatus, PortStatusChanged, SessionStarted
from tests.story import ADA, ALAN, EAST, GRACE, HEDY, NINE, WEST, Story, name


@pytest.mark.parametrize("button", ["on my way", "not now", "can't use it", "leave the queue"])
def test_m1_a_button_pressed_late_or_by_the_wrong_person_changes_nothing(
    story: Story, button: str
) -> None:
    story.joins(ADA)
    story.plugs_out(EAST)
    before = story.site

    assert story.presses(GRACE, button, 3) == ()
    assert story.reply() == NotYourButton(driver=ADA)
    assert story.presses(ADA, button, 2) == ()
    assert story.reply() == TooLate()
    assert story.site == before


@pytest.mark.parametrize("button", ["that's me", "it's a guest", "undo", "that's not me", "no"])
def test_m1_a_button_about_a_car_that_has_left_changes_nothing(story: Story, button: str) -> None:
    story.plugs_out(EAST)
    before = story.site

    assert story.presses(ADA, button, 1) == ()
    assert story.reply() == TooLate()
    assert story.site == before


def test_m1_thats_not_me_is_for_the_cars_driver(story: Story) -> None:
    story.registers(ADA, "600001")

    assert story.presses(GRACE, "that's not me", 1) == ()
    assert story.reply() == NotYourButton(driver=ADA)


def test_m2_nobody_is_in_the_queue_twice(story: Story) -> None:
    story.joins(ADA, ADA)
    story.presses(ADA, "rejoin")

    assert story.queue == [ADA]


def test_m2_nor_by_an_undo_whatever_the_claim_remembers(story: Story) -> None:
    """Joining anew makes claims forget the old place, and an undo doesn't rely on that."""
    story.joins(ADA)
    story.presses(ADA, "that's me", 1)
    claims = story.site.claims
    story.plugs_out(EAST)
    story.joins(ADA)
    story.site = replace(story.site, claims=claims)

    story.presses(ADA, "undo", 1)

    assert story.reply() == Done()
    assert story.queue == [ADA]


def test_m2_nobody_who_could_be_called_waits_beside_a_free_port(story: Story) -> None:
    story.joins(ADA)
    story.says(ADA, "suspend")
    story.plugs_out(EAST)
    assert story.called == []

    story.says(ADA, "resume")

    assert story.called == [ADA]


def test_m3_no_two_drivers_are_called_for_one_port_and_no_driver_for_two(story: Story) -> None:
    story.joins(ADA)
    story.plugs_out(EAST)
    story.plugs_out(WEST)
    story.joins(GRACE, ALAN)

    assert story.called == [ADA, GRACE]
    assert len({offer.port for offer in story.site.offers}) == 2


def test_m4_a_driver_who_always_answers_is_not_overtaken(story: Story) -> None:
    story.registers(HEDY, "700104")
    story.joins(ADA, GRACE)
    story.plugs_out(EAST)
    story.plugs_in(EAST, "700104")
    story.later(minutes=40)

    story.plugs_out(WEST)

    assert story.called == [ADA]


def test_m5_a_repeated_start_changes_nothing(story: Story) -> None:
    before = story.site
    again = SessionStarted(station=EAST, port="1", session="4001", user="600001", started=NINE)

    assert story.happens(again) == ()
    assert story.site == before


def test_m5_a_repeated_status_changes_nothing(story: Story) -> None:
    story.joins(ADA)
    story.plugs_out(EAST)
    before = story.site

    assert story.plugs_out(EAST) == ()
    assert story.site == before


def test_m5_a_call_that_is_reported_posted_twice_starts_one_clock(story: Story) -> None:
    story.joins(ADA)
    story.plugs_out(EAST)
    story.later(minutes=5)

    assert story.happens(CardPosted(card="offer-3", at=story.now)) == ()
    assert story.site.offers[0].deadline == story.after(minutes=5)


@pytest.mark.parametrize("status_first", [True, False])
def test_m5_the_order_of_start_and_status_does_not_matter(*, status_first: bool) -> None:
    story = Story(stations=(EAST,))
    story.registers(ADA, "700101")
    story.joins(ADA)
    start = SessionStarted(station=EAST, port="1", session="9", user="700101", started=NINE)
    status = PortStatusChanged(station=EAST, port="1", status=PortStatus.INUSE)

    for event in (status, start) if status_first else (start, status):
        story.happens(event)

    assert (story.queue, story.called) == ([], [])
    assert story.session(EAST).driver == ADA
    assert story.session(EAST).noticed


def test_m3_a_free_port_is_called_out_once(story: Story) -> None:
    story.joins(ADA)

    assert story.plugs_out(EAST) == (CallDriver(offer=3, driver=ADA, port=name(EAST)),)
    assert story.later(minutes=9) == ()


def test_m5_a_feed_that_is_registered_again_changes_nothing(story: Story) -> None:
    before = story.site

    for _ in range(2):
        assert story.happens(FeedRegistered(feed="17")) == ()
        assert story.site == replace(before, feed="17")
