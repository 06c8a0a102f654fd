"""Every word and every block that a person sees.

What comes from outside (names, stations, what somebody typed) passes `text` and can neither
mention anybody, nor forge a link, nor break the layout. Only `mention` makes a mention. Times are
shown in the reader's own time zone, with the site's as what old clients fall back to.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from msgspec import Struct

from bot.commands import COMMANDS
from bot.effects import (
    AnnounceFree,
    AnnouncePluggedIn,
    AskToMove,
    AskWhoPluggedIn,
    CallDriver,
    CallOutcome,
    Effect,
    RemindIdle,
    SayInRoom,
    TellCalled,
    TellMissed,
    TellMoveAnswer,
    TellMoved,
    TellPassedOver,
    TellTookOffered,
    TellWithdrawn,
    UpdateAskToMove,
    UpdateCall,
    UpdateWhoPluggedIn,
)
from bot.events import MoveAnswer
from bot.replies import (
    AlreadyCharging,
    AlreadyIn,
    Board,
    HelpText,
    Joined,
    Left,
    Listing,
    NobodyWaiting,
    NothingFree,
    NotInQueue,
    NotYourButton,
    NotYourRegistration,
    PassedOver,
    PortsListing,
    Puzzled,
    Registered,
    Reply,
    Resumed,
    Suspended,
    TooEarlyToPass,
    TooLate,
    Unregistered,
    WasNotSuspended,
)
from bot.rules import Rules
from queue_store.site import Availability, Entry, Offer, Port, Session, is_free

Block = dict[str, Any]

# Slack takes 3000 characters a section and some 13,000 a message.
LONGEST_NAME = 80
LONGEST_SECTION = 2900
LONGEST_LIST = 5000


class Message(Struct, frozen=True, kw_only=True):
    """What Slack is given: the text of the notification, and the blocks on the screen."""

    text: str
    blocks: tuple[Block, ...]


class Reader(Struct, frozen=True, kw_only=True):
    """What words depend on beside the facts: the moment, the site's clock and people's names."""

    now: datetime
    zone: ZoneInfo
    rules: Rules
    names: Mapping[str, str]

    def name(self, driver: str | None) -> str:
        """Name the driver without a mention."""
        return "somebody I don't know" if driver is None else text(self.names.get(driver, driver))

    def time(self, at: datetime) -> str:
        """Tell the time of day in the reader's own zone."""
        fallback = at.astimezone(self.zone).strftime("%H:%M")
        return f"<!date^{int(at.timestamp())}^{{time}}|{fallback}>"

    def span(self, since: datetime) -> str:
        """Tell how long ago it was."""
        return duration(self.now - since)


def mention(driver: str) -> str:
    """Mention the driver so that Slack notifies them."""
    return f"<@{driver}>"


def text(outside: str) -> str:
    """Make text from outside harmless in Slack's mark-up."""
    plain = " ".join(outside.split())[:LONGEST_NAME]
    for character, harmless in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        plain = plain.replace(character, harmless)
    # These have no escape; a zero-width space keeps them from pairing up.
    for character in "*_~`":
        plain = plain.replace(character, f"\u200b{character}\u200b")
    return plain


