"""Every word and every block that a person sees.

What comes from outside (names, stations, what somebody typed) passes `text` and can neither
mention anybody, nor forge a link, nor break the layout. Only `mention` makes a mention. Times are
shown in the reader's own time zone, with the site's as what old clients fall back to.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import singledispatch
from math import ceil
from zoneinfo import ZoneInfo

from msgspec import Struct

from bot.blocks import Block, Message, button, menu, said
from bot.commands import COMMANDS, Command
from bot.effects import (
    AnnounceFree,
    AnnouncePluggedIn,
    AskForDispute,
    AskToMove,
    AskWasThatYou,
    AskWhoPluggedIn,
    CallDriver,
    CallOutcome,
    Effect,
    RemindIdle,
    ReportUnusable,
    SayInRoom,
    SummariseOutage,
    TellCalled,
    TellDisputeDecided,
    TellFrozen,
    TellGoesOn,
    TellIdFree,
    TellMissed,
    TellMissedThrice,
    TellMissedTwice,
    TellMoveAnswer,
    TellMoved,
    TellPassedOver,
    TellQuietBegan,
    TellRemoved,
    TellTimeIsUp,
    TellTookOffered,
    TellWithdrawn,
    UpdateAskToMove,
    UpdateAskWho,
    UpdateCall,
    UpdateWasThatYou,
    UpdateWhoPluggedIn,
)
from bot.events import SmallTalk
from bot.harmless import harmless
from bot.replies import (
    AdminsOnly,
    AlreadyCharging,
    AlreadyIn,
    Board,
    ConfirmForget,
    Disputed,
    Done,
    DriverNotInQueue,
    Forgotten,
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
    Paused,
    PortsListing,
    Puzzled,
    Registered,
    Removed,
    Reply,
    Resumed,
    SmallTalkReply,
    Suspended,
    TooEarlyToPass,
    TooFarAhead,
    TooLate,
    TooManyIds,
    Unpaused,
    Unregistered,
    WasNotHeldBack,
    WasNotSuspended,
    WhichPort,
    Why,
)
from bot.rules import Rules
from queue_store.site import Because, Entry, Hold, Offer, Port, PortState, Session, state_of

_USER = re.compile(r"[UW][A-Z0-9]{1,20}", re.ASCII)

# Slack takes some 13,000 characters a message.
LONGEST_LIST = 5000


class Reader(Struct, frozen=True, kw_only=True):
    """What words depend on beside the facts: the moment, the site's clock and people's names."""

    now: datetime
    zone: ZoneInfo
    rules: Rules
    names: Mapping[str, str]

    def name(self, driver: str | None) -> str:
        """Name the driver without a mention."""
        if driver is None:
            return "somebody I don't know"
        # A name may consist of nothing that can be seen.
        return text(self.names.get(driver, "")) or text(driver)

    def time(self, at: datetime) -> str:
        """Tell the time of day in the reader's own zone."""
        fallback = at.astimezone(self.zone).strftime("%H:%M")
        return f"<!date^{int(at.timestamp())}^{{time}}|{fallback}>"

    def span(self, since: datetime) -> str:
        """Tell how long ago it was."""
        return duration(self.now - since)


def mention(driver: str) -> str:
    """Mention the driver so that Slack notifies them."""
    return f"<@{driver}>" if _USER.fullmatch(driver) else text(driver)


def text(outside: str) -> str:
    """Make text from outside harmless in Slack's mark-up."""
    return harmless(outside)


def duration(span: timedelta) -> str:
    """Tell a duration the way people do."""
    minutes = max(0, round(span.total_seconds() / 60))
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:  # noqa: PLR2004 - minutes in an hour
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def render(effect: Effect, reader: Reader) -> Message:
    """Put an effect into words."""
    return words(effect, reader)


def answer(reply: Reply, reader: Reader) -> Message:
    """Put a reply into words."""
    return words(reply, reader)


def unconfirmed(command: str) -> Message:
    """Say that the outcome is not known in time."""
    return said(
        f"I couldn't confirm `ev {text(command)}` in time. It may or may not have worked: please "
        "look with `ev list` before you try again."
    )


