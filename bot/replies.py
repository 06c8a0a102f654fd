"""What somebody who asked is told, as values; messages.py has the words.

A reply whose `PUBLIC` is true is for the room, every other one for the asker's eyes.
"""

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from bot.events import SmallTalk
from queue_store.site import Because, Entry, Offer, Port, Site


class Board(Struct, frozen=True, kw_only=True):
    """What a listing shows: every port, and everybody who waits, in order."""

    ports: tuple[Port, ...] = ()
    queue: tuple[Entry, ...] = ()
    offers: tuple[Offer, ...] = ()


def board(site: Site) -> Board:
    """Show this site."""
    return Board(ports=site.ports, queue=site.queue, offers=site.offers)


class _Reply(Struct, frozen=True, kw_only=True, tag=True):
    PUBLIC: ClassVar[bool] = False


class _PublicReply(_Reply, frozen=True, kw_only=True, tag=True):
    PUBLIC: ClassVar[bool] = True


class Joined(_PublicReply, frozen=True, kw_only=True, tag=True):
    """The driver is in the queue now, until a time if they said one."""

    driver: str
    until: datetime | None = None
    board: Board = Board()


class AlreadyIn(_Reply, frozen=True, kw_only=True, tag=True):
    """The driver was in the queue already and keeps their place."""

    driver: str
    position: int
    suspended: Because | None = None
    until: datetime | None = None


class TooFarAhead(_Reply, frozen=True, kw_only=True, tag=True):
    """The time until which the driver wants to wait is not within the next hours."""

    hours: int


class AlreadyCharging(_Reply, frozen=True, kw_only=True, tag=True):
    """The driver's car is on a port, so there is nothing to wait for; unless it is not theirs."""

    port: str
    session: int


class Removed(_PublicReply, frozen=True, kw_only=True, tag=True):
    """An admin took the driver out of the queue."""

    driver: str
    by: str


class DriverNotInQueue(_Reply, frozen=True, kw_only=True, tag=True):
    """There is nothing to take the driver out of."""

    driver: str


class AdminsOnly(_Reply, frozen=True, kw_only=True, tag=True):
    """What was asked is for admins."""


class Left(_PublicReply, frozen=True, kw_only=True, tag=True):
    """The driver left the queue."""

    driver: str


class NotInQueue(_Reply, frozen=True, kw_only=True, tag=True):
    """The driver has no place to leave, keep or take up again."""


class Suspended(_PublicReply, frozen=True, kw_only=True, tag=True):
    """The driver keeps their place and is passed over, until `resumes` or until they say so."""

    driver: str
    position: int
    resumes: datetime | None = None


class Resumed(_PublicReply, frozen=True, kw_only=True, tag=True):
    """The driver is back in the running at the same place."""

    driver: str
    position: int


class WasNotSuspended(_Reply, frozen=True, kw_only=True, tag=True):
    """There was no suspension to end."""

    position: int


class PassedOver(_PublicReply, frozen=True, kw_only=True, tag=True):
    """The driver who was called and hasn't come lets the next one go ahead."""

    driver: str
    by: str
    port: str


class TooEarlyToPass(_Reply, frozen=True, kw_only=True, tag=True):
    """The called driver has had less than half of their time."""

    driver: str
    port: str


class NobodyWaiting(_PublicReply, frozen=True, kw_only=True, tag=True):
    """There is nobody to call, though these ports are free."""

    ports: tuple[str, ...]
    suspended: int


class NothingFree(_PublicReply, frozen=True, kw_only=True, tag=True):
    """No port is free; this car has been on longest, if any is known."""

    port: str | None = None
    driver: str | None = None
    since: datetime | None = None
    since_known: bool = True


class Listing(_Reply, frozen=True, kw_only=True, tag=True):
    """The whole listing, with the asker's own place."""

    asker: str
    board: Board = Board()


class PortsListing(_Reply, frozen=True, kw_only=True, tag=True):
    """The ports alone."""

    board: Board = Board()


class Why(_Reply, frozen=True, kw_only=True, tag=True):
    """The asker's place, who is ahead and why, and who is passed over and why."""

    asker: str
    board: Board = Board()


class Paused(_PublicReply, frozen=True, kw_only=True, tag=True):
    """The port is held back from offers."""

    port: str
    by: str


class Unpaused(_PublicReply, frozen=True, kw_only=True, tag=True):
    """The port is offered again."""

    port: str
    by: str


class WasNotHeldBack(_Reply, frozen=True, kw_only=True, tag=True):
    """There was nothing to give back."""

    port: str


class WhichPort(_Reply, frozen=True, kw_only=True, tag=True):
    """What was typed names none of these ports, or more than one."""

    words: str
    ports: tuple[str, ...]


class ConfirmForget(_Reply, frozen=True, kw_only=True, tag=True):
    """Asks back before everything about the asker is deleted."""


class Forgotten(_Reply, frozen=True, kw_only=True, tag=True):
    """Everything about the asker was deleted."""


class SmallTalkReply(_Reply, frozen=True, kw_only=True, tag=True):
    """A friendly word for a friendly word."""

    talk: SmallTalk


class Disputed(_Reply, frozen=True, kw_only=True, tag=True):
    """The ChargePoint user ID is another driver's; an admin was asked to decide."""

    user: str


class Done(_Reply, frozen=True, kw_only=True, tag=True):
    """What a button was for is done."""


class Registered(_Reply, frozen=True, kw_only=True, tag=True):
    """The ChargePoint user ID is the driver's now; `port` is where its car is, if it is on one."""

    user: str
    port: str | None = None


class Unregistered(_Reply, frozen=True, kw_only=True, tag=True):
    """The ChargePoint user ID is nobody's now."""

    user: str


class NotYourRegistration(_Reply, frozen=True, kw_only=True, tag=True):
    """The ChargePoint user ID isn't the asker's to take or give up."""

    user: str


class TooManyIds(_Reply, frozen=True, kw_only=True, tag=True):
    """The asker has as many ChargePoint user IDs as anybody may have."""

    most: int


class HelpText(_Reply, frozen=True, kw_only=True, tag=True):
    """Every command."""


class Puzzled(_Reply, frozen=True, kw_only=True, tag=True):
    """The words were no command."""

    words: str
    suggestion: str | None = None


class NotYourButton(_Reply, frozen=True, kw_only=True, tag=True):
    """The button is for somebody else; nothing was changed."""

    driver: str | None = None


class TooLate(_Reply, frozen=True, kw_only=True, tag=True):
    """What the button was about is over; nothing was changed."""


Reply = (
    Joined
    | AlreadyIn
    | AlreadyCharging
    | Left
    | NotInQueue
    | Suspended
    | Resumed
    | WasNotSuspended
    | PassedOver
    | TooEarlyToPass
    | NobodyWaiting
    | NothingFree
    | TooFarAhead
    | Removed
    | DriverNotInQueue
    | AdminsOnly
    | Why
    | Paused
    | Unpaused
    | WasNotHeldBack
    | WhichPort
    | ConfirmForget
    | Forgotten
    | SmallTalkReply
    | Disputed
    | Done
    | Listing
    | PortsListing
    | Registered
    | Unregistered
    | NotYourRegistration
    | HelpText
    | Puzzled
    | NotYourButton
    | TooLate
    | TooManyIds
)
