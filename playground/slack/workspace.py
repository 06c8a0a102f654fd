"""The state of the workspace: people, conversations, what was said, and who was notified.

Nothing here talks to a network. Everything that changes wakes those who wait for it, and tells
the listeners what it was. A `ts` names a message and is strictly increasing, as Slack's is.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from playground.people import OFFICE, Person
from playground.slack import mrkdwn
from playground.slack.errors import NotThere, UnreadableChat

Json = dict[str, Any]
Found = TypeVar("Found")

TEAM = "T0OFFICE"
APP = "A0EV"
BOT = "B0BOT"
BOT_USER = "U0BOT"
BOT_NAME = "EV Concierge"
ROOM = "C0EVROOM"
ROOM_NAME = "ev-charging"
_STORED = 1


class Channel(Struct, frozen=True, kw_only=True):
    """The room, or one person's direct messages with the bot."""

    id: str
    name: str
    members: tuple[str, ...]
    partner: str | None = None
    archived: bool = False


class Content(Struct, frozen=True, kw_only=True):
    """What a message says; blocks, where there are any, are what people see."""

    text: str = ""
    blocks: tuple[Json, ...] = ()
    metadata: Json | None = None


class Message(Struct, frozen=True, kw_only=True):
    """Something said.

    `only` is the one person who sees it (an ephemeral message), `prompt` the command that it
    answers, `notifies` whom it alerted when it was new: an edit alerts nobody.
    """

    ts: str
    channel: str
    user: str
    content: Content
    edited: str | None = None
    only: str | None = None
    prompt: str | None = None
    asker: str | None = None
    thread: str | None = None
    notifies: tuple[str, ...] = ()
    pings_all: bool = False
    reactions: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """The text as it was sent, markup and escapes included."""
        return self.content.text

    @property
    def blocks(self) -> tuple[Json, ...]:
        """The blocks, each with a block_id."""
        return self.content.blocks

    @property
    def by_bot(self) -> bool:
        """Whether the bot said it."""
        return self.user == BOT_USER


class Home(Struct, frozen=True, kw_only=True):
    """What the bot published on a person's Home tab."""

    id: str
    user: str
    version: int
    view: Json


class Posted(Struct, frozen=True, kw_only=True):
    """A message is new."""

    message: Message


class Edited(Struct, frozen=True, kw_only=True):
    """A message now reads differently."""

    before: Message
    message: Message


class Deleted(Struct, frozen=True, kw_only=True):
    """A message is gone."""

    message: Message


Change = Posted | Edited | Deleted


class _Stored(Struct, frozen=True, kw_only=True):
    schema: int
    last: int
    said: tuple[Message, ...]
    read: dict[str, str]
    homes: tuple[Home, ...]


