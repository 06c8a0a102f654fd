"""A place in the queue is given up, or kept while others go ahead; an offer passes on at once."""

from datetime import datetime

from bot.concierge import offers
from bot.concierge.step import Step
from bot.concierge.suspensions import suspended
from bot.effects import CallOutcome
from queue_store.site import Because, Site


def give_up(site: Site, driver: str, outcome: CallOutcome, *, now: datetime) -> Step:
    """Let the driver go; the outcome is that of the offer that they hold, if they hold one."""
    step = _without_offer(site, driver, outcome, now=now)
    return Step(step.site.without_entry(driver), step.effects)


def give_way(
    site: Site, driver: str, because: Because, *, until: datetime | None, now: datetime
) -> Step:
    """Pass the driver over until then, or until they resume."""
    passed_over = because is Because.PASSED_OVER
    outcome = CallOutcome.PASSED_OVER if passed_over else CallOutcome.NOT_NOW
    step = _without_offer(site, driver, outcome, now=now)
    entry = step.site.entry(driver)
    if entry is None:
        return step
    return Step(suspended(step.site, entry, because, until=until), step.effects)


def _without_offer(site: Site, driver: str, outcome: CallOutcome, *, now: datetime) -> Step:
    offer = site.offer_to(driver)
    return Step(site) if offer is None else offers.end(site, offer, outcome, now=now)
