"""What a hostile or broken ChargePoint can answer: bounded, named, and never a surprise."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from itertools import count

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from chargepoint.calls import LARGEST_ANSWER, MOST_ELEMENTS
from chargepoint.errors import BadAnswer, ChargePointError
from chargepoint.events import PortReading
from chargepoint.soap import MOST_PORTS, ChargePointApi
from chargepoint.stanzas import LONGEST_FIELD
from tests.chargepoint.account import GROUP, KEY, PASSWORD
from tests.chargepoint.fixtures import recorded
from tests.chargepoint.golden import GoldenServer, answer

OPERATIONS = ("getStations", "getStationStatus", "getLoad", "getChargingSessionData")
FINE = "<responseCode>100</responseCode>"
DOCTYPE = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;'>]>"


@pytest.fixture
async def golden() -> AsyncIterator[GoldenServer]:
    async with GoldenServer() as server:
        yield server


@pytest.fixture
async def api(golden: GoldenServer) -> AsyncIterator[ChargePointApi]:
    api = ChargePointApi(
        url=golden.url, key=KEY, password=PASSWORD, group=GROUP, retry=lambda _: 0.0
    )
    yield api
    await api.close()


def stations(numbers: range, *, more: int = 0) -> str:
    """Answer a page of the station list."""
    rows = "".join(
        f"<stationData><stationID>1:{number}</stationID><Port><portNumber>1</portNumber></Port>"
        "</stationData>"
        for number in numbers
    )
    return answer("getStations", f"{FINE}{rows}<moreFlag>{more}</moreFlag>")


BOMBS = {
    "too much of it": stations(range(1)) + " " * LARGEST_ANSWER,
    "elements without end": answer("getStations", FINE + "<a/>" * MOST_ELEMENTS),
    "depth without end": answer("getStations", FINE + "<a>" * 5000 + "</a>" * 5000),
    "a document type": DOCTYPE + stations(range(1)),
    "entities": DOCTYPE + stations(range(1)).replace("1:0", "&b;"),
    "somebody's file": "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"
    + stations(range(1)).replace("1:0", "&a;"),
    "an entity that nobody declared": stations(range(1)).replace("1:0", "&a;"),
    "more stations than an office has": stations(range(MOST_PORTS + 1)),
}


@pytest.mark.parametrize("what", BOMBS)
async def test_an_answer_that_is_too_much_is_refused_at_once(
    golden: GoldenServer, api: ChargePointApi, what: str
) -> None:
    """Whatever it takes to read it, it is taken from everybody who waits for the bot."""
    golden.answers["getStations"] = BOMBS[what]

    with pytest.raises(BadAnswer):
        async with asyncio.timeout(5):
            await api.read_ports()


async def test_a_document_type_in_another_encoding_is_one_all_the_same(
    golden: GoldenServer, api: ChargePointApi
) -> None:
    body = f"<?xml version='1.0' encoding='utf-16'?>{BOMBS['a document type']}".encode("utf-16")

    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="text/xml")

    golden.answers["getStations"] = serve

    with pytest.raises(BadAnswer, match="document type"):
        await api.read_ports()


async def test_a_small_answer_that_unfolds_into_a_huge_one_is_refused(
    golden: GoldenServer, api: ChargePointApi
) -> None:
    bomb = gzip.compress(b" " * 30 * LARGEST_ANSWER)

    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    golden.answers["getStations"] = serve

    with pytest.raises(BadAnswer, match="too large"):
        await api.read_ports()


async def test_pages_that_always_bring_something_new_come_to_an_end(
    golden: GoldenServer, api: ChargePointApi
) -> None:
    numbers = count()

    async def serve(_: web.Request) -> web.Response:
        number = next(numbers)
        return web.Response(text=stations(range(number, number + 1), more=1))

    golden.answers["getStations"] = serve

    with pytest.raises(BadAnswer):
        await api.read_ports()
    assert len(golden.asked) <= MOST_PORTS + 1


SCRAPS = st.text(max_size=200) | st.sampled_from(
    [
        "",
        "NaN",
        "-1",
        "1e999",
        "9" * 400,
        "true",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999-14:00",
        "2026-02-30T25:61:61Z",
        "2026-11-27T09:00:00+99:99",
        "AVAILABLE\n",
        "<!channel>",
        "\x85\u202e\u2028",
    ]
)
NAMES = st.sampled_from(
    ["stationID", "portNumber", "TimeStamp", "Status", "moreFlag", "Port", "responseCode", "x"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    operation=st.sampled_from(OPERATIONS),
    changes=st.lists(
        st.tuples(
            st.integers(0, 60),
            st.sampled_from(["says", "goes", "comes twice", "is renamed", "holds another"]),
            SCRAPS,
            NAMES,
        ),
        max_size=5,
    ),
)
async def test_no_change_to_a_real_answer_does_more_than_be_a_bad_one(
    golden: GoldenServer,
    api: ChargePointApi,
    operation: str,
    changes: list[tuple[int, str, str, str]],
) -> None:
    """ChargePoint's own answers break their own rules."""
    golden.answers = {operation: changed(recorded(f"{operation}.xml"), changes)}
    api.forget_inventory()
    try:
        readings = await api.read_ports()
    except ChargePointError as error:
        assert PASSWORD not in str(error)  # noqa: PT017 - either outcome is right, nothing else is
    else:
        assert all(isinstance(reading, PortReading) for reading in readings)
        assert all(len(reading.station) <= LONGEST_FIELD for reading in readings)
        assert all(each.heard is None or each.heard.tzinfo for each in readings)


def changed(envelope: str, changes: list[tuple[int, str, str, str]]) -> str:
    """Answer the envelope with some of its elements changed."""
    root = etree.fromstring(envelope.encode())
    for place, what, text, name in changes:
        elements = [each for each in root.iter() if isinstance(each.tag, str)][2:]
        if elements:
            _change(elements[place % len(elements)], what, text, name)
    return etree.tostring(root, encoding="unicode")


def _change(element: etree._Element, what: str, text: str, name: str) -> None:
    parent = element.getparent()
    match what:
        case "says":
            element.text = "".join(each for each in text if each.isprintable())
        case "goes" if parent is not None:
            parent.remove(element)
        case "comes twice" if parent is not None:
            parent.append(etree.fromstring(etree.tostring(element)))
        case "is renamed":
            element.tag = name
        case _:
            etree.SubElement(element, name).text = "1"
