"""The office around the bot, whose people try again what they saw fail."""

import asyncio
from math import ceil

from playground.garage import GaragePort
from playground.slack.errors import NotThere
from playground.slack.simulation import SimulatedSlack
from playground.slack.workspace import ROOM, Message
from tests.bot.office import EAST, Neighbours
from tests.crashes.supervisor import Lives

# The network falls silent for nobody here.
MINUTES_BETWEEN_READINGS = 12

# What people read who had better try again: from Slack, and from the bot.
FAILED = ("failed with the error", "I can't get at the queue", "I couldn't confirm")

AGAIN_SECONDS = 0.05
PATIENCE_SECONDS = 30
MOST_TRIES = 400


class Office:
    """Everything around one bot, and what its people do.

    Whatever they do, they wait until it has had its consequences.
    """

    def __init__(self, neighbours: Neighbours, lives: Lives) -> None:
        self.neighbours = neighbours
        self._slack = neighbours.slack
        self._lives = lives

    async def types(self, user: str, words: str) -> None:
        """Let somebody type `/ev words`, again if they read that it failed."""
        await typed(self._slack, user, words)
        await self.settles()

    async def says(self, user: str, words: str, channel: str = ROOM) -> None:
        """Let somebody say it; Slack brings it again if the bot did not take it."""
        self._slack.say(user, words, channel)
        await self.settles()

    async def presses(self, user: str, fragment: str, action: str) -> None:
        """Let somebody press a button under the last message that says so, unless it is gone."""
        on = self.last(user, fragment)
        for _ in range(MOST_TRIES):
            try:
                shown = await self.neighbours.press(user, on, action)
            except NotThere:
                break
            if shown is None:
                break
            # Whoever saw it fail looks again before they press again.
            await self.settles()
        await self.settles()

    async def drives_off(self, port: GaragePort = EAST) -> None:
        self.neighbours.leave(port)
        await self.settles()

    async def plugs_in(self, port: GaragePort = EAST, *, user: str | None) -> None:
        self.neighbours.plug_in(port, user=user)
        await self.settles()

    async def passes(self, minutes: float) -> None:
        """Let time pass; every few minutes the ports are read, and then happens what is due."""
        hops = ceil(minutes / MINUTES_BETWEEN_READINGS)
        for _ in range(hops):
            self.neighbours.clock.turn(minutes=minutes / hops)
            # Whoever has died over it does both when it lives again.
            await self._lives.ask("look") and await self._lives.ask("tick")
            await self.settles()

    async def settles(self) -> None:
        """Wait until everything has had its consequences."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._slack.settled()
            await self._lives.settle()
            # What the bot said comes back to it as events.
            await self._slack.settled()

    def last(self, user: str, fragment: str) -> Message:
        """Answer the last message of the bot's that this person sees and that says so."""
        chat = self._slack.workspace
        seen = [
            m for c in chat.channels.values() if user in c.members for m in chat.seen_by(user, c.id)
        ]
        found = [each for each in seen if each.by_bot and fragment in each.text]
        assert found, f"{user} sees no {fragment!r}"
        return max(found, key=lambda each: each.ts)


async def typed(slack: SimulatedSlack, user: str, words: str) -> int:
    """Let somebody type `/ev words` until it doesn't fail; answer how often it took."""
    for times in range(1, MOST_TRIES + 1):
        shown = await slack.command(user, words)
        if shown is None or not any(each in shown.text for each in FAILED):
            return times
        await asyncio.sleep(AGAIN_SECONDS)
    raise AssertionError(f"{user} gives up on {words}")
