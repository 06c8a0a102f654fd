"""The rules: what an event means for a site, decided without any I/O.

`decide` takes note of the event, then applies every rule that is tied to a state rather than to
an event until none has anything more to do. `next_wakeup` says when time alone will change
something. Each rule has a file of its own, in the words of the product.
"""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from bot.concierge import idle, offers, overtime, plug_ins, stations, suspensions
from bot.concierge.requests import answer
from bot.concierge.step import Step
from bot.effects import Effect, SayInRoom
from bot.events import CardPosted, ClockTicked, Event, FeedRegistered, PortsListed, Request
from bot.replies import Joined, Listing, PortsListing, Reply, board
from bot.rules import Rules
from chargepoint.events import (
    PortStatusChanged,
    SessionStarted,
    SessionStopped,
    SessionUpdated,
)
from queue_store.site import Site

RULES = (
    suspensions.end_timed_suspensions,
    plug_ins.notice_plug_ins,
    offers.rematch_lost_offers,
    offers.end_missed_offers,
    offers.offer_free_ports,
    idle.announce_free_ports,
    idle.remind_of_idle_ports,
    overtime.ask_to_move,
)

WAKEUPS = (
    suspensions.wakeups,
    plug_ins.wakeups,
    offers.wakeups,
    idle.wakeups,
    overtime.wakeups,
)


class Decision(Struct, frozen=True, kw_only=True):
    """What an event means: the site from now on, what to say, and what to answer.

    `look` asks for a fresh reading of the ports, because the event left a doubt.
    """

    site: Site
    effects: tuple[Effect, ...] = ()
    reply: Reply | None = None
    look: bool = False


def decide(site: Site, event: Event, *, now: datetime, rules: Rules) -> Decision:
    """Decide what the event means for the site; never raises."""
    noted = _take_note(site, event, now=now, rules=rules)
    settled = _settle(Step(noted.site, noted.effects), now=now, rules=rules)
    reply = _complete(noted.reply, settled.site)
    effects = settled.effects
    if reply is not None and reply.PUBLIC and not _is_in_room(event):
        effects = (SayInRoom(reply=reply), *effects)
    return Decision(site=settled.site, effects=effects, reply=reply, look=noted.look)


def next_wakeup(site: Site, *, rules: Rules) -> datetime | None:
    """Say when time alone will change something, or that it never will."""
    return min((at for wakeups in WAKEUPS for at in wakeups(site, rules=rules)), default=None)


def _take_note(site: Site, event: Event, *, now: datetime, rules: Rules) -> Decision:  # noqa: PLR0911 - one for each event
    match event:
        case SessionStarted():
            return _heard(stations.session_started(site, event, now=now))
        case SessionStopped():
            return _heard(stations.session_stopped(site, event, now=now))
        case SessionUpdated():
            return _heard(stations.session_updated(site, event, now=now))
        case PortStatusChanged():
            return _heard(stations.status_changed(site, event, now=now))
        case PortsListed():
            return _heard(stations.ports_listed(site, event, now=now))
        case CardPosted(card=card, at=at):
            return _heard(offers.start_clock(site, card, at=at, rules=rules))
        case FeedRegistered(feed=feed):
            return Decision(site=replace(site, feed=feed))
        case ClockTicked():
            return Decision(site=site)
        case _:
            return _answered(site, event, now=now, rules=rules)


def _answered(site: Site, request: Request, *, now: datetime, rules: Rules) -> Decision:
    given = answer(site, request, now=now, rules=rules)
    return Decision(site=given.step.site, effects=given.step.effects, reply=given.reply)


def _heard(step: Step) -> Decision:
    look = isinstance(step, stations.Heard) and step.look
    return Decision(site=step.site, effects=step.effects, look=look)


def _is_in_room(event: Event) -> bool:
    asker = getattr(event, "asker", None)
    return asker is None or asker.in_room


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
    if isinstance(reply, Joined | Listing | PortsListing):
        return replace(reply, board=board(site))
    return reply
