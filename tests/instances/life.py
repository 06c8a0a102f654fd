"""What happens in a world: people, cars, time, deaths and sleep, in any order."""

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import count
from random import Random
from zoneinfo import ZoneInfo

import pytest

from bot import dispatch
from bot.effects import (
    AnnounceFree,
    AskToMove,
    AskWasThatYou,
    AskWhoPluggedIn,
    CallDriver,
    Carded,
    RemindIdle,
    TellCalled,
    TellGoesOn,
    TellMoved,
    ToCard,
    card_of,
    destination,
)
from bot.events import (
    Asker,
    ClockTicked,
    ForgetConfirmed,
    IdentityAnswered,
    JoinRequested,
    LeaveRequested,
    MoveAnswered,
    NextRequested,
    OfferAnswer,
    OfferAnswered,
    PortsRead,
    RegisterRequested,
    Request,
    ResumeRequested,
    SessionClaimed,
    SuspendRequested,
)
from bot.messages import Reader, render
from chargepoint.events import (
    PortReading,
    PortStatus,
    PortStatusChanged,
    SessionStarted,
    SessionStopped,
    StationEvent,
)
from tests.instances.world import Instance, World

DRIVERS = ("U0ADA", "U0GRACE", "U0ALAN", "U0HEDY", "U0LISE")
STATIONS = ("EAST", "WEST")

# What may be worth no word any more by the time that it could be said.
OVERTAKEN = (
    CallDriver
    | TellCalled
    | TellMoved
    | TellGoesOn
    | AnnounceFree
    | RemindIdle
    | AskToMove
    | AskWhoPluggedIn
    | AskWasThatYou
)


