"""Each event handled is a unit of its own, with its steps, and can be read on a screen."""

import asyncio
import io
import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from bot.clock import SystemClock
from bot.tracing import origin, step, trace_reference, unit, untraced
from tests.tracing.setting import traced_to


@pytest.fixture
def screen() -> Iterator[io.StringIO]:
    """Show the traces of this test."""
    out = io.StringIO()
    stop = traced_to("console", out=out)
    yield out
    stop()


def shown(screen: io.StringIO) -> list[str]:
    """Answer what was printed, with neither numbers of time nor bars."""
    text = re.sub(r" +(?:[+-][\d.]+)? +[\d.]+ ms", "", screen.getvalue())
    text = re.sub(r" *▏[ █]*▕", "", text)
    return re.sub(r" *trace 1-[0-9a-f]{8}-[0-9a-f]{24}", "", text).splitlines()


def attributes(span: ReadableSpan) -> dict[str, object]:
    """Answer the span's attributes."""
    return dict(span.attributes or {})


def test_a_unit_is_printed_with_its_steps_when_it_ends(screen: io.StringIO) -> None:
    """Somebody who wonders why a command was slow reads it off."""
    with unit("/ev add", driver="U0ADA") as command:
        with step("load"), step("SQLite load"):
            pass
        with step("decide", rule="offer"):
            pass
        command.annotate(outcome="joined")
        assert screen.getvalue() == ""

    assert shown(screen) == [
        "/ev add  driver=U0ADA outcome=joined",
        "  ├ load",
        "  │ └ SQLite load",
        "  └ decide  rule=offer",
    ]


def test_a_line_tells_when_how_long_and_which_trace(screen: io.StringIO) -> None:
    """The reference leads from the screen to the log and back."""
    with unit("tick"):
        reference = trace_reference()
        with step("look"):
            pass

    first, second = screen.getvalue().splitlines()

    assert re.fullmatch(rf"tick +\d+\.\d ms  trace {reference}", first)
    assert re.fullmatch(r"  └ look +\+\d+\.\d +\d+\.\d ms  ▏ *█+ *▕", second)


def test_an_error_marks_its_step_and_goes_on(screen: io.StringIO) -> None:
    """What failed is seen at a glance, and still fails."""
    with unit("reconcile"), suppress(TimeoutError), step("SOAP getStations"):
        raise TimeoutError("no answer\nfrom https://soap.example/5.0?key=1")

    assert shown(screen) == [
        "reconcile",
        r"  └ SOAP getStations  ✗ TimeoutError: no answer\nfrom https://soap.example/…",
    ]


def test_an_error_marks_its_unit(screen: io.StringIO) -> None:
    """The unit is printed although it failed, and just then."""
    with pytest.raises(ValueError, match="odd"), unit("tick"):
        raise ValueError("odd")

    assert shown(screen) == ["tick  ✗ ValueError: odd"]


def test_an_error_that_was_dealt_with_can_mark_its_step(screen: io.StringIO) -> None:
    """A refusal that is answered in words is still worth a mark."""
    with unit("tick"), step("post") as posting:
        posting.fail(TimeoutError("rate limited"))

    assert shown(screen) == ["tick", "  └ post  ✗ TimeoutError: rate limited"]


async def test_a_cancelled_unit_says_so(screen: io.StringIO) -> None:
    """Being told to stop is not an error."""

    async def wait_for_ever() -> None:
        with unit("wait"):
            started.set()
            await asyncio.Event().wait()

    started = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(wait_for_ever())
        await started.wait()
        task.cancel()

    assert shown(screen) == ["wait  cancelled=True"]


async def test_units_at_the_same_time_never_mix(screen: io.StringIO) -> None:
    """Forty drivers say `ev add` at nine o'clock; each trace is one driver's."""
    together = asyncio.Barrier(40)

    async def add(driver: int) -> None:
        with unit(f"add {driver}"):
            for name in ("load", "decide", "commit"):
                await together.wait()
                with step(f"{name} {driver}"):
                    await together.wait()

    await asyncio.gather(*map(add, range(40)))

    lines = shown(screen)
    printed = [lines[place : place + 4] for place in range(0, len(lines), 4)]
    assert sorted(printed) == sorted(
        [f"add {n}", f"  ├ load {n}", f"  ├ decide {n}", f"  └ commit {n}"] for n in range(40)
    )


async def test_steps_at_the_same_time_are_their_units(screen: io.StringIO) -> None:
    """What a unit does side by side still belongs to it."""

    async def ask(station: str) -> None:
        with step(station):
            await asyncio.sleep(0)

    with unit("reconcile"):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ask("east"))
            tasks.create_task(asyncio.to_thread(asyncio.run, ask("west")))

    first, *steps = shown(screen)
    assert first == "reconcile"
    assert sorted(line.strip(" ├└") for line in steps) == ["east", "west"]