def duration(span: timedelta) -> str:
    """Tell a duration the way people do."""
    minutes = max(0, round(span.total_seconds() / 60))
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:  # noqa: PLR2004 - minutes in an hour
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def render(effect: Effect, reader: Reader) -> Message:  # noqa: C901, PLR0911, PLR0912 - one line for each effect
    """Put an effect into words."""
    match effect:
        case CallDriver():
            return _call(effect, reader)
        case UpdateCall():
            return _update_call(effect, reader)
        case TellCalled():
            return _said(
                f":electric_plug: It's your turn! *{text(effect.port)}* is held for you until "
                f"{reader.time(effect.deadline)}. The buttons are in the room."
            )
        case TellMoved():
            return _said(_moved(effect, reader))
        case TellWithdrawn():
            return _said(
                f"Stay where you are: *{text(effect.port)}* is not to be had any more. You keep "
                "your place and get the next free charger."
            )
        case TellMissed():
            return _said(
                f"I couldn't reach you in time for *{text(effect.port)}*, so somebody else may go "
                f"ahead. You keep your place and are back in the running at "
                f"{reader.time(effect.resumes)}, or sooner with `ev resume`."
            )
        case TellPassedOver():
            return _said(
                f"{reader.name(effect.by)} called the next driver in your place. No harm done: "
                f"you keep your place and are back in the running at "
                f"{reader.time(effect.resumes)}, or sooner with `ev resume`."
            )
        case TellTookOffered():
            return _said(
                f"Good charging! *{text(effect.port)}* was held for {reader.name(effect.called)}, "
                "who had been called. I'm finding them another one. Next time `ev add` gets you "
                "a call of your own."
            )
        case TellMoveAnswer():
            return _said(
                f"{reader.name(effect.about)} on *{text(effect.port)}* says: "
                f"{_MOVE_WORDS[effect.answer]}. You are next."
            )
        case AnnounceFree():
            return _said(f":zap: *{text(effect.port)}* is free, and nobody is waiting. Any takers?")
        case RemindIdle():
            return _said(
                f":hourglass_flowing_sand: *{text(effect.port)}* has been free for "
                f"{reader.span(effect.since)}. Precious charging time is being wasted!"
            )
        case AnnouncePluggedIn():
            return _said(
                f"{reader.name(effect.driver)} plugged in at *{text(effect.port)}* and is off the "
                "queue."
            )
        case AskToMove():
            return _ask_to_move(effect, reader)
        case UpdateAskToMove():
            return _said(
                f"{reader.name(effect.driver)} on *{text(effect.port)}*: "
                f"{_MOVE_WORDS[effect.answer]}. Thank you!"
            )
        case AskWhoPluggedIn():
            return _ask_who(effect)
        case UpdateWhoPluggedIn():
            who = "a guest" if effect.driver is None else reader.name(effect.driver)
            return _said(f"The car on *{text(effect.port)}* is {who}'s.")
        case SayInRoom(reply=reply):
            return answer(reply, reader)
        case _ as never:
            assert_never(never)


def answer(reply: Reply, reader: Reader) -> Message:  # noqa: C901, PLR0911, PLR0912 - one line for each reply
    """Put a reply into words."""
    match reply:
        case Joined(driver=driver):
            return _said(
                f"{reader.name(driver)} joined the queue.", *_listing(reply.board, reader, None)
            )
        case AlreadyIn():
            return _said(_already_in(reply))
        case AlreadyCharging(port=port):
            return _said(f"Your car is on *{text(port)}* already, so there is nothing to wait for.")
        case Left(driver=driver):
            return _said(f"{reader.name(driver)} left the queue.")
        case NotInQueue():
            return _said("You are not in the queue. `ev add` puts you in.")
        case Suspended():
            return _said(_suspended(reply, reader))
        case Resumed(driver=driver, position=position):
            return _said(f"{reader.name(driver)} is back in the running, at place {position}.")
        case WasNotSuspended(position=position):
            return _said(f"You are in the running already, at place {position}.")
        case PassedOver():
            return _said(
                f"{reader.name(reply.by)} lets the next driver go ahead: "
                f"{reader.name(reply.driver)} hasn't come to *{text(reply.port)}* and keeps "
                "their place."
            )
        case TooEarlyToPass():
            return _said(
                f"{reader.name(reply.driver)} was called to *{text(reply.port)}* only just now. "
                "Give them half of their time, then try again."
            )
        case NobodyWaiting():
            return _said(_nobody_waiting(reply))
        case NothingFree():
            return _said(_nothing_free(reply, reader))
        case Listing(asker=asker):
            return _said(*_listing(reply.board, reader, asker))
        case PortsListing():
            return _said(*_ports(reply.board, reader, fresh=True))
        case Registered():
            return _said(_registered(reply))
        case Unregistered(user=user):
            return _said(f"ChargePoint ID {text(user)} is yours no more.")
        case NotYourRegistration(user=user):
            return _said(
                f"ChargePoint ID {text(user)} is not registered to you, so I left it alone. "
                "Please ask an admin if it should be yours."
            )
        case HelpText():
            return _said(*_help())
        case Puzzled():
            return _said(_puzzled(reply))
        case NotYourButton(driver=driver):
            whose = "somebody else" if driver is None else reader.name(driver)
            return _said(f"That button is for {whose}; nothing was changed.")
        case TooLate():
            return _said(
                "That is over already; nothing was changed. `ev list` shows how it stands."
            )
        case _ as never:
            assert_never(never)


