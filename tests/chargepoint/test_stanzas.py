"""Reading the bodies of station events."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chargepoint.errors import Malformed
from chargepoint.events import (
    PortStatus,
    PortStatusChanged,
    SessionStarted,
    SessionStopped,
    SessionUpdated,
    StationEvent,
)
from chargepoint.stanzas import FEED_EVENTS, LONGEST_FIELD, parse_event
from tests.chargepoint.fixtures import recorded, saying, without

START = recorded("start.xml")
STOP = recorded("stop.xml")
STATUS = recorded("status.xml")
RECORDED = (START, STOP, STATUS, recorded("update.xml"))


@pytest.mark.parametrize(
    ("name", "event"),
    [
        (
            "start.xml",
            SessionStarted(
                station="1:330001",
                port="1",
                session="411",
                user="700101",
                started=datetime(2026, 8, 7, 1, 40, 37, tzinfo=UTC),
            ),
        ),
        (
            "stop.xml",
            SessionStopped(
                station="1:330002",
                port="1",
                session="4007",
                started=datetime(2026, 8, 6, 19, 57, 47, tzinfo=UTC),
                ended=datetime(2026, 8, 7, 2, 0, tzinfo=UTC),
            ),
        ),
        ("update.xml", SessionUpdated(station="1:330003", port="2", session="505000001")),
        (
            "status.xml",
            PortStatusChanged(station="1:330001", port="2", status=PortStatus.AVAILABLE),
        ),
    ],
)
def test_what_the_network_was_recorded_to_say_is_understood(name: str, event: StationEvent) -> None:
    """The recordings are all we have of the real feed; both its forms of time are in them."""
    assert parse_event(recorded(name)) == event
    assert parse_event(recorded(name).encode()) == event


@pytest.mark.parametrize("blank", ["userID", "rfID", "sessionID", "startTime"])
def test_a_guest_leaves_fields_blank_or_out(blank: str) -> None:
    """A guest or a credit card has no user ID; the plug-in counts all the same."""
    left_blank = parse_event(saying(START, blank, "  "))
    left_out = parse_event(without(START, blank))

    assert isinstance(left_blank, SessionStarted)
    assert left_blank == left_out
    assert left_blank.station == "1:330001"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("INUSE", PortStatus.INUSE),
        (" available ", PortStatus.AVAILABLE),
        ("UNREACHABLE", PortStatus.UNREACHABLE),
        ("NOTPROVISIONED", PortStatus.UNKNOWN),
        ("FAULTED", PortStatus.UNKNOWN),
    ],
)
def test_a_word_that_nobody_knows_is_no_free_port(said: str, meant: PortStatus) -> None:
    """The network's words are not written down anywhere; a new one must not free a port."""
    event = parse_event(saying(STATUS, "status", said))

    assert event == PortStatusChanged(station="1:330001", port="2", status=meant)


def test_what_is_not_needed_is_passed_over() -> None:
    """The feed may be registered for more than the bot uses."""
    assert parse_event(saying(STATUS, "feedEventName", "station_alarm")) is None
    assert parse_event("<event><feedEventName>station_name_change</feedEventName></event>") is None


def test_unknown_fields_whitespace_and_order_do_not_matter() -> None:
    """ChargePoint adds fields without notice."""
    body = f"\n {STATUS.replace('<event>', '<event><new><deep>1</deep></new><!-- hi -->')}\r\n"
    body = body.replace("<![CDATA[AVAILABLE]]>", "AVAIL<!-- hm -->ABLE")

    assert parse_event(body) == parse_event(STATUS)


@pytest.mark.parametrize("needed", ["stationID", "portNumber", "feedEventName", "status"])
def test_an_event_about_no_port_is_malformed(needed: str) -> None:
    """It could be applied to nothing; the log says what was missing."""
    with pytest.raises(Malformed, match=f"{needed} is missing"):
        parse_event(without(STATUS, needed))


@pytest.mark.parametrize(
    "time",
    ["yesterday", "2026-13-41 99:99:99", "0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z"],
)
def test_a_time_that_is_none_costs_only_the_time(time: str) -> None:
    """When a car came matters less than that it came."""
    event = parse_event(saying(START, "startTime", time))

    assert isinstance(event, SessionStarted)
    assert event.started is None
    assert event.user == "700101"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "not well-formed"),
        ("hello", "not well-formed"),
        ("<event>", "not well-formed"),
        ("<message/>", "not an event"),
        (b"\xff\xfe\x00", "not well-formed"),
        ("\ud800", "not Unicode text"),
        ("<event>" + "<a>" * 5000, "not well-formed"),
        ("<event>" + " " * 64 * 1024 + "</event>", "larger than any event"),
        ('<!DOCTYPE event SYSTEM "file:///etc/hostname"><event/>', "its own document type"),
        (
            '<!DOCTYPE event [<!ENTITY lol "lol">]><event><stationID>&lol;</stationID></event>',
            "its own document type",
        ),
        ("<event><stationID>&lol;</stationID></event>", "not well-formed"),
        (saying(START, "userID", "7" * (LONGEST_FIELD + 1)), "userID is too long"),
    ],
)
def test_hostile_bodies_are_refused_with_a_harmless_word(body: str | bytes, reason: str) -> None:
    """Whoever can send us a message must not be able to do more than bore us."""
    with pytest.raises(Malformed) as refusal:
        parse_event(body)

    assert reason in str(refusal.value)
    assert len(str(refusal.value)) < 60


def test_a_body_in_another_encoding_than_xmpp_speaks_is_refused() -> None:
    """A document type in UTF-16 would slip by a search for its bytes."""
    body = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE event><event/>'

    with pytest.raises(Malformed):
        parse_event(body.encode("utf-16"))


def test_a_declared_encoding_does_not_change_what_xmpp_carried() -> None:
    """The text was decoded long before its declaration is read."""
    body = saying(START, "sessionID", "\u00e9").replace("UTF-8", "ISO-8859-1")

    event = parse_event(body)

    assert isinstance(event, SessionStarted)
    assert event.session == "\u00e9"


@given(st.text() | st.binary())
@example("<event/>")
def test_no_body_whatever_does_more_than_be_malformed(body: str | bytes) -> None:
    """One body must not cost the stream."""
    try:
        parse_event(body)
    except Malformed as refusal:
        assert len(str(refusal)) < 60  # noqa: PT017 - either outcome is right, nothing else is


@given(
    st.sampled_from(RECORDED),
    st.dictionaries(
        st.sampled_from(["stationID", "portNumber", "startTime", "userID", "status", "sessionID"]),
        st.text(max_size=200),
    ),
)
def test_no_field_whatever_does_more_than_be_malformed(body: str, fields: dict[str, str]) -> None:
    """Fields come from stations, and stations from many makers."""
    for name, value in fields.items():
        body = saying(body, name, value)
    try:
        event = parse_event(body)
    except Malformed:
        return
    assert event is not None
    assert len(event.station) <= LONGEST_FIELD


def test_the_feed_is_asked_for_exactly_what_is_understood() -> None:
    """What is not asked for never comes; what is not understood is noise."""
    assert set(FEED_EVENTS) == {
        "station_charging_session_start",
        "station_charging_session_stop",
        "station_charging_session_update",
        "station_usage_status_change",
    }
