"""Reading the network through SOAP, from the simulated network and from written answers."""

import asyncio
import logging
import sys
import traceback
from datetime import UTC, datetime

import pytest
from aiohttp import web
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from chargepoint import calls
from chargepoint.errors import (
    AccessDenied,
    BadAnswer,
    ChargePointError,
    CredentialsRefused,
    NoSuchHost,
    Refused,
    TimedOut,
    Unreachable,
    Untrusted,
)
from chargepoint.events import PortReading, PortStatus
from chargepoint.soap import ChargePointApi
from chargepoint.stanzas import FEED_EVENTS
from playground.garage import Garage, GaragePort
from playground.network import SimulatedChargePoint
from playground.soap import EVERY_OPERATION, Trouble
from tests.chargepoint.account import GROUP, KEY, PASSWORD
from tests.chargepoint.conftest import Clock, at_once
from tests.chargepoint.fixtures import FIXTURES, recorded
from tests.chargepoint.golden import GoldenServer, answer, canonical
from tests.chargepoint.streams import tls_context

DATED = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
STATION = (
    "<stationData><stationID>{}</stationID><Port><portNumber>1</portNumber></Port></stationData>"
)


async def test_every_port_is_read_with_its_status_and_who_is_on_it(
    api: ChargePointApi, garage: Garage, clock: Clock
) -> None:
    """The stream makes us early; it is this that makes us right."""
    garage.plug_in("1:330001", "2", user="700101")
    garage.plug_in("1:330002", "1", user=None)

    readings = await api.read_ports()

    assert [(each.name, each.status, each.user) for each in readings] == [
        ("HQ GARAGE / EAST 1", PortStatus.AVAILABLE, None),
        ("HQ GARAGE / EAST 2", PortStatus.INUSE, "700101"),
        ("HQ GARAGE / WEST 1", PortStatus.INUSE, None),
        ("HQ GARAGE / WEST 2", PortStatus.AVAILABLE, None),
    ]
    assert {each.heard for each in readings} == {clock.now()}


async def test_a_station_that_fell_silent_shows_when_it_was_last_heard(
    api: ChargePointApi, garage: Garage, clock: Clock
) -> None:
    """People are told how stale the word on it is."""
    await api.read_ports()
    heard = clock.now()
    clock.move(minutes=5)
    for number in ("1", "2"):
        garage.set_status("1:330001", number, "UNREACHABLE")

    reading = (await api.read_ports())[0]

    assert (reading.status, reading.heard) == (PortStatus.UNREACHABLE, heard)


async def test_a_station_with_one_port_is_called_by_its_name_alone() -> None:
    """Nobody says "EAST 1" where there is no EAST 2."""
    garage = Garage((GaragePort(station="1:1", number="1", name="LOBBY"),), clock=Clock().now)
    async with SimulatedChargePoint(garage, key=KEY, password=PASSWORD, group=GROUP) as network:
        api = ChargePointApi(url=network.soap_url, key=KEY, password=PASSWORD, group=GROUP)

        (reading,) = await api.read_ports()

        assert reading.name == "LOBBY"
        await api.close()


async def test_an_empty_group_is_no_error(network: SimulatedChargePoint) -> None:
    """ChargePoint says so with a code of its own; the doctor says it in words."""
    api = ChargePointApi(url=network.soap_url, key=KEY, password=PASSWORD, group="99")

    assert await api.read_ports() == ()
    await api.close()


async def test_the_station_list_is_read_again_after_fifteen_minutes_or_when_asked(
    api: ChargePointApi, network: SimulatedChargePoint, clock: Clock
) -> None:
    """Stations are rarely built, and ChargePoint asks its clients to be moderate."""
    for minutes, listed in ((0, 1), (14, 1), (2, 2), (1, 2)):
        clock.move(minutes=minutes)
        await api.read_ports()
        assert network.soap.asked["getStations"] == listed

    api.forget_inventory()
    await api.read_ports()

    assert network.soap.asked == {"getStations": 3, "getStationStatus": 5, "getLoad": 5}


async def test_a_large_group_is_read_page_by_page_and_fifty_at_a_call() -> None:
    """An answer holds so many stations and no more."""
    ports = tuple(
        GaragePort(station=f"1:{number:06}", number="1", name=f"LOT {number}")
        for number in range(1, 121)
    )
    garage = Garage(ports, clock=Clock().now)
    async with SimulatedChargePoint(garage, key=KEY, password=PASSWORD, group=GROUP) as network:
        network.soap.page_size = 25
        api = ChargePointApi(url=network.soap_url, key=KEY, password=PASSWORD, group=GROUP)

        readings = await api.read_ports()

        assert [each.station for each in readings] == [port.station for port in ports]
        assert {each.status for each in readings} == {PortStatus.AVAILABLE}
        assert network.soap.asked["getStationStatus"] > 3
        await api.close()


