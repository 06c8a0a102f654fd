"""A free port is held for the first driver who waits, until a deadline."""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from bot.concierge.step import Step
from bot.concierge.suspensions import suspended
from bot.effects import (
    CallDriver,
    CallOutcome,
    TellCalled,
    TellMissed,
    TellMoved,
    TellWithdrawn,
    UpdateCall,
    offer_card,
)
from bot.rules import Rules
from queue_store.site import Offer, Port, Site, is_free


def offer_free_ports(site: Site, *, now: datetime, rules: Rules) -> Step:  # noqa: ARG001 - a rule
    """Call the first drivers who wait to the ports that are free and held for nobody."""
    effects = []
    for port, entry in zip(site.unoffered, site.waiting, strict=False):
        offer = Offer(number=site.serial + 1, port=port.id, driver=entry.driver, made=now)
        site = replace(site, serial=offer.number).with_offer(offer)
        site = site.with_port(replace(port, news=False))
        effects.append(CallDriver(offer=offer.number, driver=entry.driver, port=port.name))
    return Step(site, tuple(effects))


def start_clock(site: Site, card: str, *, at: datetime, rules: Rules) -> Step:
    """Start the clock of the offer whose call stands in the room since `at`."""
    for offer in site.offers:
        if offer_card(offer.number) == card and offer.deadline is None:
            deadline = at + rules.offer
            told = TellCalled(driver=offer.driver, port=_name(site, offer), deadline=deadline)
            return Step(site.with_offer(replace(offer, deadline=deadline)), (told,))
    return Step(site)


def accept(site: Site, offer: Offer, *, now: datetime, rules: Rules) -> Step:
    """Give a driver who is on the way the time to get there."""
    if offer.accepted:
        return Step(site)
    deadline = max(offer.deadline or now, now + rules.accepted_offer)
    kept = replace(offer, accepted=True, deadline=deadline)
    return Step(site.with_offer(kept), (_shown(site, kept, CallOutcome.ACCEPTED),))


def end(site: Site, offer: Offer, outcome: CallOutcome, *, now: datetime) -> Step:
    """End the offer; a port that is still free is news again, and idle since now."""
    ended = site.without_offer(offer)
    port = site.port(offer.port)
    if port is not None and is_free(port):
        ended = ended.with_port(replace(port, idle_since=now, news=True))
    shown = UpdateCall(
        offer=offer.number, driver=offer.driver, port=_name(site, offer), outcome=outcome
    )
    return Step(ended, (shown,))


def end_missed_offers(site: Site, *, now: datetime, rules: Rules) -> Step:
    """Let the drivers who stayed silent keep their place, and others go ahead for a while."""
    step = Step(site)
    for offer in site.offers:
        if offer.deadline is not None and offer.deadline <= now:
            step = step.and_then(_missed(step.site, offer, now=now, rules=rules))
    return step


def rematch_lost_offers(site: Site, *, now: datetime, rules: Rules) -> Step:  # noqa: ARG001 - a rule
    """Move offers whose port is taken to other free ports, earliest called first."""
    step = Step(site)
    for offer in site.offers:
        port = site.port(offer.port)
        if port is None or (not is_free(port) and _is_explained(port)):
            step = step.and_then(_rematched(step.site, offer, now=now))
    return step


def wakeups(site: Site, *, rules: Rules) -> Iterator[datetime]:  # noqa: ARG001 - a rule's clock
    """Say when offers run out."""
    return (offer.deadline for offer in site.offers if offer.deadline is not None)


def _missed(site: Site, offer: Offer, *, now: datetime, rules: Rules) -> Step:
    resumes = now + rules.suspension
    over = end(site, offer, CallOutcome.MISSED, now=now)
    entry = over.site.entry(offer.driver)
    if entry is None:
        return over
    told = TellMissed(driver=offer.driver, port=_name(site, offer), resumes=resumes)
    return over.and_then(Step(suspended(over.site, entry, until=resumes), (told,)))


def _rematched(site: Site, offer: Offer, *, now: datetime) -> Step:
    if not site.unoffered:
        over = end(site, offer, CallOutcome.WITHDRAWN, now=now)
        told = TellWithdrawn(driver=offer.driver, port=_name(site, offer))
        return over.and_then(Step(over.site, (told,)))
    port = site.unoffered[0]
    moved = replace(offer, port=port.id)
    told_moved = TellMoved(
        driver=offer.driver, taken=_name(site, offer), port=port.name, deadline=offer.deadline
    )
    site = site.with_offer(moved).with_port(replace(port, news=False))
    return Step(site, (_shown(site, moved, CallOutcome.MOVED), told_moved))


def _is_explained(port: Port) -> bool:
    """Whether we know why the port is not free; a session's driver may still be on its way."""
    return port.session is None or port.session.noticed


def _shown(site: Site, offer: Offer, outcome: CallOutcome) -> UpdateCall:
    return UpdateCall(
        offer=offer.number,
        driver=offer.driver,
        port=_name(site, offer),
        outcome=outcome,
        deadline=offer.deadline,
    )


def _name(site: Site, offer: Offer) -> str:
    port = site.port(offer.port)
    return port.name if port else offer.port
