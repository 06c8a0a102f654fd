"""Rule 14: late and odd events."""

from datetime import timedelta

import pytest

from bot.effects import AnnounceFree, CallOutcome, UpdateCall
from chargepoint.events import PortStatus, PortStatusChanged, SessionStarted, SessionUpdated
from queue_store.site import Availability
from tests.story import ADA, EAST, NINE, WEST, Story, name, reading


def test_14a_a_stop_for_a_session_that_is_no_longer_the_ports_is_ignored(story: Story) -> None:
    other = story.stops(EAST, "17")

    assert (other.look, other.effects) == (False, ())
    assert story.session(EAST).number == 1


def test_14a_a_stop_at_a_free_port_is_ignored() -> None:
    story = Story()

    assert not story.stops(EAST, "17").look


def test_14a_after_a_stop_the_next_reading_counts(story: Story) -> None:
    """The stream itself has cast the doubt, so SOAP need not be doubted."""
    story.stops(EAST, "4001")
    story.joins(ADA)

    story.reads(reading(EAST), reading(WEST, PortStatus.INUSE, "600002"))

    assert story.called == [ADA]


def test_14a_when_in_doubt_the_bot_looks() -> None:
    story = Story()

    alive = story.decides(SessionUpdated(station=EAST, port="1", session="17"))
    in_use = story.decides(PortStatusChanged(station=WEST, port="1", status=PortStatus.INUSE))

    assert (alive.look, in_use.look) == (True, True)


def test_14a_a_sign_of_life_from_a_known_session_is_no_doubt(story: Story) -> None:
    assert not story.decides(SessionUpdated(station=EAST, port="1", session="4001")).look


def test_14a_a_late_start_of_a_session_that_ended_changes_nothing(story: Story) -> None:
    story.plugs_out(EAST)
    late = SessionStarted(station=EAST, port="1", session="4001", user="600001", started=NINE)

    assert story.happens(late) == ()
    assert story.port(EAST).session is None


@pytest.mark.parametrize("days", [-8, 1])
def test_14a_a_start_at_an_impossible_time_is_now(days: int) -> None:
    story = Story()
    started = story.now + timedelta(days=days)

    story.happens(SessionStarted(station=EAST, port="1", session="17", started=started))

    assert story.session(EAST).since == story.now


def test_14a_a_start_of_a_week_ago_may_be_true() -> None:
    story = Story()
    started = story.now - timedelta(days=7)

    story.happens(SessionStarted(station=EAST, port="1", session="17", started=started))

    assert story.session(EAST).since == started


def test_14b_one_user_on_two_ports_is_two_sessions() -> None:
    story = Story()
    story.registers(ADA, "700101")
    story.plugs_in(EAST, "700101")

    story.plugs_in(WEST, "700101")

    assert [session.driver for _, session in story.site.sessions_of(ADA)] == [ADA, ADA]
    assert {port.session.number for port in story.site.ports if port.session} == {1, 2}
    assert story.plugs_out(EAST) == (AnnounceFree(port=name(EAST)),)
    assert story.session(WEST).number == 2


def test_14c_an_unknown_station_is_ignored(story: Story) -> None:
    before = story.site

    assert story.plugs_in("1:999999", "600001") == ()
    assert story.reports("1:999999", PortStatus.AVAILABLE) == ()
    assert story.site == before


def test_14a_a_car_that_goes_while_its_station_is_out_of_reach_has_gone() -> None:
    story = Story(stations=(EAST,))
    story.registers(ADA, "700101")
    story.joins(ADA)
    story.plugs_in(EAST, "700101")
    story.reports(EAST, PortStatus.UNREACHABLE)

    assert story.reports(EAST, PortStatus.AVAILABLE) == (AnnounceFree(port=name(EAST)),)
    assert story.port(EAST).session is None


def test_14a_a_start_after_the_status_names_the_same_session() -> None:
    story = Story(stations=(EAST,))
    story.registers(ADA, "700101")
    story.joins(ADA)
    story.reports(EAST, PortStatus.INUSE)

    effects = story.plugs_in(EAST, "700101")

    plugged_in = CallOutcome.PLUGGED_IN
    assert effects == (UpdateCall(offer=1, driver=ADA, port=name(EAST), outcome=plugged_in),)
    assert story.session(EAST).number == 2


def test_14a_two_cars_within_a_second_that_have_no_numbers_are_told_apart_by_a_look() -> None:
    """The network cuts off fractions, so the second one looks like an old word of the first."""
    story = Story(stations=(EAST,))
    start = SessionStarted(station=EAST, port="1", started=story.now)
    story.happens(start)
    story.plugs_out(EAST)
    story.joins(ADA)

    second = story.decides(start)
    assert (second.look, second.effects) == (True, ())
    assert story.port(EAST).session is None

    story.reads(reading(EAST, PortStatus.INUSE))
    story.reads(reading(EAST, PortStatus.INUSE))
    assert story.session(EAST).number == 3


def test_14a_the_start_of_a_car_that_another_one_replaced_is_old_news() -> None:
    """Nobody saw the first one leave, and its start is told again."""
    story = Story(stations=(EAST,))
    first = SessionStarted(station=EAST, port="1", session="17", user="600001", started=story.now)
    story.happens(first)
    story.later(minutes=1)
    story.plugs_in(EAST, "600002")

    assert story.happens(first) == ()
    assert story.session(EAST).user == "600002"


def test_14a_a_start_without_a_time_is_of_a_new_car_unless_its_number_is_old() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.plugs_out(EAST)

    story.happens(SessionStarted(station=EAST, port="1", session="4001"))
    assert story.port(EAST).session is None
    story.happens(SessionStarted(station=EAST, port="1", session="4002"))
    assert story.session(EAST).number == 2


@pytest.mark.parametrize(("seconds", "new"), [(-3, False), (-2, True)])
def test_14a_two_seconds_before_another_car_it_may_be_a_new_one(seconds: int, *, new: bool) -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    started = story.now + timedelta(seconds=seconds)
    story.plugs_out(EAST)

    story.happens(SessionStarted(station=EAST, port="1", session="17", started=started))

    assert (story.port(EAST).session is not None) == new


def test_14a_a_car_that_is_named_after_its_status_goes_by_that_name() -> None:
    story = Story(stations=(EAST,))
    story.reports(EAST, PortStatus.INUSE)
    story.plugs_in(EAST, "600001")

    assert not story.stops(EAST, "17").look
    assert story.stops(EAST, "4001").look


def test_14a_a_repeated_start_does_not_change_when_the_car_came(story: Story) -> None:
    earlier = NINE - timedelta(hours=1)

    story.introduces(WEST, user="600002", started=earlier)

    assert story.session(WEST).since == NINE


def test_14a_a_start_tells_that_the_port_is_in_use_though_it_was_out_of_reach() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.reports(EAST, PortStatus.UNREACHABLE)

    story.introduces(EAST, user="600001", started=story.now)

    assert story.port(EAST).availability is Availability.IN_USE