def unconfirmed(command: str) -> Message:
    """Say that the outcome is not known in time."""
    return _said(
        f"I couldn't confirm `ev {text(command)}` in time. It may or may not have worked: please "
        "look with `ev list` before you try again."
    )


def store_unavailable(reference: str) -> Message:
    """Say that the queue can't be reached and nothing was changed."""
    return _said(
        "I can't get at the queue right now, so nothing was changed. Please try again in a "
        f"minute. (Reference {text(reference)})"
    )


def trouble(reference: str) -> Message:
    """Apologise for a fault of ours."""
    return _said(
        "Sorry, something went wrong on my side. An administrator can find it under reference "
        f"{text(reference)}. `ev list` shows how things stand."
    )


_MOVE_WORDS = {
    MoveAnswer.MOVING_NOW: "moving now",
    MoveAnswer.FIFTEEN_MINUTES: "15 more minutes, please",
}

_OUTCOMES = {
    CallOutcome.NOT_NOW: "not now; somebody else may go ahead",
    CallOutcome.LEFT: "left the queue",
    CallOutcome.MISSED: "couldn't make it in time",
    CallOutcome.PASSED_OVER: "hasn't come; the next driver is called",
    CallOutcome.WITHDRAWN: "the charger is taken; you get the next one",
}


def _call(effect: CallDriver, reader: Reader) -> Message:
    # The clock starts when this is posted, which is now.
    deadline = reader.now + reader.rules.offer
    return _said(
        f":electric_plug: {mention(effect.driver)}, *{text(effect.port)}* is free and held for "
        f"you until {reader.time(deadline)}. Go and plug in!",
        buttons=_offer_buttons(effect.offer, accepted=False),
    )


def _update_call(effect: UpdateCall, reader: Reader) -> Message:
    port = f"*{text(effect.port)}*"
    until = f" until {reader.time(effect.deadline)}" if effect.deadline else ""
    if effect.outcome is CallOutcome.ACCEPTED:
        said = f":rocket: {mention(effect.driver)} is on the way to {port}, held{until}."
        return _said(said, buttons=_offer_buttons(effect.offer, accepted=True))
    if effect.outcome is CallOutcome.MOVED:
        said = f":arrow_right: {mention(effect.driver)}, {port} is held for you now"
        return _said(f"{said}{until}.", buttons=_offer_buttons(effect.offer, accepted=False))
    if effect.outcome is CallOutcome.PLUGGED_IN:
        return _said(f":white_check_mark: {mention(effect.driver)} plugged in at {port}.")
    return _said(f"{mention(effect.driver)}, {port}: {_OUTCOMES[effect.outcome]}.")


def _offer_buttons(offer: int, *, accepted: bool) -> tuple[Block, ...]:
    on_my_way = () if accepted else (_button("On my way", "offer.on_my_way", offer, "primary"),)
    return (
        *on_my_way,
        _button("Not now", "offer.not_now", offer),
        _button("Leave the queue", "offer.leave", offer),
    )


def _moved(effect: TellMoved, reader: Reader) -> str:
    until = f" until {reader.time(effect.deadline)}" if effect.deadline else ""
    return (
        f"*{text(effect.taken)}* was taken, but *{text(effect.port)}* is free: it is held for you"
        f"{until} instead."
    )


