"""The only way in: everything that can happen to a site, as values.

What people ask for comes from Slack, what cars do from ChargePoint, and the passing of time from
the scheduler. Drivers and admins are Slack user IDs throughout.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from chargepoint.events import PortReading, StationEvent


class Asker(Struct, frozen=True, kw_only=True):
    """Who wishes something; `in_room` tells whether the room can see them say it."""

    driver: str
    admin: bool = False
    in_room: bool = True


class _Request(Struct, frozen=True, kw_only=True, tag=True):
    asker: Asker


class JoinRequested(_Request, frozen=True, kw_only=True, tag=True):
    """`ev add`."""


class LeaveRequested(_Request, frozen=True, kw_only=True, tag=True):
    """`ev remove`."""


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
    LEAVE = "leave"


class OfferAnswered(_Request, frozen=True, kw_only=True, tag=True):
    """A button under a call was pressed, by whomever."""

    offer: int
    answer: OfferAnswer


class MoveAnswer(StrEnum):
    """What a driver who is asked to move can say with a button."""

    MOVING_NOW = "moving_now"
    FIFTEEN_MINUTES = "fifteen_minutes"


class MoveAnswered(_Request, frozen=True, kw_only=True, tag=True):
    """A button under a request to move was pressed, by whomever."""

    session: int
    answer: MoveAnswer


class SessionClaimed(_Request, frozen=True, kw_only=True, tag=True):
    """*That's me* was pressed under a stranger's plug-in."""

    session: int


class SessionDisowned(_Request, frozen=True, kw_only=True, tag=True):
    """*It's a guest* was pressed under a stranger's plug-in."""

    session: int


class CardPosted(Struct, frozen=True, kw_only=True, tag=True):
    """A card stands in the room since `at`; what it announces begins to count."""

    card: str
    at: datetime


class PortsListed(Struct, frozen=True, kw_only=True, tag=True):
    """The station group as SOAP lists it: ports that are new or gone, names, last words."""

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
    | HelpRequested
    | NotUnderstood
    | OfferAnswered
    | MoveAnswered
    | SessionClaimed
    | SessionDisowned
)

Event = Request | StationEvent | CardPosted | PortsListed | FeedRegistered | ClockTicked