async def test_what_outlives_its_unit_starts_units_of_its_own(screen: io.StringIO) -> None:
    """The listener was started within the start; its events are not the start's steps."""
    heard = asyncio.Event()

    async def listen() -> None:
        await heard.wait()
        with unit("plug-out"), step("decide"):
            pass

    async with asyncio.TaskGroup() as tasks:
        with unit("start"):
            tasks.create_task(listen())
            await asyncio.sleep(0)
        heard.set()

    assert shown(screen) == ["start", "plug-out", "  └ decide"]


async def test_what_is_begun_after_a_unit_is_over_is_not_its_step(screen: io.StringIO) -> None:
    """A task that was started within the start works for years; so long lasts no start."""
    over = asyncio.Event()
    references = []

    async def work_for_years() -> None:
        references.append(trace_reference())
        await over.wait()
        references.append(trace_reference())
        with step("look"):
            references.append(trace_reference())

    async with asyncio.TaskGroup() as tasks:
        with unit("start"):
            start = trace_reference()
            tasks.create_task(work_for_years())
            await asyncio.sleep(0)
        over.set()

    first, second, third = references
    assert (first, second) == (start, None)
    assert third not in {start, None}
    assert shown(screen) == ["start", "look"]


async def test_a_thread_that_outlives_its_unit_is_no_part_of_it(screen: io.StringIO) -> None:
    """Asyncio hands the unit on to its threads, and they may take their time."""
    begun, over = threading.Event(), threading.Event()

    def take_time() -> None:
        with step("within"):
            begun.set()
        over.wait()
        assert trace_reference() is None
        with step("afterwards"):
            pass

    with unit("tick"):
        thread = asyncio.ensure_future(asyncio.to_thread(take_time))
        await asyncio.to_thread(begun.wait)
        await asyncio.sleep(0)
    over.set()
    await thread

    assert shown(screen) == ["tick", "  └ within", "afterwards"]


