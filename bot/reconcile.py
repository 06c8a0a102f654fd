"""The stored site beside a fresh reading: each difference becomes the event that was missed."""

from collections.abc import Iterator
from datetime import datetime

from bot.rules import Rules
from chargepoint.events import PortReading, PortStatus, PortStatusChanged, SessionStarted
from queue_store.site import Availability, Port

Missed = SessionStarted | PortStatusChanged


def missed(port: Port, reading: PortReading) -> Iterator[Missed]:
    """Answer the events that lead from the stored port to the one that was read."""
    if reading.status is PortStatus.INUSE:
        if port.session is None or _is_news(reading.user, port.session.user):
            yield SessionStarted(
                station=port.station,
                port=port.number,
                user=reading.user,
                started=reading.started,
            )
        elif port.availability is not Availability.IN_USE:
            yield _status(port, reading.status)
    elif reading.status is PortStatus.AVAILABLE:
        if port.availability is not Availability.AVAILABLE:
            yield _status(port, reading.status)
    elif port.availability is not Availability.OUT_OF_SERVICE:
        yield _status(port, reading.status)


def stream_prevails(port: Port, *, now: datetime, rules: Rules) -> bool:
    """Whether the stream spoke of the port so shortly ago that a reading may lag behind it."""
    return port.spoken is not None and now - port.spoken < rules.stream_prevails


def _is_news(read: str | None, known: str | None) -> bool:
    return read is not None and read != known


def _status(port: Port, status: PortStatus) -> PortStatusChanged:
    return PortStatusChanged(station=port.station, port=port.number, status=status)
