"""The site as one immutable value: who waits, who is called, who is plugged in.

A site is one room, one group of stations and one time zone. It is loaded whole and replaced
whole. Here are its parts, questions about it and small steps on it; the rules that decide when
to take which step are the bot's. Every time is aware.
"""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from queue_store.moments import Moment

SCHEMA = 1

# Of a port that was free when it was first seen nobody knows since when: it comes last.
UNKNOWN = datetime.max.replace(tzinfo=UTC)


class Availability(StrEnum):
    """Whether a port could take a car, as the network last said."""

    AVAILABLE = "available"
    IN_USE = "in use"
    OUT_OF_SERVICE = "out of service"


class PortState(StrEnum):
    """A port as people see it."""

    FREE = "free"
    OFFERED = "offered"
    CHARGING = "charging"
    HELD_BACK = "held back"
    OUT_OF_SERVICE = "out of service"


class Because(StrEnum):
    """Why a driver is suspended."""

    ASKED = "asked"
    NOT_NOW = "not now"
    MISSED = "missed"
    PASSED_OVER = "passed over"


class Entry(Struct, frozen=True, kw_only=True):
    """A driver's place in the queue; a suspended driver keeps it and is passed over.

    `resumes` is when a timed suspension ends by itself, None for one that lasts until the driver
    says so. `until` is when the driver wants to have left, should nobody have called them.
    """

    driver: str
    joined: Moment
    until: Moment | None = None
    suspended: Because | None = None
    resumes: Moment | None = None


class Promise(Struct, frozen=True, kw_only=True):
    """What a driver who was asked to move said: not before `at`; None is now."""

    at: Moment | None = None


class Session(Struct, frozen=True, kw_only=True):
    """One car on one port, from plug-in to plug-out.

    `user` is a ChargePoint user ID, `driver` a Slack one; either may be unknown. `since_known` is
    False where the car was found plugged in and was there at least since `since`. `noticed` is
    True once the plug-in has had its consequences for the queue, `carded` once the room was asked
    whose car it is. `asked` counts the requests to move, the next of which is not before `ask_at`;
    `promise` is the answer to the last one.
    """

    number: int
    since: Moment
    network_id: str | None = None
    user: str | None = None
    driver: str | None = None
    since_known: bool = True
    noticed: bool = False
    carded: bool = False
    asked: int = 0
    ask_at: Moment | None = None
    promise: Promise | None = None


class Departure(Struct, frozen=True, kw_only=True):
    """The session that ended last on a port, and when."""

    session: Session
    at: Moment


class Hold(StrEnum):
    """Why a port is held back from offers."""

    REPORTED = "reported"
    PAUSED = "paused"


class Port(Struct, frozen=True, kw_only=True):
    """One plug of a station.

    `heard` is the station's last word, `spoken` the last time that the event stream itself spoke
    of this port, `doubted` what a reading said that the stream had just contradicted. `silent`
    marks a port whose station fell silent while others speak. `idle_since` counts from the
    plug-out or from the end of the last offer. `news` marks a port that became free and of which
    nobody has been told yet; `reminded` that the room was reminded in this idle period.
    """

    id: str
    station: str
    number: str
    name: str
    availability: Availability
    heard: Moment
    spoken: Moment | None = None
    doubted: Availability | None = None
    silent: bool = False
    held_back: Hold | None = None
    session: Session | None = None
    left: Departure | None = None
    idle_since: Moment | None = None
    news: bool = False
    reminded: bool = False


class Offer(Struct, frozen=True, kw_only=True):
    """A free port held for one driver; `deadline` is None until the call has been posted.

    `asked` is the session of an unknown car of which the driver was asked whether it is theirs.
    `frozen` is since when the port's station has been silent or out of service. Either stops the
    offer from running out; `interrupted` is how long such interruptions have lasted in all, or
    have prolonged it.
    """

    number: int
    port: str
    driver: str
    made: Moment
    deadline: Moment | None = None
    accepted: bool = False
    asked: int | None = None
    frozen: Moment | None = None
    interrupted: timedelta = timedelta()


class Misses(Struct, frozen=True, kw_only=True):
    """How many offers a driver let run out on a day of the site's."""

    day: date
    count: int


class Miss(Struct, frozen=True, kw_only=True):
    """An offer that ran out a moment ago, should its driver prove to have plugged in."""

    driver: str
    offer: int
    at: Moment


class Claim(Struct, frozen=True, kw_only=True):
    """A session that somebody said was theirs, and what it takes to undo that.

    `user` is set only where the claim registered it; `entry` stood before those `behind` it.
    """

    session: int
    port: str
    driver: str
    at: Moment
    user: str | None = None
    entry: Entry | None = None
    behind: tuple[str, ...] = ()


class Dispute(Struct, frozen=True, kw_only=True):
    """A ChargePoint user ID that is one driver's and that another one wants."""

    number: int
    user: str
    owner: str
    claimant: str
    at: Moment


