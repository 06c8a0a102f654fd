"""A station that fell silent or out of service is not offered, and its live offer waits."""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from bot.concierge import offers
from bot.concierge.step import Step
from bot.effects import CallOutcome, TellFrozen, TellGoesOn, TellWithdrawn
from bot.rules import Rules
from queue_store.site import Offer, Port, Site, is_out_of_service


def outage(site: Site, *, now: datetime, rules: Rules) -> datetime | None:
    """Answer since when the network was out of reach, if it was for so long that it matters."""
    return site.heard if site.heard is not None and now - site.heard >= rules.silence else None


def heard_again(site: Site, *, now: datetime, rules: Rules) -> Site:
    """Note that the network is alive; offers that nobody could see run out get some time."""
    since = outage(site, now=now, rules=rules)
    if since is not None:
        site = replace(site, missed_since=site.missed_since or since)
        for offer in site.offers:
            site = site.with_offer(offers.prolonged(offer, now=now, rules=rules))
    return replace(site, heard=now)


def notice_silence(site: Site, *, now: datetime, rules: Rules) -> Step:
    """Mark the ports whose station others have outlived, and those that speak again.

    A free charger has nothing to say on the stream, so it takes a reading to tell.
    """
    latest = min(max((port.heard for port in site.ports), default=now), site.read or now)
    for port in site.ports:
        spoke = max(each.heard for each in site.ports if each.station == port.station)
        silent = latest - spoke >= rules.silence
        if silent != port.silent:
            site = site.with_port(replace(port, silent=silent))
    return Step(site)


def freeze_offers(site: Site, *, now: datetime, rules: Rules) -> Step:
    """Stop the clock of offers that can't be relied on, and withdraw them in the end."""
    step = Step(site)
    for offer in site.offers:
        port = site.port(offer.port)
        if port is not None:
            step = step.and_then(_seen(step.site, offer, port, now=now, rules=rules))
    return step


def wakeups(site: Site, *, now: datetime, rules: Rules) -> Iterator[datetime]:  # noqa: ARG001 - a rule's clock
    """Say when frozen offers are withdrawn."""
    return (
        offer.frozen + rules.patience - offer.interrupted
        for offer in site.offers
        if offer.frozen is not None
    )


def _seen(site: Site, offer: Offer, port: Port, *, now: datetime, rules: Rules) -> Step:
    if port.session is not None:
        # Whose car it is decides about the offer.
        running = offers.going_on(offer, now=now, rules=rules)
        return Step(site if offer.frozen is None else site.with_offer(running))
    if not is_out_of_service(port):
        return Step(site) if offer.frozen is None else _thawed(site, offer, port, now, rules)
    if now - (offer.frozen or now) + offer.interrupted >= rules.patience:
        return _withdrawn(site, offer, port, now)
    return Step(site) if offer.frozen is not None else _frozen(site, offer, port, now)


def _withdrawn(site: Site, offer: Offer, port: Port, now: datetime) -> Step:
    over = offers.end(site, offer, CallOutcome.WITHDRAWN, now=now)
    told = TellWithdrawn(driver=offer.driver, port=port.name)
    return over.saying(told)


def _frozen(site: Site, offer: Offer, port: Port, now: datetime) -> Step:
    frozen = site.with_offer(replace(offer, frozen=now))
    told = TellFrozen(driver=offer.driver, port=port.name)
    return Step(frozen, (offers.shown_frozen(site, offer), told))


def _thawed(site: Site, offer: Offer, port: Port, now: datetime, rules: Rules) -> Step:
    goes_on = offers.going_on(offer, now=now, rules=rules)
    told = TellGoesOn(driver=offer.driver, port=port.name, deadline=goes_on.deadline)
    site = site.with_offer(goes_on)
    return Step(site, (offers.shown(site, goes_on, CallOutcome.GOES_ON), told))
