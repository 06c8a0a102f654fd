"""A free port is held for the first driver who waits, until a deadline."""

from datetime import datetime

from msgspec.structs import replace

from bot.concierge.step import Step
from bot.effects import (
    CallDriver,
    CallOutcome,
    Effect,
    TellCalled,
    TellGoesOn,
    TellMoved,
    TellWithdrawn,
    UpdateCall,
    UpdateWasThatYou,
    offer_card,
)
from bot.rules import Rules
from queue_store.site import Offer, Port, Session, Site, is_free, is_out_of_service


def offer_free_ports(site: Site, *, now: datetime, rules: Rules) -> Step:
    """Call the first drivers who wait to the ports that are free and held for nobody."""
    effects: list[Effect] = []
    if site.heard is None or now - site.heard >= rules.silence:
        # Nobody knows whether these ports are still free.
        return Step(site)
    for port, entry in zip(site.unoffered, site.waiting, strict=False):
        site, number = site.numbered()
        offer = Offer(number=number, port=port.id, driver=entry.driver, made=now)
        site = site.with_offer(offer).with_port(replace(port, news=False))
        effects.append(CallDriver(offer=number, driver=entry.driver, port=port.name))
    return Step(site, tuple(effects))


def start_clock(site: Site, card: str, *, at: datetime, now: datetime, rules: Rules) -> Step:
    """Start the clock of the offer whose call stands in the room since `at`.

    A post that is known only now leaves some time all the same: no button worked meanwhile.
    """
    for offer in site.offers:
        if offer_card(offer.number) == card and offer.deadline is None:
            deadline = max(at + rules.offer, min(now + rules.at_least, now + rules.offer))
            told = TellCalled(driver=offer.driver, port=port_name(site, offer), deadline=deadline)
            return Step(site.with_offer(replace(offer, deadline=deadline)), (told,))
    return Step(site)


def accept(site: Site, offer: Offer, *, now: datetime, rules: Rules) -> Step:
    """Give a driver who is on the way the time to get there."""
    if offer.accepted:
        return Step(site)
    deadline = max(offer.deadline or now, now + rules.accepted_offer)
    kept = replace(offer, accepted=True, deadline=deadline)
    return Step(site.with_offer(kept), (shown(site, kept, CallOutcome.ACCEPTED),))


def end(
    site: Site, offer: Offer, outcome: CallOutcome, *, now: datetime, car: Session | None = None
) -> Step:
    """End the offer; a port that is still free is news again, and idle since now.

    `car` is the one with which its driver came, if that is how it ended.
    """
    ended = site.without_offer(offer)
    port = site.port(offer.port)
    if port is not None and is_free(port):
        ended = ended.with_port(replace(port, idle_since=now, news=True))
    effects: list[Effect] = [_shown_stopped(site, offer, outcome)]
    if offer.asked is not None:
        mine = car is not None and car.number == offer.asked
        effects.append(settled(site, offer, offer.asked, mine=mine))
    return Step(ended, tuple(effects))


def prolonged(offer: Offer, *, now: datetime, rules: Rules) -> Offer:
    """Answer the offer with enough time left to come."""
    if offer.deadline is None:
        return offer
    return replace(offer, deadline=max(offer.deadline, now + rules.at_least))


def going_on(offer: Offer, *, now: datetime, rules: Rules) -> Offer:
    """Answer an offer that was interrupted as it goes on; one that is worn out gains no time."""
    longer = offer if worn_out(offer, rules) else prolonged(offer, now=now, rules=rules)
    frozen = now - (offer.frozen or now)
    gained = (longer.deadline or now) - (offer.deadline or now)
    span = max(frozen, gained, rules.interruption)
    return replace(longer, frozen=None, interrupted=offer.interrupted + span)


def worn_out(offer: Offer, rules: Rules) -> bool:
    """Whether the offer was interrupted for as long as those who wait behind it can bear."""
    return offer.interrupted >= rules.patience