def store_unavailable(reference: str) -> Message:
    """Say that the queue can't be reached and nothing was changed."""
    return said(
        "I can't get at the queue right now, so nothing was changed. Please try again in a "
        f"minute. (Reference {text(reference)})"
    )


def admins_unknown() -> Message:
    """Say that nobody can tell who is an admin, to somebody who perhaps is one."""
    return said(
        "That is for admins, and Slack won't tell me just now whether you are one, so nothing was "
        "changed. Please try again in a minute."
    )


def from_elsewhere() -> Message:
    """Tell somebody of another workspace that this is none of theirs."""
    return said("These chargers are for people of another workspace; nothing was changed.")


def trouble(reference: str) -> Message:
    """Apologise for a fault of ours."""
    return said(
        "Sorry, something went wrong on my side. An administrator can find it under reference "
        f"{text(reference)}. `ev list` shows how things stand."
    )


@singledispatch
def words(value: object, _: Reader) -> Message:
    """Put anything into words that has some; each effect and each reply has a function below."""
    raise AssertionError(f"there are no words for {type(value).__name__}")


@words.register
def _call(effect: CallDriver, reader: Reader) -> Message:
    # The clock starts when this is posted, which is now.
    deadline = reader.now + reader.rules.offer
    return said(
        f":electric_plug: {mention(effect.driver)}, *{text(effect.port)}* is free and held for "
        f"you until {reader.time(deadline)}. Go and plug in!",
        buttons=_offer_buttons(effect.offer, accepted=False),
    )


@words.register
def _update_call(effect: UpdateCall, reader: Reader) -> Message:
    driver, port = mention(effect.driver), f"*{text(effect.port)}*"
    until = f" until {reader.time(effect.deadline)}" if effect.deadline else ""
    match effect.outcome:
        case CallOutcome.ACCEPTED:
            shown = f":rocket: {driver} is on the way to {port}, held{until}."
            return said(shown, buttons=_offer_buttons(effect.offer, accepted=True))
        case CallOutcome.MOVED:
            shown = f":arrow_right: {driver}, {port} is held for you now{until}."
            return said(shown, buttons=_offer_buttons(effect.offer, accepted=False))
        case CallOutcome.FROZEN:
            shown = f":hourglass: {driver}, I'm finding out whether {port} is still free."
            return said(shown, buttons=_offer_buttons(effect.offer, accepted=True))
        case CallOutcome.GOES_ON:
            shown = f":electric_plug: {driver}, {port} is still held for you{until}."
            return said(shown, buttons=_offer_buttons(effect.offer, accepted=False))
        case CallOutcome.PLUGGED_IN:
            return said(f":white_check_mark: {driver} plugged in at {port}.")
        case _:
            return said(f"{driver}, {port}: {_OUTCOMES[effect.outcome]}.")


_OUTCOMES = {
    CallOutcome.NOT_NOW: "not now; somebody else may go ahead",
    CallOutcome.LEFT: "left the queue",
    CallOutcome.MISSED: "couldn't make it in time",
    CallOutcome.PASSED_OVER: "hasn't come; the next driver is called",
    CallOutcome.WITHDRAWN: "not to be had any more; you get the next one",
    CallOutcome.UNUSABLE: "can't be used; you get the next one",
    CallOutcome.OVER: "the time until which you wanted to wait is over",
}


def _offer_buttons(offer: int, *, accepted: bool) -> tuple[Block, ...]:
    number = str(offer)
    on_my_way = button("On my way", "offer.on_my_way", number, "primary")
    return (
        *(() if accepted else (on_my_way,)),
        button("Not now", "offer.not_now", number),
        button("Can't use it", "offer.cant_use_it", number),
        button("Leave the queue", "offer.leave", number),
    )


@words.register
def _called(effect: TellCalled, reader: Reader) -> Message:
    return said(
        f":electric_plug: It's your turn! *{text(effect.port)}* is held for you until "
        f"{reader.time(effect.deadline)}. The buttons are in the room."
    )


