"""What the ChargePoint network says becomes what we believe of the ports.

Events are late, doubled and out of order. A port is free when its status says so; a stop alone
only makes us look. Nothing here concerns the queue: that follows from the ports.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.concierge import plug_ins, silence
from bot.concierge.step import Step
from bot.rules import Rules
from chargepoint.events import (
    PortStatus,
    PortStatusChanged,
    SessionStarted,
    SessionStopped,
    SessionUpdated,
    StationEvent,
)
from queue_store.site import Availability, Departure, Hold, Port, Session, Site, occupied, port_id

LONGEST_BELIEVABLE_SESSION = timedelta(days=7)

# The network cuts off fractions, here and there.
WHOLE_SECONDS = timedelta(seconds=2)

AVAILABILITY = {
    PortStatus.AVAILABLE: Availability.AVAILABLE,
    PortStatus.INUSE: Availability.IN_USE,
    PortStatus.UNREACHABLE: Availability.OUT_OF_SERVICE,
    PortStatus.UNKNOWN: Availability.OUT_OF_SERVICE,
}


class Heard(Step, frozen=True):
    """A step that may leave a doubt, for which to look at the ports again."""

    look: bool = False


def station_spoke(site: Site, event: StationEvent, *, now: datetime, rules: Rules) -> Heard:
    """Take note of an event of the stream, and that the network is alive."""
    site = silence.heard_again(site, now=now, rules=rules)
    port = site.port(port_id(event.station, event.port))
    if port is None:
        return Heard(site)
    port = replace(port, heard=now)
    site = site.with_port(port)
    match event:
        case SessionStarted():
            spoken = replace(port, spoken=now, doubted=None)
            return session_started(site.with_port(spoken), spoken, event, now=now, rules=rules)
        case SessionStopped():
            return _session_stopped(site, port, event)
        case SessionUpdated():
            # A sign of life from a port that we think free is worth a look.
            return Heard(site, look=port.session is None)
        case PortStatusChanged():
            spoken = replace(port, spoken=now, doubted=None)
            return status_changed(site.with_port(spoken), spoken, event.status, now=now)


def session_started(
    site: Site, port: Port, event: SessionStarted, *, now: datetime, rules: Rules
) -> Heard:
    """Believe that a car plugged in, unless it is the one that is there or that left."""
    if port.left is not None and _is_over(event, port.left.session):
        # Without a number, a second car within a second looks just like the first.
        return Heard(site, look=event.session is None)
    session = port.session
    if session is None or _is_another(session, event):
        return Heard(_begin(site, port, event, now=now, rules=rules))
    learnt = _learn(site, port, session, event, now=now)
    return Heard(learnt.site, learnt.effects)


def _is_over(event: SessionStarted, left: Session) -> bool:
    """Whether the start is of the car that left last, or of one before it."""
    if event.session is not None and event.session == left.network_id:
        return True
    if event.started is None or not left.since_known:
        return False
    if event.session is None:
        return event.started <= left.since
    return event.started < left.since - WHOLE_SECONDS


def status_changed(site: Site, port: Port, status: PortStatus, *, now: datetime) -> Heard:
    """Believe the port's status."""
    changed = replace(port, availability=AVAILABILITY[status])
    if status is PortStatus.AVAILABLE:
        return Heard(site.with_port(_freed(port, changed, now)))
    if status is PortStatus.INUSE and port.session is None:
        site, number = site.numbered()
        session = Session(number=number, since=now)
        return Heard(site.with_port(_occupied(changed, session)), look=True)
    return Heard(site.with_port(changed))


def _session_stopped(site: Site, port: Port, event: SessionStopped) -> Heard:
    """Look whether the port is free, if it is its own session that stopped."""
    session = port.session
    if session is None:
        return Heard(site)
    if None not in (event.session, session.network_id) and event.session != session.network_id:
        return Heard(site)
    # The stream itself has cast the doubt, so the next reading counts.
    return Heard(site.with_port(replace(port, spoken=None)), look=True)


def _is_another(session: Session, event: SessionStarted) -> bool:
    """Whether the start is of a car after the one that we know.

    SOAP and the stream number sessions differently, so a missing number says nothing.
    """
    if None not in (session.user, event.user) and session.user != event.user:
        return True
    numbers = (session.network_id, event.session)
    return None not in numbers and session.network_id != event.session


def _begin(site: Site, port: Port, event: SessionStarted, *, now: datetime, rules: Rules) -> Site:
    if port.session is not None:
        port = replace(port, left=Departure(session=port.session, at=now))
    back = _same_again(port, event, now=now, rules=rules)
    if back is not None:
        # A driver may have queued anew meanwhile, and the port may have been offered; a stranger
        # need not be asked twice.
        settled = back.driver is None and site.offer_on(port.id) is None
        again = replace(
            back,
            network_id=event.session or back.network_id,
            noticed=back.noticed and settled,
        )
        return site.with_port(_occupied(port, again))
    site, number = site.numbered()
    session = Session(
        number=number,
        network_id=event.session,
        user=event.user,
        since=believable(event.started, now),
        since_known=event.started is not None,
    )
    return site.with_port(_occupied(port, session))


def _same_again(
    port: Port, event: SessionStarted, *, now: datetime, rules: Rules
) -> Session | None:
    """Answer the session that goes on, if its user is back on the same port already."""
    left = port.left
    if left is None or event.user is None or left.session.user != event.user:
        return None
    if not left.session.noticed:
        # The question whose car it was is over, and another one needs another session.
        return None
    return left.session if now - left.at <= rules.same_session else None


def _learn(
    site: Site, port: Port, session: Session, event: SessionStarted, *, now: datetime
) -> Step:
    learnt = _told(session, event, now)
    port = replace(port, availability=Availability.IN_USE, session=learnt)
    site = site.with_port(port)
    driver = site.driver_of(learnt.user)
    if session.user is None and driver is not None and session.driver != driver:
        return plug_ins.identify(site, port, learnt, driver)
    return Step(site)


def _told(session: Session, event: SessionStarted, now: datetime) -> Session:
    """Add what the start tells of a session of which we knew less."""
    since, since_known = session.since, session.since_known
    if event.started is not None and session.network_id is None:
        since, since_known = min(since, believable(event.started, now)), True
    return replace(
        session,
        network_id=session.network_id or event.session,
        user=session.user or event.user,
        since=since,
        since_known=since_known,
    )


def _occupied(port: Port, session: Session) -> Port:
    # Whoever plugged in could use it; what an admin paused, an admin gives back.
    held_back = port.held_back if port.held_back is Hold.PAUSED else None
    port = replace(port, availability=Availability.IN_USE, held_back=held_back)
    return occupied(port, session)


def _freed(before: Port, after: Port, now: datetime) -> Port:
    if before.availability is Availability.AVAILABLE:
        return after
    if before.session is not None:
        after = replace(after, session=None, left=Departure(session=before.session, at=now))
    if before.idle_since is not None:
        # It was free before somebody tried the plug, or before the station fell silent.
        return after
    return replace(after, idle_since=now, news=True)


def believable(started: datetime | None, now: datetime) -> datetime:
    """Answer the start that the network gave, unless its clock can't be right."""
    if started is None or now - started > LONGEST_BELIEVABLE_SESSION:
        return now
    return min(started, now)