class Workspace:
    """One room, its people, and their direct messages with the bot.

    `version` counts the changes, for those who may have missed one while they were busy.
    """

    def __init__(
        self, people: tuple[Person, ...] = OFFICE, *, clock: Callable[[], datetime]
    ) -> None:
        self.people = people
        self.clock = clock
        self.version = 0
        self.channels = {each.id: each for each in _channels(people)}
        self.homes: dict[str, Home] = {}
        self._said: dict[str, Message] = {}
        self._read: dict[str, str] = {}
        self._last = 0
        self._listeners: list[Callable[[Change], None]] = []
        self._waiting: list[asyncio.Future[None]] = []

    # Questions

    def person(self, user: str) -> Person:
        """Answer the person with this Slack ID."""
        for person in self.people:
            if person.slack_id == user:
                return person
        raise NotThere(f"nobody here is {user}")

    def channel(self, channel: str) -> Channel:
        """Answer the conversation with this ID."""
        if channel not in self.channels:
            raise NotThere(f"there is no conversation {channel}")
        return self.channels[channel]

    def place(self, user: str, channel: str) -> tuple[Person, Channel]:
        """Answer the person and the conversation, if the person takes part in it."""
        person, where = self.person(user), self.channel(channel)
        if user not in where.members:
            raise NotThere(f"{person.name} takes no part in {channel}")
        return person, where

    def message(self, ts: str) -> Message:
        """Answer the message with this ts, ephemeral ones included."""
        if ts not in self._said:
            raise NotThere(f"there is no message {ts}")
        return self._said[ts]

    def messages(self, channel: str = ROOM) -> tuple[Message, ...]:
        """Answer what everybody in the conversation can read, oldest first."""
        return tuple(m for m in self._in(channel) if m.only is None)

    def seen_by(self, user: str, channel: str = ROOM) -> tuple[Message, ...]:
        """Answer what this person sees there, messages only for them included."""
        return tuple(m for m in self._in(channel) if m.only in (None, user))

    def notified(self, user: str) -> tuple[Message, ...]:
        """Answer the messages that alerted this person, oldest first."""
        return tuple(m for m in self._said.values() if user in m.notifies)

    def unread(self, user: str, channel: str) -> int:
        """Count the alerts that this person has not looked at."""
        seen = self._read.get(f"{user} {channel}", "")
        return sum(m.channel == channel and m.ts > seen for m in self.notified(user))

    # Changes

    def post(self, message: Message) -> Message:
        """Say something new and alert whom it concerns; its ts is given here."""
        named = _named(replace(message, ts=self.next_ts()))
        posted = self._alerting(named)
        self._said[posted.ts] = posted
        self._tell(Posted(message=posted))
        return posted

    def edit(self, ts: str, content: Content) -> Message:
        """Make a message read differently, alerting nobody."""
        before = self.message(ts)
        self._said[ts] = _named(replace(before, content=content, edited=self.next_ts()))
        self._tell(Edited(before=before, message=self._said[ts]))
        return self._said[ts]

    def delete(self, ts: str) -> None:
        """Take a message away."""
        gone = self.message(ts)
        del self._said[ts]
        self._tell(Deleted(message=gone))

    def react(self, ts: str, user: str, emoji: str) -> None:
        """Add an emoji below a message."""
        message = self.message(ts)
        self._said[ts] = replace(message, reactions=(*message.reactions, (user, emoji)))
        self.touch()

    def publish(self, user: str, view: Json) -> Home:
        """Replace the person's Home tab."""
        known = self.homes.get(user)
        version = known.version + 1 if known else 1
        blocks = _with_block_ids(tuple(view["blocks"]), f"V{user}")
        self.homes[user] = Home(
            id=f"V{user[1:]}", user=user, version=version, view={**view, "blocks": list(blocks)}
        )
        self.touch()
        return self.homes[user]

    def read(self, user: str, channel: str) -> None:
        """Note that the person has looked at the conversation."""
        if self.unread(user, channel):
            self._read[f"{user} {channel}"] = max(self._said)
            self.touch()

    def expel(self, user: str, channel: str = ROOM) -> None:
        """Take somebody, or the bot, out of a conversation."""
        where = self.channel(channel)
        staying = tuple(member for member in where.members if member != user)
        self.channels[channel] = replace(where, members=staying)

    def archive(self, channel: str = ROOM) -> None:
        """Close a conversation to new messages."""
        self.channels[channel] = replace(self.channel(channel), archived=True)

    def dismiss(self, user: str) -> None:
        """Deactivate a person's account; what they said stays."""
        gone = replace(self.person(user), has_left=True)
        self.people = tuple(gone if each.slack_id == user else each for each in self.people)

    def next_ts(self) -> str:
        """Answer a moment later than any before, in seconds with six decimals."""
        now = int(self.clock().timestamp() * 1_000_000)
        self._last = max(now, self._last + 100)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    # Waking those who wait

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Call the listener with every message posted, edited or deleted from now on."""
        self._listeners.append(listener)

    def touch(self) -> None:
        """Wake those who wait, since something worth another look has changed."""
        self.version += 1
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)

    async def changed(self) -> None:
        """Wait for the next change."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await waiter

    async def until(
        self, predicate: Callable[["Workspace"], Found], *, within: float = 5.0
    ) -> Found:
        """Wait until the predicate answers something true of this workspace, and answer it.

        Raises:
            TimeoutError: it did not within so many seconds; the text says what the room reads.
        """
        try:
            async with asyncio.timeout(within):
                while not (found := predicate(self)):
                    await self.changed()
                return found
        except TimeoutError as error:
            said = "; ".join(f"{m.user}: {m.text}" for m in list(self._said.values())[-8:])
            raise TimeoutError(f"not within {within} s; last was said: {said}") from error

    # Keeping

    def dump(self) -> bytes:
        """Answer the chat as JSON; ephemeral messages are not kept, as on a reload of Slack."""
        return msgspec.json.encode(
            _Stored(
                schema=_STORED,
                last=self._last,
                said=tuple(m for m in self._said.values() if m.only is None),
                read=self._read,
                homes=tuple(self.homes.values()),
            )
        )

    def restore(self, dumped: bytes) -> None:
        """Take up the chat where it was dumped.

        Raises:
            UnreadableChat: it is damaged, or of another version; nothing was changed.
        """
        try:
            stored = msgspec.json.decode(dumped, type=_Stored)
        except msgspec.MsgspecError as error:
            raise UnreadableChat(f"the stored chat can't be read: {error}") from error
        if stored.schema != _STORED:
            raise UnreadableChat(f"the stored chat has version {stored.schema}")
        self._last, self._read = stored.last, stored.read
        self._said = {m.ts: m for m in stored.said if m.channel in self.channels}
        self.homes = {home.user: home for home in stored.homes}
        self.touch()

    def _in(self, channel: str) -> Iterator[Message]:
        self.channel(channel)
        return (m for m in self._said.values() if m.channel == channel)

    def _tell(self, change: Change) -> None:
        for listener in self._listeners:
            listener(change)
        self.touch()

    def _alerting(self, message: Message) -> Message:
        if message.only is not None:
            return message
        channel = self.channel(message.channel)
        shown = list(visible_texts(message.content))
        to_all = any(map(mrkdwn.pings_all, shown))
        named = {user for text in shown for user in mrkdwn.mentioned(text)}
        alerted = channel.members if to_all or channel.partner else named & {*channel.members}
        return replace(
            message,
            notifies=tuple(sorted(set(alerted) - {message.user, BOT_USER})),
            pings_all=to_all,
        )


