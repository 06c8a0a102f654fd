"""ChargePoint's SOAP API: what every port is doing now, and the registration of the event feed."""

import logging
from collections.abc import Callable, Mapping, Sized
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TypeVar

from chargepoint import answers
from chargepoint.answers import Answer, ChargingSession, Page, Place, Plug, Status
from chargepoint.calls import Calls, backoff
from chargepoint.errors import AccessDenied, BadAnswer, ChargePointError, Refused
from chargepoint.events import PortReading, PortStatus
from chargepoint.stanzas import FEED_EVENTS

OPERATION_SECONDS = 20
INVENTORY_SECONDS = 15 * 60
MOST_PAGES = 100
MOST_PORTS = 300
STATIONS_A_CALL = 50
LONGEST_SESSION = timedelta(days=1)
BEGINNING = datetime.min.replace(tzinfo=UTC)

T = TypeVar("T")

log = logging.getLogger(__name__)


class ChargePointApi:
    """One organisation's account, and the station group that it watches.

    `key` is the licence key, `group` the group's sgID, `clock` counts seconds and need not be
    the time of day, `seconds` is how long an answer may take, `retry` answers the pause after so
    many tries of a call. Every method raises ChargePointError, and nothing else.
    """

    def __init__(  # noqa: PLR0913 - an account, its endpoint, and how to wait for it
        self,
        *,
        url: str,
        key: str,
        password: str,
        group: str,
        clock: Callable[[], float] = monotonic,
        seconds: float = OPERATION_SECONDS,
        retry: Callable[[int], float] = backoff,
    ) -> None:
        self._group = group
        self._clock = clock
        self._calls = Calls(url, key, password, seconds=seconds, retry=retry)
        self._inventory: tuple[Plug, ...] | None = None
        self._inventory_read = 0.0
        self._denied: set[str] = set()
        self._denials_told: set[str] = set()

    @property
    def denied(self) -> frozenset[str]:
        """The operations without which the last reading had to do."""
        return frozenset(self._denied)

    @property
    def told_at(self) -> datetime | None:
        """What time it was by the network's clock when it last answered, if it said so."""
        return self._calls.told_at

    async def knock(self) -> None:
        """Call once, for one station, to see whether the account is let in."""
        query = {"sgID": self._group, "numStations": 1}
        await self._calls.call_once("getStations", answers.stations, searchQuery=query)

    async def read_ports(self) -> tuple[PortReading, ...]:
        """Answer every port of the group as it is now.

        A port that is listed but of which the status says nothing is UNKNOWN. Where our rights
        don't cover who is plugged in, every `user` is None, and `started` likewise.
        """
        plugs = await self._plugs()
        statuses = await self._statuses(sorted({plug.station for plug in plugs}))
        users = await self._users() if plugs else {}
        sessions = await self._running(statuses)
        return tuple(
            _reading(plug, statuses.get(plug.place, Status()), users.get(plug.place), sessions)
            for plug in plugs
        )

    async def register_feed(self) -> str:
        """Ask for the group's station events to be sent; answers the subscription's ID."""
        # A second registration might send everything twice.
        return await self._calls.call_once(
            "registerFeeds",
            answers.subscription,
            Events={"feedEventName": list(FEED_EVENTS)},
            searchQuery={"sgID": self._group},
            # Restricted to our own stations: every public one might be fed to us otherwise.
            feedType="restricted",
        )

    def forget_inventory(self) -> None:
        """Read the list of stations anew with the next reading."""
        self._inventory = None

    async def close(self) -> None:
        """Call nothing more; a call under way is left to end by itself."""
        self._calls.close()

    async def _plugs(self) -> tuple[Plug, ...]:
        age = self._clock() - self._inventory_read
        if self._inventory is None or age > INVENTORY_SECONDS:
            stations = await self._pages("getStations", answers.stations, {"sgID": self._group})
            self._inventory = tuple(plug for plugs in stations.values() for plug in plugs)
            _refuse_many(self._inventory)
            self._inventory_read = self._clock()
            self._denied.clear()
        return self._inventory

    async def _statuses(self, stations: list[str]) -> dict[Place, Status]:
        statuses: dict[Place, Status] = {}
        for start in range(0, len(stations), STATIONS_A_CALL):
            some = {"stationIDs": {"stationID": stations[start : start + STATIONS_A_CALL]}}
            for ports in (
                await self._pages("getStationStatus", answers.port_statuses, some)
            ).values():
                statuses |= ports
        return statuses

    async def _users(self) -> Mapping[Place, str]:
        if "getLoad" in self._denied:
            return {}
        try:
            return await self._calls.call(
                "getLoad", answers.users, searchQuery={"sgID": self._group}
            )
        except AccessDenied as error:
            self._deny("getLoad", error)
        except Refused as error:
            log.warning("load.refused reason=%r", str(error))
        return {}

    async def _running(self, statuses: Mapping[Place, Status]) -> tuple[ChargingSession, ...]:
        """Read the sessions that run, in one call; without them the ports are known all the same.

        Whatever is wrong with that call, it is not made again before the next inventory.
        """
        operation = "getChargingSessionData"
        heard = [status.heard for status in statuses.values() if status.heard]
        in_use = any(status.word is PortStatus.INUSE for status in statuses.values())
        if not (heard and in_use) or operation in self._denied:
            return ()
        # By the network's own clock; its calendar may be anything.
        since = max(heard) - min(LONGEST_SESSION, max(heard) - BEGINNING)
        try:
            recorded = await self._calls.call_once(
                operation, answers.sessions, searchQuery={"fromTimeStamp": since}
            )
        except ChargePointError as error:
            self._deny(operation, error)
            return ()
        return tuple(session for session in recorded if session.ended is None)

    def _deny(self, operation: str, error: ChargePointError) -> None:
        if operation not in self._denials_told:
            log.warning("call.denied operation=%s reason=%r", operation, str(error))
        self._denied.add(operation)
        self._denials_told.add(operation)

    async def _pages(
        self, operation: str, read: Callable[[Answer], Page[T]], query: Mapping[str, object]
    ) -> dict[str, T]:
        found: dict[str, T] = {}
        for _ in range(MOST_PAGES):
            # Whether records are counted from 0 or from 1 is written nowhere: asking from the
            # last one seen misses none either way.
            start = {"startRecord": len(found)} if found else {}
            page, more = await self._calls.call(operation, read, searchQuery={**query, **start})
            nothing_new = page.keys() <= found.keys()
            found |= page
            _refuse_many(found)
            if not more:
                return found
            if nothing_new:
                break
        raise BadAnswer(f"{operation} promises more and has nothing new")


def _refuse_many(found: Sized) -> None:
    # A site is kept whole, and nobody has watched a garage that is larger.
    if len(found) > MOST_PORTS:
        raise BadAnswer(f"the group has more than {MOST_PORTS} ports: is it the right one?")


def _reading(
    plug: Plug, status: Status, user: str | None, sessions: tuple[ChargingSession, ...]
) -> PortReading:
    in_use = status.word is PortStatus.INUSE
    return PortReading(
        station=plug.station,
        port=plug.port,
        name=plug.name,
        status=status.word,
        heard=status.heard,
        user=user,
        started=_started(plug.place, user, sessions) if in_use else None,
    )


def _started(
    place: Place, user: str | None, sessions: tuple[ChargingSession, ...]
) -> datetime | None:
    # Rows come late: the one that still has no end may be the session of the car before.
    return max(
        (
            session.started
            for session in sessions
            if session.place == place
            and session.started is not None
            and (None in (user, session.user) or user == session.user)
        ),
        default=None,
    )
