"""When the sessions that run began, and the operations that only the simulated network needs."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoint.events import PortReading
from chargepoint.soap import ChargePointApi
from playground.garage import Garage
from playground.network import SimulatedChargePoint
from playground.people import OFFICE
from playground.soap import Trouble
from tests.chargepoint.account import PASSWORD
from tests.chargepoint.conftest import Clock
from tests.chargepoint.fixtures import recorded
from tests.chargepoint.golden import GoldenServer, answer, canonical

SESSIONS = "getChargingSessionData"
STARTED = datetime(2026, 11, 7, 18, 2, 11, tzinfo=UTC)
SUCCESS = "<responseCode>100</responseCode>"


def row(**fields: str) -> str:
    """Write a row about the port that is in use."""
    told = {"stationID": "1:330001", "portNumber": "2"} | fields
    content = "".join(f"<{name}>{value}</{name}>" for name, value in told.items())
    return f"<ChargingSessionData>{content}</ChargingSessionData>"


async def in_use(api: ChargePointApi) -> PortReading:
    """Read the port that the written answers say is in use."""
    return (await api.read_ports())[1]


async def test_since_when_a_car_charges_is_known_after_a_restart(
    api: ChargePointApi, network: SimulatedChargePoint, garage: Garage, clock: Clock
) -> None:
    """The stream tells it once only; two hours later nobody else could ask a car to move."""
    garage.plug_in("1:330001", "1", user="700101")
    garage.plug_out("1:330001", "1")
    came = clock.now()
    garage.plug_in("1:330001", "1", user="700102")
    clock.move(minutes=120)

    readings = await api.read_ports()

    assert [each.started for each in readings] == [came, None, None, None]
    assert network.soap.asked[SESSIONS] == 1


async def test_nobody_is_asked_about_sessions_where_nobody_charges(
    api: ChargePointApi, network: SimulatedChargePoint
) -> None:
    """A call that can't tell anything is not made."""
    await api.read_ports()

    assert SESSIONS not in network.soap.asked


async def test_what_we_ask_and_what_was_recorded_agree(
    golden: GoldenServer, golden_api: ChargePointApi
) -> None:
    """The day before the network's own last word; a blank end is a session that runs."""
    assert (await in_use(golden_api)).started == STARTED

    asked = golden.asked[golden.operations.index(SESSIONS)]
    assert canonical(asked) == canonical(recorded(f"{SESSIONS}.request.xml").encode())


@pytest.mark.parametrize(
    ("rows", "started"),
    [
        (row(startTime="2026-11-07T18:02:11.25Z"), STARTED + timedelta(milliseconds=250)),
        (row(startTime="2026-11-07T20:02:11+02:00"), STARTED),
        (row(startTime="2026-11-07T18:02:11"), STARTED),
        (
            row(
                endedBy="",
                totalSessionDuration="01:16:00",
                startTime="2026-11-07T18:02:11Z",
                vehiclePortMAC="x",
                recordNumber="",
                Energy="",
                sessionID="",
            ),
            STARTED,
        ),
        (
            row(startTime="2026-11-07T15:00:00Z") + row(startTime="2026-11-07T18:02:11Z"),
            STARTED,
        ),
        (row(startTime="2026-11-07T18:02:11Z", userID="700101"), None),
        (row(startTime="2026-11-07T18:02:11Z", userID="700102"), STARTED),
        (row(startTime="2026-11-07T18:02:11Z", endTime="2026-11-07T18:30:00Z"), None),
        (row(startTime="2026-11-07T18:02:11Z", portNumber="1"), None),
        (row(startTime="2026-11-07T18:02:11Z", portNumber=""), None),
        (row(startTime=""), None),
        (row(startTime="yesterday"), None),
        ("", None),
    ],
)
async def test_rows_are_read_as_they_really_come(
    golden: GoldenServer, golden_api: ChargePointApi, rows: str, started: datetime | None
) -> None:
    """Late, doubled, of the driver before, with fields of a later version, or half empty."""
    golden.answers[SESSIONS] = answer(SESSIONS, f"<MoreFlag></MoreFlag>{rows}{SUCCESS}")

    assert (await in_use(golden_api)).started == started


