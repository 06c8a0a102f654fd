"""Whole weeks of an office: drivers with habits, a network that repeats, reorders and falls silent.

Everything is drawn from one source of randomness, so a week can be told again.
"""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from itertools import count
from random import Random

from msgspec import Struct

from bot.concierge import Decision
from bot.effects import CallDriver, TellMissed, TellMissedThrice, TellMissedTwice, TellMoved
from bot.events import (
    Asker,
    ClockTicked,
    Event,
    IdentityAnswered,
    JoinRequested,
    NextRequested,
    OfferAnswer,
    OfferAnswered,
    PortsRead,
    RegisterRequested,
    SessionClaimed,
)
from bot.rules import Rules
from chargepoint.events import (
    PortReading,
    PortStatus,
    PortStatusChanged,
    SessionStarted,
    SessionStopped,
    StationEvent,
)
from tests.promises import Witness

DAY = timedelta(days=1)
MISSES = TellMissed | TellMissedTwice | TellMissedThrice


class Habit(Enum):
    """What a driver does when called."""

    PROMPT = "answers, comes and plugs in"
    QUIET = "comes and plugs in without a word"
    FORGETFUL = "does nothing"
    POLITE = "says not now"
    HASTY = "plugs in wherever it is free, called or not"
    STRANGER = "comes and plugs in, and is not registered"


class Car(Struct, frozen=True):
    """A car on a port, as it truly is."""

    driver: str
    user: str
    session: str


