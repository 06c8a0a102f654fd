"""The people of a month: they come, wait, charge and go, and react to what the bot says."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from itertools import count
from random import Random

from playground.garage import GaragePort
from playground.month.people import Visit
from playground.people import Person
from playground.slack.errors import NotThere
from playground.slack.workspace import ROOM, Change, Message, Posted
from tests.bot.office import Clock, Neighbours
from tests.crashes.people import FAILED, typed

A_MOMENT = timedelta(minutes=1)
CALLED = "is free and held for you until"
ASKED_TO_MOVE = "Could you make room"
ASKED_WHETHER = "Was that you?"
_HELD = re.compile(r"held (for you|until)")
_PORT = re.compile(r"\*([^*]+)\*")

Act = Callable[[], Awaitable[None]]


class People:
    """Everybody who works there, each with a visit on some days."""

    def __init__(self, neighbours: Neighbours, visits: tuple[Visit, ...], chance: Random) -> None:
        self.counts: Counter[str] = Counter()
        self._neighbours = neighbours
        self._chance = chance
        self._today: dict[str, Visit] = {}
        self._excused: set[tuple[str, datetime]] = set()
        self._order = count()
        self._agenda: list[tuple[datetime, int, Act]] = []
        neighbours.slack.workspace.listen(self._reads)
        for visit in visits:
            self._plan(visit.arrives, partial(self._arrives, visit))
            self._plan(visit.leaves, partial(self._goes_home, visit))

    def next_at(self) -> datetime | None:
        """Answer when somebody does something next."""
        return self._agenda[0][0] if self._agenda else None

    async def act(self) -> None:
        """Let everybody do what they meant to do by now."""
        while self._agenda and self._agenda[0][0] <= self._now:
            _, _, act = heappop(self._agenda)
            await act()

    @property
    def clock(self) -> Clock:
        """The clock on their wall."""
        return self._neighbours.clock

    async def are_heard(self) -> None:
        """Wait until the bot has taken whatever they said."""
        await self._neighbours.slack.settled()

    # What they do

    async def _arrives(self, visit: Visit) -> None:
        self._today[visit.driver] = visit
        if not _is_shy(visit.driver):
            await self._types(visit, f"register {visit.user}")
        free = [port for port in self._neighbours.garage.ports if port.car is None]
        if visit.jumps and free:
            self._plugs_in(visit, free[0])
        elif self._chance.random() < 0.3:
            self.counts["messages"] += 1
            self._neighbours.slack.say(visit.driver, "ev add")
        else:
            await self._types(visit, "add")

    async def _goes_home(self, visit: Visit) -> None:
        await self._types(visit, self._chance.choice(("remove", "leave")))
        if self._chance.random() < 0.05:
            await self._types(visit, "forget me")

    async def _walks_there(self, visit: Visit, called: str) -> None:
        # The message may have been edited meanwhile: another port, or none.
        text = self._neighbours.slack.workspace.message(called).text
        port = self._port(text) if _HELD.search(text) else None
        if port is not None and port.car is None and self._now < visit.leaves:
            self._plugs_in(visit, port)

    async def _presses(self, visit: Visit, on: Message, action: str) -> None:
        self.counts["buttons"] += 1
        for _ in range(100):
            try:
                shown = await self._neighbours.press(visit.driver, on, action)
            except NotThere:
                return
            if shown is None or not any(each in shown.text for each in FAILED):
                return
            self.counts["tried again"] += 1

    async def _types(self, visit: Visit, words: str) -> None:
        self.counts["commands"] += 1
        self.counts["tried again"] += await typed(self._neighbours.slack, visit.driver, words) - 1

    def _plugs_in(self, visit: Visit, port: GaragePort) -> None:
        self._neighbours.plug_in(port, user=visit.user)
        self.counts["plug-ins"] += 1
        gone = min(self._now + visit.needs + visit.lingers, max(visit.leaves, self._now))
        self._plan(gone, partial(self._drives_off, visit, port))

    async def _drives_off(self, visit: Visit, port: GaragePort) -> None:
        there = self._neighbours.garage.port(port.station, port.number).car
        if there is not None and there.user == visit.user:
            self._neighbours.leave(port)
            self.counts["plug-outs"] += 1

    # What they read

    def _reads(self, change: Change) -> None:
        said = change.message
        if not isinstance(change, Posted) or not said.by_bot:
            return
        for driver in said.notifies:
            visit = self._today.get(driver)
            if visit is not None:
                self._reacts(visit, said)

    def _reacts(self, visit: Visit, said: Message) -> None:
        soon = self._now + A_MOMENT
        if CALLED in said.text and said.channel == ROOM:
            self._is_called(visit, said)
        elif ASKED_TO_MOVE in said.text:
            action = "move.later" if self._chance.random() < 0.5 else "move.now"
            self._plan(soon, partial(self._presses, visit, said, action))
            for port in self._neighbours.garage.ports:
                self._plan(soon + visit.moves, partial(self._drives_off, visit, port))
        elif ASKED_WHETHER in said.text:
            self._plan(soon, partial(self._presses, visit, said, "was.mine"))

    def _is_called(self, visit: Visit, said: Message) -> None:
        first = (visit.driver, visit.arrives) not in self._excused
        self._excused.add((visit.driver, visit.arrives))
        if first and visit.no_show:
            return
        soon = self._now + A_MOMENT
        if first and visit.not_now:
            self._plan(soon, partial(self._presses, visit, said, "offer.not_now"))
            return
        self._plan(soon, partial(self._presses, visit, said, "offer.on_my_way"))
        self._plan(self._now + visit.walk, partial(self._walks_there, visit, said.ts))

    def _port(self, text: str) -> GaragePort | None:
        """Answer the port that a message is about."""
        named = _PORT.search(text)
        label = named[1] if named else None
        ports = self._neighbours.garage.ports
        return next((p for p in ports if f"{p.name} {p.number}" == label), None)

    def _plan(self, at: datetime, act: Act) -> None:
        heappush(self._agenda, (max(at, self._now), next(self._order), act))

    @property
    def _now(self) -> datetime:
        return self.clock.now()


def office(drivers: int) -> tuple[Person, ...]:
    """Answer everybody who works there."""
    return tuple(
        Person(
            slack_id=f"U{number:04d}", name=f"Number {number}", chargepoint_user=f"7{number:04d}"
        )
        for number in range(drivers)
    )


def _is_shy(driver: str) -> bool:
    """Whether somebody tells nobody their ChargePoint ID before they are asked."""
    return int(driver[1:]) % 5 == 0
