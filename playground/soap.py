"""ChargePoint's SOAP API as the simulated network answers it, from the project's own WSDL.

What is sent is what that WSDL allows: a misspelt field raises. Both ends read the same WSDL, so
that hand-written answers in the tests guard against shared misreadings.

Its troubles can be ordered, for one operation or for all.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import Enum, auto
from itertools import groupby
from pathlib import Path
from typing import Any

import zeep
from aiohttp import web
from lxml import etree
from msgspec import Struct

from playground.garage import Car, Garage, GarageEvent, GaragePort, PluggedOut
from playground.people import OFFICE, Person

WSDL = Path(__file__).parents[1] / "chargepoint" / "wsdl" / "chargepoint.wsdl"
PATH = "/webservices/chargepoint/services/5.0"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
EVERY_OPERATION = "*"
SUCCESS = ("100", "API input request executed successfully.")
NOT_FOUND = ("102", "No stations found.")
NO_DATA = ("136", "No data found.")
SESSIONS_A_PAGE = 100
DENIED = ("101", "Access denied.")

Answer = dict[str, Any]
Query = Any


class Trouble(Enum):
    """What can be wrong with the service."""

    REFUSES_CREDENTIALS = auto()
    DENIES_ACCESS = auto()
    FAILS = auto()
    HANGS = auto()
    TALKS_GARBAGE = auto()


class Feed(Struct, frozen=True, kw_only=True):
    """A registration of station events; it outlives the process where the playground keeps it."""

    subscription: int
    group: str
    events: tuple[str, ...]


class SoapService:
    """The API over one garage, for one account and one station group.

    `troubles` leads from operations, or EVERY_OPERATION, to what is wrong with them. `asked`
    counts the calls of each operation.
    """

    def __init__(
        self,
        garage: Garage,
        *,
        key: str,
        password: str,
        group: str,
        feeds: Iterable[Feed] = (),
    ) -> None:
        self.feeds = list(feeds)
        self.troubles: dict[str, Trouble] = {}
        self.asked: dict[str, int] = {}
        self.page_size = 500
        self._garage = garage
        self._group = group
        self._credentials = (key, password)
        self._heard: dict[str, datetime] = {}
        self._ended: list[PluggedOut] = []
        garage.listen(self._remember)
        self._document = zeep.Client(str(WSDL)).wsdl
        binding = next(iter(self._document.bindings.values()))
        self._operations = {name: binding.get(name) for name in binding.all()}

    def app(self) -> web.Application:
        """Answer the web application to serve, with the endpoint at PATH."""
        app = web.Application()
        app.router.add_post(PATH, self.serve)
        return app

    async def serve(self, request: web.Request) -> web.Response:
        """Answer one call."""
        try:
            envelope = etree.fromstring(await request.read(), _parser())
            call = next(envelope.iterfind(f"{{{ENVELOPE}}}Body/*"))
        except (etree.XMLSyntaxError, StopIteration):
            return _fault("soapenv:Client", "no SOAP call")
        name = etree.QName(call).localname
        self.asked[name] = self.asked.get(name, 0) + 1
        trouble = self.troubles.get(name) or self.troubles.get(EVERY_OPERATION)
        if _credentials(envelope) != self._credentials or trouble is Trouble.REFUSES_CREDENTIALS:
            return _fault("wsse:FailedAuthentication", "UsernameToken processing failed")
        if trouble is not None:
            return await self._troubled(trouble, name)
        return self._answered(name, call)

    def _answered(self, name: str, call: etree._Element) -> web.Response:
        answers: Mapping[str, Callable[[Query], Answer]] = {
            "getStations": self._get_stations,
            "getStationStatus": self._get_station_status,
            "getLoad": self._get_load,
            "getChargingSessionData": self._get_charging_session_data,
            "getUsers": self._get_users,
            "registerFeeds": self._register_feeds,
            "updateFeed": self._update_feed,
        }
        if name not in answers:
            return _fault("soapenv:Client", f"unknown operation {name}")
        query = self._operations[name].input.body.parse(call, self._document.types)
        return self._reply(name, answers[name](query))

    def _reply(self, name: str, answer: Answer) -> web.Response:
        envelope = self._operations[name].output.serialize(**answer).content
        return _xml(etree.tostring(envelope, xml_declaration=True, encoding="utf-8"))

    async def _troubled(self, trouble: Trouble, name: str) -> web.Response:
        match trouble:
            case Trouble.DENIES_ACCESS:
                return self._reply(name, _code(DENIED))
            case Trouble.TALKS_GARBAGE:
                return web.Response(text="<html>Down for maintenance", content_type="text/html")
            case Trouble.HANGS:
                await asyncio.Event().wait()
        return web.Response(status=503, text="Service Unavailable")

    def _get_stations(self, query: Query) -> Answer:
        stations = self._stations() if query.searchQuery.sgID in {None, self._group} else []
        if not stations:
            return _code(NOT_FOUND)
        page, more = self._page(stations, query.searchQuery.startRecord)
        return {
            **_code(SUCCESS),
            "stationData": [
                {
                    "stationID": station,
                    "Port": [
                        {"portNumber": port.number, "stationName": port.name, "Status": port.status}
                        for port in ports
                    ],
                    "numPorts": str(len(ports)),
                    "sgID": self._group,
                }
                for station, ports in page
            ],
            "moreFlag": more,
        }

    def _get_station_status(self, query: Query) -> Answer:
        asked = query.searchQuery.stationIDs
        wanted = set(asked.stationID) if asked else {query.searchQuery.stationID}
        stations = [each for each in self._stations() if each[0] in wanted]
        if not stations:
            return _code(NOT_FOUND)
        page, more = self._page(stations, query.searchQuery.startRecord)
        return {
            **_code(SUCCESS),
            "stationData": [
                {
                    "stationID": station,
                    "Port": [
                        {
                            "portNumber": port.number,
                            "Status": port.status,
                            "TimeStamp": self._last_heard(port),
                        }
                        for port in ports
                    ],
                }
                for station, ports in page
            ],
            "moreFlag": more,
        }

    def _get_load(self, query: Query) -> Answer:
        stations = self._stations() if str(query.searchQuery.sgID) == self._group else []
        return {
            **_code(SUCCESS),
            "sgID": self._group,
            "stationData": [
                {
                    "stationID": station,
                    "stationName": ports[0].name,
                    "Port": [
                        {
                            "portNumber": port.number,
                            "userID": (port.car and port.car.user) or "",
                            "portLoad": "6.6" if port.car else "0.000",
                        }
                        for port in ports
                    ],
                }
                for station, ports in stations
            ],
        }

    def _get_charging_session_data(self, query: Query) -> Answer:
        asked = query.searchQuery
        rows = [
            row
            for row in self._sessions()
            if asked.stationID in {None, row["stationID"]}
            and (asked.fromTimeStamp is None or row["startTime"] >= asked.fromTimeStamp)
            and (asked.toTimeStamp is None or row["startTime"] <= asked.toTimeStamp)
        ]
        first = (asked.startRecord or 1) - 1
        page = rows[first : first + SESSIONS_A_PAGE]
        if not page:
            return _code(NO_DATA)
        more = int(first + len(page) < len(rows))
        return {**_code(SUCCESS), "ChargingSessionData": page, "MoreFlag": more}

    def _get_users(self, query: Query) -> Answer:
        asked = query.searchQuery
        people = [each for each in OFFICE if asked.userID in {None, each.chargepoint_user}]
        first = (asked.startRecord or 1) - 1
        page = people[first : first + (asked.numUsers or len(people))]
        return {
            **_code(SUCCESS),
            "users": {
                "user": [_user(each, number) for number, each in enumerate(page, first + 1)],
                "moreFlag": int(first + len(page) < len(people)),
            },
        }

    def _register_feeds(self, query: Query) -> Answer:
        feed = Feed(
            subscription=125000 + len(self.feeds) + 1,
            group=str(query.searchQuery.sgID or ""),
            events=tuple(query.Events.feedEventName),
        )
        self.feeds.append(feed)
        return {**_code(SUCCESS), "subscriptionID": feed.subscription}

    def _update_feed(self, query: Query) -> Answer:
        if not query.Refresh:
            self.feeds = [f for f in self.feeds if str(f.subscription) != query.subscriptionID]
        return _code(SUCCESS)

    def _remember(self, event: GarageEvent) -> None:
        if isinstance(event, PluggedOut):
            self._ended.append(event)

    def _sessions(self) -> list[Answer]:
        ended = [(each.port, each.car, each.at) for each in self._ended]
        running = [(port, port.car, None) for port in self._garage.ports if port.car]
        rows = sorted([*ended, *running], key=lambda row: row[1].session)
        return [_session(*row, number) for number, row in enumerate(rows, 1)]

    def _stations(self) -> list[tuple[str, list[GaragePort]]]:
        ports = sorted(self._garage.ports, key=_station)
        return [(station, list(group)) for station, group in groupby(ports, key=_station)]

    def _page(
        self, stations: list[tuple[str, list[GaragePort]]], start: int | None
    ) -> tuple[list[tuple[str, list[GaragePort]]], int]:
        first = (start or 1) - 1
        page = stations[first : first + self.page_size]
        return page, int(first + len(page) < len(stations))

    def _last_heard(self, port: GaragePort) -> datetime:
        if port.status != "UNREACHABLE" or port.station not in self._heard:
            self._heard[port.station] = _whole_seconds(self._garage.clock())
        return self._heard[port.station]


def _station(port: GaragePort) -> str:
    return port.station


def _session(port: GaragePort, car: Car, at: datetime | None, number: int) -> Answer:
    return {
        "stationID": port.station,
        "stationName": port.name,
        "portNumber": port.number,
        "sessionID": car.session,
        "startTime": _whole_seconds(car.since),
        "endTime": at and _whole_seconds(at),
        "userID": car.user or "",
        "recordNumber": number,
    }


def _whole_seconds(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(microsecond=0)


def _user(person: Person, number: int) -> Answer:
    first, _, last = person.name.partition(" ")
    return {
        "userID": person.chargepoint_user,
        "firstName": first,
        "lastName": last,
        "Connection": {"Status": "APPROVED"},
        "managementRealm": {"Status": "NOT MANAGED"},
        "credentialIDs": {"credentialID": [f"CNCP{int(person.chargepoint_user):010}"]},
        "recordNumber": str(number),
    }


def _code(code: tuple[str, str]) -> Answer:
    return {"responseCode": code[0], "responseText": code[1]}


def _credentials(envelope: etree._Element) -> tuple[str | None, str | None]:
    token = f".//{{{WSSE}}}UsernameToken/{{{WSSE}}}"
    return envelope.findtext(f"{token}Username"), envelope.findtext(f"{token}Password")


def _fault(code: str, text: str) -> web.Response:
    body = (
        f'<soapenv:Envelope xmlns:soapenv="{ENVELOPE}" xmlns:wsse="{WSSE}"><soapenv:Body>'
        f"<soapenv:Fault><faultcode>{code}</faultcode><faultstring>{text}</faultstring>"
        "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )
    return _xml(body.encode(), status=500)


def _xml(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="text/xml", charset="utf-8")


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