@words.register
def _moved(effect: TellMoved, reader: Reader) -> Message:
    until = f" until {reader.time(effect.deadline)}" if effect.deadline else ""
    return said(
        f"*{text(effect.taken)}* was taken, but *{text(effect.port)}* is free: it is held for you"
        f"{until} instead."
    )


@words.register
def _withdrawn(effect: TellWithdrawn, _: Reader) -> Message:
    return said(
        f"Stay where you are: *{text(effect.port)}* is not to be had any more. You keep your "
        "place and get the next free charger."
    )


@words.register
def _frozen(effect: TellFrozen, _: Reader) -> Message:
    return said(
        f"I can't reach *{text(effect.port)}* just now, so I can't tell whether it is free. Your "
        "offer waits; I'll tell you when it goes on."
    )


@words.register
def _goes_on(effect: TellGoesOn, reader: Reader) -> Message:
    until = f" until {reader.time(effect.deadline)}" if effect.deadline else ""
    return said(f"*{text(effect.port)}* is still held for you{until}.")


@words.register
def _missed(effect: TellMissed, reader: Reader) -> Message:
    return said(
        f"I couldn't reach you in time for *{text(effect.port)}*, so somebody else may go ahead. "
        f"You keep your place and are back in the running at {reader.time(effect.resumes)}, or "
        "sooner with `ev resume`."
    )


@words.register
def _missed_twice(effect: TellMissedTwice, _: Reader) -> Message:
    return said(
        f"I couldn't reach you in time for *{text(effect.port)}*, for the second time today, so "
        "you are at the bottom of the queue now. `ev suspend` lets others go ahead while you are "
        "busy."
    )


@words.register
def _missed_thrice(effect: TellMissedThrice, _: Reader) -> Message:
    return said(
        f"I couldn't reach you in time for *{text(effect.port)}*, for the third time today, so I "
        "took you off the queue. Come back whenever you like.",
        buttons=_REJOIN,
    )


@words.register
def _passed_over(effect: TellPassedOver, reader: Reader) -> Message:
    return said(
        f"{reader.name(effect.by)} called the next driver in your place. No harm done: you keep "
        f"your place and are back in the running at {reader.time(effect.resumes)}, or sooner with "
        "`ev resume`."
    )


@words.register
def _removed(effect: TellRemoved, reader: Reader) -> Message:
    return said(
        f"{reader.name(effect.by)} took you off the queue. If that was a mistake, you can rejoin.",
        buttons=_REJOIN,
    )


@words.register(TellTimeIsUp)
def _time_is_up(*_: object) -> Message:
    return said(
        "The time until which you wanted to wait has come, so I took you off the queue.",
        buttons=_REJOIN,
    )


@words.register(TellQuietBegan)
def _quiet_began(*_: object) -> Message:
    return said(
        "It's quiet time now, and nobody should be first tomorrow for having forgotten today: I "
        "took you off the queue. If you are still waiting, just rejoin.",
        buttons=_REJOIN,
    )


_REJOIN = (button("Rejoin", "queue.rejoin", "0", "primary"),)


@words.register
def _ask_was_that_you(effect: AskWasThatYou, _: Reader) -> Message:
    value = f"{effect.offer}-{effect.session}"
    return said(
        f"A car that I don't know plugged in at *{text(effect.port)}*, which is held for you. Was "
        "that you?",
        buttons=(
            button("Yes, that's me", "was.mine", value, "primary"),
            button("No", "was.not_mine", value),
        ),
    )


@words.register
def _was_that_you(effect: UpdateWasThatYou, _: Reader) -> Message:
    car = f"The car on *{text(effect.port)}*"
    if effect.mine is None:
        return said(f"{car} has left again.")
    if effect.mine:
        undo = _undo(effect.session) if effect.undoable else ()
        return said(f"{car} is yours. Happy charging!", buttons=undo)
    return said(f"{car} is not yours.")


@words.register
def _ask_who(effect: AskWhoPluggedIn | UpdateAskWho, _: Reader) -> Message:
    title = "Is this your car?"
    explained = "I'll remember you, and take you off the queue."
    number = str(effect.session)
    return said(
        f":eyes: Somebody I don't know plugged in at *{text(effect.port)}*. Who is it?",
        buttons=(
            button("That's me", "session.claim", number, confirm=(title, explained)),
            button("It's a guest", "session.disown", number),
        ),
    )


