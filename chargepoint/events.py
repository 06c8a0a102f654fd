"""What the ChargePoint network tells us, as values.

Field meanings are those of the recorded event bodies and of SOAP API 5.0. Every time is aware
and in UTC. A `session` is the event stream's own number: it may differ from SOAP's, so nothing
is ever joined on it alone.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class PortStatus(StrEnum):
    """What the network says of a port; any word it has that we don't know is UNKNOWN."""

    AVAILABLE = "AVAILABLE"
    INUSE = "INUSE"
    UNREACHABLE = "UNREACHABLE"
    UNKNOWN = "UNKNOWN"


class _StationEvent(Struct, frozen=True, kw_only=True, tag=True):
    station: str
    port: str


class SessionStarted(_StationEvent, frozen=True, kw_only=True, tag=True):
    """A car plugged in; `user` is None for a guest or where our rights hide it."""

    session: str | None = None
    user: str | None = None
    started: datetime | None = None


class SessionStopped(_StationEvent, frozen=True, kw_only=True, tag=True):
    """A session ended; whether the port is free, only its status says."""

    session: str | None = None
    started: datetime | None = None
    ended: datetime | None = None


class SessionUpdated(_StationEvent, frozen=True, kw_only=True, tag=True):
    """A running session's sign of life."""

    session: str | None = None


class PortStatusChanged(_StationEvent, frozen=True, kw_only=True, tag=True):
    """The port's status is now this."""

    status: PortStatus


StationEvent = SessionStarted | SessionStopped | SessionUpdated | PortStatusChanged


class PortReading(Struct, frozen=True, kw_only=True):
    """One port as SOAP shows it now.

    `user` is the ChargePoint user ID of who is plugged in: None where nobody is, where the
    network does not know, or where our plan may not ask. `heard` is when the network last heard
    from the station, which says how stale the status may be and nothing about plug-in times.
    `started` is when the running session began, None where that is not told.
    """

    station: str
    port: str
    name: str
    status: PortStatus
    user: str | None = None
    heard: datetime | None = None
    started: datetime | None = None
