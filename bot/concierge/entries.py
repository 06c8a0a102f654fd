"""An entry ends by itself: at the time that its driver named, and when quiet hours begin."""

from collections.abc import Iterator
from datetime import datetime

from bot.concierge import places
from bot.concierge.step import Step
from bot.effects import CallOutcome, TellQuietBegan, TellTimeIsUp
from bot.rules import Rules
from queue_store.site import Entry, Site


def end_entries_in_time(site: Site, *, now: datetime, rules: Rules) -> Step:  # noqa: ARG001 - a rule
    """Let go of those whose own time has come, unless they are on their way."""
    step = Step(site)
    for entry in site.queue:
        offer = site.offer_to(entry.driver)
        if entry.until is None or now < entry.until or (offer and offer.accepted):
            continue
        step = step.and_then(places.give_up(step.site, entry.driver, CallOutcome.OVER, now=now))
        step = step.saying(TellTimeIsUp(driver=entry.driver))
    return step


def end_entries_of_yesterday(site: Site, *, now: datetime, rules: Rules) -> Step:
    """Let go of those who waited when quiet hours began: they may have forgotten."""
    began = rules.quiet.last_began(now)
    step = Step(site)
    for entry in site.queue:
        if _is_of_yesterday(site, entry, began):
            step = Step(step.site.without_entry(entry.driver), step.effects)
            step = step.saying(TellQuietBegan(driver=entry.driver))
    return step


def ends_now(site: Site, entry: Entry, *, now: datetime, rules: Rules) -> bool:
    """Whether the entry ends by itself, now that its driver is called no more."""
    over = entry.until is not None and entry.until <= now
    return over or _is_of_yesterday(site, entry, rules.quiet.last_began(now))


def wakeups(site: Site, *, now: datetime, rules: Rules) -> Iterator[datetime]:
    """Say when entries end by themselves."""
    yield from (entry.until for entry in site.queue if entry.until is not None)
    begins = rules.quiet.next_begins(now) if site.queue else None
    if begins is not None:
        yield begins


def _is_of_yesterday(site: Site, entry: Entry, began: datetime | None) -> bool:
    # An offer that is running when quiet hours begin runs on.
    return began is not None and entry.joined < began and site.offer_to(entry.driver) is None