@words.register
def _who(effect: UpdateWhoPluggedIn, reader: Reader) -> Message:
    who = "a guest" if effect.driver is None else reader.name(effect.driver)
    undo = _undo(effect.session) if effect.undoable else ()
    return said(f"The car on *{text(effect.port)}* is {who}'s.", buttons=undo)


def _undo(session: int) -> tuple[Block, ...]:
    return (button("Undo", "session.undo", str(session)),)


@words.register
def _plugged_in(effect: AnnouncePluggedIn, reader: Reader) -> Message:
    return said(
        f"{reader.name(effect.driver)} plugged in at *{text(effect.port)}* and is off the queue."
    )


@words.register
def _took_offered(effect: TellTookOffered, reader: Reader) -> Message:
    return said(
        f"Good charging! *{text(effect.port)}* was held for {reader.name(effect.called)}, who had "
        "been called. I'm finding them another one. Next time `ev add` gets you a call of your "
        "own."
    )


@words.register
def _ask_to_move(effect: AskToMove, reader: Reader) -> Message:
    whom = "whoever is there" if effect.driver is None else mention(effect.driver)
    return said(
        f":wave: {whom}, your car has been on *{text(effect.port)}* for "
        f"{reader.span(effect.since)}. Could you make room for the next one, please?",
        buttons=() if effect.driver is None else _move_buttons(effect.session, reader),
    )


_STAYS = (30, 60, 120, 180, 240)


def _move_buttons(session: int, reader: Reader) -> tuple[Block, ...]:
    # The menu means the very times that it shows, whenever one of them is chosen.
    now = ceil(reader.now.timestamp() / 60)
    options = [
        (f"{datetime.fromtimestamp(60 * minute, reader.zone):%H:%M}", f"{session}-{minute}")
        for minute in (now + stay for stay in _STAYS)
    ]
    return (
        button("Moving now", "move.now", f"{session}-0", "primary"),
        button("15 more minutes", "move.later", f"{session}-15"),
        menu("Can't until …", "move.until", options),
    )


@words.register
def _update_ask_to_move(effect: UpdateAskToMove, reader: Reader) -> Message:
    return said(
        f"{reader.name(effect.driver)} on *{text(effect.port)}*: "
        f"{_when(effect.minutes, effect.at, reader)}. Thank you!"
    )


@words.register
def _move_answer(effect: TellMoveAnswer, reader: Reader) -> Message:
    return said(
        f"{reader.name(effect.about)} on *{text(effect.port)}* says: "
        f"{_when(effect.minutes, effect.at, reader)}. You are next."
    )


def _when(minutes: int, at: datetime, reader: Reader) -> str:
    return f"not before {reader.time(at)}" if minutes else "moving now"


@words.register
def _free(effect: AnnounceFree, _: Reader) -> Message:
    return said(f":zap: *{text(effect.port)}* is free, and nobody is waiting. Any takers?")


@words.register
def _idle(effect: RemindIdle, reader: Reader) -> Message:
    return said(
        f":hourglass_flowing_sand: *{text(effect.port)}* has been free for "
        f"{reader.span(effect.since)}. Precious charging time is being wasted!"
    )


@words.register
def _unusable(effect: ReportUnusable, reader: Reader) -> Message:
    return said(
        f":construction: {reader.name(effect.by)} couldn't use *{text(effect.port)}*. I hold it "
        "back until somebody plugs in there or an admin says "
        f"`ev unpause {text(effect.port)}`."
    )


@words.register
def _outage(effect: SummariseOutage, reader: Reader) -> Message:
    facts = []
    if effect.plugged_in:
        facts.append(f"{_enumerated(map(reader.name, effect.plugged_in))} plugged in")
    if effect.freed:
        facts.append(f"{_enumerated(f'*{text(port)}*' for port in effect.freed)} became free")
    meanwhile = f" Meanwhile {', and '.join(facts)}." if facts else ""
    since = reader.time(effect.since)
    return said(f"I was out of touch with ChargePoint from {since} until now.{meanwhile}")


