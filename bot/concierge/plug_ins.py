"""A car that plugs in takes its driver off the queue; a stranger is asked who they are.

Noticing is not tied to an event: a session is noticed as soon as its driver is known, however
that comes about, or once nobody introduced them.
"""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from bot.concierge import offers
from bot.concierge.step import Step
from bot.effects import (
    AnnouncePluggedIn,
    AskWhoPluggedIn,
    CallOutcome,
    Effect,
    TellTookOffered,
    UpdateWhoPluggedIn,
)
from bot.rules import Rules
from queue_store.site import Offer, Port, Session, Site


def notice_plug_ins(site: Site, *, now: datetime, rules: Rules) -> Step:
    """Draw the consequences of every plug-in that had none yet."""
    step = Step(site)
    for port in site.ports:
        if port.session is not None and not port.session.noticed:
            step = step.and_then(_noticed(step.site, port, port.session, now=now, rules=rules))
    return step


def identify(site: Site, port: Port, session: Session, driver: str) -> Step:
    """Tell whose car it is; what follows from that is noticed next."""
    known = replace(port, session=replace(session, driver=driver, noticed=False))
    shown = UpdateWhoPluggedIn(session=session.number, port=port.name, driver=driver)
    asked = session.noticed and session.driver is None
    return Step(site.with_port(known), (shown,) if asked else ())


def wakeups(site: Site, *, rules: Rules) -> Iterator[datetime]:
    """Say when those who weren't introduced are strangers."""
    return (
        port.session.since + rules.introduction
        for port in site.ports
        if port.session is not None and not port.session.noticed
    )


def _noticed(site: Site, port: Port, session: Session, *, now: datetime, rules: Rules) -> Step:
    driver = session.driver or site.registrations.get(session.user or "")
    if driver is not None:
        return _known(site, port, replace(session, driver=driver), now=now)
    if session.user is None and now < session.since + rules.introduction:
        return Step(site)
    asked = AskWhoPluggedIn(session=session.number, port=port.name, user=session.user)
    return Step(_mark(site, port, session), (asked,))


def _known(site: Site, port: Port, session: Session, *, now: datetime) -> Step:
    driver = session.driver or ""
    held = site.offer_to(driver)
    over = _mark(site, port, session).without_entry(driver)
    if held is not None:
        return _arrived(over, port, held, now=now)
    effects: list[Effect] = []
    if site.entry(driver) is not None:
        effects.append(AnnouncePluggedIn(driver=driver, port=port.name))
    offered = site.offer_on(port.id)
    if offered is not None:
        effects.append(TellTookOffered(driver=driver, port=port.name, called=offered.driver))
    return Step(over, tuple(effects))


def _arrived(site: Site, port: Port, held: Offer, *, now: datetime) -> Step:
    over = offers.end(site, held, CallOutcome.PLUGGED_IN, now=now)
    # They may have plugged in elsewhere than at the port that was held for them.
    return Step(over.site, tuple(replace(effect, port=port.name) for effect in over.effects))


def _mark(site: Site, port: Port, session: Session) -> Site:
    return site.with_port(replace(port, session=replace(session, noticed=True)))
