"""The only way out: everything that is to be said unasked, as values; messages.py has the words.

`Call…`, `Announce…`, `Remind…` and `Ask…` are new messages in the room, `Tell…` is for one driver
in private, `Update…` edits a message that stands. Ports are given by the name that people see.
"""

from datetime import datetime
from enum import StrEnum
from typing import assert_never

from msgspec import Struct

from bot.replies import Reply

NAMING_A_DRIVER = ("driver", "by", "about", "called", "asker", "owner", "claimant", "admin")


class _Effect(Struct, frozen=True, kw_only=True, tag=True):
    pass


class CallDriver(_Effect, frozen=True, kw_only=True, tag=True):
    """Call the driver to the port that is held for them; becomes the offer's card."""

    offer: int
    driver: str
    port: str


class CallOutcome(StrEnum):
    """How an offer stands, as its card shows it."""

    ACCEPTED = "accepted"
    MOVED = "moved"
    PLUGGED_IN = "plugged in"
    NOT_NOW = "not now"
    LEFT = "left"
    MISSED = "missed"
    PASSED_OVER = "passed over"
    WITHDRAWN = "withdrawn"
    UNUSABLE = "unusable"
    OVER = "over"
    FROZEN = "frozen"
    GOES_ON = "goes on"


class UpdateCall(_Effect, frozen=True, kw_only=True, tag=True):
    """Show on the offer's card how it stands; `deadline` where it still runs."""

    offer: int
    driver: str
    port: str
    outcome: CallOutcome
    deadline: datetime | None = None


class TellCalled(_Effect, frozen=True, kw_only=True, tag=True):
    """The call once more in private, since a room can be muted."""

    driver: str
    port: str
    deadline: datetime


class TellMoved(_Effect, frozen=True, kw_only=True, tag=True):
    """The offered port was taken and another one is held instead."""

    driver: str
    taken: str
    port: str
    deadline: datetime | None


class TellWithdrawn(_Effect, frozen=True, kw_only=True, tag=True):
    """The offered port is not to be had any more; first place is kept."""

    driver: str
    port: str


class TellMissed(_Effect, frozen=True, kw_only=True, tag=True):
    """The offer ran out in silence; the place is kept, suspended until `resumes`."""

    driver: str
    port: str
    resumes: datetime


class TellMissedTwice(_Effect, frozen=True, kw_only=True, tag=True):
    """The second offer of the day ran out in silence; the driver is at the bottom now."""

    driver: str
    port: str


class TellMissedThrice(_Effect, frozen=True, kw_only=True, tag=True):
    """The third offer of the day ran out in silence; the driver is out, and may rejoin."""

    driver: str
    port: str


class TellRemoved(_Effect, frozen=True, kw_only=True, tag=True):
    """An admin took the driver out, who may rejoin."""

    driver: str
    by: str


class TellTimeIsUp(_Effect, frozen=True, kw_only=True, tag=True):
    """The time until which the driver wanted to wait has come."""

    driver: str


class TellQuietBegan(_Effect, frozen=True, kw_only=True, tag=True):
    """Quiet hours ended the driver's entry, who may rejoin."""

    driver: str


class TellFrozen(_Effect, frozen=True, kw_only=True, tag=True):
    """The station fell silent: the offer does not run out, nor can it be relied on."""

    driver: str
    port: str


class TellGoesOn(_Effect, frozen=True, kw_only=True, tag=True):
    """The offer holds again, until the deadline."""

    driver: str
    port: str
    deadline: datetime | None


class AskWasThatYou(_Effect, frozen=True, kw_only=True, tag=True):
    """Ask the called driver whether the unknown car on their port is theirs; becomes a card."""

    offer: int
    session: int
    driver: str
    port: str


class UpdateWasThatYou(_Effect, frozen=True, kw_only=True, tag=True):
    """Show that the question is settled; `mine` is None where the car left first."""

    offer: int
    session: int
    driver: str
    port: str
    mine: bool | None
    undoable: bool = False


class AskForDispute(_Effect, frozen=True, kw_only=True, tag=True):
    """Ask an admin, or the room's admins where we know none, whose a ChargePoint user ID is."""

    dispute: int
    user: str
    owner: str
    claimant: str
    admin: str | None


class TellDisputeDecided(_Effect, frozen=True, kw_only=True, tag=True):
    """An admin decided whose the ChargePoint user ID is."""

    driver: str
    user: str
    owner: str


class TellIdFree(_Effect, frozen=True, kw_only=True, tag=True):
    """The ChargePoint user ID that the driver wanted is nobody's now, so there is no dispute."""

    driver: str
    user: str


class ReportUnusable(_Effect, frozen=True, kw_only=True, tag=True):
    """Tell an admin, or the room where we know none, that a port was reported and is held back."""

    port: str
    by: str
    admin: str | None


class TellPassedOver(_Effect, frozen=True, kw_only=True, tag=True):
    """Somebody said `ev next`; the place is kept, suspended until `resumes`."""

    driver: str
    by: str
    resumes: datetime


class TellTookOffered(_Effect, frozen=True, kw_only=True, tag=True):
    """A kind word to who plugged in at a port that was held for another."""

    driver: str
    port: str
    called: str


class TellMoveAnswer(_Effect, frozen=True, kw_only=True, tag=True):
    """What the driver who was asked to move said, for whoever is next."""

    driver: str
    about: str
    port: str
    minutes: int
    at: datetime


class AnnounceFree(_Effect, frozen=True, kw_only=True, tag=True):
    """The port became free and nobody waits."""

    port: str


