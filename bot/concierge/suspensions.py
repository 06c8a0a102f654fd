"""A suspended driver keeps their place and is passed over until the suspension ends."""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from bot.concierge.step import Step
from bot.rules import Rules
from queue_store.site import Because, Entry, Site


def suspended(site: Site, entry: Entry, because: Because, *, until: datetime | None) -> Site:
    """Pass the driver over until then, or until they resume."""
    return site.with_entry(replace(entry, suspended=because, resumes=until))


def resumed(site: Site, entry: Entry) -> Site:
    """Put the driver back in the running at the same place."""
    return site.with_entry(replace(entry, suspended=None, resumes=None))


def end_timed_suspensions(site: Site, *, now: datetime, rules: Rules) -> Step:  # noqa: ARG001 - a rule
    """Resume everybody whose time is up."""
    for entry in site.queue:
        if entry.resumes is not None and entry.resumes <= now:
            site = resumed(site, entry)
    return Step(site)


def wakeups(site: Site, *, now: datetime, rules: Rules) -> Iterator[datetime]:  # noqa: ARG001 - a rule's clock
    """Say when suspensions end by themselves."""
    return (entry.resumes for entry in site.queue if entry.resumes is not None)
