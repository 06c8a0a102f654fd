"""What people type and press becomes a request; words that are no command get a suggestion.

Case, extra spaces and a leading `ev` don't matter. What comes in may be anything at all: the
answer is always a request, if only NotUnderstood, and never an exception.
"""

import math
import re
from collections.abc import Callable
from difflib import get_close_matches

from msgspec import Struct

from bot.events import (
    Asker,
    HelpRequested,
    JoinRequested,
    LeaveRequested,
    ListRequested,
    MoveAnswer,
    MoveAnswered,
    NextRequested,
    NotUnderstood,
    OfferAnswer,
    OfferAnswered,
    RegisterRequested,
    Request,
    ResumeRequested,
    SessionClaimed,
    SessionDisowned,
    StatusRequested,
    SuspendRequested,
    UnregisterRequested,
)

LONGEST_ECHO = 60
LONGEST_SUSPENSION_MINUTES = 24 * 60
_USER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DIGITS = re.compile(r"\d{1,18}", re.ASCII)


class Command(Struct, frozen=True, kw_only=True):
    """A command as help shows it, and how its words are read."""

    words: tuple[str, ...]
    example: str
    does: str
    read: Callable[[Asker, str], Request | None]


def parse(text: str, asker: Asker) -> Request:
    """Read a command, with or without its leading `ev`."""
    words = text.split()
    if words and words[0].lower() in {"ev", "/ev"}:
        words = words[1:]
    if not words:
        return HelpRequested(asker=asker)
    command = _COMMANDS_BY_WORD.get(words[0].lower().strip(".!?,"))
    request = command.read(asker, " ".join(words[1:])) if command else None
    if request is not None:
        return request
    return NotUnderstood(
        asker=asker,
        words=" ".join(words)[:LONGEST_ECHO],
        suggestion=command.example if command else _resembling(words[0].lower()),
    )


def pressed(action: str, value: str, asker: Asker) -> Request | None:
    """Read a button, or answer None for one that is none of ours."""
    kind, _, answer = action.partition(".")
    if not _DIGITS.fullmatch(value):
        return None
    read = _BUTTONS.get(kind)
    try:
        return read(asker, answer, int(value)) if read else None
    except ValueError:
        return None


def _plain(request: Callable[..., Request]) -> Callable[[Asker, str], Request | None]:
    def read(asker: Asker, rest: str) -> Request | None:
        return None if rest else request(asker=asker)

    return read


def _suspend(asker: Asker, rest: str) -> Request | None:
    minutes = _minutes(rest)
    if rest and minutes is None:
        return None
    return SuspendRequested(asker=asker, minutes=minutes)


def _minutes(text: str) -> float | None:
    number = re.sub(r"\s*(m|min|mins|minutes?)$", "", text.lower())
    try:
        minutes = float(number)
    except ValueError:
        return None
    if not math.isfinite(minutes) or not 0 < minutes <= LONGEST_SUSPENSION_MINUTES:
        return None
    return minutes


def _register(asker: Asker, rest: str) -> Request | None:
    if not _USER_ID.fullmatch(rest):
        return None
    return RegisterRequested(asker=asker, user=rest)


def _unregister(asker: Asker, rest: str) -> Request | None:
    if not _USER_ID.fullmatch(rest):
        return None
    return UnregisterRequested(asker=asker, user=rest)


def _offer(asker: Asker, answer: str, number: int) -> Request:
    return OfferAnswered(
        asker=asker,
        offer=number,
        answer=OfferAnswer(answer),
    )


def _move(asker: Asker, answer: str, number: int) -> Request:
    return MoveAnswered(
        asker=asker,
        session=number,
        answer=MoveAnswer(answer),
    )


def _session(asker: Asker, answer: str, number: int) -> Request | None:
    if answer == "claim":
        return SessionClaimed(asker=asker, session=number)
    if answer == "disown":
        return SessionDisowned(asker=asker, session=number)
    return None


COMMANDS = (
    Command(
        words=("add", "join"),
        example="add",
        does="join the queue at the bottom; I call you by name when it's your turn",
        read=_plain(JoinRequested),
    ),
    Command(
        words=("remove", "leave"),
        example="remove",
        does="leave the queue",
        read=_plain(LeaveRequested),
    ),
    Command(
        words=("suspend",),
        example="suspend 45",
        does="keep your place but let others go ahead, for 45 minutes or until you resume",
        read=_suspend,
    ),
    Command(
        words=("resume",),
        example="resume",
        does="be back in the running, at the same place",
        read=_plain(ResumeRequested),
    ),
    Command(
        words=("next",),
        example="next",
        does="call the next driver when the one who was called hasn't come",
        read=_plain(NextRequested),
    ),
    Command(
        words=("list",),
        example="list",
        does="see the chargers, the queue and your own place",
        read=_plain(ListRequested),
    ),
    Command(
        words=("status",),
        example="status",
        does="see the chargers alone, and how fresh the news is",
        read=_plain(StatusRequested),
    ),
    Command(
        words=("register",),
        example="register 171131",
        does="tell me your ChargePoint user ID, so that I know your car when it plugs in",
        read=_register,
    ),
    Command(
        words=("unregister",),
        example="unregister 171131",
        does="make me forget a ChargePoint user ID of yours",
        read=_unregister,
    ),
    Command(
        words=("help",),
        example="help",
        does="see this",
        read=_plain(HelpRequested),
    ),
)

_COMMANDS_BY_WORD = {word: command for command in COMMANDS for word in command.words}

_BUTTONS: dict[str, Callable[[Asker, str, int], Request | None]] = {
    "offer": _offer,
    "move": _move,
    "session": _session,
}


def _resembling(word: str) -> str | None:
    close = get_close_matches(word[:LONGEST_ECHO], _COMMANDS_BY_WORD, n=1, cutoff=0.6)
    return _COMMANDS_BY_WORD[close[0]].example if close else None
