"""The simulated ChargePoint network: one garage, seen through SOAP and told through XMPP.

What happens in the garage is pushed as station events, in the very form that was recorded from
the real network, to whoever is logged in at that moment. Nobody there, no event: it is lost, as
on the real network. Events flow once their feed has been registered through SOAP.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from aiohttp import web

from playground.garage import Garage, GarageEvent, GaragePort, PluggedIn, PluggedOut
from playground.soap import PATH, Feed, SoapService
from playground.xmpp import LOOPBACK, XmppServer

DOMAIN = "webservice.chargepointportal.net"
SENDER = f"feed@{DOMAIN}"
START = "station_charging_session_start"
STOP = "station_charging_session_stop"
STATUS = "station_usage_status_change"


class SimulatedChargePoint:
    """The network while its `async with` lasts, on loopback.

    `ports` are those of SOAP and of XMPP, any free one where it is 0.
    """

    def __init__(
        self,
        garage: Garage,
        *,
        key: str,
        password: str,
        group: str,
        registered_feeds: Iterable[Feed] = (),
        ports: tuple[int, int] = (0, 0),
    ) -> None:
        self.garage = garage
        self.soap = SoapService(
            garage, key=key, password=password, group=group, feeds=registered_feeds
        )
        self.xmpp = XmppServer(domain=DOMAIN, accounts={key: password})
        self.jid = f"{key}@{DOMAIN}".lower()
        self.soap_url = ""
        self.xmpp_host = LOOPBACK
        self._ports = ports
        self._runner = web.AppRunner(
            self.soap.app(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        garage.listen(self._push)

    @property
    def xmpp_port(self) -> int:
        """The port that the XMPP server listens on."""
        return self.xmpp.port

    @property
    def registered_feeds(self) -> tuple[Feed, ...]:
        """What was registered, to be given to the next network."""
        return tuple(self.soap.feeds)

    async def __aenter__(self) -> Self:
        """Start both servers."""
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self._ports[0]).start()
        self.soap_url = f"http://{LOOPBACK}:{self._runner.addresses[0][1]}{PATH}"
        await self.xmpp.start(self._ports[1])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop both."""
        await self.xmpp.stop()
        await self._runner.cleanup()

    def push(self, name: str, body: str) -> int:
        """Send it to whoever is logged in, if its feed is registered; answers to how many."""
        if not any(name in feed.events for feed in self.soap.feeds):
            return 0
        return self.xmpp.message(sender=SENDER, to=self.jid, body=body)

    def _push(self, event: GarageEvent) -> None:
        for name, body in bodies(event):
            self.push(name, body)


def bodies(event: GarageEvent) -> tuple[tuple[str, str], ...]:
    """Answer the station events that the network makes of it: their names and bodies."""
    match event:
        case PluggedIn():
            return ((START, _start(event)), (STATUS, _status(event.port)))
        case PluggedOut():
            return ((STOP, _stop(event)), (STATUS, _status(event.port)))
    return ((STATUS, _status(event.port)),)


def _start(event: PluggedIn) -> str:
    return _body(
        stationID=event.port.station,
        feedEventName=START,
        sessionID=str(event.car.session),
        startTime=_utc(event.car.since, "%Y-%m-%dT%H:%M:%SZ"),
        portNumber=event.port.number,
        rfID=f"e00780{event.car.session:010x}" if event.car.user else "",
        userID=event.car.user or "",
    )


def _stop(event: PluggedOut) -> str:
    return _body(
        stationID=event.port.station,
        feedEventName=STOP,
        sessionID=str(event.car.session),
        startTime=_utc(event.car.since, "%Y-%m-%d %H:%M:%S"),
        endTime=_utc(event.at, "%Y-%m-%d %H:%M:%S"),
        portNumber=event.port.number,
    )


def _status(port: GaragePort) -> str:
    return _body(
        stationID=port.station, feedEventName=STATUS, portNumber=port.number, status=port.status
    )


def _utc(time: datetime, form: str) -> str:
    return time.astimezone(UTC).strftime(form)


def _body(**fields: str) -> str:
    # As recorded: one line, two spaces before each element, every value in CDATA.
    elements = (f"  <{name}><![CDATA[{value}]]></{name}>" for name, value in fields.items())
    return f'<?xml version="1.0" encoding="UTF-8"?><event>{"".join(elements)}</event>'
