"""What people type and press becomes a request; words that are no command get a suggestion.

Case, extra spaces and a leading `ev` don't matter. What comes in may be anything at all: the
answer is always a request, if only NotUnderstood, and never an exception.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from difflib import get_close_matches

from msgspec import Struct

from bot.events import (
    Asker,
    ClaimUndone,
    DisputeDecided,
    ForgetConfirmed,
    ForgetRequested,
    HelpRequested,
    IdentityAnswered,
    JoinRequested,
    LeaveRequested,
    ListRequested,
    MoveAnswered,
    NextRequested,
    NotMine,
    NotUnderstood,
    OfferAnswer,
    OfferAnswered,
    PauseRequested,
    RegisterRequested,
    RemoveRequested,
    Request,
    ResumeRequested,
    SessionClaimed,
    SessionDisowned,
    SmallTalk,
    SmallTalked,
    StatusRequested,
    SuspendRequested,
    UnpauseRequested,
    UnregisterRequested,
    WhyRequested,
)
from bot.harmless import as_typed

LONGEST_ECHO = 60
LONGEST_SUSPENSION_MINUTES = 24 * 60
_USER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DIGITS = re.compile(r"\d{1,18}", re.ASCII)
_MENTION = re.compile(r"<@([UW][A-Z0-9]{2,20})(?:\|[^<>]{0,80})?>", re.ASCII)
_TIME = re.compile(r"(\d{1,2})(?:[:.h](\d{2})?)?\s*([ap]\.?m\.?)?", re.ASCII | re.IGNORECASE)
LONGEST_PORT = 100
NOON = 12
MOST_MINUTES = 10**9  # what any calendar can still count
_1970 = datetime(1970, 1, 1, tzinfo=UTC)


class Command(Struct, frozen=True, kw_only=True):
    """A command as help shows it, and how its words are read."""

    words: tuple[str, ...]
    examples: tuple[str, ...]
    does: str
    read: Callable[[Asker, str], Request | None]


def parse(text: str, asker: Asker) -> Request:
    """Read a command, with or without its leading `ev`."""
    words = as_typed(text).split()
    if words and words[0].lower() in {"ev", "/ev"}:
        words = words[1:]
    if not words:
        return HelpRequested(asker=asker)
    command = _COMMANDS_BY_WORD.get(words[0].lower().strip(".!?,"))
    request = command.read(asker, " ".join(words[1:])) if command else _chat(asker, words)
    if request is not None:
        return request
    return NotUnderstood(
        asker=asker,
        words=" ".join(words)[:LONGEST_ECHO],
        suggestion=command.examples[0] if command else _resembling(words[0].lower()),
    )


def pressed(action: str, value: str, asker: Asker) -> Request | None:
    """Read a button or a menu, or answer None for one that is none of ours.

    The value is a number of ours, or two: what it is about, and which of the several it has.
    """
    read = _BUTTONS.get(action)
    first, _, second = value.partition("-")
    if read is None or not _DIGITS.fullmatch(first) or not _DIGITS.fullmatch(second or "0"):
        return None
    return read(asker, int(first), int(second or "0"))


def _chat(asker: Asker, words: list[str]) -> Request | None:
    """Understand the few things that people say to a bot in other words."""
    said = " ".join(word.lower().strip(".!?,") for word in words)
    if any(word in said for word in ("am i next", "my turn", "my place", "when will i")):
        return WhyRequested(asker=asker)
    if any(word in said for word in ("thank", "cheers", "thx")):
        return SmallTalked(asker=asker, talk=SmallTalk.THANKS)
    if said in {"hi", "hello", "hey", "good morning", "hi there", "hello there"}:
        return SmallTalked(asker=asker, talk=SmallTalk.HELLO)
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


def _add(asker: Asker, rest: str) -> Request | None:
    if not rest:
        return JoinRequested(asker=asker)
    word, _, until = rest.partition(" ")
    at = _time(until) if word.lower() in {"until", "till", "til"} else None
    return None if at is None else JoinRequested(asker=asker, until=at)


def _time(text: str) -> time | None:
    """Read a time of day: 16:00, 16.30, 4pm, 4:30 p.m., 9."""
    read = _TIME.fullmatch(text.strip())
    if read is None:
        return None
    hour, minute, half = int(read[1]), int(read[2] or 0), (read[3] or "").lower()[:1]
    if half and not 1 <= hour <= NOON:
        return None
    if half:
        hour = hour % NOON + (NOON if half == "p" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None  # noqa: PLR2004 - a clock's


def _remove(asker: Asker, rest: str) -> Request | None:
    if not rest:
        return LeaveRequested(asker=asker)
    mentioned = _MENTION.fullmatch(rest)
    return RemoveRequested(asker=asker, driver=mentioned[1]) if mentioned else None


def _pause(asker: Asker, rest: str) -> Request | None:
    return PauseRequested(asker=asker, port=rest[:LONGEST_PORT]) if rest else None


def _unpause(asker: Asker, rest: str) -> Request | None:
    return UnpauseRequested(asker=asker, port=rest[:LONGEST_PORT]) if rest else None


def _forget(asker: Asker, rest: str) -> Request | None:
    return ForgetRequested(asker=asker) if rest.lower() == "me" else None


def _offer(said: OfferAnswer) -> Callable[[Asker, int, int], Request]:
    def read(asker: Asker, number: int, _: int) -> Request:
        return OfferAnswered(asker=asker, offer=number, answer=said)

    return read


def _move(asker: Asker, session: int, minutes: int) -> Request:
    return MoveAnswered(asker=asker, session=session, minutes=min(minutes, MOST_MINUTES))


def _move_until(asker: Asker, session: int, minutes: int) -> Request:
    """Read the moment, in minutes since 1970, that stood in the menu."""
    until = _1970 + timedelta(minutes=min(minutes, MOST_MINUTES))
    return MoveAnswered(asker=asker, session=session, until=until)


COMMANDS = (
    Command(
        words=("add", "join"),
        examples=("add", "add until 16:00"),
        does="join the queue at the bottom, perhaps only until a time; I call you by name",
        read=_add,
    ),
    Command(
        words=("remove", "leave"),
        examples=("remove", "remove @driver"),
        does="leave the queue; admins can take another driver out",
        read=_remove,
    ),
    Command(
        words=("suspend",),
        examples=("suspend 45",),
        does="keep your place but let others go ahead, for 45 minutes or until you resume",
        read=_suspend,
    ),
    Command(
        words=("resume",),
        examples=("resume",),
        does="be back in the running, at the same place",
        read=_plain(ResumeRequested),
    ),
    Command(
        words=("next",),
        examples=("next",),
        does="call the next driver when the one who was called hasn't come",
        read=_plain(NextRequested),
    ),
    Command(
        words=("list",),
        examples=("list",),
        does="see the chargers, the queue and your own place",
        read=_plain(ListRequested),
    ),
    Command(
        words=("status",),
        examples=("status",),
        does="see the chargers alone, and how fresh the news is",
        read=_plain(StatusRequested),
    ),
    Command(
        words=("why",),
        examples=("why",),
        does="see who is ahead of you and why, and who is passed over",
        read=_plain(WhyRequested),
    ),
    Command(
        words=("register",),
        examples=("register 171131",),
        does="tell me your ChargePoint user ID, so that I know your car when it plugs in",
        read=_register,
    ),
    Command(
        words=("unregister",),
        examples=("unregister 171131",),
        does="make me forget a ChargePoint user ID of yours",
        read=_unregister,
    ),
    Command(
        words=("pause",),
        examples=("pause EAST 1",),
        does="admins: hold a charger back from offers",
        read=_pause,
    ),
    Command(
        words=("unpause",),
        examples=("unpause EAST 1",),
        does="admins: give a charger back that was paused or reported",
        read=_unpause,
    ),
    Command(
        words=("forget",),
        examples=("forget me",),
        does="have everything deleted that I know about you",
        read=_forget,
    ),
    Command(
        words=("help",),
        examples=("help",),
        does="see this",
        read=_plain(HelpRequested),
    ),
)

_COMMANDS_BY_WORD = {word: command for command in COMMANDS for word in command.words}

_BUTTONS: dict[str, Callable[[Asker, int, int], Request]] = {
    **{f"offer.{said}": _offer(said) for said in OfferAnswer},
    "move.now": _move,
    "move.later": _move,
    "move.until": _move_until,
    "was.mine": lambda asker, number, session: IdentityAnswered(
        asker=asker, offer=number, session=session, mine=True
    ),
    "was.not_mine": lambda asker, number, session: IdentityAnswered(
        asker=asker, offer=number, session=session, mine=False
    ),
    "session.claim": lambda asker, number, _: SessionClaimed(asker=asker, session=number),
    "session.disown": lambda asker, number, _: SessionDisowned(asker=asker, session=number),
    "session.undo": lambda asker, number, _: ClaimUndone(asker=asker, session=number),
    "session.not_mine": lambda asker, number, _: NotMine(asker=asker, session=number),
    "dispute.grant": lambda asker, number, _: DisputeDecided(
        asker=asker, dispute=number, granted=True
    ),
    "dispute.deny": lambda asker, number, _: DisputeDecided(
        asker=asker, dispute=number, granted=False
    ),
    "queue.rejoin": lambda asker, _, __: JoinRequested(asker=asker),
    "forget.confirm": lambda asker, _, __: ForgetConfirmed(asker=asker),
}


def _resembling(word: str) -> str | None:
    close = get_close_matches(word[:LONGEST_ECHO], _COMMANDS_BY_WORD, n=1, cutoff=0.6)
    return _COMMANDS_BY_WORD[close[0]].examples[0] if close else None
