"""Every call of ChargePoint's API and every login is a step, which tells how it went."""

import pytest

from bot.tracing import unit
from chargepoint.errors import ChargePointError
from chargepoint.listener import XmppSettings
from chargepoint.session import Session
from chargepoint.soap import ChargePointApi
from tests.chargepoint.account import KEY, PASSWORD
from tests.chargepoint.golden import GoldenServer
from tests.chargepoint.streams import settings, small_stream
from tests.tracing.gathering import Spans, documents, flags


async def test_each_operation_is_a_call_of_its_own(
    golden: GoldenServer, golden_api: ChargePointApi, spans: Spans
) -> None:
    with unit("reconcile"):
        await golden_api.read_ports()

    *asked, reconcile = documents(spans)

    assert [each["metadata"]["default"]["rpc.method"] for each in asked] == golden.operations
    assert {each["parent_id"] for each in asked} == {reconcile["id"]}
    assert {(each["name"], each["namespace"]) for each in asked} == {("ChargePoint", "remote")}
    assert asked[0]["http"] == {
        "request": {"method": "POST", "url": golden.url.removesuffix("/services/5.0")},
        "response": {"status": 200},
    }
    assert KEY not in str(asked)
    assert PASSWORD not in str(asked)


@pytest.mark.parametrize(
    ("status", "tries", "marks"),
    [
        (429, 3, {"error", "throttle"}),
        (503, 3, {"fault"}),
        (401, 1, {"error"}),
        (404, 1, {"error"}),
    ],
)
async def test_each_try_tells_how_it_failed(
    golden: GoldenServer,
    golden_api: ChargePointApi,
    spans: Spans,
    status: int,
    tries: int,
    marks: set[str],
) -> None:
    golden.answers["getStations"] = (status, "no")

    with pytest.raises(ChargePointError), unit("reconcile"):
        await golden_api.read_ports()

    *asked, reconcile = documents(spans)

    assert [flags(each) for each in asked] == [marks] * tries
    assert {each["http"]["response"]["status"] for each in asked} == {status}
    assert flags(reconcile) == {"fault"}


async def test_a_login_is_a_step_of_the_session(spans: Spans) -> None:
    async with small_stream() as stream:
        await login(settings(stream.link.port))

    told, session = documents(spans)

    assert (told["name"], told["namespace"], told["parent_id"]) == (
        *("ChargePoint XMPP", "remote"),
        session["id"],
    )
    assert flags(told) == set()
    assert PASSWORD not in str(told)


async def test_a_login_that_fails_says_so(spans: Spans) -> None:
    async with small_stream() as stream:
        port = stream.link.port
    await login(settings(port))

    told, _ = documents(spans)

    assert flags(told) == {"fault"}


async def login(account: XmppSettings) -> None:
    """Begin a session and end it."""
    session = Session(account, lambda _: None)
    with unit("session"):
        await session.open()
    await session.close()
