"""What the ChargePoint network says becomes what we believe of the ports.

Events are late, doubled and out of order. A port is free when its status says so; a stop alone
only makes us look. Nothing here concerns the queue: that follows from the ports.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.concierge import plug_ins
from bot.concierge.step import Step
from bot.events import PortsListed
from chargepoint.events import (
    PortReading,
    PortStatus,
    PortStatusChanged,
    SessionStarted,
    SessionStopped,
    SessionUpdated,
)
from queue_store.site import Availability, Port, Session, Site, port_id

LONGEST_BELIEVABLE_SESSION = timedelta(days=7)

AVAILABILITY = {
    PortStatus.AVAILABLE: Availability.AVAILABLE,
    PortStatus.INUSE: Availability.IN_USE,
    PortStatus.UNREACHABLE: Availability.OUT_OF_SERVICE,
    PortStatus.UNKNOWN: Availability.OUT_OF_SERVICE,
}


class Heard(Step, frozen=True):
    """A step that may leave a doubt, for which to look at the ports again."""

    look: bool = False


def session_started(site: Site, event: SessionStarted, *, now: datetime) -> Heard:
    """Believe that a car plugged in, unless it is the one that is there or that left."""
    port = _port(site, event)
    if port is None or (event.session is not None and event.session == port.ended):
        return Heard(site)
    session = port.session
    if session is None or _is_another(session, event):
        return Heard(_begin(site, port, event, now=now))
    return _learn(site, port, session, event, now=now)


def session_stopped(site: Site, event: SessionStopped, *, now: datetime) -> Heard:
    """Look whether the port is free, if it is its own session that stopped."""
    port = _port(site, event)
    if port is None or port.session is None:
        return Heard(site)
    stopped_another = None not in (event.session, port.session.network_id) and (
        event.session != port.session.network_id
    )
    if stopped_another:
        return Heard(site)
    return Heard(site.with_port(replace(port, heard=now, spoken=None)), look=True)


def session_updated(site: Site, event: SessionUpdated, *, now: datetime) -> Heard:
    """Note the sign of life; one from a port that we think free makes us look."""
    port = _port(site, event)
    if port is None:
        return Heard(site)
    return Heard(site.with_port(replace(port, heard=now)), look=port.session is None)


def status_changed(site: Site, event: PortStatusChanged, *, now: datetime) -> Heard:
    """Believe the port's status."""
    port = _port(site, event)
    if port is None:
        return Heard(site)
    heard = replace(port, heard=now, spoken=now, availability=AVAILABILITY[event.status])
    if event.status is PortStatus.AVAILABLE:
        return Heard(site.with_port(_freed(port, heard, now)))
    if event.status is PortStatus.INUSE and port.session is None:
        session = Session(number=site.serial + 1, since=now)
        site = replace(site, serial=session.number)
        return Heard(site.with_port(_occupied(heard, session)), look=True)
    return Heard(site.with_port(heard))


def ports_listed(site: Site, event: PortsListed, *, now: datetime) -> Step:
    """Take over names, new ports and last words; a port that is new is bearings, not news."""
    listed = {port_id(reading.station, reading.port): reading for reading in event.ports}
    site = replace(site, ports=tuple(port for port in site.ports if port.id in listed))
    for each, reading in listed.items():
        known = site.port(each)
        if known is None:
            site = _first_seen(site, each, reading, now=now)
        else:
            heard = max(known.heard, reading.heard or now)
            site = site.with_port(replace(known, name=reading.name, heard=min(heard, now)))
    return Step(site)


def _port(
    site: Site, event: SessionStarted | SessionStopped | SessionUpdated | PortStatusChanged
) -> Port | None:
    return site.port(port_id(event.station, event.port))


def _is_another(session: Session, event: SessionStarted) -> bool:
    """Whether the start is of a car after the one that we know.

    SOAP and the stream number sessions differently, so a missing number says nothing.
    """
    if None not in (session.user, event.user) and session.user != event.user:
        return True
    numbers = (session.network_id, event.session)
    return None not in numbers and session.network_id != event.session


def _begin(site: Site, port: Port, event: SessionStarted, *, now: datetime) -> Site:
    session = Session(
        number=site.serial + 1,
        network_id=event.session,
        user=event.user,
        since=_believable(event.started, now),
        since_known=event.started is not None,
    )
    ended = port.session.network_id if port.session else port.ended
    occupied = _occupied(replace(port, heard=now, spoken=now, ended=ended), session)
    return replace(site, serial=session.number).with_port(occupied)


def _learn(
    site: Site, port: Port, session: Session, event: SessionStarted, *, now: datetime
) -> Heard:
    since = session.since
    if event.started is not None and session.network_id is None:
        since = min(since, _believable(event.started, now))
    learnt = replace(
        session,
        network_id=session.network_id or event.session,
        user=session.user or event.user,
        since=since,
    )
    port = replace(port, heard=now, spoken=now, availability=Availability.IN_USE, session=learnt)
    site = site.with_port(port)
    driver = site.registrations.get(learnt.user or "")
    if session.user is None and driver is not None and session.driver is None:
        step = plug_ins.identify(site, port, learnt, driver)
        return Heard(step.site, step.effects)
    return Heard(site)


def _occupied(port: Port, session: Session) -> Port:
    return replace(
        port,
        availability=Availability.IN_USE,
        session=session,
        idle_since=None,
        news=False,
        reminded=False,
    )


def _freed(before: Port, after: Port, now: datetime) -> Port:
    if before.availability is Availability.AVAILABLE and before.session is None:
        return after
    ended = before.session.network_id if before.session else before.ended
    return replace(after, session=None, ended=ended, idle_since=now, news=True, reminded=False)


def _first_seen(site: Site, each: str, reading: PortReading, *, now: datetime) -> Site:
    port = Port(
        id=each,
        station=reading.station,
        number=reading.port,
        name=reading.name,
        availability=AVAILABILITY[reading.status],
        heard=min(reading.heard or now, now),
    )
    if reading.status is not PortStatus.INUSE:
        return site.with_port(port)
    session = Session(
        number=site.serial + 1,
        user=reading.user,
        since=now,
        since_known=False,
        noticed=reading.user not in site.registrations,
    )
    return replace(site, serial=session.number).with_port(replace(port, session=session))


def _believable(started: datetime | None, now: datetime) -> datetime:
    """Answer the start that the network gave, unless its clock can't be right."""
    if started is None or not now - LONGEST_BELIEVABLE_SESSION <= started <= now:
        return now
    return started
