"""One day of an office around the bot's real parts, from the conversation to the relay."""

import heapq
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import count
from typing import cast

from bot.blocks import Message
from bot.concierge import next_wakeup
from bot.conversation import Conversation
from bot.directory import Directory
from bot.dispatch import Committed, Dispatcher
from bot.events import Asker, ClockTicked
from bot.relay import Relay, Room
from bot.rules import Rules
from bot.slack import Profile, Slack
from bot.stations import Stations
from bot.tracing import origin, unit
from chargepoint.errors import Unreachable
from chargepoint.events import (
    PortReading,
    PortStatus,
    PortStatusChanged,
    SessionStarted,
    SessionStopped,
    StationEvent,
)
from chargepoint.soap import ChargePointApi
from playground.why.clock import SimulatedClock
from queue_store.site import Site
from queue_store.store import OutboxRow, QueueStore

ROOM = "C0EVROOM"
READ_EVERY = timedelta(minutes=5)

Happening = Callable[[], Awaitable[None]]


class Office:
    """The bot, its garage, and whatever is planned to happen."""

    def __init__(
        self, store: QueueStore, clock: SimulatedClock, rules: Rules, ports: tuple[str, ...]
    ) -> None:
        self.clock = clock
        self.garage: dict[str, str | None] = dict.fromkeys(ports)
        self.on_call: Callable[[str, int, str], None] = _ignored
        self.reachable = True
        self._rules = rules
        self._sessions = count(3001)
        self._order = count()
        self._planned: list[tuple[datetime, int, Happening]] = []
        self._called: set[int] = set()
        self._due: tuple[datetime | None, str | None] = (None, None)
        self.dispatcher = Dispatcher(store, clock=clock, rules=rules)
        self.dispatcher.listen(self._after)
        slack = _Slack(clock)
        directory = Directory(slack, admins=frozenset(), clock=clock)
        self._conversation = Conversation(
            self.dispatcher, directory, clock=clock, zone=rules.zone, rules=rules
        )
        room = Room(channel=ROOM, zone=rules.zone, rules=rules)
        self._relay = Relay(store, self.dispatcher, slack, directory, room=room, clock=clock)
        # Of the API, the stations use no more than the simulated one has.
        api = cast("ChargePointApi", _Api(self))
        self._stations = Stations(self.dispatcher, api, clock=clock)

    def plan(self, at: datetime, happening: Happening) -> None:
        """Let it happen then."""
        heapq.heappush(self._planned, (at, next(self._order), happening))

    def later(self, happening: Happening, **span: float) -> None:
        """Let it happen after so long."""
        self.plan(self.clock.now() + timedelta(**span), happening)

    async def lives_until(self, end: datetime) -> None:
        """Let everything happen that is planned before then."""
        await self._reads()
        while self._planned and self._planned[0][0] <= end:
            at, _, happening = heapq.heappop(self._planned)
            await self._wakes_until(at)
            self.clock.show(at)
            await happening()
            await self._says()
        await self._wakes_until(end)

    # What people and cars do

    async def says(self, driver: str, words: str) -> None:
        """Let the driver type a command."""
        asker, key = Asker(driver=driver), f"trigger:{next(self._order)}"
        await self._conversation.said(words, asker, via="/ev", key=key)

    async def presses(self, driver: str, action: str, value: str) -> None:
        """Let the driver press a button."""
        asker, key = Asker(driver=driver, in_room=False), f"trigger:{next(self._order)}"
        await self._conversation.pressed(action, value, asker, key=key)

    async def plugs_in(self, user: str, port: str) -> None:
        """Let the car with this ChargePoint user ID plug in, as far as the network tells of it."""
        self.garage[port] = user
        session = str(next(self._sessions))
        await self._hears(
            SessionStarted(
                station=port, port="1", session=session, user=user, started=self.clock.now()
            )
        )
        await self._hears(PortStatusChanged(station=port, port="1", status=PortStatus.INUSE))

    async def plugs_out(self, port: str) -> None:
        """Let the car leave, as far as the network tells of it."""
        self.garage[port] = None
        await self._hears(SessionStopped(station=port, port="1"))
        await self._hears(PortStatusChanged(station=port, port="1", status=PortStatus.AVAILABLE))

    async def site(self) -> Site:
        """Answer the site as it stands."""
        return await self.dispatcher.site()

    # What goes on by itself

    async def _hears(self, event: StationEvent) -> None:
        if self.reachable:
            await self._stations.on_event(event)
            await self._says()

    async def _reads(self) -> None:
        await self._stations.reconcile()
        self.plan(self.clock.now() + READ_EVERY, self._reads)

    async def _says(self) -> None:
        while not (rest := await self._relay.sweep()).said:
            self.clock.turn(seconds=max(rest.seconds, 0.001))

    async def _wakes_until(self, then: datetime) -> None:
        while (due := self._due[0]) is not None and due <= then:
            self.clock.show(due)
            with unit("wake-up", origin=self._due[1]):
                await self.dispatcher.handle(ClockTicked())
            await self._says()

    def _after(self, committed: Committed) -> None:
        at = next_wakeup(committed.site, now=committed.at, rules=self._rules)
        if at != self._due[0]:
            self._due = (at, origin())
        for offer in committed.site.offers:
            if offer.number not in self._called:
                self._called.add(offer.number)
                self.on_call(offer.driver, offer.number, offer.port.partition("/")[0])


def _ignored(driver: str, offer: int, port: str) -> None:
    """Leave a call to itself."""


class _Slack(Slack):
    """A workspace that takes every message at once."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__("", api_url="https://slack.example/api/")
        self._clock = clock

    async def post(
        self,
        to: str,
        message: Message,  # noqa: ARG002 - nobody reads it
        *,
        row: OutboxRow | None = None,  # noqa: ARG002
        thread: str | None = None,  # noqa: ARG002
    ) -> tuple[str, str]:
        self._clock.turn(seconds=0.2)
        return to, f"{self._clock.now().timestamp():.6f}"

    async def update(self, channel: str, ts: str, message: Message) -> None:  # noqa: ARG002 - as above
        self._clock.turn(seconds=0.2)

    async def profile(self, user: str) -> Profile:
        return Profile(name=user, is_admin=False)


class _Api:
    """ChargePoint's API, which shows the garage as it is, or can't be reached."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def register_feed(self) -> str:
        self._answer()
        return "125001"

    async def read_ports(self) -> tuple[PortReading, ...]:
        self._answer()
        return tuple(
            PortReading(
                station=port,
                port="1",
                name=f"HQ GARAGE / {port}",
                status=PortStatus.INUSE if user else PortStatus.AVAILABLE,
                user=user,
            )
            for port, user in self._office.garage.items()
        )

    def forget_inventory(self) -> None:
        pass

    def _answer(self) -> None:
        if not self._office.reachable:
            raise Unreachable("getStationStatus failed: ConnectTimeout")
