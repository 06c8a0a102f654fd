"""From the body of a station event to the event, without any I/O.

Bodies come from outside. They are read leniently where ChargePoint itself varies (blank and
unknown fields, two forms of time, new words for a status) and not at all where they are hostile:
whatever is too large, not well-formed or brings its own entities is `Malformed`, and nothing else
is ever raised.
"""

from collections.abc import Callable
from datetime import datetime

from lxml import etree

from chargepoint.errors import Malformed
from chargepoint.events import (
    PortStatus,
    PortStatusChanged,
    SessionStarted,
    SessionStopped,
    SessionUpdated,
    StationEvent,
)
from chargepoint.moments import sensible

LARGEST_BODY = 64 * 1024
LONGEST_FIELD = 128


def parse_event(body: str | bytes) -> StationEvent | None:
    """Read one event; None is an event that nobody here needs.

    Times come in UTC, with or without saying so, and are answered aware and in UTC.

    Raises:
        Malformed: the body isn't an event, or lacks what the event can't do without.

    """
    fields = _Fields(_root(_encoded(body)))
    make = _EVENTS.get(fields.needed("feedEventName"))
    return make(fields) if make else None


def port_status(word: str) -> PortStatus:
    """Answer the status that ChargePoint's word stands for."""
    try:
        return PortStatus(word.strip().upper())
    except ValueError:
        return PortStatus.UNKNOWN


class _Fields:
    """The fields of one event body, by name; blank ones count as absent."""

    def __init__(self, root: etree._Element) -> None:
        self._root = root

    def get(self, name: str) -> str | None:
        value = (self._root.findtext(name) or "").strip()
        if len(value) > LONGEST_FIELD:
            raise Malformed(f"{name} is too long")
        return value or None

    def needed(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise Malformed(f"{name} is missing")
        return value

    def time(self, name: str) -> datetime | None:
        try:
            return sensible(datetime.fromisoformat(self.get(name) or ""))
        except ValueError:
            return None


def _started(fields: _Fields) -> StationEvent:
    return SessionStarted(
        station=fields.needed("stationID"),
        port=fields.needed("portNumber"),
        session=fields.get("sessionID"),
        user=fields.get("userID"),
        started=fields.time("startTime"),
    )


def _stopped(fields: _Fields) -> StationEvent:
    return SessionStopped(
        station=fields.needed("stationID"),
        port=fields.needed("portNumber"),
        session=fields.get("sessionID"),
        started=fields.time("startTime"),
        ended=fields.time("endTime"),
    )


def _updated(fields: _Fields) -> StationEvent:
    return SessionUpdated(
        station=fields.needed("stationID"),
        port=fields.needed("portNumber"),
        session=fields.get("sessionID"),
    )


def _status_changed(fields: _Fields) -> StationEvent:
    return PortStatusChanged(
        station=fields.needed("stationID"),
        port=fields.needed("portNumber"),
        status=port_status(fields.needed("status")),
    )


_EVENTS: dict[str, Callable[[_Fields], StationEvent]] = {
    "station_charging_session_start": _started,
    "station_charging_session_stop": _stopped,
    "station_charging_session_update": _updated,
    "station_usage_status_change": _status_changed,
}

FEED_EVENTS = tuple(_EVENTS)


def _encoded(body: str | bytes) -> bytes:
    try:
        encoded = body.encode() if isinstance(body, str) else body
    except UnicodeEncodeError as error:
        raise Malformed("not Unicode text") from error
    if len(encoded) > LARGEST_BODY:
        raise Malformed("larger than any event")
    return encoded.strip()


def _root(body: bytes) -> etree._Element:
    # Refused before any parser sees it: no entity of theirs is ever expanded.
    if b"<!DOCTYPE" in body:
        raise Malformed("brings its own document type")
    try:
        root = etree.fromstring(body, _parser())
    except etree.XMLSyntaxError as error:
        raise Malformed("not well-formed") from error
    if root.tag != "event":
        raise Malformed("not an event")
    return root


def _parser() -> etree.XMLParser:
    # XMPP is always UTF-8, whatever a declaration says.
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