def _ask_to_move(effect: AskToMove, reader: Reader) -> Message:
    whom = "whoever is there" if effect.driver is None else mention(effect.driver)
    buttons = (
        _button("Moving now", "move.moving_now", effect.session, "primary"),
        _button("15 more minutes", "move.fifteen_minutes", effect.session),
    )
    return _said(
        f":wave: {whom}, your car has been on *{text(effect.port)}* for "
        f"{reader.span(effect.since)}. Could you make room for the next one, please?",
        buttons=() if effect.driver is None else buttons,
    )


def _ask_who(effect: AskWhoPluggedIn) -> Message:
    title = "Is this your car?"
    explained = "I'll remember you, and take you off the queue."
    return _said(
        f":eyes: Somebody I don't know plugged in at *{text(effect.port)}*. Who is it?",
        buttons=(
            _button("That's me", "session.claim", effect.session, confirm=(title, explained)),
            _button("It's a guest", "session.disown", effect.session),
        ),
    )


def _already_in(reply: AlreadyIn) -> str:
    suspended = ", suspended; `ev resume` brings you back in the running" * reply.suspended
    return f"You are in the queue already, at place {reply.position}{suspended}."


def _suspended(reply: Suspended, reader: Reader) -> str:
    until = (
        f"until {reader.time(reply.resumes)}"
        if reply.resumes
        else "until `ev resume` says otherwise"
    )
    name = reader.name(reply.driver)
    return f"{name} keeps place {reply.position} and lets others go ahead {until}."


def _nobody_waiting(reply: NobodyWaiting) -> str:
    free = ", ".join(f"*{text(port)}*" for port in reply.ports)
    are = "are" if len(reply.ports) > 1 else "is"
    if reply.suspended:
        return f"{free} {are} free, but everybody in the queue is suspended."
    return f"{free} {are} free and nobody is waiting: go ahead!"


def _nothing_free(reply: NothingFree, reader: Reader) -> str:
    if reply.port is None or reply.since is None:
        return "No charger is free, and I know of no car on one."
    least = "" if reply.since_known else "at least "
    whose = f"{reader.name(reply.driver)}'s car" if reply.driver else "a car I don't know"
    return (
        f"No charger is free. On longest: {whose}, on *{text(reply.port)}* for {least}"
        f"{reader.span(reply.since)}."
    )


def _registered(reply: Registered) -> str:
    now = f" That makes it your car on *{text(reply.port)}*." if reply.port else ""
    return f"ChargePoint ID {text(reply.user)} is yours: I'll know your car when it plugs in.{now}"


def _puzzled(reply: Puzzled) -> str:
    asked = f"I don't know “{text(reply.words)}”."
    if reply.suggestion:
        return f"{asked} Did you mean `ev {reply.suggestion}`? `ev help` shows what I can do."
    return f"{asked} `ev help` shows what I can do."


def _help() -> Iterator[str]:
    yield "*EV Concierge keeps the queue for the chargers.* Type any of these:"
    yield "\n".join(f"• `/ev {command.example}` {command.does}" for command in COMMANDS)
    yield "The same words work as a message: `ev add` in the room, or just `add` to me in private."


def _listing(board: Board, reader: Reader, asker: str | None) -> Iterator[str]:
    yield from _ports(board, reader, fresh=False)
    if not board.queue:
        yield "*Queue*: nobody is waiting."
        return
    yield "\n".join(("*Queue*", *_abridged(_places(board, reader))))
    positions = {entry.driver: place for place, entry in enumerate(board.queue, start=1)}
    if asker is not None:
        place = positions.get(asker)
        yield f"You are at place {place}." if place else "You are not in the queue."


def _abridged(lines: Iterable[str]) -> Iterator[str]:
    """Answer as many lines as a message can hold, and how many there are beside them."""
    left, more = LONGEST_LIST, 0
    for line in lines:
        left -= len(line)
        if left >= 0:
            yield line
        else:
            more += 1
    if more:
        yield f"… and {more} more"


