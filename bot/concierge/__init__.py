"""The rules: what an event means for a site, decided without any I/O.

`decide` takes note of the event, then applies every rule that is tied to a state rather than to
an event until none has anything more to do. `next_wakeup` says when time alone will change
something. Each rule has a file of its own, in the words of the product.
"""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from bot.concierge import (
    entries,
    idle,
    misses,
    offers,
    overtime,
    plug_ins,
    readings,
    silence,
    stations,
    suspensions,
)
from bot.concierge.requests import answer
from bot.concierge.step import Step
from bot.effects import Effect, SayInRoom
from bot.events import CardPosted, ClockTicked, Event, FeedRegistered, PortsRead, Request
from bot.replies import Joined, Listing, PortsListing, Reply, Why, board
from bot.rules import Rules
from chargepoint.events import PortStatusChanged, SessionStarted, SessionStopped, SessionUpdated
from queue_store.site import Site

RULES = (
    suspensions.end_timed_suspensions,
    silence.notice_silence,
    plug_ins.notice_plug_ins,
    offers.thaw_offers,
    silence.freeze_offers,
    offers.rematch_lost_offers,
    misses.end_missed_offers,
    entries.end_entries_in_time,
    entries.end_entries_of_yesterday,
    offers.offer_free_ports,
    idle.remind_of_idle_ports,
    idle.announce_free_ports,
    overtime.ask_to_move,
)

WAKEUPS = (
    suspensions.wakeups,
    entries.wakeups,
    plug_ins.wakeups,
    silence.wakeups,
    misses.wakeups,
    idle.wakeups,
    overtime.wakeups,
)


class Decision(Struct, frozen=True, kw_only=True):
    """What an event means: the site from now on, what to say, and what to answer.

    `look` asks for a fresh reading of the ports, because the event left a doubt. `forgotten` is
    a driver of whom nothing may be kept.
    """

    site: Site
    effects: tuple[Effect, ...] = ()
    reply: Reply | None = None
    look: bool = False
    forgotten: str | None = None


def decide(site: Site, event: Event, *, now: datetime, rules: Rules) -> Decision:
    """Decide what the event means for the site; never raises."""
    noted = _take_note(site, event, now=now, rules=rules)
    settled = _settle(Step(noted.site, noted.effects), now=now, rules=rules)
    since = site.missed_since or silence.outage(site, now=now, rules=rules)
    if since is not None and isinstance(event, PortsRead) and event.ports:
        quiet = rules.quiet.begun(now) is not None
        settled = readings.summarised(settled, since=since, quiet=quiet)
    reply, effects = _complete(noted.reply, settled.site), settled.effects
    if _is_elsewhere(event) and reply is not None and reply.PUBLIC:
        effects = (SayInRoom(reply=reply), *effects)
    return replace(noted, site=settled.site, effects=effects, reply=reply)


def next_wakeup(site: Site, *, now: datetime, rules: Rules) -> datetime | None:
    """Say when time alone will change something, or that it never will.

    `site` is as it was decided at `now`.
    """
    asked = (at for wakeups in WAKEUPS for at in wakeups(site, now=now, rules=rules))
    # What is past due and undone waits for news of the stations, not for the time.
    return min((at for at in asked if at > now), default=None)


def _take_note(site: Site, event: Event, *, now: datetime, rules: Rules) -> Decision:
    match event:
        case SessionStarted() | SessionStopped() | SessionUpdated() | PortStatusChanged():
            return _heard(stations.station_spoke(site, event, now=now, rules=rules))
        case PortsRead():
            return _heard(readings.ports_read(site, event, now=now, rules=rules))
        case CardPosted(card=card, at=at):
            step = offers.start_clock(site, card, at=at, now=now, rules=rules)
            return Decision(site=step.site, effects=step.effects)
        case FeedRegistered(feed=feed):
            return Decision(site=replace(site, feed=feed))
        case ClockTicked():
            return Decision(site=site)
        case _:
            return _requested(site, event, now=now, rules=rules)


def _requested(site: Site, request: Request, *, now: datetime, rules: Rules) -> Decision:
    given = answer(site, request, now=now, rules=rules)
    return Decision(
        site=given.step.site,
        effects=given.step.effects,
        reply=given.reply,
        forgotten=given.forgotten,
    )


def _heard(step: stations.Heard) -> Decision:
    return Decision(site=step.site, effects=step.effects, look=step.look)


def _is_elsewhere(event: Event) -> bool:
    """Whether somebody asked for it whom the room can't see."""
    return isinstance(event, Request) and not event.asker.in_room


def _settle(step: Step, *, now: datetime, rules: Rules) -> Step:
    """Apply the rules until none of them changes anything."""
    while True:
        before = step.site
        for rule in RULES:
            step = step.and_then(rule(step.site, now=now, rules=rules))
        if step.site == before:
            return step


def _complete(reply: Reply | None, site: Site) -> Reply | None:
    """Show the board as it is once everything that follows has happened."""
    if isinstance(reply, Joined | Listing | PortsListing | Why):
        return replace(reply, board=board(site))
    return reply
