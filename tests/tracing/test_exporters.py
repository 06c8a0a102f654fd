"""Traces leave the process whole, without secrets, and without ever standing in its way."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any

import pytest
from aiohttp import web
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bot.clock import SystemClock
from bot.daemon import XRayDaemon
from bot.redaction import hiding
from bot.tracing import call, step, unit
from playground.bot_process import free_port
from playground.daemon import SimulatedDaemon
from tests.bot.office import logged, until
from tests.tracing.documents import Document, checked, trees
from tests.tracing.setting import traced_to

Finish = Callable[[], Awaitable[list[Document]]]


@asynccontextmanager
async def daemon_hearing(**options: Any) -> AsyncIterator[Finish]:  # noqa: ANN401 # set_up's
    """Send traces to a daemon; answer how to finish that and see what it got."""
    async with SimulatedDaemon() as daemon:
        finish = traced_to("xray", daemon=daemon.address, **options)

        async def finished() -> list[Document]:
            finish()
            await daemon.settled()
            return [checked(datagram) for datagram in daemon.datagrams]

        yield finished
        finish()


async def test_each_piece_of_work_is_a_datagram_of_its_own() -> None:
    async with daemon_hearing() as finished:
        for _ in range(3):
            with unit("tick"), step("decide"):
                pass

        documents = await finished()

    assert len(documents) == 6
    assert [root["annotations"]["unit"] for root in trees(documents).values()] == ["tick"] * 3


async def test_they_leave_within_a_moment_and_not_only_at_the_end() -> None:
    async with SimulatedDaemon() as daemon:
        finish = traced_to("xray", daemon=daemon.address)
        with unit("tick"):
            pass

        async def arrived() -> bool:
            return bool(daemon.datagrams)

        await until(arrived)
        finish()


async def test_what_ends_after_the_end_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with daemon_hearing() as finished:
        with unit("tick"):
            await finished()
        documents = await finished()

    assert documents == []
    assert not caplog.records


async def test_no_secret_is_sent_whoever_made_the_span() -> None:
    """Not even one that looks like nothing: this very password is in use."""
    secrets = ("sesame street", "xoxb-1-aBcD", "https://hooks.slack.com/actions/aBcD")
    async with daemon_hearing(redact=hiding(["sesame street"])) as finished:
        with suppress(RuntimeError), unit("tick sesame street", token="aBcD"):
            foreign = trace.get_tracer("foreign").start_span(
                "GET", attributes={"said": " ".join(secrets), "list": secrets, "api_key": "aBcD"}
            )
            foreign.add_event("sesame street")
            foreign.set_status(trace.StatusCode.ERROR, "sesame street")
            foreign.record_exception(ValueError(" ".join(secrets)))
            foreign.end()
            with call("Slack", "respond", url=secrets[2]) as asking:
                asking.explain(said=" ".join(secrets))
            raise RuntimeError(" ".join(secrets))

        documents = await finished()

    assert len(documents) == 3
    assert "sesame" not in str(documents)
    assert "aBcD" not in str(documents)


async def test_what_nobody_takes_is_counted_and_told_now_and_then(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A daemon that isn't there must neither fail the work nor fill the log."""
    finish = traced_to("xray", daemon=("127.0.0.1", free_port()))

    for _ in range(100):
        with unit("tick"):
            pass
    finish()

    told = [facts["documents"] for facts in logged(caplog, "traces.lost")]
    assert told[:3] == [1, 2, 4]
    assert len(told) <= 7
    assert "ConnectionRefusedError" in str(logged(caplog, "traces.lost")[0]["why"])


async def test_a_daemon_that_cannot_be_found_fails_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    finish = traced_to("xray", daemon=("nowhere.invalid", 2000))

    with unit("tick"):
        pass
    finish()

    assert logged(caplog, "traces.lost") != []


async def test_a_span_that_cannot_be_told_loses_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of ours in one document is no reason to send none."""
    broken = iter([True, False])

    async with daemon_hearing() as finished:
        send = XRayDaemon._send

        def sometimes(self: XRayDaemon, document: bytes) -> None:
            if next(broken):
                raise KeyError("a fault of ours")
            send(self, document)

        monkeypatch.setattr(XRayDaemon, "_send", sometimes)
        with unit("tick"), step("decide"):
            pass
        documents = await finished()

    assert [document["name"] for document in documents] == ["ev-concierge"]
    assert [facts["documents"] for facts in logged(caplog, "traces.lost")] == [1]


@asynccontextmanager
async def collector(
    answer: Callable[[web.Request], Any], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """Run an OpenTelemetry collector where the exporter's own environment says."""
    app = web.Application()
    app.router.add_post("/v1/traces", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    try:
        yield
    finally:
        await runner.cleanup()


async def test_an_opentelemetry_collector_gets_the_same_without_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[ExportTraceServiceRequest] = []

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        zipped = request.headers.get("Content-Encoding") == "gzip"
        asked.append(
            ExportTraceServiceRequest.FromString(gzip.decompress(body) if zipped else body)
        )
        return web.Response()

    async with collector(take, monkeypatch):
        finish = traced_to("otlp", redact=hiding(["sesame street"]))
        # Half a character must not lose the whole batch.
        odd = {"text": "sesame street", "half": "\ud83d"}
        with suppress(ValueError), unit("tick", **odd), step("xoxb-1-aBcD"):
            raise ValueError("sesame street")
        await asyncio.to_thread(finish)

    spans = [
        span
        for request in asked
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert [span.name for span in spans] == ["…", "tick"]
    assert spans[0].parent_span_id == spans[1].span_id
    assert "sesame" not in str(asked)
    assert "aBcD" not in str(asked)


async def test_a_collector_that_does_not_answer_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The bot has ten seconds to leave, and has other things to do in them."""
    over = asyncio.Event()

    async def never(_: web.Request) -> web.Response:
        await over.wait()
        return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)

    clock = SystemClock()
    async with collector(never, monkeypatch):
        finish = traced_to("otlp")
        with unit("tick"):
            pass
        before = clock.monotonic()
        await asyncio.to_thread(finish)
        took = clock.monotonic() - before
        over.set()

    assert took < 4