def _places(board: Board, reader: Reader) -> Iterator[str]:
    called = {offer.driver: offer for offer in board.offers}
    ports = {port.id: port.name for port in board.ports}
    for place, entry in enumerate(board.queue, start=1):
        note = _place_note(entry, called.get(entry.driver), ports, reader)
        yield f"{place}. {reader.name(entry.driver)}{note}"


def _place_note(entry: Entry, offer: Offer | None, ports: Mapping[str, str], reader: Reader) -> str:
    if offer is not None:
        return f" (called to {text(ports.get(offer.port, offer.port))})"
    if entry.suspended and entry.resumes:
        return f" (suspended until {reader.time(entry.resumes)})"
    return " (suspended)" if entry.suspended else ""


def _ports(board: Board, reader: Reader, *, fresh: bool) -> Iterator[str]:
    if not board.ports:
        yield "*Chargers*: I haven't heard from ChargePoint yet."
        return
    offered = {offer.port: offer for offer in board.offers}
    lines = [_port_line(port, offered.get(port.id), reader, fresh=fresh) for port in board.ports]
    yield "\n".join(("*Chargers*", *_abridged(lines)))


def _port_line(port: Port, offer: Offer | None, reader: Reader, *, fresh: bool) -> str:
    heard = f" _(as of {reader.span(port.heard)} ago)_" if fresh else ""
    return f"• *{text(port.name)}*: {_state(port, offer, reader, fresh=fresh)}{heard}"


def _state(port: Port, offer: Offer | None, reader: Reader, *, fresh: bool) -> str:
    if port.availability is Availability.OUT_OF_SERVICE:
        return f"out of service, last word at {reader.time(port.heard)}"
    if offer is not None and is_free(port):
        until = f" until {reader.time(offer.deadline)}" if offer.deadline else ""
        return f"held for {reader.name(offer.driver)}{until}"
    if port.session is not None:
        return _charging(port.session, reader, fresh=fresh)
    return "free" if is_free(port) else "in use"


def _charging(session: Session, reader: Reader, *, fresh: bool) -> str:
    least = "" if session.since_known else "at least "
    span = f", {least}{reader.span(session.since)}" if fresh else ""
    return f"{reader.name(session.driver)}, {least}since {reader.time(session.since)}{span}"


def _said(*paragraphs: str, buttons: tuple[Block, ...] = ()) -> Message:
    """Lay paragraphs out as sections within Slack's limits, with the buttons below."""
    sections = [part for paragraph in paragraphs for part in _parts(paragraph)]
    blocks: list[Block] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": part, "verbatim": True}}
        for part in sections
    ]
    if buttons:
        blocks.append({"type": "actions", "elements": list(buttons)})
    whole = "\n".join(sections)
    return Message(
        text=whole if len(whole) <= LONGEST_SECTION else sections[0], blocks=tuple(blocks)
    )


def _parts(paragraph: str) -> Iterator[str]:
    part = ""
    for line in paragraph.splitlines():
        if part and len(part) + len(line) >= LONGEST_SECTION:
            yield part
            part = ""
        part = f"{part}\n{line}" if part else line[:LONGEST_SECTION]
    if part:
        yield part


def _button(
    label: str,
    action: str,
    value: int,
    style: str | None = None,
    *,
    confirm: tuple[str, str] | None = None,
) -> Block:
    button: Block = {
        "type": "button",
        "text": {"type": "plain_text", "text": label},
        "action_id": action,
        "value": str(value),
    }
    if style is not None:
        button["style"] = style
    if confirm is not None:
        button["confirm"] = _confirmation(*confirm, label)
    return button


def _confirmation(title: str, explained: str, label: str) -> Block:
    return {
        "title": {"type": "plain_text", "text": title},
        "text": {"type": "plain_text", "text": explained},
        "confirm": {"type": "plain_text", "text": label},
        "deny": {"type": "plain_text", "text": "Cancel"},
    }