async def test_who_is_plugged_in_may_be_none_of_our_business(
    api: ChargePointApi,
    network: SimulatedChargePoint,
    garage: Garage,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Some plans forbid getLoad: the ports are known all the same, and nobody is pestered."""
    garage.plug_in("1:330001", "1", user="700101")
    network.soap.troubles["getLoad"] = Trouble.DENIES_ACCESS

    for _ in range(3):
        assert (await api.read_ports())[0].user is None
    assert network.soap.asked["getLoad"] == 1

    clock.move(minutes=16)
    await api.read_ports()
    assert network.soap.asked["getLoad"] == 2
    assert caplog.text.count("call.denied operation=getLoad") == 1

    network.soap.troubles.clear()
    clock.move(minutes=16)
    assert (await api.read_ports())[0].user == "700101"


async def test_the_feed_is_registered_for_our_group_and_our_events(
    api: ChargePointApi, network: SimulatedChargePoint
) -> None:
    """Without a registration the stream stays silent."""
    subscription = await api.register_feed()

    (feed,) = network.registered_feeds
    assert subscription == str(feed.subscription)
    assert (feed.group, feed.events) == (GROUP, FEED_EVENTS)


async def test_what_the_real_network_answered_is_understood(golden_api: ChargePointApi) -> None:
    """Recorded answers have empty numbers, no moreFlag, a security header, and odd fields."""
    heard = datetime(2026, 11, 7, 19, 19, 19, tzinfo=UTC)

    assert await golden_api.read_ports() == (
        PortReading(
            station="1:330001",
            port="1",
            name="HQ GARAGE / EAST 1",
            status=PortStatus.AVAILABLE,
            heard=heard,
        ),
        PortReading(
            station="1:330001",
            port="2",
            name="HQ GARAGE / EAST 2",
            status=PortStatus.INUSE,
            heard=heard,
            user="700102",
            started=datetime(2026, 11, 7, 18, 2, 11, tzinfo=UTC),
        ),
    )
    assert await golden_api.register_feed() == "125999"


async def test_what_we_ask_is_what_the_vendor_documents(
    golden: GoldenServer, golden_api: ChargePointApi
) -> None:
    """Children unqualified, the password as text, the SOAPAction: none of it may drift."""
    await golden_api.register_feed()

    assert canonical(golden.asked[0]) == canonical(recorded("registerFeeds.request.xml").encode())
    assert golden.actions == ['"urn:provider/interface/chargepointservices/registerFeeds"']


async def test_answers_in_another_order_or_with_new_fields_are_understood(
    golden: GoldenServer, golden_api: ChargePointApi
) -> None:
    """Real answers of a newer version break the order that their own WSDL demands."""
    golden.answers["getStations"] = answer(
        "getStations",
        "<moreFlag></moreFlag><brandNew><deep>1</deep></brandNew><stationData><newer>x</newer>"
        "<numPorts>1</numPorts><Port><Status>INUSE</Status><faultReason>none</faultReason>"
        "<stationName>LOBBY</stationName><portNumber>1</portNumber></Port>"
        "<stationID>1:330001</stationID></stationData>"
        "<responseText>fine</responseText><responseCode>100</responseCode>",
    )
    golden.answers["getStationStatus"] = answer(
        "getStationStatus",
        "<stationData><networkStatus>Reachable</networkStatus><Port><TimeStamp></TimeStamp>"
        "<Status>HELD</Status><portNumber>1</portNumber></Port><stationID>1:330001</stationID>"
        "</stationData><responseCode>100</responseCode>",
    )

    (reading,) = await golden_api.read_ports()

    assert reading == PortReading(
        station="1:330001", port="1", name="LOBBY", status=PortStatus.UNKNOWN
    )


async def test_a_port_that_the_status_does_not_mention_is_unknown(
    golden: GoldenServer, golden_api: ChargePointApi
) -> None:
    """Silence is not availability."""
    golden.answers["getStationStatus"] = answer(
        "getStationStatus", "<responseCode>102</responseCode>"
    )

    assert {each.status for each in await golden_api.read_ports()} == {PortStatus.UNKNOWN}


@pytest.mark.parametrize(
    ("answered", "error"),
    [
        (answer("getStations", "<responseCode>101</responseCode>"), AccessDenied),
        (answer("getStations", "<responseCode>133</responseCode>"), Refused),
        (answer("getStations", "<responseCode>153</responseCode>"), Refused),
        (answer("getStations", "<responseCode></responseCode>"), BadAnswer),
        (answer("getStations", "<responseText>fine</responseText>"), BadAnswer),
        (
            answer("getStations", "<responseCode>100</responseCode><moreFlag>1</moreFlag>"),
            BadAnswer,
        ),
        (answer("getLoad", "<responseCode>100</responseCode>"), BadAnswer),
        (recorded("fault.xml"), Refused),
        ((500, recorded("fault.xml")), Refused),
        (recorded("refused.xml"), CredentialsRefused),
        ((500, recorded("refused.xml")), CredentialsRefused),
        ((401, "who are you?"), CredentialsRefused),
        ((403, "go away"), BadAnswer),
        ((429, "slow down"), Unreachable),
        ((503, "<html>maintenance"), Unreachable),
        ("<html>Welcome to our captive portal</html>", BadAnswer),
        ("", BadAnswer),
        (recorded("getStations.xml")[:-40], BadAnswer),
        (
            recorded("getStations.xml").replace("?>", "?><!DOCTYPE x>", 1),
            BadAnswer,
        ),
        (recorded("getStations.xml") + " " * 9_000_000, BadAnswer),
        (answer("getStations", f"<responseCode>9</responseCode>{PASSWORD}"), BadAnswer),
    ],
)
async def test_an_answer_that_is_none_has_a_name(
    golden: GoldenServer,
    golden_api: ChargePointApi,
    answered: str | tuple[int, str],
    error: type[ChargePointError],
) -> None:
    """What is wrong decides what happens next, and is what the log and /readyz say."""
    golden.answers["getStations"] = answered

    with pytest.raises(ChargePointError) as raised:
        await golden_api.read_ports()

    assert type(raised.value) is error
    assert PASSWORD not in "".join(traceback.format_exception(raised.value))


async def test_a_service_that_promises_more_for_ever_is_not_followed(
    golden: GoldenServer, golden_api: ChargePointApi
) -> None:
    """A page that repeats itself would keep the bot asking until somebody restarts it."""
    golden.answers["getStations"] = answer(
        "getStations",
        f"<responseCode>100</responseCode>{STATION.format('1:330001')}<moreFlag>1</moreFlag>",
    )

    with pytest.raises(BadAnswer, match="nothing new"):
        await golden_api.read_ports()

    assert len(golden.asked) == 2


async def test_the_password_is_not_carried_elsewhere(
    golden: GoldenServer, golden_api: ChargePointApi
) -> None:
    """A redirect would hand it to whoever the answer names."""
    followed = asyncio.Event()

    async def elsewhere(_: web.Request) -> web.StreamResponse:
        if golden.asked[1:]:
            followed.set()
        return web.Response(status=307, headers={"Location": golden.url})

    golden.answers["getStations"] = elsewhere

    with pytest.raises(BadAnswer, match="HTTP 307"):
        await golden_api.read_ports()
    assert not followed.is_set()


async def test_an_answer_that_never_comes_or_never_ends_is_given_up(
    golden: GoldenServer, golden_api: ChargePointApi
) -> None:
    """By itself zeep waits for ever."""

    async def silence(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.05)

    for handler in (silence, drip):
        golden.answers["getStations"] = handler
        with pytest.raises(TimedOut):
            await golden_api.read_ports()


@pytest.mark.parametrize(
    ("url", "error", "why"),
    [
        ("http://127.0.0.1:{port}/services/5.0", Unreachable, "nobody listens there"),
        ("https://nowhere.invalid/services/5.0", NoSuchHost, "can't be resolved"),
    ],
)
async def test_nobody_there_is_unreachable(
    unused_tcp_port: int, url: str, error: type[ChargePointError], why: str
) -> None:
    """The network is down; trying later may help, and /readyz says what to look at meanwhile."""
    api = ChargePointApi(
        url=url.format(port=unused_tcp_port),
        key=KEY,
        password=PASSWORD,
        group=GROUP,
        retry=at_once,
    )

    with pytest.raises(error, match=why) as raised:
        await api.read_ports()
    await api.close()
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("certificate", "why"),
    [("localhost.pem", "signed certificate"), ("expired.pem", "certificate")],
)
async def test_a_server_that_cannot_prove_who_it_is_gets_no_password(
    certificate: str, why: str
) -> None:
    """Whoever sits in between can show a certificate, only not ChargePoint's."""
    async with GoldenServer(tls_context(FIXTURES / certificate)) as impostor:
        api = ChargePointApi(
            url=impostor.url, key=KEY, password=PASSWORD, group=GROUP, retry=at_once
        )
        with pytest.raises(Untrusted, match=why):
            await api.read_ports()
        await api.close()

    assert impostor.asked == []


async def test_a_server_without_tls_gets_no_password(golden: GoldenServer) -> None:
    """A proxy on the wrong port looks like this."""
    url = golden.url.replace("http://", "https://")
    api = ChargePointApi(url=url, key=KEY, password=PASSWORD, group=GROUP, retry=at_once)

    with pytest.raises(Unreachable, match="no TLS is spoken"):
        await api.read_ports()
    await api.close()
    assert golden.asked == []


async def test_the_networks_own_clock_is_told(golden: GoldenServer) -> None:
    """A machine whose clock is wrong misjudges everything, and can't see that by itself."""
    api = ChargePointApi(url=golden.url, key=KEY, password=PASSWORD, group=GROUP, retry=at_once)
    assert api.told_at is None

    await api.knock()
    assert api.told_at == DATED

    for spoiled in ("", "yesterday"):
        golden.date = spoiled
        await api.knock()
        assert api.told_at is None
    await api.close()


async def test_a_knock_is_one_question_and_one_try(
    golden: GoldenServer, golden_api: ChargePointApi
) -> None:
    """Whoever asks whether the account is let in wants to know now."""
    golden.answers["getStations"] = (503, "<html>maintenance")

    with pytest.raises(Unreachable):
        await golden_api.knock()

    assert golden.operations == ["getStations"]


async def test_what_our_rights_do_not_cover_can_be_asked(
    network: SimulatedChargePoint, api: ChargePointApi
) -> None:
    """The ports are known all the same; an administrator wants to know what is not."""
    await api.read_ports()
    assert api.denied == frozenset()
    network.soap.troubles["getLoad"] = Trouble.DENIES_ACCESS
    api.forget_inventory()

    await api.read_ports()

    assert api.denied == {"getLoad"}


def test_the_password_goes_over_tls_or_stays_on_this_machine() -> None:
    """Every message has it in plain text."""
    with pytest.raises(ValueError, match="https"):
        ChargePointApi(url="http://example.com/5.0", key=KEY, password=PASSWORD, group=GROUP)


@pytest.mark.parametrize("trouble", [each for each in Trouble if each is not Trouble.HANGS])
async def test_no_trouble_brings_the_password_to_light(
    network: SimulatedChargePoint, trouble: Trouble, caplog: pytest.LogCaptureFixture
) -> None:
    """Logs, errors and traces are read by more people than may know it."""
    caplog.set_level(logging.DEBUG)
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    network.soap.troubles[EVERY_OPERATION] = trouble
    api = ChargePointApi(
        url=network.soap_url, key=KEY, password=PASSWORD, group=GROUP, retry=at_once
    )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calls, "tracer", provider.get_tracer("chargepoint"))
        with pytest.raises(ChargePointError) as raised:
            await api.read_ports()
    await api.close()

    said = "".join(traceback.format_exception(raised.value)) + repr(raised.value) + caplog.text
    told = "".join(span.to_json() for span in exporter.get_finished_spans())
    assert PASSWORD not in said + told
    assert "UsernameToken>" not in said + told


