"""The garage as the simulated ChargePoint network knows it: ports and the cars on them.

Everything that changes tells its listeners: the XMPP server, which pushes station events, and
the page. The SOAP server only reads.
"""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace


class Car(Struct, frozen=True, kw_only=True):
    """A car on a port; `user` is None for a guest whom the network does not know."""

    session: int
    since: datetime
    user: str | None = None


class GaragePort(Struct, frozen=True, kw_only=True):
    """One plug, with the name that drivers see."""

    station: str
    number: str
    name: str
    car: Car | None = None
    status: str = "AVAILABLE"


class PluggedIn(Struct, frozen=True, kw_only=True):
    """A car was plugged in."""

    port: GaragePort
    car: Car


class PluggedOut(Struct, frozen=True, kw_only=True):
    """A car left."""

    port: GaragePort
    car: Car
    at: datetime


class StatusSet(Struct, frozen=True, kw_only=True):
    """The network's word on a port changed without a car, such as a station that fell silent."""

    port: GaragePort


GarageEvent = PluggedIn | PluggedOut | StatusSet


class GarageError(Exception):
    """What was asked can't be done in a real garage either."""


FOUR_PORTS = (
    GaragePort(station="1:330001", number="1", name="HQ GARAGE / EAST"),
    GaragePort(station="1:330001", number="2", name="HQ GARAGE / EAST"),
    GaragePort(station="1:330002", number="1", name="HQ GARAGE / WEST"),
    GaragePort(station="1:330002", number="2", name="HQ GARAGE / WEST"),
)


class Garage:
    """The ports and the cars on them."""

    def __init__(
        self,
        ports: tuple[GaragePort, ...] = FOUR_PORTS,
        *,
        clock: Callable[[], datetime],
        sessions: int = 4000,
    ) -> None:
        self.ports = ports
        self.sessions = sessions
        self.clock = clock
        self._listeners: list[Callable[[GarageEvent], None]] = []

    def listen(self, listener: Callable[[GarageEvent], None]) -> None:
        """Call the listener with everything that happens from now on."""
        self._listeners.append(listener)

    def port(self, station: str, number: str) -> GaragePort:
        """Answer one port."""
        for port in self.ports:
            if (port.station, port.number) == (station, number):
                return port
        raise GarageError(f"there is no port {number} at {station}")

    def plug_in(self, station: str, number: str, *, user: str | None) -> None:
        """Plug a car in, known to the network as `user` or not at all."""
        port = self.port(station, number)
        if port.car is not None:
            raise GarageError("another car is on that port")
        self.sessions += 1
        car = Car(session=self.sessions, since=self.clock(), user=user)
        self._put(replace(port, car=car, status="INUSE"), lambda now: PluggedIn(port=now, car=car))

    def plug_out(self, station: str, number: str) -> None:
        """Unplug the car and drive away."""
        port = self.port(station, number)
        car = port.car
        if car is None:
            raise GarageError("no car is on that port")
        at = self.clock()
        self._put(
            replace(port, car=None, status="AVAILABLE"),
            lambda now: PluggedOut(port=now, car=car, at=at),
        )

    def set_status(self, station: str, number: str, status: str) -> None:
        """Make the network say this about the port, whatever is plugged in."""
        self._put(
            replace(self.port(station, number), status=status), lambda now: StatusSet(port=now)
        )

    def _put(self, port: GaragePort, event: Callable[[GaragePort], GarageEvent]) -> None:
        self.ports = tuple(
            port if (each.station, each.number) == (port.station, port.number) else each
            for each in self.ports
        )
        for listener in self._listeners:
            listener(event(port))
