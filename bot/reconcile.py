"""The stored site beside a fresh reading: each difference becomes the event that was missed."""

from collections.abc import Iterator
from datetime import datetime

from bot.events import Event, PortsListed
from bot.rules import Rules
from chargepoint.events import PortReading, PortStatus, PortStatusChanged, SessionStarted
from queue_store.site import Availability, Port, Site, port_id


def missed(
    site: Site, readings: tuple[PortReading, ...], *, now: datetime, rules: Rules
) -> tuple[Event, ...]:
    """Answer the events that lead from the stored ports to the ones that were read.

    A reading of no port at all is taken for a failure of the network's, not for the garage's
    having been torn down.
    """
    if not readings:
        return ()
    differences = [
        event
        for reading in readings
        for port in (site.port(port_id(reading.station, reading.port)),)
        if port is not None and not _stream_prevails(port, now=now, rules=rules)
        for event in _differences(port, reading)
    ]
    return (PortsListed(ports=readings), *differences)


def _stream_prevails(port: Port, *, now: datetime, rules: Rules) -> bool:
    """SOAP lags: shortly after the stream spoke of a port, the stream is right."""
    return port.spoken is not None and now - port.spoken < rules.stream_prevails


def _differences(port: Port, reading: PortReading) -> Iterator[Event]:
    if reading.status is PortStatus.INUSE:
        if _is_unknown_car(port, reading.user):
            yield SessionStarted(station=port.station, port=port.number, user=reading.user)
        elif port.availability is not Availability.IN_USE:
            yield _status(port, reading.status)
    elif reading.status is PortStatus.AVAILABLE:
        if port.session is not None or port.availability is not Availability.AVAILABLE:
            yield _status(port, reading.status)
    elif port.availability is not Availability.OUT_OF_SERVICE:
        yield _status(port, reading.status)


def _is_unknown_car(port: Port, user: str | None) -> bool:
    if port.session is None:
        return True
    return user is not None and user != port.session.user


def _status(port: Port, status: PortStatus) -> PortStatusChanged:
    return PortStatusChanged(station=port.station, port=port.number, status=status)