class Site(Struct, frozen=True, kw_only=True):
    """Everything that the rules need to know about one site.

    `registrations` leads from ChargePoint user IDs to drivers; one driver may have several.
    `serial` numbers offers, sessions and disputes. `feed` is ChargePoint's subscription of
    station events, `heard` the network's last sign of life, `read` the last reading of all ports.
    `missed_since` is since when the network was out of reach, until a reading shows what it told
    nobody.
    """

    id: str
    schema: int = SCHEMA
    queue: tuple[Entry, ...] = ()
    ports: tuple[Port, ...] = ()
    offers: tuple[Offer, ...] = ()
    registrations: dict[str, str] = msgspec.field(default_factory=dict)
    misses: dict[str, Misses] = msgspec.field(default_factory=dict)
    missed: tuple[Miss, ...] = ()
    claims: tuple[Claim, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    serial: int = 0
    feed: str | None = None
    heard: Moment | None = None
    read: Moment | None = None
    missed_since: Moment | None = None

    def entry(self, driver: str) -> Entry | None:
        """Answer the driver's place in the queue."""
        return next((entry for entry in self.queue if entry.driver == driver), None)

    def place(self, driver: str) -> tuple[int, Entry] | None:
        """Answer the driver's place in the queue, counted from 1, and what stands there."""
        places = enumerate(self.queue, start=1)
        return next(((place, each) for place, each in places if each.driver == driver), None)

    def behind(self, driver: str) -> tuple[str, ...]:
        """Answer who stands behind the driver; nobody does if they are not in the queue."""
        place = self.place(driver)
        return () if place is None else tuple(each.driver for each in self.queue[place[0] :])

    def driver_of(self, user: str | None) -> str | None:
        """Answer whose this ChargePoint user ID is."""
        return None if user is None else self.registrations.get(user)

    def port(self, port: str) -> Port | None:
        """Answer the port with this ID."""
        return next((each for each in self.ports if each.id == port), None)

    def offer_to(self, driver: str) -> Offer | None:
        """Answer the live offer that this driver holds."""
        return next((offer for offer in self.offers if offer.driver == driver), None)

    def offer_on(self, port: str) -> Offer | None:
        """Answer the live offer of this port."""
        return next((offer for offer in self.offers if offer.port == port), None)

    def sessions_of(self, driver: str) -> tuple[tuple[Port, Session], ...]:
        """Answer this driver's cars and the ports that they are on."""
        return tuple(
            (port, port.session)
            for port in self.ports
            if port.session is not None and port.session.driver == driver
        )

    @property
    def unoffered(self) -> tuple[Port, ...]:
        """The ports that are free and held for nobody, the one idle longest first."""
        offered = {offer.port for offer in self.offers}
        free = [port for port in self.ports if is_free(port) and port.id not in offered]
        return tuple(sorted(free, key=_idle_longest))

    @property
    def waiting(self) -> tuple[Entry, ...]:
        """The drivers who could be called now: neither suspended nor called already."""
        called = {offer.driver for offer in self.offers}
        return tuple(e for e in self.queue if e.suspended is None and e.driver not in called)

    def with_entry(self, entry: Entry) -> "Site":
        """Replace the driver's entry in its place, or append it at the bottom."""
        if self.entry(entry.driver) is None:
            return replace(self, queue=(*self.queue, entry))
        return replace(
            self,
            queue=tuple(entry if each.driver == entry.driver else each for each in self.queue),
        )

    def at_bottom(self, entry: Entry) -> "Site":
        """Move the entry behind all others."""
        return self.without_entry(entry.driver).with_entry(entry)

    def inserting(self, entry: Entry, *, behind: tuple[str, ...]) -> "Site":
        """Put a new entry before the first of those who are to be behind it, or at the bottom."""
        places = (n for n, each in enumerate(self.queue) if each.driver in behind)
        place = next(places, len(self.queue))
        return replace(self, queue=(*self.queue[:place], entry, *self.queue[place:]))

    def without_entry(self, driver: str) -> "Site":
        """Take the driver out of the queue; an offer is a matter of its own."""
        return replace(self, queue=tuple(e for e in self.queue if e.driver != driver))

    def with_offer(self, offer: Offer) -> "Site":
        """Replace the offer with this number, or append it."""
        others = [each for each in self.offers if each.number != offer.number]
        return replace(self, offers=tuple(sorted((*others, offer), key=_by_number)))

    def without_offer(self, offer: Offer) -> "Site":
        """End the offer."""
        return replace(self, offers=tuple(o for o in self.offers if o.number != offer.number))

    def with_port(self, port: Port) -> "Site":
        """Replace the port with this ID, or append it in the order of names."""
        others = [each for each in self.ports if each.id != port.id]
        return replace(self, ports=tuple(sorted((*others, port), key=_by_name)))

    def session(self, number: int) -> tuple[Port, Session] | None:
        """Answer the live session with this number, and the port that it is on."""
        for port in self.ports:
            if port.session is not None and port.session.number == number:
                return port, port.session
        return None

    def numbered(self) -> tuple["Site", int]:
        """Answer a number that was never given before."""
        return replace(self, serial=self.serial + 1), self.serial + 1


def port_id(station: str, number: str) -> str:
    """Name one plug of one station, the same however an event or a reading spells it."""
    return f"{station}/{number}"


def is_free(port: Port) -> bool:
    """Whether a car could be plugged in here now and would be welcome."""
    return (
        port.availability is Availability.AVAILABLE
        and port.session is None
        and port.held_back is None
        and not port.silent
    )


def occupied(port: Port, session: Session) -> Port:
    """Answer the port with this car on it; once the car is noticed, the port was not idle."""
    if not session.noticed:
        return replace(port, session=session)
    return replace(port, session=session, idle_since=None, reminded=False)


def state_of(port: Port, *, offered: bool) -> PortState:
    """Answer how people see the port; `offered` tells whether a live offer is on it."""
    if is_out_of_service(port):
        return PortState.OUT_OF_SERVICE
    if not is_free(port):
        return PortState.HELD_BACK if port.session is None else PortState.CHARGING
    return PortState.OFFERED if offered else PortState.FREE


def is_out_of_service(port: Port) -> bool:
    """Whether nobody can tell what goes on at this port."""
    return port.silent or port.availability is Availability.OUT_OF_SERVICE


def _idle_longest(port: Port) -> tuple[datetime, str]:
    return (port.idle_since or UNKNOWN, port.id)


def _by_number(offer: Offer) -> int:
    return offer.number


def _by_name(port: Port) -> tuple[str, str]:
    return (port.name, port.id)
