"""Rule 10: reconciliation with what SOAP shows."""

from datetime import timedelta

import pytest

from bot.effects import (
    AnnounceFree,
    AnnouncePluggedIn,
    AskWhoPluggedIn,
    CallDriver,
    SummariseOutage,
    UpdateWhoPluggedIn,
)
from bot.events import PortsRead
from bot.reconcile import missed
from chargepoint.events import PortReading, PortStatus, PortStatusChanged, SessionStarted
from queue_store.site import Availability
from tests.story import ADA, ALAN, EAST, GRACE, QUIET, WEST, Story, name, reading

IN_USE = PortStatus.INUSE


def test_10a_a_plug_out_that_was_missed_calls_the_driver_who_waits(story: Story) -> None:
    story.joins(ADA)
    story.later(minutes=5)

    effects = story.reads(reading(EAST), reading(WEST, IN_USE, "600002"))

    assert effects == (CallDriver(offer=3, driver=ADA, port=name(EAST)),)


def test_10a_a_plug_in_that_was_missed_takes_its_driver_off() -> None:
    story = Story()
    story.registers(ADA, "700101")
    story.joins(ADA)

    story.reads(reading(EAST, IN_USE, "700101"), reading(WEST))

    assert story.queue == []
    assert not story.session(EAST).since_known


def test_10a_another_user_is_another_car() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.later(minutes=30)

    story.reads(reading(EAST, IN_USE, "600002"))

    session = story.session(EAST)
    assert (session.number, session.user, session.since) == (2, "600002", story.now)


def test_10a_an_unreachable_station_is_out_of_service_until_it_is_read_otherwise() -> None:
    story = Story(stations=(EAST,))

    story.reads(reading(EAST, PortStatus.UNREACHABLE))
    assert story.port(EAST).availability is Availability.OUT_OF_SERVICE
    story.reads(reading(EAST, IN_USE))
    assert story.port(EAST).availability is Availability.IN_USE
    story.later(minutes=5)
    story.reads(reading(EAST))
    assert story.port(EAST).availability is Availability.AVAILABLE


def test_10a_a_car_stays_the_same_car_when_its_station_is_out_of_reach_for_a_while() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.later(minutes=5)

    story.reads(reading(EAST, PortStatus.UNREACHABLE))
    story.reads(reading(EAST, IN_USE, "600001"))

    assert story.session(EAST).number == 1
    assert story.port(EAST).availability is Availability.IN_USE


def test_10a_a_reading_that_shows_what_is_stored_changes_nothing_but_freshness() -> None:
    story = Story()
    story.plugs_in(EAST, "600001")
    before = story.site
    story.now += timedelta(minutes=5)

    assert story.reads(reading(EAST, IN_USE, "600001"), reading(WEST)) == ()

    assert [port.session for port in story.site.ports] == [port.session for port in before.ports]
    assert story.port(EAST).heard == story.now


def test_10a_a_reading_of_nothing_is_a_failure_and_not_a_torn_down_garage() -> None:
    story = Story()

    assert story.happens(PortsRead(ports=())) == ()
    assert len(story.site.ports) == 2


def test_10a_new_names_and_new_ports_are_taken_over() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.joins(ADA)

    story.reads(
        PortReading(station=EAST, port="1", name="DOOR", status=IN_USE, user="600001"),
        reading(WEST),
    )

    assert {port.name for port in story.site.ports} == {"DOOR", name(WEST)}
    assert story.called == [ADA], "the new port is free and somebody waits"


def test_10a_a_port_that_is_listed_no_more_takes_its_offer_with_it(story: Story) -> None:
    story.joins(ADA)
    story.plugs_out(EAST)

    story.reads(reading(WEST, IN_USE, "600002"))

    assert story.called == []
    assert story.queue == [ADA]


def test_10b_what_the_stream_just_said_is_judged_only_by_a_second_reading() -> None:
    """SOAP lags behind the stream."""
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.now += timedelta(seconds=89)

    first = story.decides(PortsRead(ports=(reading(EAST),)))
    assert (first.effects, first.look) == ((), True)
    assert story.port(EAST).session is not None

    story.decides(PortsRead(ports=(reading(EAST),)))
    assert story.port(EAST).session is None


