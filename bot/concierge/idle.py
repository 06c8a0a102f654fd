"""A charger that stands idle is mentioned: when it becomes free, and once when it stays so."""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from bot.concierge.step import Step
from bot.effects import AnnounceFree, RemindIdle
from bot.rules import Rules
from queue_store.site import Port, Site


def announce_free_ports(site: Site, *, now: datetime, rules: Rules) -> Step:  # noqa: ARG001 - a rule
    """Tell the room of ports that became free while nobody waits."""
    fresh = [port for port in site.unoffered if port.news]
    for port in fresh:
        site = site.with_port(replace(port, news=False))
    return Step(site, tuple(AnnounceFree(port=port.name) for port in fresh))


def remind_of_idle_ports(site: Site, *, now: datetime, rules: Rules) -> Step:
    """Remind the room of each idle port, once in each idle period."""
    effects = []
    for port, since in _unreminded(site):
        if since + rules.idle_reminder <= now:
            site = site.with_port(replace(port, reminded=True))
            effects.append(RemindIdle(port=port.name, since=since))
    return Step(site, tuple(effects))


def wakeups(site: Site, *, rules: Rules) -> Iterator[datetime]:
    """Say when idle ports are worth a reminder."""
    return (since + rules.idle_reminder for _, since in _unreminded(site))


def _unreminded(site: Site) -> list[tuple[Port, datetime]]:
    return [(p, p.idle_since) for p in site.unoffered if p.idle_since and not p.reminded]
