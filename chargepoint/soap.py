"""ChargePoint's SOAP API: what every port is doing now, and the registration of the event feed."""

import logging
from collections.abc import Callable, Mapping
from time import monotonic
from typing import TypeVar

from chargepoint import answers
from chargepoint.answers import Answer, Page, Place, Plug, Status
from chargepoint.calls import Calls, backoff
from chargepoint.errors import AccessDenied, BadAnswer, Refused
from chargepoint.events import PortReading
from chargepoint.stanzas import FEED_EVENTS

OPERATION_SECONDS = 20
INVENTORY_SECONDS = 15 * 60
MOST_PAGES = 100
STATIONS_A_CALL = 50

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
        self._load_denied = False
        self._load_denial_told = False

    async def read_ports(self) -> tuple[PortReading, ...]:
        """Answer every port of the group as it is now.

        A port that is listed but of which the status says nothing is UNKNOWN. Where our rights
        don't cover who is plugged in, every `user` is None.
        """
        plugs = await self._plugs()
        statuses = await self._statuses(sorted({plug.station for plug in plugs}))
        users = await self._users() if plugs else {}
        return tuple(
            _reading(plug, statuses.get(plug.place, Status()), users.get(plug.place))
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
            self._inventory_read = self._clock()
            self._load_denied = False
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
        if self._load_denied:
            return {}
        try:
            return await self._calls.call(
                "getLoad", answers.users, searchQuery={"sgID": self._group}
            )
        except AccessDenied as error:
            self._deny_load(str(error))
        except Refused as error:
            log.warning("load.refused reason=%r", str(error))
        return {}

    def _deny_load(self, reason: str) -> None:
        if not self._load_denial_told:
            log.warning("load.denied reason=%r", reason)
        self._load_denied = self._load_denial_told = True

    async def _pages(
        self, operation: str, read: Callable[[Answer], Page[T]], query: Mapping[str, object]
    ) -> dict[str, T]:
        found: dict[str, T] = {}
        for _ in range(MOST_PAGES):
            # Whether records are counted from 0 or from 1 is written nowhere: asking from the
            # last one seen misses none either way.
            start = {"startRecord": len(found)} if found else {}
            page, more = await self._calls.call(operation, read, searchQuery={**query, **start})
            if not more:
                return found | page
            if page.keys() <= found.keys():
                break
            found |= page
        raise BadAnswer(f"{operation} promises more and has nothing new")


def _reading(plug: Plug, status: Status, user: str | None) -> PortReading:
    return PortReading(
        station=plug.station,
        port=plug.port,
        name=plug.name,
        status=status.word,
        heard=status.heard,
        user=user,
    )