def thaw_offers(site: Site, *, now: datetime, rules: Rules) -> Step:
    """Let an offer go on when the unknown car on its port left first."""
    step = Step(site)
    for offer in site.offers:
        port = site.port(offer.port)
        if offer.asked is not None and port is not None and port.session is None:
            step = step.and_then(_thawed(step.site, offer, port, offer.asked, now, rules))
    return step


def rematch_lost_offers(site: Site, *, now: datetime, rules: Rules) -> Step:
    """Move offers whose port is taken to other free ports, earliest called first."""
    step = Step(site)
    for offer in site.offers:
        port = site.port(offer.port)
        if port is None or _is_lost(port):
            step = step.and_then(_rematched(step.site, offer, now=now, rules=rules))
    return step


def settled(site: Site, offer: Offer, session: int, *, mine: bool | None) -> UpdateWasThatYou:
    """Show that the question whose car it is needs no answer any more."""
    return UpdateWasThatYou(
        offer=offer.number,
        session=session,
        driver=offer.driver,
        port=port_name(site, offer),
        mine=mine,
        undoable=any((c.session, c.driver) == (session, offer.driver) for c in site.claims),
    )


def shown(site: Site, offer: Offer, outcome: CallOutcome) -> UpdateCall:
    """Show on the offer's card how it stands."""
    return UpdateCall(
        offer=offer.number,
        driver=offer.driver,
        port=port_name(site, offer),
        outcome=outcome,
        deadline=offer.deadline,
    )


def shown_frozen(site: Site, offer: Offer) -> UpdateCall:
    """Show on the offer's card that its clock stands still."""
    return _shown_stopped(site, offer, CallOutcome.FROZEN)


def port_name(site: Site, offer: Offer) -> str:
    """Name the offer's port, by its ID if it is listed no more."""
    port = site.port(offer.port)
    return port.name if port else offer.port


def _shown_stopped(site: Site, offer: Offer, outcome: CallOutcome) -> UpdateCall:
    return shown(site, replace(offer, deadline=None), outcome)


def _thawed(
    site: Site, offer: Offer, port: Port, session: int, now: datetime, rules: Rules
) -> Step:
    goes_on = replace(going_on(offer, now=now, rules=rules), asked=None)
    step = Step(site.with_offer(goes_on), (settled(site, offer, session, mine=None),))
    if goes_on.deadline is not None and goes_on.deadline <= now:
        # It was worn out, and runs out now.
        return step
    told = TellGoesOn(driver=offer.driver, port=port.name, deadline=goes_on.deadline)
    return step.saying(shown(site, goes_on, CallOutcome.GOES_ON), told)


def _rematched(site: Site, offer: Offer, *, now: datetime, rules: Rules) -> Step:
    if not site.unoffered:
        over = end(site, offer, CallOutcome.WITHDRAWN, now=now)
        told = TellWithdrawn(driver=offer.driver, port=port_name(site, offer))
        return over.saying(told)
    return _moved(site, prolonged(offer, now=now, rules=rules), site.unoffered[0])


def _moved(site: Site, offer: Offer, port: Port) -> Step:
    effects: list[Effect] = []
    if offer.asked is not None:
        effects.append(settled(site, offer, offer.asked, mine=False))
    moved = replace(offer, port=port.id, asked=None, frozen=None)
    told = TellMoved(
        driver=offer.driver, taken=port_name(site, offer), port=port.name, deadline=offer.deadline
    )
    site = site.with_offer(moved).with_port(replace(port, news=False))
    return Step(site, (*effects, shown(site, moved, CallOutcome.MOVED), told))


def _is_lost(port: Port) -> bool:
    """Whether the port can't be the driver's any more; what is only unknown may still be."""
    if port.held_back is not None:
        return True
    if port.session is not None:
        return port.session.noticed
    return not is_free(port) and not is_out_of_service(port)
