"""`ev next` calls out the next driver, fairly to the one who was called before."""

from datetime import datetime

from bot.concierge import offers, places
from bot.concierge.answer import Answer, replied
from bot.effects import TellPassedOver
from bot.events import Asker
from bot.replies import NobodyWaiting, NothingFree, PassedOver, TooEarlyToPass
from bot.rules import Rules
from queue_store.site import Availability, Because, Offer, Site


def answer(site: Site, asker: Asker, *, now: datetime, rules: Rules) -> Answer:
    """Pass over whoever was called longest ago; with nobody called, say how things are."""
    if site.offers:
        return _pass_over(site, site.offers[0], asker, now=now, rules=rules)
    free = site.unoffered
    if not free:
        return replied(site, _longest_charging(site))
    # Whoever could be called has been: free ports are offered as soon as somebody waits.
    names = tuple(port.name for port in free)
    return replied(site, NobodyWaiting(ports=names, suspended=len(site.queue)))


def _pass_over(site: Site, offer: Offer, asker: Asker, *, now: datetime, rules: Rules) -> Answer:
    port = offers.port_name(site, offer)
    privileged = asker.admin or asker.driver == offer.driver
    if not privileged and _in_first_half(offer, now=now, rules=rules):
        return replied(site, TooEarlyToPass(driver=offer.driver, port=port))
    resumes = now + rules.suspension
    over = places.give_way(site, offer.driver, Because.PASSED_OVER, until=resumes, now=now)
    told = TellPassedOver(driver=offer.driver, by=asker.driver, resumes=resumes)
    reply = PassedOver(driver=offer.driver, by=asker.driver, port=port)
    return Answer(over.saying(told), reply)


def _in_first_half(offer: Offer, *, now: datetime, rules: Rules) -> bool:
    if offer.deadline is None:
        return True
    allowed = rules.accepted_offer if offer.accepted else rules.offer
    return now < offer.deadline - allowed / 2


def _longest_charging(site: Site) -> NothingFree:
    sessions = [
        (port.session.since, port, port.session)
        for port in site.ports
        if port.session is not None and port.availability is Availability.IN_USE
    ]
    if not sessions:
        return NothingFree()
    since, port, session = min(sessions, key=lambda each: each[0])
    return NothingFree(
        port=port.name, driver=session.driver, since=since, since_known=session.since_known
    )
