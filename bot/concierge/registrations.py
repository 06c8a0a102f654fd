"""Whose a ChargePoint user ID is, whose a car is, and how to take that back."""

from datetime import datetime

from msgspec.structs import replace

from bot.concierge import places, plug_ins
from bot.concierge.answer import Answer, replied
from bot.concierge.step import Step
from bot.effects import (
    AskForDispute,
    CallOutcome,
    Effect,
    TellDisputeDecided,
    TellIdFree,
    UpdateWhoPluggedIn,
)
from bot.events import ClaimUndone, DisputeDecided
from bot.replies import (
    AdminsOnly,
    Disputed,
    Done,
    Forgotten,
    NotYourButton,
    NotYourRegistration,
    Registered,
    TooLate,
    TooManyIds,
    Unregistered,
)
from bot.rules import Rules
from queue_store.site import Claim, Dispute, Port, Session, Site

MOST_IDS = 10


def register(site: Site, driver: str, user: str, *, now: datetime, rules: Rules) -> Answer:
    """Tie the ID to the driver, on the live session too; another driver's is for an admin."""
    owner = site.registrations.get(user)
    if owner is not None and owner != driver:
        return _dispute(site, user, owner, driver, now=now, rules=rules)
    # A site is kept whole, and one driver must not be able to fill it.
    if owner is None and list(site.registrations.values()).count(driver) >= MOST_IDS:
        return replied(site, TooManyIds(most=MOST_IDS))
    step = _tied(site, user, driver)
    port = next((p for p in step.site.ports if p.session and p.session.user == user), None)
    return Answer(step, Registered(user=user, port=port.name if port else None))


def unregister(site: Site, driver: str, user: str) -> Answer:
    """Untie the driver's own ID, on the live session too."""
    if site.registrations.get(user) != driver:
        return replied(site, NotYourRegistration(user=user))
    step = _given_up(site, user)
    for _, session in site.sessions_of(driver):
        if session.user == user:
            step = step.and_then(_unnamed(step.site, session.number, driver))
    return Answer(step, Unregistered(user=user))


def decide_dispute(site: Site, request: DisputeDecided) -> Answer:
    """Do as the admin says about an ID that two drivers want."""
    dispute = next((each for each in site.disputes if each.number == request.dispute), None)
    if not request.asker.admin:
        return replied(site, AdminsOnly())
    if dispute is None:
        return replied(site, TooLate())
    step = _granted(site, dispute) if request.granted else _denied(site, dispute)
    return Answer(step, Done())


def claim(site: Site, number: int, driver: str, *, now: datetime, rules: Rules) -> Answer:
    """Name the stranger's session, register its ID, and take the driver off the queue."""
    found = site.session(number)
    if found is None:
        return replied(site, TooLate())
    port, session = found
    if session.driver is not None:
        return replied(site, NotYourButton(driver=session.driver))
    # An ID whose driver said that this is not their car stays theirs.
    user = None if session.user in site.registrations else session.user
    site = _remembering(site, port, session, driver, user, now=now, rules=rules)
    if user is not None:
        site = replace(site, registrations={**site.registrations, user: driver})
    return Answer(plug_ins.identify(site, port, session, driver, undoable=True))


def disown(site: Site, number: int) -> Answer:
    """Show that the stranger is a guest."""
    found = site.session(number)
    if found is None or not found[1].carded:
        return replied(site, TooLate())
    port, session = found
    if session.driver is not None:
        return replied(site, NotYourButton(driver=session.driver))
    shown = UpdateWhoPluggedIn(session=session.number, port=port.name, driver=None)
    return Answer(Step(site, (shown,)))


def undo_claim(site: Site, request: ClaimUndone, *, now: datetime, rules: Rules) -> Answer:
    """Take a claim back: the ID, the session's name, and the place in the queue."""
    made = next((each for each in site.claims if each.session == request.session), None)
    if made is None or not _is_fresh(made, now, rules):
        return replied(site, TooLate())
    if request.asker.driver != made.driver and not request.asker.admin:
        return replied(site, NotYourButton(driver=made.driver))
    return Answer(_undone(site, made), Done())


def not_mine(site: Site, number: int, driver: str) -> Answer:
    """Take the session for a stranger's that we thought was this driver's."""
    found = site.session(number)
    if found is None:
        return replied(site, TooLate())
    if found[1].driver != driver:
        return replied(site, NotYourButton(driver=found[1].driver))
    made = next((c for c in site.claims if (c.session, c.driver) == (number, driver)), None)
    return Answer(_unnamed(site, number, driver) if made is None else _undone(site, made), Done())


def forget(site: Site, driver: str, *, now: datetime) -> Answer:
    """Delete everything about the driver; a held offer passes on at once."""
    step = places.give_up(site, driver, CallOutcome.LEFT, now=now)
    for user in [user for user, owner in site.registrations.items() if owner == driver]:
        step = step.and_then(_given_up(step.site, user))
    return Answer(Step(_without(step.site, driver), step.effects), Forgotten(), forgotten=driver)


