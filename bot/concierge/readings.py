"""A reading of all ports: what it shows to have been missed happens now.

A port that the stream spoke about just before is judged only by a second reading. What is new is
bearings, not news. After an outage the room gets one line instead of a replay.
"""

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from bot.concierge import silence
from bot.concierge.stations import (
    AVAILABILITY,
    Heard,
    believable,
    session_started,
    status_changed,
)
from bot.concierge.step import Step
from bot.effects import (
    AnnounceFree,
    AnnouncePluggedIn,
    AskWhoPluggedIn,
    SummariseOutage,
)
from bot.events import PortsRead
from bot.reconcile import missed, stream_prevails
from bot.rules import Rules
from chargepoint.events import PortReading, PortStatus, SessionStarted
from queue_store.site import Availability, Port, Session, Site, port_id


def ports_read(site: Site, event: PortsRead, *, now: datetime, rules: Rules) -> Heard:
    """Let everything happen that was missed.

    A reading of no port at all is taken for a failure of the network's, not for the garage's
    having been torn down.
    """
    if not event.ports:
        return Heard(site)
    listed = {port_id(reading.station, reading.port): reading for reading in event.ports}
    step, look = Step(site), False
    for each, reading in listed.items():
        port = site.port(each)
        heard = _read(step.site, port, each, reading, now=now, rules=rules)
        step, look = step.and_then(heard), look or heard.look
    kept = tuple(filter(None, (_kept(port, listed) for port in step.site.ports)))
    fresh = silence.heard_again(replace(step.site, ports=kept), now=now, rules=rules)
    return Heard(replace(fresh, read=now, missed_since=None), step.effects, look)


def summarised(step: Step, *, since: datetime, quiet: bool) -> Step:
    """Say in one line what the room need not hear one by one; in quiet hours only if need be."""
    effects = step.effects
    freed = tuple(effect.port for effect in effects if isinstance(effect, AnnounceFree))
    plugged_in = tuple(e.driver for e in effects if isinstance(e, AnnouncePluggedIn))
    kept = tuple(effect for effect in effects if not isinstance(effect, _REPLAYED))
    line = SummariseOutage(since=since, freed=freed, plugged_in=plugged_in)
    unasked = {effect.session for effect in effects if isinstance(effect, AskWhoPluggedIn)}
    site = step.site
    for port in site.ports:
        if port.session is not None and port.session.number in unasked:
            site = site.with_port(replace(port, session=replace(port.session, carded=False)))
    return Step(site, kept if quiet and not plugged_in else (line, *kept))


_REPLAYED = (AnnounceFree, AnnouncePluggedIn, AskWhoPluggedIn)


def _read(
    site: Site, port: Port | None, each: str, reading: PortReading, *, now: datetime, rules: Rules
) -> Heard:
    if port is None:
        return Heard(_first_seen(site, each, reading, now=now))
    heard = min(max(port.heard, reading.heard or now), now)
    port = replace(port, name=reading.name, heard=heard)
    events = tuple(missed(port, reading))
    seen = AVAILABILITY[reading.status]
    if events and stream_prevails(port, now=now, rules=rules) and port.doubted is not seen:
        return Heard(site.with_port(replace(port, doubted=seen)), look=True)
    port = replace(port, doubted=None)
    step = Heard(site.with_port(port))
    for event in events:
        if isinstance(event, SessionStarted):
            step = session_started(step.site, port, event, now=now, rules=rules)
        else:
            step = status_changed(step.site, port, event.status, now=now)
    return Heard(step.site, step.effects)


def _kept(port: Port, listed: Mapping[str, PortReading]) -> Port | None:
    """Answer the port as it goes on; one that is listed no more goes, if nothing is tied to it.

    A list can lack a port for a moment, and an admin's hold must not go with it.
    """
    tied = port.held_back is not None or port.session is not None
    if port.id in listed:
        return port
    return replace(port, availability=Availability.OUT_OF_SERVICE) if tied else None


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
    site, number = site.numbered()
    session = Session(
        number=number,
        user=reading.user,
        since=believable(reading.started, now),
        since_known=reading.started is not None,
        noticed=reading.user not in site.registrations,
    )
    return site.with_port(replace(port, session=session))
