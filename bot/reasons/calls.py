"""Who was called, who was not although they stand before them, and how calls go on and end."""

from collections.abc import Iterator
from datetime import datetime

from bot.effects import Effect, UpdateCall
from bot.reasons.queue import suspension
from bot.reasons.words import moment, place_of, port_name
from queue_store.site import Entry, Offer, Site


def called(before: Site, after: Site) -> Iterator[str]:
    """Say who was called to which port."""
    for offer in _made(before, after):
        yield f"{offer.driver} to {port_name(after, offer.port)} (offer {offer.number})"


def passed_over(before: Site, after: Site, *, now: datetime) -> Iterator[str]:
    """Say who stands before somebody who was called, and why it was not their turn."""
    made = {offer.driver for offer in _made(before, after)}
    last = max((place_of(driver, after) for driver in made), default=0)
    for entry in after.queue[:last]:
        if entry.driver not in made:
            yield f"{entry.driver}: {_why(after, entry, now=now)}"


def waiting(before: Site, after: Site) -> Iterator[str]:
    """Say who could be called and was not, when somebody else was, or when that changed."""
    ready = [entry.driver for entry in after.waiting]
    if any(_made(before, after)) or ready != [entry.driver for entry in before.waiting]:
        yield from ready


def changed(
    before: Site, after: Site, effects: tuple[Effect, ...], *, now: datetime
) -> Iterator[str]:
    """Say what became of the calls that were made before."""
    outcomes = {told.offer: told.outcome for told in effects if isinstance(told, UpdateCall)}
    still = {offer.number: offer for offer in after.offers}
    for offer in before.offers:
        goes_on = still.get(offer.number)
        if goes_on is None:
            outcome = outcomes.get(offer.number)
            news = [outcome.value if outcome else "ended"]
        else:
            news = [*_news(offer, goes_on, after, now=now)]
        if news:
            name = port_name(before, offer.port)
            yield f"{offer.driver}'s to {name} (offer {offer.number}): {', '.join(news)}"


def _news(was: Offer, offer: Offer, site: Site, *, now: datetime) -> Iterator[str]:
    if offer.port != was.port:
        yield f"moved to {port_name(site, offer.port)}"
    if offer.accepted and not was.accepted:
        yield "on the way"
    if offer.asked != was.asked:
        yield "an unknown car is there" if offer.asked else "that car is not theirs"
    if offer.frozen != was.frozen:
        yield "frozen" if offer.frozen else "goes on"
    if offer.deadline is not None and offer.deadline != was.deadline:
        yield f"until {moment(offer.deadline, now=now)}"


def _made(before: Site, after: Site) -> list[Offer]:
    there = {offer.number for offer in before.offers}
    return [offer for offer in after.offers if offer.number not in there]


def _why(site: Site, entry: Entry, *, now: datetime) -> str:
    offer = site.offer_to(entry.driver)
    if offer is not None:
        return f"is called to {port_name(site, offer.port)} already"
    return f"suspended {suspension(entry, now=now)}"
