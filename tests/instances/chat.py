"""A Slack that takes what a relay says, now and then without an answer, and has a history."""

from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeVar

from msgspec import Struct

from bot.blocks import Message
from bot.errors import SlackUnavailable
from queue_store.store import OutboxRow

_T = TypeVar("_T")

Pause = Callable[[], Awaitable[None]]


class Posted(Struct, kw_only=True):
    """A message that was taken, as it reads now."""

    channel: str
    ts: str
    text: str
    row: str | None


class Chat:
    """Everything that was ever said."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.posted: list[Posted] = []
        self._now = now

    def post(self, channel: str, message: Message, row: OutboxRow | None) -> tuple[str, str]:
        ts = f"{self._now() + len(self.posted) * 1e-6:.6f}"
        named = row.id if row else None
        self.posted.append(Posted(channel=channel, ts=ts, text=message.text, row=named))
        return channel, ts

    @property
    def rows(self) -> Counter[str]:
        """Count how often each row was said."""
        return Counter(each.row for each in self.posted if each.row)


class Slack:
    """One instance's way to the chat; `trouble` is how likely a call fails in either way.

    What is sent is sent at once: only the answer takes its time.
    """

    def __init__(self, chat: Chat, *, pause: Pause, chance: Random, trouble: float) -> None:
        self._chat = chat
        self._pause = pause
        self._chance = chance
        self.trouble = trouble

    async def post(
        self, channel: str, message: Message, *, row: OutboxRow | None = None
    ) -> tuple[str, str]:
        return await self._do(lambda: self._chat.post(channel, message, row))

    async def tell(self, user: str, message: Message, *, row: OutboxRow) -> tuple[str, str]:
        return await self.post(f"D{user}", message, row=row)

    async def update(self, channel: str, ts: str, message: Message) -> None:
        def update() -> None:
            for each in self._chat.posted:
                if (each.channel, each.ts) == (channel, ts):
                    each.text = message.text

        await self._do(update)

    async def find(self, to: str, row: OutboxRow) -> tuple[str, str] | None:
        await self._pause()
        there = (to, f"D{to}")
        found = [p for p in self._chat.posted if p.row == row.id and p.channel in there]
        await self._pause()
        return (found[0].channel, found[0].ts) if found else None

    async def _do(self, work: Callable[[], _T]) -> _T:
        if self._chance.random() < self.trouble:
            raise SlackUnavailable("chat", "ratelimited", retry_after=0.0, obeyed=False)
        answer = work()
        await self._pause()
        if self._chance.random() < self.trouble:
            raise SlackUnavailable("chat", "TimeoutError", retry_after=0.0)
        return answer