def _enumerated(items: Iterable[str]) -> str:
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last


@words.register
def _in_room(effect: SayInRoom, reader: Reader) -> Message:
    return answer(effect.reply, reader)


@words.register
def _ask_for_dispute(effect: AskForDispute, reader: Reader) -> Message:
    claimant, owner = reader.name(effect.claimant), reader.name(effect.owner)
    number = str(effect.dispute)
    return said(
        f"{claimant} says that ChargePoint ID {text(effect.user)} is theirs, and it is registered "
        f"to {owner}. An admin can decide:",
        buttons=(
            button("Give it to the new driver", "dispute.grant", number),
            button("Leave it", "dispute.deny", number),
        ),
    )


@words.register
def _dispute_decided(effect: TellDisputeDecided, reader: Reader) -> Message:
    return said(
        f"An admin decided: ChargePoint ID {text(effect.user)} is {reader.name(effect.owner)}'s."
    )


@words.register
def _id_free(effect: TellIdFree, _: Reader) -> Message:
    user = text(effect.user)
    return said(
        f"ChargePoint ID {user} is nobody's any more, so there is nothing left for an admin to "
        f"decide. `ev register {user}` makes it yours."
    )


@words.register
def _joined(reply: Joined, reader: Reader) -> Message:
    till = f" until {reader.time(reply.until)}" if reply.until else ""
    return said(
        f"{reader.name(reply.driver)} joined the queue{till}.",
        *_listing(reply.board, reader, None),
    )


@words.register
def _already_in(reply: AlreadyIn, reader: Reader) -> Message:
    suspended = ", suspended; `ev resume` brings you back in the running" * bool(reply.suspended)
    until = f", until {reader.time(reply.until)}" if reply.until else ""
    return said(f"You are in the queue already, at place {reply.position}{until}{suspended}.")


@words.register
def _too_far_ahead(reply: TooFarAhead, _: Reader) -> Message:
    return said(
        f"I can keep a place for {reply.hours} hours at most, so please say a time within these: "
        "`ev add until 16:00`."
    )


@words.register
def _already_charging(reply: AlreadyCharging, _: Reader) -> Message:
    return said(
        f"Your car is on *{text(reply.port)}* already, so there is nothing to wait for.",
        buttons=(button("That's not me", "session.not_mine", str(reply.session)),),
    )


@words.register
def _left(reply: Left, reader: Reader) -> Message:
    return said(f"{reader.name(reply.driver)} left the queue.")


@words.register(NotInQueue)
def _not_in_queue(*_: object) -> Message:
    return said("You are not in the queue. `ev add` puts you in.")


@words.register
def _taken_out(reply: Removed, reader: Reader) -> Message:
    return said(f"{reader.name(reply.by)} took {reader.name(reply.driver)} off the queue.")


@words.register
def _driver_not_in_queue(reply: DriverNotInQueue, reader: Reader) -> Message:
    return said(f"{reader.name(reply.driver)} is not in the queue.")


@words.register(AdminsOnly)
def _admins_only(*_: object) -> Message:
    return said("That is for admins, so nothing was changed.")


@words.register
def _suspended(reply: Suspended, reader: Reader) -> Message:
    until = (
        f"until {reader.time(reply.resumes)}"
        if reply.resumes
        else "until `ev resume` says otherwise"
    )
    name = reader.name(reply.driver)
    return said(f"{name} keeps place {reply.position} and lets others go ahead {until}.")


@words.register
def _resumed(reply: Resumed, reader: Reader) -> Message:
    return said(f"{reader.name(reply.driver)} is back in the running, at place {reply.position}.")


@words.register
def _was_not_suspended(reply: WasNotSuspended, _: Reader) -> Message:
    return said(f"You are in the running already, at place {reply.position}.")


@words.register
def _lets_go_ahead(reply: PassedOver, reader: Reader) -> Message:
    return said(
        f"{reader.name(reply.by)} lets the next driver go ahead: {reader.name(reply.driver)} "
        f"hasn't come to *{text(reply.port)}* and keeps their place."
    )


