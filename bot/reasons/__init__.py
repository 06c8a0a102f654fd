"""Why: what a decision did to every driver and port that it concerned, as facts for the log.

"Why wasn't I called?" is answered from the log alone: whoever looks for a driver's ID finds each
moment at which somebody was called, and why it was not them. The facts are read off the site
before and after, so that no rule has to remember to explain itself.
"""

from datetime import datetime

from bot.concierge import Decision
from bot.events import Event
from bot.reasons import calls, ports, queue
from bot.reasons.event import about
from bot.reasons.words import Facts, filled
from bot.rules import Rules
from queue_store.site import Site

__all__ = ["Facts", "about", "consequences"]


def consequences(
    before: Site, event: Event, decision: Decision, *, now: datetime, rules: Rules
) -> Facts:
    """Say who was called, who was not and why, and what else became of drivers and ports."""
    after, effects = decision.site, decision.effects
    return filled(
        {
            "called": calls.called(before, after),
            "passed_over": calls.passed_over(before, after, now=now),
            "joined": queue.joined(before, after, now=now),
            "left": queue.left(before, after, event, effects),
            "suspended": queue.suspended(before, after, effects, now=now),
            "resumed": queue.resumed(before, after, event),
            "to_bottom": queue.to_bottom(after, effects),
            "misses": queue.misses(before, after),
            "offers": calls.changed(before, after, effects, now=now),
            "ports": ports.changed(before, after),
            "not_offered": ports.not_offered(before, after, now=now, rules=rules),
            "waiting": calls.waiting(before, after),
        }
    )
