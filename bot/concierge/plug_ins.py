"""A car that plugs in takes its driver off the queue; a stranger is asked who they are.

Noticing is not tied to an event: a session is noticed as soon as its driver is known, however
that comes about. A called driver is asked first whether an unknown car on their port is theirs.
"""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from bot.concierge import misses, offers
from bot.concierge.step import Step
from bot.effects import (
    AnnouncePluggedIn,
    AskWasThatYou,
    AskWhoPluggedIn,
    CallOutcome,
    Effect,
    TellTookOffered,
    UpdateAskWho,
    UpdateCall,
    UpdateWhoPluggedIn,
)
from bot.rules import Rules
from queue_store.site import Miss, Offer, Port, Session, Site, occupied


def notice_plug_ins(site: Site, *, now: datetime, rules: Rules) -> Step:
    """Draw the consequences of every plug-in that had none yet."""
    step = Step(site)
    for port in site.ports:
        if port.session is not None and not port.session.noticed:
            step = step.and_then(_noticed(step.site, port, port.session, now=now, rules=rules))
    return step


def identify(
    site: Site, port: Port, session: Session, driver: str, *, undoable: bool = False
) -> Step:
    """Tell whose car it is; what follows from that is noticed next."""
    known = replace(port, session=replace(session, driver=driver, noticed=False))
    shown = UpdateWhoPluggedIn(
        session=session.number, port=port.name, driver=driver, undoable=undoable
    )
    return Step(site.with_port(known), (shown,) if session.carded else ())


def not_theirs(site: Site, offer: Offer, port: Port, session: Session) -> Step:
    """Take the unknown car for a stranger's: its port is not the offer's any more."""
    told = offers.settled(site, offer, session.number, mine=False)
    asked = ask_who(site.with_offer(replace(offer, asked=None)), port, session)
    return Step(asked.site, (told, *asked.effects))


def ask_who(site: Site, port: Port, session: Session) -> Step:
    """Ask the room whose car it is; on the card that stands, if it was asked before."""
    question = UpdateAskWho if session.carded else AskWhoPluggedIn
    asked = question(session=session.number, port=port.name)
    return Step(_mark(site, port, replace(session, driver=None, carded=True)), (asked,))


def wakeups(site: Site, *, now: datetime, rules: Rules) -> Iterator[datetime]:  # noqa: ARG001 - a rule's clock
    """Say when those who weren't introduced are strangers, and when nobody answered for them."""
    for port in site.ports:
        if port.session is None or port.session.noticed:
            continue
        yield port.session.since + rules.introduction
        offer = site.offer_on(port.id)
        if offer is not None and offer.asked == port.session.number and offer.deadline is not None:
            yield offer.deadline


def _noticed(site: Site, port: Port, session: Session, *, now: datetime, rules: Rules) -> Step:
    driver = session.driver or site.driver_of(session.user)
    if driver is not None:
        return _known(site, port, session, driver, now=now, rules=rules)
    if session.user is None and now < session.since + rules.introduction:
        return Step(site)
    offer = site.offer_on(port.id)
    if offer is not None:
        return _offered(site, port, session, offer, now=now, rules=rules)
    return ask_who(site, port, session)


def _offered(
    site: Site, port: Port, session: Session, offer: Offer, *, now: datetime, rules: Rules
) -> Step:
    over = offer.deadline is not None and offer.deadline <= now
    if offer.asked == session.number:
        return not_theirs(site, offer, port, session) if over else Step(site)
    if over and offers.worn_out(offer, rules):
        return ask_who(site, port, session)
    if over:
        # It ran on while the car waited to be introduced: nobody could answer in no time.
        offer = offers.going_on(offer, now=now, rules=rules)
    return _ask_first(site, port, session, offer)


def _ask_first(site: Site, port: Port, session: Session, offer: Offer) -> Step:
    asked = AskWasThatYou(
        offer=offer.number, session=session.number, driver=offer.driver, port=port.name
    )
    shown = offers.shown_frozen(site, offer)
    frozen = site.with_offer(replace(offer, asked=session.number))
    if offer.asked is None:
        return Step(frozen, (shown, asked))
    # Another car has come after the one that was asked about.
    return Step(frozen, (offers.settled(site, offer, offer.asked, mine=None), shown, asked))


def _known(
    site: Site, port: Port, session: Session, driver: str, *, now: datetime, rules: Rules
) -> Step:
    held = site.offer_to(driver)
    waited = site.entry(driver) is not None
    site, miss = misses.undo(site, driver, now=now, rules=rules)
    over = _mark(site, port, replace(session, driver=driver)).without_entry(driver)
    if held is not None:
        return _arrived(over, port, held, now=now)
    if miss is not None:
        return Step(over, (_late(port, miss),))
    effects: list[Effect] = []
    if waited:
        effects.append(AnnouncePluggedIn(driver=driver, port=port.name))
    offered = site.offer_on(port.id)
    if offered is not None:
        effects.append(TellTookOffered(driver=driver, port=port.name, called=offered.driver))
    return Step(over, tuple(effects))


def _arrived(site: Site, port: Port, held: Offer, *, now: datetime) -> Step:
    over = offers.end(site, held, CallOutcome.PLUGGED_IN, now=now, car=port.session)
    # They may have plugged in elsewhere than at the port that was held for them.
    return Step(over.site, tuple(_at(effect, port) for effect in over.effects))


def _at(effect: Effect, port: Port) -> Effect:
    return replace(effect, port=port.name) if isinstance(effect, UpdateCall) else effect


def _late(port: Port, miss: Miss) -> UpdateCall:
    return UpdateCall(
        offer=miss.offer, driver=miss.driver, port=port.name, outcome=CallOutcome.PLUGGED_IN
    )


def _mark(site: Site, port: Port, session: Session) -> Site:
    return site.with_port(occupied(port, replace(session, noticed=True)))