class Office:
    """A garage and its drivers, with a witness to all that the bot decides."""

    def __init__(self, *, rules: Rules, now: datetime, habits: list[Habit], chance: Random) -> None:
        self.chance = chance
        self.witness = Witness(rules=rules, now=now)
        self.habits = {f"U{number:03}": habit for number, habit in enumerate(habits)}
        self.garage: dict[str, Car | None] = dict.fromkeys(("EAST", "WEST", "NORTH"))
        self.silent_until = now
        self._numbers = count(1)
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self.reads()
        for driver, habit in self.habits.items():
            if habit is not Habit.STRANGER:
                asker = Asker(driver=driver)
                self.happens(RegisterRequested(asker=asker, user=user_of(driver)))

    @property
    def now(self) -> datetime:
        """Answer the moment that it is."""
        return self.witness.now

    def lives(self, *, days: int, silences: bool) -> None:
        """Let so many days pass."""
        for day in range(days):
            for driver in self.habits:
                self.later(self._arrives, hours=24 * day + self.chance.uniform(0, 9), who=driver)
            self.later(self._restarts, hours=24 * day + self.chance.uniform(0, 24))
            if silences:
                self.later(self._falls_silent, hours=24 * day + self.chance.uniform(0, 12))
        self.later(self._reads_on, minutes=5)
        self._pass_until(self.now + days * DAY)

    def later(self, act: Callable[..., None], *, who: str | None = None, **span: float) -> None:
        """Let it be done after so long."""
        at, order = self.now + timedelta(**span), next(self._numbers)
        heapq.heappush(self._agenda, (at, order, act if who is None else lambda: act(who)))

    def happens(self, event: Event) -> None:
        """Let the bot know, and the drivers hear what it says."""
        self._heard(self.witness.happens(event))

    def reads(self) -> None:
        """Let SOAP show the garage as it is."""
        self.happens(PortsRead(ports=tuple(map(self._reading, self.garage))))

    def _pass_until(self, end: datetime) -> None:
        while self._agenda and self._agenda[0][0] <= end:
            at, _, act = heapq.heappop(self._agenda)
            self._wakes_until(at)
            act()

    def _wakes_until(self, at: datetime) -> None:
        while (wakeup := self.witness.wakeup) is not None and wakeup <= at:
            self.witness.now = wakeup
            self.happens(ClockTicked())
        self.witness.now = max(at, self.witness.now)

    def _heard(self, decision: Decision) -> None:
        for effect in decision.effects:
            if isinstance(effect, CallDriver):
                self.later(self.witness.posts, seconds=self.chance.uniform(0, 5))
                self._called(effect.driver)
            elif isinstance(effect, TellMoved):
                self._called(effect.driver)
            elif isinstance(effect, MISSES):
                self._missed(effect.driver)

    def _missed(self, driver: str) -> None:
        patient = self.habits[driver] in {Habit.PROMPT, Habit.QUIET}
        assert not patient or self.silent_until > self.now - 2 * DAY, (
            "whoever comes, misses nothing"
        )

    def _called(self, driver: str) -> None:
        minutes = self.chance.uniform(1, 4)
        match self.habits[driver]:
            case Habit.FORGETFUL:
                return
            case Habit.POLITE:
                self.later(lambda: self._says(driver, OfferAnswer.NOT_NOW), minutes=minutes)
            case Habit.PROMPT:
                self.later(lambda: self._says(driver, OfferAnswer.ON_MY_WAY), minutes=minutes)
                self.later(self._comes, who=driver, minutes=minutes + self.chance.uniform(2, 9))
            case _:
                self.later(self._comes, who=driver, minutes=minutes)

    def _says(self, driver: str, answer: OfferAnswer) -> None:
        offer = self.witness.site.offer_to(driver)
        if offer is not None:
            asker = Asker(driver=driver)
            self.happens(OfferAnswered(asker=asker, offer=offer.number, answer=answer))

    def _arrives(self, driver: str) -> None:
        if any(car is not None and car.driver == driver for car in self.garage.values()):
            return
        free = [station for station, car in self.garage.items() if car is None]
        if self.habits[driver] is Habit.HASTY and free:
            self._plugs_in(driver, self.chance.choice(free))
            return
        self.happens(JoinRequested(asker=Asker(driver=driver)))
        if self.chance.random() < 0.2:
            self.later(self._says_next, who=driver, minutes=self.chance.uniform(1, 60))

    def _says_next(self, driver: str) -> None:
        if all(habit is not Habit.PROMPT for habit in self.habits.values()):
            self.happens(NextRequested(asker=Asker(driver=driver)))

    def _comes(self, driver: str) -> None:
        offer = self.witness.site.offer_to(driver)
        station = offer.port.partition("/")[0] if offer is not None else ""
        if offer is not None and self.garage[station] is None:
            self._plugs_in(driver, station)
        elif offer is not None and offer.asked is not None:
            asker, session = Asker(driver=driver), offer.asked
            self.happens(
                IdentityAnswered(asker=asker, offer=offer.number, session=session, mine=False)
            )

    def _plugs_in(self, driver: str, station: str) -> None:
        car = Car(driver, user_of(driver), str(next(self._numbers)))
        self.garage[station] = car
        self._delivers(
            PortStatusChanged(station=station, port="1", status=PortStatus.INUSE),
            SessionStarted(
                station=station, port="1", session=car.session, user=car.user, started=self.now
            ),
        )
        self.later(self._says_thats_me, who=driver, minutes=self.chance.uniform(1, 30))
        self.later(lambda: self._plugs_out(station, car), hours=self.chance.uniform(0.2, 4))

    def _says_thats_me(self, driver: str) -> None:
        for port in self.witness.site.ports:
            car, session = self.garage[port.station], port.session
            if session is not None and session.carded and car is not None and car.driver == driver:
                self.happens(SessionClaimed(asker=Asker(driver=driver), session=session.number))

    def _plugs_out(self, station: str, car: Car) -> None:
        if self.garage[station] is car:
            self.garage[station] = None
            self._delivers(
                SessionStopped(station=station, port="1", session=car.session),
                PortStatusChanged(station=station, port="1", status=PortStatus.AVAILABLE),
            )

    def _delivers(self, *events: StationEvent) -> None:
        """Deliver the events within seconds, in any order, some of them twice."""
        if self.silent_until > self.now:
            return
        for event in events * self.chance.choice((1, 1, 2)):
            self.later(lambda event=event: self.happens(event), seconds=self.chance.uniform(0, 8))

    def _reads_on(self) -> None:
        if self.silent_until <= self.now:
            self.reads()
        self.later(self._reads_on, minutes=5)

    def _reading(self, station: str) -> PortReading:
        car = self.garage[station]
        status = PortStatus.AVAILABLE if car is None else PortStatus.INUSE
        user = None if car is None else car.user
        return PortReading(station=station, port="1", name=station, status=status, user=user)

    def _restarts(self) -> None:
        self.witness.restarts()
        self.reads()

    def _falls_silent(self) -> None:
        self.silent_until = self.now + timedelta(minutes=self.chance.uniform(1, 120))


def user_of(driver: str) -> str:
    """Answer the driver's ChargePoint user ID."""
    return driver.replace("U", "70")
