"""The only way in: everything that can happen to a site, as values.

What people ask for comes from Slack, what cars do from ChargePoint, and the passing of time from
the scheduler. Drivers and admins are Slack user IDs throughout.
"""

from datetime import datetime, time
from enum import StrEnum

from msgspec import Struct

from chargepoint.events import PortReading, StationEvent


class Asker(Struct, frozen=True, kw_only=True):
    """Who wishes something; `in_room` tells whether the room reads there what they are told."""

    driver: str
    admin: bool = False
    in_room: bool = True


class _Request(Struct, frozen=True, kw_only=True, tag=True):
    asker: Asker


class JoinRequested(_Request, frozen=True, kw_only=True, tag=True):
    """`ev add`, perhaps until a time of the site's clock."""

    until: time | None = None


class LeaveRequested(_Request, frozen=True, kw_only=True, tag=True):
    """`ev remove`."""


class RemoveRequested(_Request, frozen=True, kw_only=True, tag=True):
    """`ev remove @driver`, of which an admin has the right."""

    driver: str


class SuspendRequested(_Request, frozen=True, kw_only=True, tag=True):
    """`ev suspend`, for so many minutes or until the driver resumes."""

    minutes: float | None = None


class ResumeRequested(_Request, frozen=True, kw_only=True, tag=True):
    """`ev resume`."""


class NextRequested(_Request, frozen=True, kw_only=True, tag=True):
    """`ev next`."""


class ListRequested(_Request, frozen=True, kw_only=True, tag=True):
    """`ev list`."""


class StatusRequested(_Request, frozen=True, kw_only=True, tag=True):
    """`ev status`."""


class RegisterRequested(_Request, frozen=True, kw_only=True, tag=True):
    """`ev register`, with a ChargePoint user ID."""

    user: str


class UnregisterRequested(_Request, frozen=True, kw_only=True, tag=True):
    """`ev unregister`, with a ChargePoint user ID."""

    user: str


class WhyRequested(_Request, frozen=True, kw_only=True, tag=True):
    """`ev why`."""


class PauseRequested(_Request, frozen=True, kw_only=True, tag=True):
    """`ev pause`, with a port's name or a part of it."""

    port: str


class UnpauseRequested(_Request, frozen=True, kw_only=True, tag=True):
    """`ev unpause`, with a port's name or a part of it."""

    port: str


class ForgetRequested(_Request, frozen=True, kw_only=True, tag=True):
    """`ev forget me`, which is asked back before it is done."""


class ForgetConfirmed(_Request, frozen=True, kw_only=True, tag=True):
    """The button that confirms it was pressed."""


class SmallTalk(StrEnum):
    """What people say to a bot that is not about the queue."""

    THANKS = "thanks"
    HELLO = "hello"


class SmallTalked(_Request, frozen=True, kw_only=True, tag=True):
    """Somebody was friendly."""

    talk: SmallTalk


class HelpRequested(_Request, frozen=True, kw_only=True, tag=True):
    """`ev help`."""


class NotUnderstood(_Request, frozen=True, kw_only=True, tag=True):
    """Words that are no command; `suggestion` is the command that they resemble."""

    words: str
    suggestion: str | None = None


class OfferAnswer(StrEnum):
    """What a called driver can say with a button."""

    ON_MY_WAY = "on_my_way"
    NOT_NOW = "not_now"
    CANT_USE_IT = "cant_use_it"
    LEAVE = "leave"


class OfferAnswered(_Request, frozen=True, kw_only=True, tag=True):
    """A button under a call was pressed, by whomever."""

    offer: int
    answer: OfferAnswer


class MoveAnswered(_Request, frozen=True, kw_only=True, tag=True):
    """A driver who was asked to move said in how many minutes, 0 being now, or not until when."""

    session: int
    minutes: int = 0
    until: datetime | None = None


class IdentityAnswered(_Request, frozen=True, kw_only=True, tag=True):
    """The driver of an offer said whether the unknown car on their port is theirs."""

    offer: int
    session: int
    mine: bool


class SessionClaimed(_Request, frozen=True, kw_only=True, tag=True):
    """*That's me* was pressed under a stranger's plug-in."""

    session: int


class SessionDisowned(_Request, frozen=True, kw_only=True, tag=True):
    """*It's a guest* was pressed under a stranger's plug-in."""

    session: int


class ClaimUndone(_Request, frozen=True, kw_only=True, tag=True):
    """*Undo* was pressed under a claimed session."""

    session: int


class NotMine(_Request, frozen=True, kw_only=True, tag=True):
    """*That's not me* was pressed about a session that we think is the driver's."""

    session: int


class DisputeDecided(_Request, frozen=True, kw_only=True, tag=True):
    """An admin said whose a ChargePoint user ID is."""

    dispute: int
    granted: bool


class CardPosted(Struct, frozen=True, kw_only=True, tag=True):
    """A card stands in the room since `at`; what it announces begins to count."""

    card: str
    at: datetime


class PortsRead(Struct, frozen=True, kw_only=True, tag=True):
    """The station group as SOAP shows it: what differs from what is stored was missed."""

    ports: tuple[PortReading, ...]


class FeedRegistered(Struct, frozen=True, kw_only=True, tag=True):
    """ChargePoint will send us the group's events under this subscription."""

    feed: str


class ClockTicked(Struct, frozen=True, kw_only=True, tag=True):
    """Time passed."""


Request = (
    JoinRequested
    | LeaveRequested
    | SuspendRequested
    | ResumeRequested
    | NextRequested
    | ListRequested
    | StatusRequested
    | RegisterRequested
    | UnregisterRequested
    | RemoveRequested
    | WhyRequested
    | PauseRequested
    | UnpauseRequested
    | ForgetRequested
    | ForgetConfirmed
    | SmallTalked
    | HelpRequested
    | NotUnderstood
    | OfferAnswered
    | MoveAnswered
    | IdentityAnswered
    | SessionClaimed
    | SessionDisowned
    | ClaimUndone
    | NotMine
    | DisputeDecided
)

Event = Request | StationEvent | CardPosted | PortsRead | FeedRegistered | ClockTicked
