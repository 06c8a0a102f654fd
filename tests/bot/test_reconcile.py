"""What a fresh reading shows to have been missed, and what it must not be believed on."""

from datetime import timedelta

from bot.effects import CallDriver
from bot.events import Event
from bot.reconcile import missed
from chargepoint.events import PortReading, PortStatus, SessionStarted
from queue_store.site import Availability
from tests.story import ADA, EAST, WEST, Story, name, reading


def catches_up(story: Story, *readings: PortReading) -> tuple[Event, ...]:
    """Let everything happen that the reading shows, and answer what that was."""
    events = missed(story.site, readings, now=story.now, rules=story.rules)
    for event in events:
        story.happens(event)
    return events


def test_a_plug_out_that_was_missed_calls_the_driver_who_waits() -> None:
    story = Story()
    story.plugs_in(EAST, "600001")
    story.plugs_in(WEST, "600002")
    story.says(ADA, "add")
    story.later(minutes=5)

    catches_up(story, reading(EAST), reading(WEST, PortStatus.INUSE, "600002"))

    assert story.called == [ADA]


def test_a_plug_in_that_was_missed_takes_its_driver_off() -> None:
    story = Story()
    story.registers(ADA, "700101")
    story.says(ADA, "add")

    catches_up(story, reading(EAST, PortStatus.INUSE, "700101"), reading(WEST))

    assert story.queue == []
    session = story.port(EAST).session
    assert session is not None
    assert not session.since_known


def test_a_reading_that_shows_what_is_stored_changes_nothing_but_freshness() -> None:
    story = Story()
    story.plugs_in(EAST, "600001")
    story.later(minutes=5)

    events = catches_up(story, reading(EAST, PortStatus.INUSE, "600001"), reading(WEST))

    assert [type(event).__name__ for event in events] == ["PortsListed"]
    assert story.port(EAST).heard == story.now


def test_what_the_stream_just_said_is_not_undone_by_a_reading_that_lags() -> None:
    story = Story()
    story.plugs_in(EAST, "600001")

    catches_up(story, reading(EAST), reading(WEST))
    assert story.port(EAST).session is not None

    story.later(seconds=90)
    catches_up(story, reading(EAST), reading(WEST))
    assert story.port(EAST).session is None


def test_a_user_learnt_later_is_handled_as_if_known_from_the_start() -> None:
    story = Story(stations=(EAST,))
    story.registers(ADA, "700101")
    story.plugs_in(EAST)
    story.later(minutes=2)

    catches_up(story, reading(EAST, PortStatus.INUSE, "700101"))

    session = story.port(EAST).session
    assert session is not None
    assert (session.number, session.driver) == (1, ADA)


def test_another_user_is_another_car() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.later(minutes=30)

    catches_up(story, reading(EAST, PortStatus.INUSE, "600002"))

    session = story.port(EAST).session
    assert session is not None
    assert (session.number, session.user, session.since) == (2, "600002", story.now)


def test_an_unreachable_station_is_out_of_service_until_it_speaks_again() -> None:
    story = Story(stations=(EAST,))

    catches_up(story, reading(EAST, PortStatus.UNREACHABLE))
    assert story.port(EAST).availability is Availability.OUT_OF_SERVICE

    story.later(minutes=5)
    catches_up(story, reading(EAST))
    assert story.port(EAST).availability is Availability.AVAILABLE


def test_a_reading_of_nothing_is_a_failure_and_not_a_torn_down_garage() -> None:
    story = Story()

    assert catches_up(story) == ()
    assert len(story.site.ports) == 2


def test_new_names_and_new_ports_are_taken_over() -> None:
    story = Story(stations=(EAST,))
    story.says(ADA, "suspend")
    story.plugs_in(EAST, "600001")
    story.says(ADA, "add")
    renamed = PortReading(station=EAST, port="1", name="DOOR", status=PortStatus.INUSE)

    catches_up(story, renamed, reading(WEST))

    assert {port.name for port in story.site.ports} == {"DOOR", name(WEST)}
    assert story.called == [ADA], "the new port is free and somebody waits"


def test_a_driver_is_called_to_what_became_free_while_nobody_listened() -> None:
    story = Story(stations=(EAST,))
    story.plugs_in(EAST, "600001")
    story.says(ADA, "add")
    story.now += timedelta(hours=3)

    effects = [
        effect
        for event in missed(story.site, (reading(EAST),), now=story.now, rules=story.rules)
        for effect in story.happens(event)
    ]

    assert CallDriver(offer=2, driver=ADA, port=name(EAST)) in effects


def test_a_start_that_is_missed_has_no_time() -> None:
    story = Story(stations=(EAST,))

    _, event = catches_up(story, reading(EAST, PortStatus.INUSE, "600001"))

    assert event == SessionStarted(station=EAST, port="1", user="600001")
