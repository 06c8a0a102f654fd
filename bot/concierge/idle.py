"""A charger that stands idle is mentioned: when it becomes free, and once when it stays so.

In quiet hours nothing of this is said; what is still true when they end is said then, once.
"""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from bot.concierge import silence
from bot.concierge.step import Step
from bot.effects import AnnounceFree, RemindIdle
from bot.rules import Rules
from queue_store.site import Port, Site


def remind_of_idle_ports(site: Site, *, now: datetime, rules: Rules) -> Step:
    """Remind the room of each idle port, once in each idle period."""
    effects = []
    for port, since in _unreminded(site) if _may_speak(site, now, rules) else ():
        if since + rules.idle_reminder <= now:
            # The reminder says that the port is free, so that needs no saying any more.
            site = site.with_port(replace(port, reminded=True, news=False))
            effects.append(RemindIdle(port=port.name, since=since))
    return Step(site, tuple(effects))


def announce_free_ports(site: Site, *, now: datetime, rules: Rules) -> Step:
    """Tell the room of ports that became free while nobody waits."""
    fresh = _news(site) if _may_speak(site, now, rules) else []
    for port in fresh:
        site = site.with_port(replace(port, news=False))
    return Step(site, tuple(AnnounceFree(port=port.name) for port in fresh))


def wakeups(site: Site, *, now: datetime, rules: Rules) -> Iterator[datetime]:
    """Say when idle ports are worth a word."""
    for _, since in _unreminded(site):
        yield rules.quiet.ends(max(since + rules.idle_reminder, now))
    if _news(site):
        yield rules.quiet.ends(now)


def _may_speak(site: Site, now: datetime, rules: Rules) -> bool:
    """Whether the room may be spoken to, of ports of which we know how they are."""
    return rules.quiet.begun(now) is None and silence.outage(site, now=now, rules=rules) is None


def _unreminded(site: Site) -> list[tuple[Port, datetime]]:
    return [(p, p.idle_since) for p in site.unoffered if p.idle_since and not p.reminded]


def _news(site: Site) -> list[Port]:
    return [port for port in site.unoffered if port.news]