class RemindIdle(_Effect, frozen=True, kw_only=True, tag=True):
    """The port has been free since then: precious time is being wasted."""

    port: str
    since: datetime


class AnnouncePluggedIn(_Effect, frozen=True, kw_only=True, tag=True):
    """The driver plugged in without having been called, and left the queue."""

    driver: str
    port: str


class AskToMove(_Effect, frozen=True, kw_only=True, tag=True):
    """Ask the driver, or whoever it is, to make room; the `asked`-th time."""

    session: int
    asked: int
    driver: str | None
    port: str
    since: datetime


class UpdateAskToMove(_Effect, frozen=True, kw_only=True, tag=True):
    """Show the driver's answer on the request to move."""

    session: int
    asked: int
    driver: str
    port: str
    minutes: int
    at: datetime


class AskWhoPluggedIn(_Effect, frozen=True, kw_only=True, tag=True):
    """Somebody whom we don't know plugged in; becomes the session's card."""

    session: int
    port: str


class UpdateWhoPluggedIn(_Effect, frozen=True, kw_only=True, tag=True):
    """Show on the session's card who it was; a guest if `driver` is None."""

    session: int
    port: str
    driver: str | None
    undoable: bool = False


class UpdateAskWho(_Effect, frozen=True, kw_only=True, tag=True):
    """Ask on the session's card once more who it is: what was said there was taken back."""

    session: int
    port: str


class SummariseOutage(_Effect, frozen=True, kw_only=True, tag=True):
    """One line for all that the room did not hear while the network was out of reach."""

    since: datetime
    freed: tuple[str, ...]
    plugged_in: tuple[str, ...]


class SayInRoom(_Effect, frozen=True, kw_only=True, tag=True):
    """Let the room hear what somebody was told who asked from elsewhere."""

    reply: Reply


Effect = (
    CallDriver
    | UpdateCall
    | TellCalled
    | TellMoved
    | TellWithdrawn
    | TellMissed
    | TellMissedTwice
    | TellMissedThrice
    | TellRemoved
    | TellTimeIsUp
    | TellQuietBegan
    | TellFrozen
    | TellGoesOn
    | AskWasThatYou
    | UpdateWasThatYou
    | AskForDispute
    | TellDisputeDecided
    | TellIdFree
    | ReportUnusable
    | SummariseOutage
    | TellPassedOver
    | TellTookOffered
    | TellMoveAnswer
    | AnnounceFree
    | RemindIdle
    | AnnouncePluggedIn
    | AskToMove
    | UpdateAskToMove
    | AskWhoPluggedIn
    | UpdateWhoPluggedIn
    | UpdateAskWho
    | SayInRoom
)


def drivers_in(value: object) -> set[str]:
    """Answer everybody whom an effect or a reply speaks of."""
    if isinstance(value, (list, tuple)):
        return set().union(*map(drivers_in, value))
    if not isinstance(value, Struct):
        return set()
    fields = {name: getattr(value, name) for name in value.__struct_fields__}
    named = {fields[name] for name in NAMING_A_DRIVER if isinstance(fields.get(name), str)}
    return named.union(fields.get("plugged_in", ()), *map(drivers_in, fields.values()))


Carded = (
    CallDriver
    | UpdateCall
    | AskWhoPluggedIn
    | UpdateWhoPluggedIn
    | UpdateAskWho
    | AskToMove
    | UpdateAskToMove
    | AskWasThatYou
    | UpdateWasThatYou
)


def offer_card(offer: int) -> str:
    """Name the card of an offer."""
    return f"offer-{offer}"


def card_of(effect: Carded) -> str:
    """Name the message that the effect becomes or edits."""
    match effect:
        case CallDriver(offer=offer) | UpdateCall(offer=offer):
            return offer_card(offer)
        case (
            AskWhoPluggedIn(session=session)
            | UpdateWhoPluggedIn(session=session)
            | UpdateAskWho(session=session)
        ):
            return f"session-{session}"
        case (
            AskToMove(session=session, asked=asked) | UpdateAskToMove(session=session, asked=asked)
        ):
            return f"move-{session}-{asked}"
        case (
            AskWasThatYou(offer=offer, session=session)
            | UpdateWasThatYou(offer=offer, session=session)
        ):
            return f"was-{offer}-{session}"
        case _ as never:
            assert_never(never)


class ToRoom(Struct, frozen=True):
    """A new message in the room; with `card`, one that will be edited."""

    card: str | None = None


class ToCard(Struct, frozen=True):
    """An edit of a message that stands."""

    card: str


class ToDriver(Struct, frozen=True):
    """A new message for one driver in private; with `card`, one that will be edited."""

    driver: str
    card: str | None = None


Destination = ToRoom | ToCard | ToDriver


def destination(effect: Effect) -> Destination:
    """Tell where an effect is said."""
    match effect:
        case CallDriver() | AskWhoPluggedIn() | AskToMove():
            return ToRoom(card_of(effect))
        case (
            UpdateCall()
            | UpdateWhoPluggedIn()
            | UpdateAskWho()
            | UpdateAskToMove()
            | UpdateWasThatYou()
        ):
            return ToCard(card_of(effect))
        case AskWasThatYou(driver=driver):
            return ToDriver(driver, card_of(effect))
        case AskForDispute(admin=admin) | ReportUnusable(admin=admin):
            return ToRoom() if admin is None else ToDriver(admin)
        case AnnounceFree() | RemindIdle() | AnnouncePluggedIn() | SummariseOutage() | SayInRoom():
            return ToRoom()
        case _:
            return ToDriver(effect.driver)