async def test_each_call_is_a_step_of_the_trace(
    network: SimulatedChargePoint, api: ChargePointApi
) -> None:
    """A slow command is explained by the calls it waited for."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    network.soap.troubles["getLoad"] = Trouble.REFUSES_CREDENTIALS

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calls, "tracer", provider.get_tracer("chargepoint"))
        with pytest.raises(CredentialsRefused):
            await api.read_ports()

    spans = exporter.get_finished_spans()
    assert [span.name for span in spans] == ["getStations", "getStationStatus", "getLoad"]
    assert {span.kind for span in spans} == {SpanKind.CLIENT}
    assert all((span.attributes or {})["peer.service"] == "ChargePoint" for span in spans)
    assert [span.status.is_ok for span in spans] == [True, True, False]
    assert [event.name for event in spans[2].events] == ["exception"]


async def test_what_a_call_does_in_its_thread_belongs_to_its_step(api: ChargePointApi) -> None:
    """The HTTP request would otherwise be a trace of its own."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calls, "tracer", provider.get_tracer("chargepoint"))
        inside = await api._calls.call(
            "getLoad", lambda _: trace.get_current_span(), searchQuery={"sgID": GROUP}
        )

    (span,) = exporter.get_finished_spans()
    assert inside.get_span_context() == span.get_span_context()


async def test_a_call_that_hangs_does_not_hold_up_the_end_of_the_process(
    network: SimulatedChargePoint,
) -> None:
    """The bot leaves within ten seconds, whatever ChargePoint is doing."""
    network.soap.troubles[EVERY_OPERATION] = Trouble.HANGS
    script = (
        "import asyncio; from chargepoint.soap import ChargePointApi\n"
        f"api = ChargePointApi(url={network.soap_url!r}, key={KEY!r}, password={PASSWORD!r},"
        f" group={GROUP!r})\n"
        "async def main():\n"
        "    try: await asyncio.wait_for(api.read_ports(), 0.1)\n"
        "    except TimeoutError: print('left')\n"
        "asyncio.run(main())"
    )

    async with asyncio.timeout(10):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
        )
        told, _ = await process.communicate()

    assert (told.strip(), process.returncode) == (b"left", 0)