def test_where_opentelemetry_is_switched_off_there_are_no_references(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its own environment can do so, and a reference of noughts leads nowhere."""
    monkeypatch.setattr("bot.tracing._TRACER", trace.NoOpTracer())

    with unit("tick") as work:
        work.annotate(late=True)
        assert (trace_reference(), origin()) == (None, None)


def test_what_nobody_wants_is_not_recorded() -> None:
    """Where nothing is exported, work gets its reference and costs next to nothing."""
    traced_to("none")
    with unit("tick"):
        assert not trace.get_current_span().is_recording()
        assert trace_reference() is not None

    stop = traced_to("console")
    with unit("tick"):
        assert trace.get_current_span().is_recording()
    stop()

    with unit("tick"):
        assert not trace.get_current_span().is_recording()


def test_what_is_done_over_and_over_has_no_reference(screen: io.StringIO) -> None:
    """A log line that leads to no trace must not promise one."""
    with unit("sweep"), untraced():
        assert trace_reference() is None
        with step("look"):
            assert trace_reference() is None

    assert shown(screen) == ["sweep"]


async def test_a_step_that_outlives_its_unit_is_printed_by_itself(screen: io.StringIO) -> None:
    """Nothing is lost, and nothing is kept for ever."""
    over = asyncio.Event()

    async def linger() -> None:
        with step("linger"), step("inner"):
            await over.wait()

    async with asyncio.TaskGroup() as tasks:
        with unit("tick"):
            tasks.create_task(linger())
            await asyncio.sleep(0)
        over.set()

    assert shown(screen) == ["tick", "inner", "linger"]


async def test_what_ended_below_a_lingering_step_is_shown_below_the_unit(
    screen: io.StringIO,
) -> None:
    """The unit's own lines tell all that was done by then."""
    inner_ended, over = asyncio.Event(), asyncio.Event()

    async def linger() -> None:
        with step("linger"):
            with step("inner"):
                pass
            inner_ended.set()
            await over.wait()

    async with asyncio.TaskGroup() as tasks:
        with unit("tick"):
            tasks.create_task(linger())
            await inner_ended.wait()
        over.set()

    assert shown(screen) == ["tick", "  └ inner", "linger"]


def test_a_step_outside_of_a_unit_stands_for_itself(screen: io.StringIO) -> None:
    """A forgotten unit is no reason to crash."""
    with step("look"):
        assert trace_reference() is not None

    assert shown(screen) == ["look"]


def test_a_unit_within_a_unit_is_another_trace(screen: io.StringIO) -> None:
    """An event is an event wherever it is noticed."""
    with unit("outer"):
        outer = trace_reference()
        with unit("inner"):
            assert trace_reference() != outer
        assert trace_reference() == outer

    assert shown(screen) == ["inner", "outer"]


def test_a_step_in_a_thread_of_ours_is_not_lost(screen: io.StringIO) -> None:
    """A thread without the unit's context makes a trace of its own, not a wrong one."""

    def look() -> None:
        with step("look"):
            pass

    with ThreadPoolExecutor(1) as thread, unit("tick"):
        thread.submit(look).result()

    assert shown(screen) == ["look", "tick"]


def test_a_reference_tells_when_its_unit_began() -> None:
    """X-Ray refuses traces whose IDs don't begin with the time."""
    traced_to("none")
    before = SystemClock().now() - timedelta(seconds=1)

    with unit("tick"):
        version, second, rest = (trace_reference() or "").split("-")

    began = datetime.fromtimestamp(int(second, 16), UTC)
    assert before <= began <= SystemClock().now()
    assert (version, len(rest)) == ("1", 24)


def test_outside_of_a_unit_there_is_no_reference() -> None:
    """Nothing can be looked up there."""
    assert trace_reference() is None


def test_references_differ() -> None:
    """Each leads to one unit."""
    references = set()
    for _ in range(1000):
        with unit("tick"):
            references.add(trace_reference())

    assert len(references) == 1000


def test_no_secret_reaches_an_exporter(spans: InMemorySpanExporter) -> None:
    """Traces are kept for a month by somebody else."""
    with suppress(RuntimeError), unit("say xoxb-1-aBcD", token="aBcD", response_url="aBcD") as said:
        said.annotate(text="go to https://hooks.slack.com/aBcD")
        raise RuntimeError("xoxb-1-aBcD was refused") from ValueError("password=aBcD")

    (span,) = spans.get_finished_spans()

    assert "aBcD" not in json.dumps(json.loads(span.to_json()))


def test_no_secret_reaches_the_screen() -> None:
    """Whoever made the span, and whatever the secret looks like."""
    out = io.StringIO()
    stop = traced_to("console", out=out, redact=lambda t: t.replace("Aladdin", "…"))
    with unit("tick"):
        foreign = trace.get_tracer("foreign").start_span(
            "GET", attributes={"http.url": "Aladdin", "secret.key": "aBcD"}
        )
        foreign.end()
    stop()

    assert "http.url=… secret.key=…" in out.getvalue()


def test_a_forged_line_stays_in_its_own(screen: io.StringIO) -> None:
    """A name from outside can't print a step that never was."""
    with unit("tick\nforged", text="a\r\n\u2028\x1b[31mb"), step("look\n  └ forged"):
        pass

    assert shown(screen) == [
        r"tick\nforged  text=a\r\n\u2028\x1b[31mb",
        r"  └ look\n  └ forged",
    ]


def test_annotations_are_indexed_for_x_ray(spans: InMemorySpanExporter) -> None:
    """`annotation.driver = "U0ADA"` finds the traces of one driver."""
    with unit("tick", driver="U0ADA", text="x" * 5000) as command:
        command.annotate(**{"odd key.é": 1}, driver="U0GRACE", late=True)

    (span,) = spans.get_finished_spans()

    assert attributes(span) == {
        "unit": "tick",
        "driver": "U0GRACE",
        "text": "x" * 5000,
        "odd_key__": 1,
        "late": True,
        "aws.xray.annotations": ("unit", "driver", "text", "odd_key__", "late"),
    }


def test_units_are_segments_and_steps_subsegments(spans: InMemorySpanExporter) -> None:
    """X-Ray tells them apart by their kind and parent."""
    with unit("tick"), suppress(ValueError), step("look"):
        raise ValueError("odd")

    look, tick = spans.get_finished_spans()

    assert (tick.kind, tick.parent, tick.status.status_code) == (
        *(SpanKind.SERVER, None),
        StatusCode.UNSET,
    )
    assert (look.kind, look.parent, look.status.status_code) == (
        *(SpanKind.INTERNAL, tick.context),
        StatusCode.ERROR,
    )


def test_nobody_we_call_is_told_of_our_traces(spans: InMemorySpanExporter) -> None:
    """Slack and ChargePoint have no use for our headers."""
    headers: dict[str, str] = {}

    with unit("tick"):
        propagate.inject(headers)

    assert headers == {}
    assert spans.get_finished_spans()


def test_nothing_is_printed_unless_asked_for() -> None:
    """The default costs nothing on the screen."""
    out = io.StringIO()
    traced_to("none", out=out)

    with unit("tick"):
        pass

    assert out.getvalue() == ""


def test_nothing_is_printed_after_the_end() -> None:
    """A screen that was handed back is somebody else's."""
    out = io.StringIO()
    stop = traced_to("console", out=out)
    with unit("tick"):
        stop()
        stop()

    with unit("tock"):
        pass

    assert out.getvalue() == ""


def test_a_screen_that_is_gone_fails_nothing() -> None:
    """A closed terminal must not cost a driver their place."""
    out = io.StringIO()
    stop = traced_to("console", out=out)
    out.close()

    with unit("tick"):
        pass

    stop()


@given(name=st.text(), text=st.text(), key=st.text())
def test_any_text_makes_one_line(name: str, text: str, key: str) -> None:
    """Whatever people type, the traces stay readable."""
    out = io.StringIO()
    stop = traced_to("console", out=out)

    with unit(name, **{key: text}):
        pass

    stop()
    assert len(out.getvalue().splitlines()) == 1
