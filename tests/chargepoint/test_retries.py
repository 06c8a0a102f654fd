"""What may pass is tried again, with pauses and in bounds; what will not pass is not."""

import asyncio
import logging
from collections.abc import Callable

import pytest
from aiohttp import web

from chargepoint import calls
from chargepoint.calls import backoff
from chargepoint.errors import (
    BadAnswer,
    ChargePointError,
    CredentialsRefused,
    Refused,
    TimedOut,
    Unreachable,
)
from chargepoint.soap import ChargePointApi
from tests.chargepoint.account import GROUP, KEY, PASSWORD
from tests.chargepoint.conftest import Note
from tests.chargepoint.fixtures import recorded
from tests.chargepoint.golden import GoldenServer, Handler, answer


async def cut(request: web.Request) -> web.StreamResponse:
    """Break the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def silence(_: web.Request) -> web.StreamResponse:
    """Take the question and say nothing."""
    await asyncio.Event().wait()
    raise AssertionError


def status(code: int, text: str = "not now") -> Handler:
    """Answer with this status."""

    async def answered(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=text)

    return answered


def says(text: str) -> Handler:
    """Answer with this envelope."""

    async def answered(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type="text/xml")

    return answered


def one_after_another(*handlers: Handler) -> Handler:
    """Let each question have the next handler; the last stays."""
    left = list(handlers)

    async def answered(request: web.Request) -> web.StreamResponse:
        return await (left.pop(0) if len(left) > 1 else left[0])(request)

    return answered


FINE = says(recorded("getStations.xml"))
PASSING = {
    "cut": cut,
    "silent": silence,
    "429": status(429),
    "502": status(502),
    "503": status(503),
    "504": status(504),
    "503 with a fault": status(503, recorded("fault.xml")),
}


@pytest.mark.parametrize("name", PASSING)
async def test_what_passes_is_not_noticed(
    golden: GoldenServer, golden_api: ChargePointApi, name: str, note: Note
) -> None:
    """A gateway that restarts must not make the garage unknown for a minute."""
    golden.answers["getStations"] = one_after_another(PASSING[name], PASSING[name], FINE)

    assert len(await golden_api.read_ports()) == 2
    assert golden.operations.count("getStations") == 3
    note(f"{name}, twice", "SOAP", "read at the third try")


@pytest.mark.parametrize("name", PASSING)
async def test_what_does_not_pass_is_given_up_after_three_tries(
    golden: GoldenServer, golden_api: ChargePointApi, name: str, note: Note
) -> None:
    """A service in trouble needs no crowd at its door; the next reading comes anyway."""
    golden.answers["getStations"] = PASSING[name]

    with pytest.raises(Unreachable) as raised:
        await golden_api.read_ports()

    assert golden.operations == ["getStations"] * 3
    assert isinstance(raised.value, TimedOut) is (name == "silent")
    note(f"{name}, for ever", "SOAP", f"{type(raised.value).__name__} after three tries")


FINAL: dict[str, tuple[Handler, type[ChargePointError]]] = {
    "wrong credentials": (status(500, recorded("refused.xml")), CredentialsRefused),
    "HTTP 401": (status(401), CredentialsRefused),
    "a fault": (status(500, recorded("fault.xml")), Refused),
    "a code": (says(answer("getStations", "<responseCode>133</responseCode>")), Refused),
    "nonsense": (says("<html>"), BadAnswer),
    "HTTP 404": (status(404), BadAnswer),
}


@pytest.mark.parametrize("name", FINAL)
async def test_a_refusal_is_final(
    golden: GoldenServer, golden_api: ChargePointApi, name: str, note: Note
) -> None:
    """Asking again with a wrong password locks accounts."""
    golden.answers["getStations"], error = FINAL[name]

    with pytest.raises(error):
        await golden_api.read_ports()

    assert golden.operations == ["getStations"]
    note(name, "SOAP", f"{error.__name__} at once")


async def test_a_feed_is_not_registered_twice_by_impatience(
    golden: GoldenServer, golden_api: ChargePointApi
) -> None:
    """An answer that was lost may follow a registration that was made."""
    golden.answers["registerFeeds"] = cut

    with pytest.raises(Unreachable):
        await golden_api.register_feed()

    assert golden.operations == ["registerFeeds"]


async def test_pauses_grow_and_are_told(
    golden: GoldenServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Each pause follows from the number of tries, and the log says why the reading is late."""
    caplog.set_level(logging.INFO)
    asked: list[int] = []
    golden.answers["getStations"] = one_after_another(status(503), status(502), FINE)

    def retry(tried: int) -> float:
        asked.append(tried)
        return 0.0

    await reading(golden, retry=retry)

    assert asked == [1, 2]
    assert caplog.text.index("HTTP 503") < caplog.text.index("HTTP 502")
    assert PASSWORD not in caplog.text


async def test_all_tries_are_within_one_patience(
    golden: GoldenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events wait for the reading that begins a session: it has to end, one way or the other."""
    monkeypatch.setattr(calls, "PATIENCE_SECONDS", 0.1)
    golden.answers["getStations"] = status(503)

    with pytest.raises(TimedOut, match="took too long"):
        await reading(golden, retry=lambda _: 3600)

    assert golden.operations == ["getStations"]


def test_pauses_double_and_are_spread() -> None:
    """Clients that failed together must not come back together."""
    for tried in (1, 2):
        pauses = {backoff(tried) for _ in range(100)}
        assert 2 ** (tried - 1) / 2 <= min(pauses) < max(pauses) <= 2 ** (tried - 1)


async def reading(golden: GoldenServer, *, retry: Callable[[int], float]) -> None:
    """Read the ports once, with these pauses."""
    api = ChargePointApi(url=golden.url, key=KEY, password=PASSWORD, group=GROUP, retry=retry)
    try:
        await api.read_ports()
    finally:
        await api.close()