@words.register
def _too_early_to_pass(reply: TooEarlyToPass, reader: Reader) -> Message:
    return said(
        f"{reader.name(reply.driver)} was called to *{text(reply.port)}* only just now. Give them "
        "half of their time, then try again."
    )


@words.register
def _nobody_waiting(reply: NobodyWaiting, _: Reader) -> Message:
    free = ", ".join(f"*{text(port)}*" for port in reply.ports)
    are = "are" if len(reply.ports) > 1 else "is"
    if reply.suspended:
        return said(f"{free} {are} free, but everybody in the queue is suspended.")
    return said(f"{free} {are} free and nobody is waiting: go ahead!")


@words.register
def _nothing_free(reply: NothingFree, reader: Reader) -> Message:
    if reply.port is None or reply.since is None:
        return said("No charger is free, and I know of no car on one.")
    least = "" if reply.since_known else "at least "
    whose = f"{reader.name(reply.driver)}'s car" if reply.driver else "a car I don't know"
    return said(
        f"No charger is free. On longest: {whose}, on *{text(reply.port)}* for {least}"
        f"{reader.span(reply.since)}."
    )


@words.register
def _paused(reply: Paused, reader: Reader) -> Message:
    return said(f":construction: {reader.name(reply.by)} holds *{text(reply.port)}* back for now.")


@words.register
def _unpaused(reply: Unpaused, reader: Reader) -> Message:
    return said(f"{reader.name(reply.by)} gave *{text(reply.port)}* back.")


@words.register
def _was_not_held_back(reply: WasNotHeldBack, _: Reader) -> Message:
    return said(f"*{text(reply.port)}* is not held back.")


@words.register
def _which_port(reply: WhichPort, _: Reader) -> Message:
    names = "\n".join(_abridged(f"• {text(port)}" for port in reply.ports))
    return said(f"I can't tell which charger “{text(reply.words)}” is. I know these:\n{names}")


@words.register
def _registered(reply: Registered, _: Reader) -> Message:
    now = f" That makes it your car on *{text(reply.port)}*." if reply.port else ""
    return said(
        f"ChargePoint ID {text(reply.user)} is yours: I'll know your car when it plugs in.{now}"
    )


@words.register
def _unregistered(reply: Unregistered, _: Reader) -> Message:
    return said(f"ChargePoint ID {text(reply.user)} is yours no more.")


@words.register
def _not_your_registration(reply: NotYourRegistration, _: Reader) -> Message:
    return said(f"ChargePoint ID {text(reply.user)} is not registered to you, so I left it alone.")


@words.register
def _too_many_ids(reply: TooManyIds, _: Reader) -> Message:
    return said(
        f"You have {reply.most} ChargePoint IDs already, which is as many as I can remember. "
        "`ev unregister` makes me forget one."
    )


@words.register
def _disputed(reply: Disputed, _: Reader) -> Message:
    return said(
        f"ChargePoint ID {text(reply.user)} is registered to somebody else. I asked an admin to "
        "decide, and will tell you."
    )


@words.register(ConfirmForget)
def _confirm_forget(*_: object) -> Message:
    return said(
        "Shall I delete everything that I know about you: your place in the queue, your "
        "ChargePoint IDs and what I noted about calls? This can't be undone.",
        buttons=(button("Forget me", "forget.confirm", "0", "danger"),),
    )


@words.register(Forgotten)
def _forgotten(*_: object) -> Message:
    return said("Done: I know nothing about you any more. Safe travels!")


@words.register(Done)
def _done(*_: object) -> Message:
    return said("Done.")


@words.register
def _not_your_button(reply: NotYourButton, reader: Reader) -> Message:
    whose = "somebody else" if reply.driver is None else reader.name(reply.driver)
    return said(f"That button is for {whose}; nothing was changed.")


@words.register(TooLate)
def _too_late(*_: object) -> Message:
    return said("That is over already; nothing was changed. `ev list` shows how it stands.")


@words.register
def _small_talk(reply: SmallTalkReply, _: Reader) -> Message:
    return said(_SMALL_TALK[reply.talk])