def test_10b_a_second_reading_that_agrees_with_the_stream_clears_the_doubt() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")

    for seen in (reading(EAST), reading(EAST, IN_USE, "600001"), reading(EAST)):
        story.happens(PortsRead(ports=(seen,)))

    assert story.port(EAST).session is not None


def test_10b_after_90_seconds_one_reading_is_enough() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.now += timedelta(seconds=90)

    story.happens(PortsRead(ports=(reading(EAST),)))

    assert story.port(EAST).session is None


def outage(story: Story, **span: float) -> None:
    """Let nobody hear from the network for so long."""
    story.online = False
    story.later(**span)
    story.online = True


def test_10c_after_an_outage_people_get_one_summary_line() -> None:
    story = Story(stations=(EAST, WEST, "NORTH"))
    story.registers(GRACE, "700102")
    story.plugs_in(EAST, "600001")
    story.plugs_in(WEST, "600002")
    story.plugs_in("NORTH", "600003")
    story.joins(GRACE)
    since = story.now
    outage(story, minutes=15)

    effects = story.reads(
        reading(EAST), reading(WEST, IN_USE, "700102"), reading("NORTH", IN_USE, "600009")
    )

    summary = SummariseOutage(since=since, freed=(name(EAST),), plugged_in=(GRACE,))
    assert effects == (summary,)
    assert story.queue == []


def test_10c_a_shorter_one_is_no_outage() -> None:
    story = Story(stations=(EAST,))
    story.registers(GRACE, "700102")
    outage(story, minutes=14, seconds=59)

    assert story.reads(reading(EAST, IN_USE, "600009"))[0] == AskWhoPluggedIn(
        session=1, port=name(EAST)
    )


def test_10c_a_driver_who_waits_is_still_called() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.joins(ADA)
    since = story.now
    outage(story, hours=1)

    assert story.reads(reading(EAST)) == (
        SummariseOutage(since=since, freed=(), plugged_in=()),
        CallDriver(offer=2, driver=ADA, port=name(EAST)),
    )


def test_10c_a_question_that_was_left_out_is_not_edited_later() -> None:
    story = Story(stations=(EAST,))
    outage(story, hours=1)
    story.reads(reading(EAST, IN_USE, "700103"))

    effects = story.registers(ALAN, "700103")

    assert not [effect for effect in effects if isinstance(effect, UpdateWhoPluggedIn)]
    assert story.session(EAST).driver == ALAN


def test_10c_in_quiet_hours_there_is_no_line_that_says_nothing() -> None:
    story = Story(stations=(EAST,), rules=QUIET)
    story.at("22:00")
    outage(story, hours=1)

    assert story.reads(reading(EAST, IN_USE, "600001")) == ()

    story.joins(GRACE)
    story.registers(GRACE, "700102")
    since = story.now
    outage(story, hours=1)
    assert story.reads(reading(EAST, IN_USE, "700102")) == (
        SummariseOutage(since=since, freed=(), plugged_in=(GRACE,)),
    )


def test_10d_the_first_reading_of_a_new_deployment_is_bearings_not_news() -> None:
    story = Story(stations=(EAST,))

    effects = story.reads(reading(EAST), reading(WEST, IN_USE, "600001"))

    assert effects == ()
    assert story.later(hours=2) == ()
    assert story.registers(ADA, "600001") == (), "no card is there to be edited"


def test_10d_a_known_driver_found_charging_is_known_and_off_the_queue() -> None:
    story = Story(stations=(EAST,))
    story.registers(ADA, "700101")
    story.registers(GRACE, "700102")
    story.plugs_in(EAST, "700102")
    story.joins(ADA)

    effects = story.reads(reading(EAST, IN_USE, "700102"), reading(WEST, IN_USE, "700101"))

    assert effects == (AnnouncePluggedIn(driver=ADA, port=name(WEST)),)
    assert story.session(WEST).driver == ADA


