"""A story of one site: what happens, when, and what the rules make of it."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from bot.commands import parse, pressed
from bot.concierge import Decision, decide, next_wakeup
from bot.effects import CallDriver, Effect, offer_card
from bot.events import Asker, CardPosted, ClockTicked, Event, PortsRead
from bot.quiet import QuietTimes
from bot.replies import Reply
from bot.rules import Rules
from chargepoint.events import (
    PortReading,
    PortStatus,
    PortStatusChanged,
    SessionStarted,
    SessionStopped,
)
from queue_store.site import Entry, Port, Session, Site, port_id
from queue_store.stored import decoded, encoded

ADA, GRACE, ALAN, HEDY = "U0ADA", "U0GRACE", "U0ALAN", "U0HEDY"
EAST, WEST = "1:330001", "1:330002"
ZONE = ZoneInfo("America/Los_Angeles")
NINE = datetime(2026, 11, 23, 17, tzinfo=UTC)  # a Monday, nine in the morning at the site
RULES = Rules(zone=ZONE)
QUIET = Rules(
    zone=ZONE,
    quiet=QuietTimes(zone=ZONE, hours=(time(20), time(6)), days=frozenset({5, 6})),
)
READ_EVERY = timedelta(minutes=5)

_effects = msgspec.json.Decoder(Effect)

BUTTONS = {
    "on my way": "offer.on_my_way",
    "not now": "offer.not_now",
    "can't use it": "offer.cant_use_it",
    "leave the queue": "offer.leave",
    "moving now": "move.now",
    "15 more minutes": "move.later",
    "can't until": "move.until",
    "yes, that's me": "was.mine",
    "no": "was.not_mine",
    "that's me": "session.claim",
    "it's a guest": "session.disown",
    "undo": "session.undo",
    "that's not me": "session.not_mine",
    "give it to the new driver": "dispute.grant",
    "leave it": "dispute.deny",
    "rejoin": "queue.rejoin",
    "forget me": "forget.confirm",
}


class Story:
    """The site as it goes on; it starts at nine in the morning with free ports on two stations.

    The ports are read every five minutes, as ever, unless the network is out of reach.
    """

    def __init__(
        self,
        *,
        stations: tuple[str, ...] = (EAST, WEST),
        rules: Rules = RULES,
        now: datetime = NINE,
    ) -> None:
        self.rules = rules
        self.now = now
        self.site = Site(id="office")
        self._reply: Reply | None = None
        self.posts = True
        self.online = True
        self._sessions = 4000
        self._garage = {station: reading(station) for station in stations}
        self.happens(PortsRead(ports=self._seen))
        self._next_reading = now + READ_EVERY

    def happens(self, event: Event) -> tuple[Effect, ...]:
        """Let it happen and answer what is said; a call is posted at once unless Slack is down."""
        return self.decides(event).effects

    def decides(self, event: Event) -> Decision:
        """Let it happen and answer the whole decision."""
        decision = decide(self.site, event, now=self.now, rules=self.rules)
        self.site, self._reply = decision.site, decision.reply
        assert_kept(decision)
        for effect in decision.effects if self.posts else ():
            if isinstance(effect, CallDriver):
                card = offer_card(effect.offer)
                posted = CardPosted(card=card, at=self.now)
                self.site = decide(self.site, posted, now=self.now, rules=self.rules).site
        return decision

    def says(
        self, driver: str, words: str, *, admin: bool = False, in_room: bool = True
    ) -> tuple[Effect, ...]:
        """Let the driver type it in the room, and answer what follows."""
        return self.happens(parse(words, Asker(driver=driver, admin=admin, in_room=in_room)))

    def asks(self, driver: str, words: str, *, admin: bool = False) -> Reply | None:
        """Let the driver type it, and answer what they are told."""
        self.says(driver, words, admin=admin)
        return self._reply

    def reply(self) -> Reply | None:
        """Answer what was told last to somebody who asked or pressed."""
        return self._reply

    def presses(
        self, driver: str, button: str, *numbers: int, admin: bool = False
    ) -> tuple[Effect, ...]:
        """Let the driver press it; under their own call unless another number is given."""
        offer = self.site.offer_to(driver)
        if not numbers and offer is not None:
            numbers = (offer.number,) if offer.asked is None else (offer.number, offer.asked)
        value = "-".join(map(str, numbers or (0,)))
        request = pressed(BUTTONS[button], value, Asker(driver=driver, admin=admin))
        assert request is not None
        return self.happens(request)

    def joins(self, *drivers: str) -> None:
        """Let them join the queue one after another."""
        for driver in drivers:
            self.says(driver, "add")

    def registers(self, driver: str, user: str) -> tuple[Effect, ...]:
        """Tie a ChargePoint user ID to the driver."""
        return self.says(driver, f"register {user}")

    def plugs_in(self, station: str, user: str | None = None) -> tuple[Effect, ...]:
        """Plug a car in, as the network reports it."""
        self._sessions += 1
        self._garage[station] = reading(station, PortStatus.INUSE, user)
        return self.happens(
            SessionStarted(
                station=station,
                port="1",
                session=str(self._sessions),
                user=user,
                started=self.now,
            )
        )

    def plugs_out(self, station: str) -> tuple[Effect, ...]:
        """Let the car leave, as the network reports it."""
        return self.reports(station, PortStatus.AVAILABLE)

    def reports(self, station: str, status: PortStatus) -> tuple[Effect, ...]:
        """Let the network say this of the port."""
        if station in self._garage:
            self._garage[station] = replace(self._garage[station], status=status)
        return self.happens(PortStatusChanged(station=station, port="1", status=status))

    def introduces(
        self, station: str, *, user: str | None, started: datetime | None = None
    ) -> tuple[Effect, ...]:
        """Let the network say who has plugged in, some time after the plug-in."""
        self._garage[station] = reading(station, PortStatus.INUSE, user)
        return self.happens(
            SessionStarted(
                station=station, port="1", session=str(self._sessions), user=user, started=started
            )
        )

    def stops(self, station: str, session: str) -> Decision:
        """Let the network say that this session stopped, which frees nothing yet."""
        return self.decides(SessionStopped(station=station, port="1", session=session))

    def falls_silent(self, station: str) -> None:
        """Let the network say no more than when it last heard from the station."""
        self._garage[station] = replace(self._garage[station], heard=self.now)

    def speaks_again(self, station: str) -> tuple[Effect, ...]:
        """Let the station be heard again."""
        self._garage[station] = replace(self._garage[station], heard=None)
        return self.happens(PortsRead(ports=self._seen))

    def reads(self, *readings: PortReading) -> tuple[Effect, ...]:
        """Let SOAP show the ports like this from now on."""
        self._garage = {reading.station: reading for reading in readings}
        return self.happens(PortsRead(ports=readings))

    def later(self, **span: float) -> tuple[Effect, ...]:
        """Let time pass and answer all that is said meanwhile."""
        return self.until(self.now + timedelta(**span))

    def at(self, clock: str) -> tuple[Effect, ...]:
        """Let time pass until the site's clock shows this next."""
        hour, minute = map(int, clock.split(":"))
        local = self.now.astimezone(self.rules.zone)
        then = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return self.until((then if then > local else then + timedelta(days=1)).astimezone(UTC))

    def until(self, then: datetime) -> tuple[Effect, ...]:
        """Let time pass, waking when the rules ask to be woken, and reading the ports."""
        said: tuple[Effect, ...] = ()
        while (due := min(self._next_reading, self.wakeup or self._next_reading)) <= then:
            said += self._passes(due)
            if self._next_reading <= due:
                self._next_reading = due + READ_EVERY
                said += self.happens(PortsRead(ports=self._seen)) if self.online else ()
        return said + self._passes(then)

    def after(self, **span: float) -> datetime:
        """Answer the moment that is so far ahead."""
        return self.now + timedelta(**span)

    def port(self, station: str) -> Port:
        """Answer the station's only port."""
        port = self.site.port(port_id(station, "1"))
        assert port is not None
        return port

    def session(self, station: str) -> Session:
        """Answer what is known of the car on the station's only port."""
        session = self.port(station).session
        assert session is not None
        return session

    def entry(self, driver: str) -> Entry:
        """Answer the driver's place in the queue."""
        entry = self.site.entry(driver)
        assert entry is not None
        return entry

    @property
    def wakeup(self) -> datetime | None:
        """When the rules ask to be woken."""
        wakeup = next_wakeup(self.site, now=self.now, rules=self.rules)
        assert wakeup is None or wakeup > self.now, "the bot would be woken for ever"
        return wakeup

    @property
    def queue(self) -> list[str]:
        """The drivers in order."""
        return [entry.driver for entry in self.site.queue]

    @property
    def called(self) -> list[str]:
        """The drivers who hold an offer, called first first."""
        return [offer.driver for offer in self.site.offers]

    @property
    def _seen(self) -> tuple[PortReading, ...]:
        return tuple(self._garage.values())

    def _passes(self, then: datetime) -> tuple[Effect, ...]:
        before, wakeup, self.now = self.site, self.wakeup, then
        said = self.happens(ClockTicked())
        due = wakeup is not None and wakeup <= then
        assert due or (said, self.site) == ((), before), "nobody would have woken the bot for this"
        return said


def assert_kept(decision: Decision) -> None:
    """Check that what was decided comes back from a store as it was."""
    assert decoded(encoded(decision.site), site=decision.site.id) == decision.site
    for effect in decision.effects:
        assert _effects.decode(msgspec.json.encode(effect)) == effect


def reading(
    station: str, status: PortStatus = PortStatus.AVAILABLE, user: str | None = None
) -> PortReading:
    """Read the only port of a station."""
    return PortReading(station=station, port="1", name=name(station), status=status, user=user)


def name(station: str) -> str:
    """Name a station's only port as people see it."""
    return {EAST: "HQ GARAGE / EAST", WEST: "HQ GARAGE / WEST"}.get(station, station)