def dm_of(user: str) -> str:
    """Answer the ID of the person's direct messages with the bot."""
    return f"D{user[1:]}"


def visible_texts(content: Content) -> Iterator[str]:
    """Answer every marked-up text that people see: the blocks', or the text where there are none.

    The text beside blocks is only a fallback: a mention that stands there alone alerts nobody.
    """
    if content.blocks:
        yield from _marked_up(content.blocks)
    else:
        yield content.text


def _marked_up(value: object) -> Iterator[str]:
    match value:
        case {"type": "mrkdwn" | "markdown", "text": str(text)}:
            yield text
        case {"type": "user", "user_id": str(user)}:
            yield f"<@{user}>"
        case {"type": "broadcast", "range": str(whom)}:
            yield f"<!{whom}>"
        case dict():
            for each in value.values():
                yield from _marked_up(each)
        case list() | tuple():
            for each in value:
                yield from _marked_up(each)


def _channels(people: tuple[Person, ...]) -> Iterator[Channel]:
    everybody = tuple(person.slack_id for person in people)
    yield Channel(id=ROOM, name=ROOM_NAME, members=(*everybody, BOT_USER))
    for user in everybody:
        yield Channel(id=dm_of(user), name="directmessage", members=(user, BOT_USER), partner=user)


def _named(message: Message) -> Message:
    blocks = _with_block_ids(message.content.blocks, message.ts)
    return replace(message, content=replace(message.content, blocks=blocks))


def _with_block_ids(blocks: tuple[Json, ...], seed: str) -> tuple[Json, ...]:
    return tuple({"block_id": f"b{place}-{seed}", **block} for place, block in enumerate(blocks))
