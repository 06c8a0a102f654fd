"""An offer that ran out by its driver's silence is a miss; the more of them, the dearer.

The first of a day suspends for a while, the second sends to the bottom, the third out. In quiet
hours it is no miss. Should the driver prove to have plugged in, it never was one.
"""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from bot.concierge import entries, offers, silence
from bot.concierge.step import Step
from bot.concierge.suspensions import suspended
from bot.effects import CallOutcome, Effect, TellMissed, TellMissedThrice, TellMissedTwice
from bot.rules import Rules
from queue_store.site import Because, Entry, Miss, Misses, Offer, Site

SECOND, THIRD = 2, 3


def end_missed_offers(site: Site, *, now: datetime, rules: Rules) -> Step:
    """End the offers that ran out, and give each driver what their miss has earned."""
    step = Step(site)
    for offer in site.offers:
        if _ran_out(site, offer, now=now, rules=rules):
            step = step.and_then(_missed(step.site, offer, now=now, rules=rules))
    return step


def undo(site: Site, driver: str, *, now: datetime, rules: Rules) -> tuple[Site, Miss | None]:
    """Take back the miss that the driver had a moment ago, if they had one."""
    recent = _recent(site, now, rules)
    undone = next((miss for miss in recent if miss.driver == driver), None)
    if undone is None:
        return site, None
    counted = site.misses.get(driver)
    misses = {each: count for each, count in site.misses.items() if each != driver}
    if counted is not None and counted.count > 1:
        misses[driver] = replace(counted, count=counted.count - 1)
    missed = tuple(miss for miss in recent if miss is not undone)
    return replace(site, misses=misses, missed=missed), undone


def wakeups(site: Site, *, now: datetime, rules: Rules) -> Iterator[datetime]:  # noqa: ARG001 - a rule's clock
    """Say when offers run out."""
    return (
        offer.deadline
        for offer in site.offers
        if offer.deadline is not None and _runs(site, offer, rules)
    )


def _ran_out(site: Site, offer: Offer, *, now: datetime, rules: Rules) -> bool:
    if offer.deadline is None or offer.deadline > now or not _runs(site, offer, rules):
        return False
    return silence.outage(site, now=now, rules=rules) is None


def _runs(site: Site, offer: Offer, rules: Rules) -> bool:
    """Whether the offer's clock counts: not while frozen, nor while nobody knows who plugged in."""
    port = site.port(offer.port)
    if offer.deadline is None or offer.frozen is not None or port is None or port.session:
        return False
    return site.heard is not None and offer.deadline < site.heard + rules.silence


def _missed(site: Site, offer: Offer, *, now: datetime, rules: Rules) -> Step:
    over = offers.end(site, offer, CallOutcome.MISSED, now=now)
    entry = over.site.entry(offer.driver)
    if entry is None:
        return over
    # At night it is dealt with like a first one, but doesn't count.
    counted, count = over.site, 1
    if rules.quiet.begun(now) is None:
        counted, count = _count(over.site, offer, now=now, rules=rules)
    if entries.ends_now(counted, entry, now=now, rules=rules):
        return over.and_then(Step(counted))
    port = offers.port_name(site, offer)
    return over.and_then(_dealt_with(counted, entry, port, count, now=now, rules=rules))


def _count(site: Site, offer: Offer, *, now: datetime, rules: Rules) -> tuple[Site, int]:
    today = rules.day(now)
    before = site.misses.get(offer.driver)
    count = before.count + 1 if before is not None and before.day == today else 1
    todays = {driver: misses for driver, misses in site.misses.items() if misses.day == today}
    recent = _recent(site, now, rules)
    miss = Miss(driver=offer.driver, offer=offer.number, at=now)
    todays[offer.driver] = Misses(day=today, count=count)
    return replace(site, misses=todays, missed=(*recent, miss)), count


def _recent(site: Site, now: datetime, rules: Rules) -> tuple[Miss, ...]:
    return tuple(miss for miss in site.missed if now - miss.at <= rules.late_report)


def _dealt_with(
    site: Site, entry: Entry, port: str, count: int, *, now: datetime, rules: Rules
) -> Step:
    if count < SECOND:
        return _first(site, entry, port, now=now, rules=rules)
    told: Effect
    if count < THIRD:
        told = TellMissedTwice(driver=entry.driver, port=port)
        return Step(site.at_bottom(entry), (told,))
    told = TellMissedThrice(driver=entry.driver, port=port)
    return Step(site.without_entry(entry.driver), (told,))


def _first(site: Site, entry: Entry, port: str, *, now: datetime, rules: Rules) -> Step:
    # At night nobody is called again and again who is asleep.
    resumes = max(now + rules.suspension, rules.quiet.ends(now))
    told = TellMissed(driver=entry.driver, port=port, resumes=resumes)
    return Step(suspended(site, entry, Because.MISSED, until=resumes), (told,))