def test_10c_a_word_of_the_stream_before_the_first_reading_does_not_hide_the_outage() -> None:
    """At a start the stream may be quicker than the reading, which then has it all to tell."""
    story = Story(stations=(EAST, WEST, "NORTH"))
    for station in (EAST, WEST, "NORTH"):
        story.plugs_in(station, "600001")
    since = story.now
    outage(story, hours=1)
    assert story.plugs_out(EAST) == (AnnounceFree(port=name(EAST)),)
    story.now += timedelta(seconds=5)

    effects = story.reads(reading(EAST), reading(WEST), reading("NORTH"))

    assert effects == (SummariseOutage(since=since, freed=(name(WEST), "NORTH"), plugged_in=()),)
    assert story.later(minutes=1) == ()
    story.plugs_in(WEST, "600001")
    assert story.plugs_out(WEST) == (AnnounceFree(port=name(WEST)),)


def test_10d_what_the_stream_says_before_the_first_reading_ever_is_left_to_it() -> None:
    story = Story(stations=())
    story.joins(ADA)

    assert story.plugs_in(EAST, "600001") == ()
    effects = story.reads(reading(EAST, IN_USE, "600001"), reading(WEST))

    assert effects == (CallDriver(offer=2, driver=ADA, port=name(WEST)),)
    assert not story.session(EAST).since_known


@pytest.mark.parametrize("by_status", [True, False])
def test_10b_what_the_stream_says_again_is_doubted_anew(*, by_status: bool) -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.happens(PortsRead(ports=(reading(EAST),)))

    if by_status:
        story.happens(PortStatusChanged(station=EAST, port="1", status=IN_USE))
    else:
        story.introduces(EAST, user="600001")

    assert story.decides(PortsRead(ports=(reading(EAST),))).look
    assert story.port(EAST).session is not None


def test_10b_a_plug_out_too_is_judged_only_by_a_second_reading() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.later(minutes=2)
    story.plugs_out(EAST)

    assert story.decides(PortsRead(ports=(reading(EAST, IN_USE, "600009"),))).look
    assert story.port(EAST).session is None


def test_10a_a_reading_that_does_not_name_the_driver_is_no_news(story: Story) -> None:
    seen = (reading(EAST, IN_USE), reading(WEST, IN_USE, "600002"))

    decision = story.decides(PortsRead(ports=seen))

    assert (decision.look, decision.effects) == (False, ())
    assert story.session(EAST).user == "600001"


def test_10d_a_port_that_was_out_of_reach_at_first_is_news_when_it_is_free() -> None:
    story = Story(stations=())
    story.reads(reading(EAST, PortStatus.UNREACHABLE))

    assert story.reports(EAST, PortStatus.AVAILABLE) == (AnnounceFree(port=name(EAST)),)


def test_10d_a_port_that_was_free_at_first_is_no_news_when_it_says_so_again() -> None:
    story = Story(stations=(EAST,))

    assert story.reports(EAST, PortStatus.AVAILABLE) == ()
    assert story.later(minutes=30) == ()


@pytest.mark.parametrize("status", PortStatus)
def test_10a_each_difference_is_the_event_that_the_stream_would_have_told(
    status: PortStatus,
) -> None:
    story = Story(stations=(EAST,))
    if status is PortStatus.AVAILABLE:
        story.reports(EAST, PortStatus.UNREACHABLE)
    started = SessionStarted(station=EAST, port="1", user="600001", started=None)
    changed = PortStatusChanged(station=EAST, port="1", status=status)

    told = tuple(missed(story.port(EAST), reading(EAST, status, "600001")))

    assert told == (started if status is IN_USE else changed,)


def test_4g_whose_car_it_is_may_be_learnt_from_a_reading_too() -> None:
    story = Story(stations=(EAST,))
    story.registers(GRACE, "700102")
    story.plugs_in(EAST)
    story.later(minutes=2)

    assert story.reads(reading(EAST, IN_USE, "700102")) == (
        UpdateWhoPluggedIn(session=1, port=name(EAST), driver=GRACE),
    )


def test_11a_a_port_that_is_listed_no_more_is_out_of_service_while_a_car_is_on_it(
    story: Story,
) -> None:
    story.reads(reading(WEST, IN_USE, "600002"))

    assert story.port(EAST).availability is Availability.OUT_OF_SERVICE
    assert story.session(EAST).number == 1
