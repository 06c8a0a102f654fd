"""What ChargePoint's SOAP answers say, as values, without any I/O.

An answer has the fields of the WSDL as attributes. Any of them may be None, blank or longer than
it should be; a row that does not say which port it is about is passed over.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeVar

from msgspec import Struct

from chargepoint.errors import AccessDenied, BadAnswer, Refused
from chargepoint.events import PortStatus
from chargepoint.moments import sensible
from chargepoint.stanzas import LONGEST_FIELD, port_status

SUCCESS = "100"
DENIED = "101"
NOTHING_FOUND = frozenset({"102", "136"})

T = TypeVar("T")

Answer = Any
Place = tuple[str, str]
"""A port, by its station and its number there."""
Page = tuple[dict[str, T], bool]
"""What a page has of each station, and whether there is more."""


class Plug(Struct, frozen=True, kw_only=True):
    """One port as the station list has it."""

    station: str
    port: str
    name: str

    @property
    def place(self) -> Place:
        return (self.station, self.port)


class Status(Struct, frozen=True, kw_only=True):
    """What the network says of a port, and when it last heard from the station."""

    word: PortStatus = PortStatus.UNKNOWN
    heard: datetime | None = None


class ChargingSession(Struct, frozen=True, kw_only=True):
    """One session as it was recorded; it is running while it has no end."""

    station: str
    port: str
    user: str | None = None
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def place(self) -> Place:
        return (self.station, self.port)


def check_code(answer: Answer) -> None:
    """Raise what the responseCode says, unless it is success or that nothing was found."""
    code = plain(answer.responseCode)
    if not code:
        raise BadAnswer("an answer without a responseCode")
    if code == DENIED:
        raise AccessDenied(code, plain(answer.responseText))
    if code != SUCCESS and code not in NOTHING_FOUND:
        raise Refused(code, plain(answer.responseText))


def stations(answer: Answer) -> Page[tuple[Plug, ...]]:
    """Read a page of the station list: each station's ports."""
    stations = {_text(station.stationID): station for station in answer.stationData}
    plugs = {id_: _plugs(id_, station.Port) for id_, station in stations.items() if id_}
    return plugs, bool(answer.moreFlag)


def _plugs(station: str, ports: list[Any]) -> tuple[Plug, ...]:
    return tuple(
        Plug(
            station=station,
            port=number,
            name=f"{plain(port.stationName) or station}{f' {number}' if len(ports) > 1 else ''}",
        )
        for port in ports
        if (number := _text(port.portNumber))
    )


def port_statuses(answer: Answer) -> Page[dict[Place, Status]]:
    """Read a page of statuses."""
    stations: dict[str, dict[Place, Status]] = {}
    for id_, number, port in _ports(answer):
        status = Status(word=port_status(plain(port.Status)), heard=sensible(port.TimeStamp))
        stations.setdefault(id_, {})[id_, number] = status
    return stations, bool(answer.moreFlag)


def users(answer: Answer) -> dict[Place, str]:
    """Read who is plugged in, as far as that is told."""
    users = {(id_, number): _text(port.userID) for id_, number, port in _ports(answer)}
    return {place: user for place, user in users.items() if user}


def sessions(answer: Answer) -> tuple[ChargingSession, ...]:
    """Read a page of recorded sessions."""
    return tuple(
        ChargingSession(
            station=station,
            port=port,
            user=_text(row.userID),
            started=sensible(row.startTime),
            ended=sensible(row.endTime),
        )
        for row in answer.ChargingSessionData
        if (station := _text(row.stationID)) and (port := _text(row.portNumber))
    )


def subscription(answer: Answer) -> str:
    """Read the ID of a feed's registration."""
    subscription = _text(answer.subscriptionID)
    if subscription is None:
        raise BadAnswer("the feed's registration has no subscriptionID")
    return subscription


def _ports(answer: Answer) -> Iterator[tuple[str, str, Any]]:
    for station in answer.stationData:
        for port in station.Port:
            if (id_ := _text(station.stationID)) and (number := _text(port.portNumber)):
                yield id_, number, port


def _text(value: object) -> str | None:
    text = "" if value is None else str(value).strip()
    return text if 0 < len(text) <= LONGEST_FIELD else None


def plain(value: object) -> str:
    """Answer it as one line of text that is safe to show, cut where it is too long."""
    text = "" if value is None else str(value)
    return "".join(each if each.isprintable() else " " for each in text).strip()[:LONGEST_FIELD]