class Life:
    """Lets things happen in a world, and looks in the end whether all is as it should be."""

    def __init__(self, world: World, chance: Random) -> None:
        self._world = world
        self._chance = chance
        self._cars: dict[str, tuple[str, str | None] | None] = dict.fromkeys(STATIONS)
        self._numbers = count(1)
        self._asked: dict[str, Request] = {}
        self._on_its_way: list[StationEvent] = []

    async def begins(self) -> None:
        """Let somebody lead, read the ports, and know three of the drivers."""
        self._passes(1.0)
        await self._world.goes_on()
        self._reads()
        for driver in DRIVERS[:3]:
            self._asks(RegisterRequested(asker=Asker(driver=driver), user=_user(driver)))
        await self._world.goes_on()

    async def goes_on(self, acts: int) -> None:
        """Let so much happen, each thing in the middle of others."""
        for _ in range(acts):
            self._anything()
            await self._world.goes_on(turns=self._chance.choice((0, 1, 2, 5, 20)))

    async def comes_to_rest(self) -> None:
        """Let nothing more go wrong, and everything be said."""
        world = self._world
        for each in world.instances:
            each.wake_up()
            each.slack.trouble = 0.0
        for seconds in (5.0,) * 8 + (50.0,) * 4 + (5.0,) * 8:
            self._passes(seconds)
            await world.goes_on()
            self._reads()
            await world.goes_on()
            self._ticks()
            await world.goes_on()
            self._says()
            await world.goes_on()

    def is_as_it_should_be(self) -> None:
        """Check that nothing was lost, and nothing said or done twice."""
        world = self._world
        assert world.shelf.rows == {}
        assert set(world.chat.rows.values()) <= {1}, world.chat.rows
        for row, effect in world.shelf.said.items():
            said = row in world.chat.rows
            edits = isinstance(destination(effect), ToCard)
            assert said or edits or isinstance(effect, OVERTAKEN), f"{effect} was lost"
        for request in world.outcomes.keys() - world.shelf.forgotten:
            first, *again = world.outcomes[request]
            assert [each.reply for each in again] == [first.reply] * len(again)
            assert sum(not each.repeated for each in (first, *again)) <= 1
        self._every_offer_was_called()
        self._every_card_reads_as_it_stands()
        self._the_site_is_the_garage()

    def _every_offer_was_called(self) -> None:
        rows = self._world.chat.rows
        called = {
            e.offer
            for r, e in self._world.shelf.said.items()
            if isinstance(e, CallDriver) and r in rows
        }
        for offer in self._world.site.offers:
            assert offer.number in called
            assert offer.deadline is not None or offer.frozen or offer.asked

    def _the_site_is_the_garage(self) -> None:
        for port in self._world.site.ports:
            assert (port.session is None) == (self._cars[port.station] is None)

    def _every_card_reads_as_it_stands(self) -> None:
        world = self._world
        reader = Reader(now=world.time.now(), zone=ZoneInfo("UTC"), rules=world.rules, names={})
        texts = {each.row: each.text for each in world.chat.posted}
        carded = [(r, e) for r, e in sorted(world.shelf.said.items()) if isinstance(e, Carded)]
        posted = {card_of(e): r for r, e in carded if not isinstance(destination(e), ToCard)}
        edited = {card_of(e): e for _, e in carded if isinstance(destination(e), ToCard)}
        for card, effect in edited.items():
            if posted[card] in texts:
                assert texts[posted[card]] == render(effect, reader).text, card

    def _anything(self) -> None:
        acts: dict[Callable[[], object], float] = {
            self._somebody_asks: 8,
            self._slack_repeats: 3,
            self._a_car_comes_or_goes: 4,
            self._the_network_tells: 5,
            self._reads: 2,
            self._ticks: 3,
            self._says: 10,
            self._keeps: 6,
            self._somebody_dies: 0.7,
            self._somebody_sleeps: 0.7,
            self._somebody_wakes_up: 2,
        }
        passing: Callable[[], object] = partial(
            self._passes, self._chance.choice((0.5, 2.0, 6.0, 6.0, 20.0, 400.0))
        )
        self._chance.choices([*acts, passing], [*acts.values(), 6])[0]()

    # People

    def _somebody_asks(self) -> None:
        self._asks(self._request(Asker(driver=self._chance.choice(DRIVERS))))

    def _slack_repeats(self) -> None:
        if self._asked:
            key = self._chance.choice([*self._asked])
            self._anybody.handle(self._asked[key], key)

    def _asks(self, request: Request) -> None:
        key = f"trigger:{next(self._numbers)}"
        self._asked[key] = request
        self._anybody.handle(request, key)

    def _request(self, asker: Asker) -> Request:
        chance, site = self._chance, self._world.site
        offers = [each for each in site.offers if each.driver == asker.driver]
        sessions = [port.session for port in site.ports if port.session]
        if offers and chance.random() < 0.7:
            offer = offers[0]
            if offer.asked is not None:
                mine = chance.random() < 0.5
                return IdentityAnswered(
                    asker=asker, offer=offer.number, session=offer.asked, mine=mine
                )
            answer = chance.choice([*OfferAnswer])
            return OfferAnswered(asker=asker, offer=offer.number, answer=answer)
        if sessions and chance.random() < 0.2:
            number = chance.choice(sessions).number
            if chance.random() < 0.5:
                return SessionClaimed(asker=asker, session=number)
            return MoveAnswered(asker=asker, session=number, minutes=15)
        kinds: tuple[Callable[[], Request], ...] = (
            lambda: JoinRequested(asker=asker),
            lambda: JoinRequested(asker=asker),
            lambda: JoinRequested(asker=asker),
            lambda: LeaveRequested(asker=asker),
            lambda: SuspendRequested(asker=asker, minutes=1),
            lambda: ResumeRequested(asker=asker),
            lambda: NextRequested(asker=asker),
            lambda: ForgetConfirmed(asker=asker),
        )
        return chance.choice(kinds)()

    # Cars

    def _a_car_comes_or_goes(self) -> None:
        station = self._chance.choice(STATIONS)
        car = self._cars[station]
        if car is not None:
            self._cars[station] = None
            self._on_its_way += [
                SessionStopped(station=station, port="1", session=car[0]),
                PortStatusChanged(station=station, port="1", status=PortStatus.AVAILABLE),
            ]
            return
        user = self._chance.choice([None, "700199", *map(_user, DRIVERS)])
        session = str(next(self._numbers))
        self._cars[station] = session, user
        self._on_its_way += [
            SessionStarted(
                station=station,
                port="1",
                session=session,
                user=user,
                started=self._world.time.now(),
            ),
            PortStatusChanged(station=station, port="1", status=PortStatus.INUSE),
        ]

    def _the_network_tells(self) -> None:
        """Bring an event, perhaps once more later, to whoever listens; or to nobody."""
        if not self._on_its_way:
            return
        event = self._chance.choice(self._on_its_way[:3])
        if self._chance.random() < 0.8:
            self._on_its_way.remove(event)
        for each in self._world.leaders:
            each.handle(event)

    def _reads(self) -> None:
        readings = tuple(self._reading(station) for station in STATIONS)
        for each in self._world.leaders:
            each.handle(PortsRead(ports=readings))

    def _reading(self, station: str) -> PortReading:
        car = self._cars[station]
        return PortReading(
            station=station,
            port="1",
            name=station,
            status=PortStatus.INUSE if car else PortStatus.AVAILABLE,
            user=car[1] if car else None,
        )

    # Instances

    @property
    def _anybody(self) -> Instance:
        return self._chance.choice(self._world.instances)

    def _ticks(self) -> None:
        for each in self._world.leaders:
            each.handle(ClockTicked())

    def _says(self) -> None:
        for each in self._world.instances:
            each.sweep()

    def _keeps(self) -> None:
        for each in self._world.instances:
            each.keep()

    def _somebody_dies(self) -> None:
        self._world.dies(self._chance.randrange(len(self._world.instances)))

    def _somebody_sleeps(self) -> None:
        self._anybody.is_awake = False

    def _somebody_wakes_up(self) -> None:
        self._anybody.wake_up()

    def _passes(self, seconds: float) -> None:
        self._world.time.turn(seconds)
        for each in self._world.instances:
            if each.is_awake:
                each.notice()
        self._keeps()


async def lived(seed: int, *, acts: int, trouble: float) -> Counter[str]:
    """Let two instances live through so many acts, and count what happened.

    Raises:
        AssertionError: something was lost or doubled, or decided as nobody would have alone.
    """
    chance = Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        # Nobody here waits for time: whoever fights over the revision waits for a turn.
        patch.setattr(dispatch, "LONGEST_PAUSE_SECONDS", 0.0)
        async with asyncio.TaskGroup() as group:
            world = World(group, chance, trouble=trouble)
            life = Life(world, chance)
            await life.begins()
            await life.goes_on(acts)
            await life.comes_to_rest()
            life.is_as_it_should_be()
    return world.happened


def _user(driver: str) -> str:
    return f"70{DRIVERS.index(driver):04d}"
