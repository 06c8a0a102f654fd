"""What a request comes to: a step, and what the one who asked is told."""

from msgspec import Struct

from bot.concierge.step import Step
from bot.replies import Reply
from queue_store.site import Site


class Answer(Struct, frozen=True):
    """A step and the reply to it; None where the room's messages say it all.

    `forgotten` is a driver of whom nothing may be kept, not even what they were answered.
    """

    step: Step
    reply: Reply | None = None
    forgotten: str | None = None


def replied(site: Site, reply: Reply) -> Answer:
    """Answer without anything to be said unasked."""
    return Answer(Step(site), reply)