def _dispute(
    site: Site, user: str, owner: str, claimant: str, *, now: datetime, rules: Rules
) -> Answer:
    asked_before = any((d.user, d.claimant) == (user, claimant) for d in site.disputes)
    if asked_before:
        return replied(site, Disputed(user=user))
    site, number = site.numbered()
    dispute = Dispute(number=number, user=user, owner=owner, claimant=claimant, at=now)
    asked: tuple[Effect, ...] = tuple(
        AskForDispute(dispute=number, user=user, owner=owner, claimant=claimant, admin=admin)
        for admin in rules.told_admins
    )
    site = replace(site, disputes=(*site.disputes, dispute))
    return Answer(Step(site, asked), Disputed(user=user))


def _granted(site: Site, dispute: Dispute) -> Step:
    """Give the ID to the claimant; whoever else wanted it has lost it too."""
    losers = (each.claimant for each in site.disputes if each.user == dispute.user)
    others = [driver for driver in losers if driver != dispute.claimant]
    step = _tied(_untied(site, dispute.user), dispute.user, dispute.claimant)
    told = _decided(dispute, dispute.claimant, dispute.claimant, dispute.owner, *others)
    return step.saying(*told)


def _denied(site: Site, dispute: Dispute) -> Step:
    disputes = tuple(each for each in site.disputes if each is not dispute)
    told = _decided(dispute, dispute.owner, dispute.claimant, dispute.owner)
    return Step(replace(site, disputes=disputes), told)


def _decided(dispute: Dispute, owner: str, *drivers: str) -> tuple[Effect, ...]:
    return tuple(
        TellDisputeDecided(driver=driver, user=dispute.user, owner=owner) for driver in drivers
    )


def _tied(site: Site, user: str, driver: str) -> Step:
    step = Step(replace(site, registrations={**site.registrations, user: driver}))
    for port in site.ports:
        session = port.session
        if session is not None and session.user == user and session.driver != driver:
            step = step.and_then(plug_ins.identify(step.site, port, session, driver))
    return step


def _given_up(site: Site, user: str) -> Step:
    """Make the ID nobody's, and let those know who wait for a decision about it."""
    told = (TellIdFree(driver=d.claimant, user=user) for d in site.disputes if d.user == user)
    return Step(_untied(site, user), tuple(told))


def _untied(site: Site, user: str) -> Site:
    """Make the ID nobody's, and whatever was in dispute about it pointless."""
    kept = {each: owner for each, owner in site.registrations.items() if each != user}
    disputes = tuple(dispute for dispute in site.disputes if dispute.user != user)
    return replace(site, registrations=kept, disputes=disputes)


def _remembering(  # noqa: PLR0913 - what a claim consists of
    site: Site,
    port: Port,
    session: Session,
    driver: str,
    user: str | None,
    *,
    now: datetime,
    rules: Rules,
) -> Site:
    made = Claim(
        session=session.number,
        port=port.id,
        driver=driver,
        at=now,
        user=user,
        entry=site.entry(driver),
        behind=site.behind(driver),
    )
    others = [each for each in site.claims if each.session != session.number]
    fresh = [each for each in others if _is_fresh(each, now, rules)]
    return replace(site, claims=(*fresh, made))


def _is_fresh(made: Claim, now: datetime, rules: Rules) -> bool:
    return now - made.at <= rules.undo


def _undone(site: Site, made: Claim) -> Step:
    step = Step(replace(site, claims=tuple(each for each in site.claims if each is not made)))
    if made.user is not None and site.registrations.get(made.user) == made.driver:
        step = step.and_then(_given_up(step.site, made.user))
    step = step.and_then(_unnamed(step.site, made.session, made.driver))
    return Step(_waiting_again(step.site, made), step.effects)


def _unnamed(site: Site, number: int, driver: str) -> Step:
    """Take the driver's name off the session, and ask the room who it is."""
    found = site.session(number)
    if found is None or found[1].driver != driver:
        return Step(site)
    return plug_ins.ask_who(site, *found)


def _waiting_again(site: Site, made: Claim) -> Site:
    """Give back the place in the queue that the claim cost, unless there is no need of it."""
    if made.entry is None or site.entry(made.driver) or site.sessions_of(made.driver):
        return site
    return site.inserting(made.entry, behind=made.behind)


def _without(site: Site, driver: str) -> Site:
    for port in site.ports:
        site = site.with_port(_anonymous(port, driver))
    return replace(
        site,
        misses={who: misses for who, misses in site.misses.items() if who != driver},
        missed=tuple(miss for miss in site.missed if miss.driver != driver),
        claims=tuple(_unfollowed(each, driver) for each in site.claims if each.driver != driver),
        disputes=tuple(each for each in site.disputes if each.claimant != driver),
    )


def _unfollowed(made: Claim, driver: str) -> Claim:
    return replace(made, behind=tuple(each for each in made.behind if each != driver))


def _anonymous(port: Port, driver: str) -> Port:
    if port.session is not None and port.session.driver == driver:
        port = replace(port, session=replace(port.session, driver=None, user=None))
    if port.left is not None and port.left.session.driver == driver:
        port = replace(port, left=None)
    return port