_SMALL_TALK = {
    SmallTalk.THANKS: "Any time. Happy charging!",
    SmallTalk.HELLO: "Hello! `ev help` shows what I can do, `ev list` who is waiting.",
}


@words.register
def _puzzled(reply: Puzzled, _: Reader) -> Message:
    asked = f"I don't know “{text(reply.words)}”."
    if reply.suggestion:
        return said(
            f"{asked} Did you mean `ev {text(reply.suggestion)}`? `ev help` shows what I can do."
        )
    return said(f"{asked} `ev help` shows what I can do.")


@words.register
def _help(_: HelpText, reader: Reader) -> Message:
    return said(
        f"*{text(reader.rules.site)}*: I keep the queue for the chargers. Type any of these:",
        "\n".join(f"• {_examples(command)} {command.does}" for command in COMMANDS),
        "The same words work as a message: `ev add` in the room, or just `add` to me in private.",
    )


def _examples(command: Command) -> str:
    return ", ".join(f"`/ev {example}`" for example in command.examples)


@words.register
def _why(reply: Why, reader: Reader) -> Message:
    return said(*_explained(reply.board, reader, reply.asker))


def _explained(board: Board, reader: Reader, asker: str) -> Iterator[str]:
    place = next((n for n, e in enumerate(board.queue, start=1) if e.driver == asker), None)
    if place is None:
        yield "You are not in the queue. `ev add` puts you in."
        return
    ahead = list(_places(board, reader))[: place - 1]
    mine = list(_places(board, reader))[place - 1]
    yield f"You are at place {place}. {_prospects(board, asker)}"
    if ahead:
        yield "\n".join(("*Ahead of you*", *_abridged(ahead)))
    yield f"*You*: {mine}"


def _prospects(board: Board, asker: str) -> str:
    entry = next(entry for entry in board.queue if entry.driver == asker)
    if any(offer.driver == asker for offer in board.offers):
        return "You are called!"
    if entry.suspended is not None:
        return _BECAUSE[entry.suspended]
    called = {offer.driver for offer in board.offers}
    earlier = board.queue[: board.queue.index(entry)]
    before = sum(e.suspended is None and e.driver not in called for e in earlier)
    if not before:
        return "You get the next free charger."
    return f"{before} of those ahead of you {'is' if before == 1 else 'are'} called before you."


_BECAUSE = {
    Because.ASKED: "You are passed over because you suspended yourself.",
    Because.NOT_NOW: "You are passed over because you said “not now” to an offer.",
    Because.MISSED: "You are passed over because an offer ran out before you answered.",
    Because.PASSED_OVER: "You are passed over because somebody called the next driver.",
}


@words.register
def _list(reply: Listing, reader: Reader) -> Message:
    return said(*_listing(reply.board, reader, reply.asker))


@words.register
def _status(reply: PortsListing, reader: Reader) -> Message:
    return said(*_ports(reply.board, reader, fresh=True))


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
    if entry.suspended is not None:
        return (
            f" (suspended until {reader.time(entry.resumes)})" if entry.resumes else " (suspended)"
        )
    return f" (until {reader.time(entry.until)})" if entry.until else ""


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
    match state_of(port, offered=offer is not None):
        case PortState.OUT_OF_SERVICE:
            return f"out of service, last word at {reader.time(port.heard)}"
        case PortState.OFFERED if offer is not None:
            until = f" until {reader.time(offer.deadline)}" if offer.deadline else ""
            return f"held for {reader.name(offer.driver)}{until}"
        case PortState.CHARGING if port.session is not None:
            return _charging(port.session, reader, fresh=fresh)
        case PortState.HELD_BACK if port.held_back is not None:
            return _HOLDS[port.held_back]
        case state:
            return state.value


_HOLDS = {
    Hold.REPORTED: "held back: reported as blocked or broken",
    Hold.PAUSED: "held back by an admin",
}


def _charging(session: Session, reader: Reader, *, fresh: bool) -> str:
    least = "" if session.since_known else "at least "
    span = f", {least}{reader.span(session.since)}" if fresh else ""
    return f"{reader.name(session.driver)}, {least}since {reader.time(session.since)}{span}"