@pytest.mark.parametrize(
    "answered",
    [
        answer(SESSIONS, "<responseCode>101</responseCode>"),
        answer(SESSIONS, "<responseCode>153</responseCode>"),
        recorded("fault.xml"),
        (500, recorded("refused.xml")),
        (503, "<html>"),
        "<html>",
    ],
)
async def test_without_the_sessions_the_ports_are_known_all_the_same(
    golden: GoldenServer,
    golden_api: ChargePointApi,
    caplog: pytest.LogCaptureFixture,
    answered: str | tuple[int, str],
) -> None:
    """It is a nicety: it fails once per inventory, without a second try and with one warning."""
    golden.answers[SESSIONS] = answered

    for _ in range(3):
        reading = await in_use(golden_api)
        assert (reading.user, reading.started) == ("700102", None)
    golden_api.forget_inventory()
    await in_use(golden_api)

    assert golden.operations.count(SESSIONS) == 2
    assert caplog.text.count("call.denied") == 1
    assert PASSWORD not in caplog.text


async def test_no_sessions_at_all_are_no_failure(
    golden: GoldenServer, golden_api: ChargePointApi, caplog: pytest.LogCaptureFixture
) -> None:
    """Code 136 is the end of the list: the next reading asks again."""
    caplog.set_level(logging.WARNING)
    golden.answers[SESSIONS] = answer(SESSIONS, "<responseCode>136</responseCode>")

    for _ in range(2):
        assert (await in_use(golden_api)).started is None

    assert golden.operations.count(SESSIONS) == 2
    assert caplog.text == ""


@pytest.mark.parametrize("heard", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
async def test_a_calendar_that_is_wrong_breaks_nothing(
    golden: GoldenServer, golden_api: ChargePointApi, heard: str
) -> None:
    """A day before the first day is no day, and a port without one is a port all the same."""
    golden.answers["getStationStatus"] = recorded("getStationStatus.xml").replace(
        "2026-11-07T19:19:19Z", heard
    )

    port = await in_use(golden_api)
    assert (port.heard, port.started) == (None, None)


async def test_denied_sessions_are_remembered_like_a_denied_load(
    api: ChargePointApi, network: SimulatedChargePoint, garage: Garage, clock: Clock
) -> None:
    """And asked for again once the plan may have changed."""
    garage.plug_in("1:330001", "1", user=None)
    network.soap.troubles[SESSIONS] = Trouble.DENIES_ACCESS
    for _ in range(3):
        assert (await api.read_ports())[0].started is None
    assert network.soap.asked[SESSIONS] == 1

    network.soap.troubles.clear()
    clock.move(minutes=16)

    assert (await api.read_ports())[0].started is not None


async def raw(api: ChargePointApi, operation: str, **query: object) -> Any:  # noqa: ANN401 # zeep's
    """Ask the simulated network, past the API."""
    return await api._calls.call(operation, lambda answer: answer, searchQuery=query)


async def test_the_network_pages_sessions_from_one_by_the_hundred(
    api: ChargePointApi, garage: Garage, clock: Clock
) -> None:
    """As the real one does; past the end it says that there is nothing."""
    began = clock.now()
    for _ in range(150):
        clock.move(minutes=1)
        garage.plug_in("1:330001", "1", user="700101")
        garage.plug_out("1:330001", "1")

    first = await raw(api, SESSIONS, startRecord=1)
    second = await raw(api, SESSIONS, startRecord=101)
    late = await raw(api, SESSIONS, fromTimeStamp=began + timedelta(minutes=150))

    assert [each.recordNumber for each in first.ChargingSessionData] == list(range(1, 101))
    assert [each.recordNumber for each in second.ChargingSessionData] == list(range(101, 151))
    assert (first.MoreFlag, second.MoreFlag) == (1, 0)
    assert len(late.ChargingSessionData) == 1
    assert (await raw(api, SESSIONS, startRecord=151)).responseCode == "136"


async def test_the_network_lists_its_users_with_the_flag_inside(api: ChargePointApi) -> None:
    """Where a list of users ends is told inside the list."""
    first = (await raw(api, "getUsers", numUsers=4)).users
    rest = (await raw(api, "getUsers", startRecord=5)).users

    users = [*first.user, *rest.user]
    assert [each.userID for each in users] == [each.chargepoint_user for each in OFFICE]
    assert (first.moreFlag, rest.moreFlag) == (1, 0)
    assert users[0].Connection.Status == "APPROVED"
    assert users[0].credentialIDs.credentialID == ["CNCP0000700101"]
    assert (users[0].firstName, users[0].lastName) == ("Ada", "Lovelace")


async def test_the_network_keeps_a_feed_that_is_refreshed_and_drops_one_that_is_not(
    api: ChargePointApi, network: SimulatedChargePoint
) -> None:
    """What an update means is written nowhere; this is the likely meaning."""
    subscription = await api.register_feed()

    for refresh, feeds in ((True, 1), (False, 0)):
        await api._calls.call(
            "updateFeed", lambda answer: answer, subscriptionID=subscription, Refresh=refresh
        )
        assert len(network.registered_feeds) == feeds
