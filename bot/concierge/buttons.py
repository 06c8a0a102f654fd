"""What a called driver, or one who is asked to move, says with a button."""

from datetime import datetime, timedelta

from bot.concierge import holds, offers, overtime, places, plug_ins, registrations
from bot.concierge.answer import Answer, replied
from bot.concierge.step import Step
from bot.effects import CallOutcome
from bot.events import IdentityAnswered, MoveAnswered, OfferAnswer, OfferAnswered
from bot.replies import Done, NotYourButton, TooLate
from bot.rules import Rules
from queue_store.site import Because, Offer, Site


def answer_offer(site: Site, request: OfferAnswered, *, now: datetime, rules: Rules) -> Answer:
    """Do what the called driver says; what somebody else says changes nothing."""
    offer = _offer(site, request.offer)
    if offer is None:
        return replied(site, TooLate())
    if offer.driver != request.asker.driver:
        return replied(site, NotYourButton(driver=offer.driver))
    return Answer(_heeded(site, offer, request.answer, now=now, rules=rules))


def answer_move(site: Site, request: MoveAnswered, *, now: datetime, rules: Rules) -> Answer:
    """Leave a driver in peace who says when they will move."""
    found = site.session(request.session)
    if found is None:
        return replied(site, TooLate())
    session, driver = found[1], request.asker.driver
    if session.driver != driver:
        return replied(site, NotYourButton(driver=session.driver))
    at = request.until or now + timedelta(minutes=request.minutes)
    if session.asked == 0 or at < now:
        return replied(site, TooLate())
    step = overtime.leave_in_peace(site, found, driver, at, now=now, rules=rules)
    return Answer(step, None if step.effects else Done())


def answer_identity(
    site: Site, request: IdentityAnswered, *, now: datetime, rules: Rules
) -> Answer:
    """Take the unknown car on an offered port for its driver's, or for a stranger's."""
    offer, found = _offer(site, request.offer), site.session(request.session)
    if offer is None or found is None or offer.asked != request.session:
        return replied(site, TooLate())
    if offer.driver != request.asker.driver:
        return replied(site, NotYourButton(driver=offer.driver))
    if request.mine:
        return registrations.claim(site, request.session, offer.driver, now=now, rules=rules)
    return Answer(plug_ins.not_theirs(site, offer, *found))


def _heeded(site: Site, offer: Offer, said: OfferAnswer, *, now: datetime, rules: Rules) -> Step:
    match said:
        case OfferAnswer.ON_MY_WAY:
            return offers.accept(site, offer, now=now, rules=rules)
        case OfferAnswer.NOT_NOW:
            return _not_now(site, offer.driver, now=now, rules=rules)
        case OfferAnswer.CANT_USE_IT:
            return holds.report(site, offer, now=now, rules=rules)
        case OfferAnswer.LEAVE:
            return places.give_up(site, offer.driver, CallOutcome.LEFT, now=now)


def _not_now(site: Site, driver: str, *, now: datetime, rules: Rules) -> Step:
    until = now + rules.suspension
    return places.give_way(site, driver, Because.NOT_NOW, until=until, now=now)


def _offer(site: Site, number: int) -> Offer | None:
    return next((offer for offer in site.offers if offer.number == number), None)
