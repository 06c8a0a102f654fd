"""A story of one site: what happens, when, and what the rules make of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.concierge import Decision, decide, next_wakeup
from bot.effects import CallDriver, Effect, offer_card
from bot.events import (
    Asker,
    CardPosted,
    ClockTicked,
    Event,
    JoinRequested,
    LeaveRequested,
    ListRequested,
    NextRequested,
    PortsListed,
    RegisterRequested,
    Request,
    ResumeRequested,
    StatusRequested,
    SuspendRequested,
)
from bot.replies import Reply
from bot.rules import Rules
from chargepoint.events import PortReading, PortStatus, PortStatusChanged, SessionStarted
from queue_store.site import Port, Site, port_id

ADA, GRACE, ALAN, HEDY = "U0ADA", "U0GRACE", "U0ALAN", "U0HEDY"
EAST, WEST = "1:330001", "1:330002"
ZONE = ZoneInfo("America/Los_Angeles")
NINE = datetime(2026, 11, 23, 17, tzinfo=UTC)

REQUESTS: dict[str, Callable[[Asker], Request]] = {
    "add": lambda asker: JoinRequested(asker=asker),
    "remove": lambda asker: LeaveRequested(asker=asker),
    "suspend": lambda asker: SuspendRequested(asker=asker),
    "resume": lambda asker: ResumeRequested(asker=asker),
    "next": lambda asker: NextRequested(asker=asker),
    "list": lambda asker: ListRequested(asker=asker),
    "status": lambda asker: StatusRequested(asker=asker),
}


class Story:
    """The site as it goes on; it starts at nine in the morning with free ports on two stations."""

    def __init__(
        self, *, stations: tuple[str, ...] = (EAST, WEST), rules: Rules | None = None
    ) -> None:
        self.rules = rules or Rules()
        self.now = NINE
        self.site = Site(id="office")
        self.sessions = 4000
        self.posts = True
        self.happens(PortsListed(ports=tuple(reading(station) for station in stations)))

    def happens(self, event: Event) -> tuple[Effect, ...]:
        """Let it happen and answer what is said; a call is posted at once unless Slack is down."""
        return self.decides(event).effects

    def decides(self, event: Event) -> Decision:
        """Let it happen and answer the whole decision."""
        decision = decide(self.site, event, now=self.now, rules=self.rules)
        self.site = decision.site
        if self.posts:
            for effect in decision.effects:
                if isinstance(effect, CallDriver):
                    self.happens(CardPosted(card=offer_card(effect.offer), at=self.now))
        return decision

    def says(
        self, driver: str, command: str, *, admin: bool = False, in_room: bool = True
    ) -> tuple[Effect, ...]:
        """Let the driver say it in the room."""
        asker = Asker(driver=driver, admin=admin, in_room=in_room)
        return self.happens(REQUESTS[command](asker))

    def asks(self, driver: str, command: str, *, admin: bool = False) -> Reply | None:
        """Let the driver say it and answer what they are told."""
        asker = Asker(driver=driver, admin=admin)
        return self.decides(REQUESTS[command](asker)).reply

    def registers(self, driver: str, user: str) -> tuple[Effect, ...]:
        """Tie a ChargePoint user ID to the driver."""
        return self.happens(RegisterRequested(asker=Asker(driver=driver), user=user))

    def plugs_in(self, station: str, user: str | None = None) -> tuple[Effect, ...]:
        """Plug a car in, as the network reports it."""
        self.sessions += 1
        return self.happens(
            SessionStarted(
                station=station,
                port="1",
                session=str(self.sessions),
                user=user,
                started=self.now,
            )
        )

    def plugs_out(self, station: str) -> tuple[Effect, ...]:
        """Let the car leave, as the network reports it."""
        return self.reports(station, PortStatus.AVAILABLE)

    def reports(self, station: str, status: PortStatus) -> tuple[Effect, ...]:
        """Let the network say this of the port."""
        return self.happens(PortStatusChanged(station=station, port="1", status=status))

    def later(self, **span: float) -> tuple[Effect, ...]:
        """Let time pass, waking when the rules ask to be woken, and answer all that is said."""
        until = self.now + timedelta(**span)
        said: tuple[Effect, ...] = ()
        while (wakeup := next_wakeup(self.site, rules=self.rules)) and wakeup <= until:
            self.now = max(self.now, wakeup)
            said += self.happens(ClockTicked())
        self.now = until
        return said + self.happens(ClockTicked())

    def port(self, station: str) -> Port:
        """Answer the station's only port."""
        port = self.site.port(port_id(station, "1"))
        assert port is not None
        return port

    @property
    def queue(self) -> list[str]:
        """The drivers in order."""
        return [entry.driver for entry in self.site.queue]

    @property
    def called(self) -> list[str]:
        """The drivers who hold an offer, called first first."""
        return [offer.driver for offer in self.site.offers]


def reading(
    station: str, status: PortStatus = PortStatus.AVAILABLE, user: str | None = None
) -> PortReading:
    """Read the only port of a station."""
    return PortReading(station=station, port="1", name=name(station), status=status, user=user)


def name(station: str) -> str:
    """Name a station's only port as people see it."""
    return {EAST: "HQ GARAGE / EAST", WEST: "HQ GARAGE / WEST"}.get(station, station)
