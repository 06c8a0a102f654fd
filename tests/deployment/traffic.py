"""An office that never rests: people ask, are called, plug in, and go, all at once.

Everybody knows what they were told, and complains of what does not fit. Nobody is late: an offer
that runs out would leave it open whether a driver was called once or twice.
"""

import asyncio
import random
from collections.abc import Callable

from playground.garage import FOUR_PORTS
from playground.people import Person
from playground.slack.presses import Press
from playground.slack.workspace import ROOM, Message
from tests.bot.office import Neighbours

CALL = "Go and plug in"
# What Slack shows of a command that nobody took.
FAILED = "failed with the error"
# What the bot says on a machine that is too busy: whether it was taken is unknown, or it was not.
BUSY = ("couldn't confirm", "can't get at the queue")
# Whoever repeats a command that was taken after all reads that it was.
JOINED = ("joined the queue", "in the queue already")
# Far more than anything should take, on a machine that has other things to do.
PATIENCE_SECONDS = 45
PORTS = FOUR_PORTS[:2]


def people(number: int) -> tuple[Person, ...]:
    """Answer so many people, each with a car."""
    return tuple(
        Person(slack_id=f"U0N{n:02}", name=f"Number {n}", chargepoint_user=str(800100 + n))
        for n in range(number)
    )


class Traffic:
    """Everything that people do, and what they were told."""

    def __init__(self, neighbours: Neighbours, seed: int) -> None:
        self.neighbours = neighbours
        self.chance = random.Random(seed)
        self.over = asyncio.Event()
        self.asked = 0
        self.unanswered = 0
        self.failures: list[str] = []
        self.drivers = [Driver(self, person) for person in neighbours.slack.workspace.people]

    async def flow(self) -> None:
        """Let everybody do what they do, until it is over and everybody has left."""
        async with asyncio.TaskGroup() as group:
            for driver in self.drivers:
                group.create_task(driver.live())


class Driver:
    """One person, their car, and how often they have been called."""

    def __init__(self, traffic: Traffic, person: Person) -> None:
        self._traffic = traffic
        self._slack = traffic.neighbours.slack
        self._garage = traffic.neighbours.garage
        self.person = person
        self.user = person.slack_id
        self.called = 0
        # Until Slack has told a new instance the names, it has none.
        self.names = (person.name, person.slack_id)

    async def live(self) -> None:
        """Register, and then queue up and charge again and again."""
        await self.asks(f"register {self.person.chargepoint_user}", "your car")
        while not self._traffic.over.is_set():
            await self.queues_up()
            call = await self.waits()
            if call is None:
                await self.asks("remove", "left the queue", "not in the queue")
            elif self._traffic.chance.random() < 0.2:
                await self.gives_up(call)
            else:
                await self.charges(call)

    async def asks(self, text: str, *expected: str) -> str:
        """Type a command until it is taken, and read its answer, which has to say so."""
        while not self._is_answered(said := await self._asked(text)):
            await self._rests(0.05, 0.5)
        fits = not expected or any(each in said for each in expected)
        assert fits, f"{self.user} asked {text!r} and was told {said!r}"
        return said

    def _is_answered(self, said: str) -> bool:
        if FAILED in said:
            self._traffic.failures.append(said)
        elif any(each in said for each in BUSY):
            self._traffic.unanswered += 1
        else:
            return True
        return False

    async def _asked(self, text: str) -> str:
        self._traffic.asked += 1
        answer = await self._slack.command(self.user, text, channel=ROOM)
        return answer.text if answer is not None else "nothing"

    async def queues_up(self) -> None:
        """Join by a command, or by a plain message, which Slack brings again until it is taken."""
        if self._traffic.chance.random() < 0.7:
            await self.asks("add", *JOINED)
            return
        self._traffic.asked += 1
        before = len(self.joins())
        self._slack.say(self.user, "ev add")
        await self.until(lambda: len(self.joins()) > before, "nobody saw that {} joined")

    async def waits(self) -> Message | None:
        """Wait for the call, and ask this and that meanwhile; None if it is all over."""
        while not self.calls() and not self._traffic.over.is_set():
            match self._traffic.chance.randrange(3):
                case 0:
                    await self.asks("list", *self.names)
                case 1:
                    await self.asks("why")
                case 2:
                    await self.asks("status", "Chargers")
            await self._rests(0.05, 0.5)
        calls = self.calls()
        self.called += len(calls)
        return calls[0] if calls else None

    def calls(self) -> list[Message]:
        """Answer the calls that were not answered yet."""
        said = self._slack.workspace.messages(ROOM)
        mine = [each for each in said if each.by_bot and each.notifies == (self.user,)]
        return mine[self.called :]

    def joins(self) -> list[Message]:
        """Answer what the room read of one's joining, other than what answers a command."""
        said = self._traffic.neighbours.room("joined the queue")
        return [m for m in said if m.prompt is None and self.is_named_in(m.text.split("joined")[0])]

    async def gives_up(self, call: Message) -> None:
        """Leave the queue by the call's own button."""
        while CALL in self.text_of(call):
            self._traffic.asked += 1
            complaint = await self._slack.press(self.user, Press(on=call.ts, action="offer.leave"))
            if complaint is None:
                break
            self._traffic.failures.append(complaint.text)
            await self._rests(0.05, 0.5)
        await self.until(lambda: CALL not in self.text_of(call), "the call of {} stands")

    async def charges(self, call: Message) -> None:
        """Plug in where one was called to, wait until everybody sees it, and drive away."""
        port = next(each for each in PORTS if f"{each.name} {each.number}" in call.text)
        self._garage.plug_in(port.station, port.number, user=self.person.chargepoint_user)
        await self.until(lambda: "plugged in at" in self.text_of(call), "{} plugged in unseen")
        # The room takes about one message a second, as Slack allows.
        await self._rests(1.5, 3)
        self._garage.plug_out(port.station, port.number)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.is_named_in(await self.asks("status", "Chargers")):
                await self._rests(0.05, 0.5)

    def is_named_in(self, said: str) -> bool:
        return any(name in said for name in self.names)

    def text_of(self, message: Message) -> str:
        """Answer what a message says now."""
        said = self._slack.workspace.messages(ROOM)
        return next(each.text for each in said if each.ts == message.ts)

    async def until(self, happened: Callable[[], bool], complaint: str) -> None:
        """Wait until it has happened, or complain."""
        try:
            await self._slack.workspace.until(lambda _: happened(), within=PATIENCE_SECONDS)
        except TimeoutError:
            raise AssertionError(complaint.format(self.user)) from None

    async def _rests(self, least: float, most: float) -> None:
        await asyncio.sleep(self._traffic.chance.uniform(least, most))
