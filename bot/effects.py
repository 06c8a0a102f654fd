"""The only way out: everything that is to be said unasked, as values; messages.py has the words.

`Call…`, `Announce…`, `Remind…` and `Ask…` are new messages in the room, `Tell…` is for one driver
in private, `Update…` edits a message that stands. Ports are given by the name that people see.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from bot.events import MoveAnswer
from bot.replies import Reply

NAMING_A_DRIVER = ("driver", "by", "about", "called", "asker")


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
    answer: MoveAnswer


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
    answer: MoveAnswer


class AskWhoPluggedIn(_Effect, frozen=True, kw_only=True, tag=True):
    """Somebody whom we don't know plugged in; becomes the session's card."""

    session: int
    port: str
    user: str | None


class UpdateWhoPluggedIn(_Effect, frozen=True, kw_only=True, tag=True):
    """Show on the session's card who it was; a guest if `driver` is None."""

    session: int
    port: str
    driver: str | None


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
    return named.union(*map(drivers_in, fields.values()))


def offer_card(offer: int) -> str:
    """Name the card of an offer."""
    return f"offer-{offer}"


def session_card(session: int) -> str:
    """Name the card that asks who plugged in."""
    return f"session-{session}"


def move_card(session: int, asked: int) -> str:
    """Name the card of a request to move."""
    return f"move-{session}-{asked}"


class ToRoom(Struct, frozen=True):
    """A new message in the room; with `card`, one that will be edited."""

    card: str | None = None


class ToCard(Struct, frozen=True):
    """An edit of a message that stands."""

    card: str


class ToDriver(Struct, frozen=True):
    """A new message for one driver in private."""

    driver: str


Destination = ToRoom | ToCard | ToDriver


def destination(effect: Effect) -> Destination:  # noqa: PLR0911 - one for each kind
    """Tell where an effect is said."""
    match effect:
        case CallDriver(offer=offer):
            return ToRoom(offer_card(offer))
        case UpdateCall(offer=offer):
            return ToCard(offer_card(offer))
        case AskWhoPluggedIn(session=session):
            return ToRoom(session_card(session))
        case UpdateWhoPluggedIn(session=session):
            return ToCard(session_card(session))
        case AskToMove(session=session, asked=asked):
            return ToRoom(move_card(session, asked))
        case UpdateAskToMove(session=session, asked=asked):
            return ToCard(move_card(session, asked))
        case AnnounceFree() | RemindIdle() | AnnouncePluggedIn() | SayInRoom():
            return ToRoom()
        case _:
            return ToDriver(effect.driver)
