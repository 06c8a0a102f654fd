"""Where the time went: each event handled is a unit, and what was done for it are its steps.

OpenTelemetry keeps them apart across tasks and threads. A unit is found again by its annotations;
the facts of a step explain it; secrets are taken out of both where they are exported. What a unit
leaves to be done by another is linked to it by its origin.
"""

import re
from asyncio import CancelledError
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
)

from bot.reference import reference
from bot.xray import INDEXED, THROTTLED

Annotation = str | int | float | bool

_TRACER = trace.get_tracer("bot")

# The form is the W3C's.
_ORIGIN = re.compile("00-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})")


_UNTRACED = 1
# Where OpenTelemetry is switched off, there are no IDs.
_NO_TRACE = (trace.INVALID_TRACE_ID, _UNTRACED)


class Step:
    """A piece of work under way, be it a unit or a part of one."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def annotate(self, **annotations: Annotation) -> None:
        """Add facts; by those of a unit it can be found later."""
        if not isinstance(self._span, ReadableSpan):
            return
        shown = {_key(name): value for name, value in annotations.items()}
        self._span.set_attributes(shown)
        if self._span.kind is SpanKind.SERVER:
            indexed = (self._span.attributes or {}).get(INDEXED, ())
            assert isinstance(indexed, tuple)  # noqa: S101 - it is set here and nowhere else
            self._span.set_attribute(INDEXED, tuple(dict.fromkeys((*indexed, *shown))))

    def explain(self, **facts: Annotation) -> None:
        """Add facts that are worth knowing, though nobody would look for them."""
        self._span.set_attributes(facts)

    def answered(self, status: int) -> None:
        """Tell the HTTP status of an answer."""
        self._span.set_attribute("http.response.status_code", status)

    def throttled(self) -> None:
        """Tell that somebody asked us to slow down."""
        self._span.set_attribute(THROTTLED, value=True)

    def fail(self, error: BaseException) -> None:
        """Mark the work as failed, for errors that are dealt with where they happen."""
        self._span.record_exception(error)
        self._span.set_status(StatusCode.ERROR, type(error).__name__)


@contextmanager
def unit(name: str, *, origin: str | None = None, **annotations: Annotation) -> Iterator[Step]:
    """Handle one event as a trace of its own, whatever it was received within.

    `origin` is of the unit that left this to be done.
    """
    found = _ORIGIN.fullmatch(origin or "")
    cause = reference(int(found["trace"], 16)) if found else None
    caused = {"caused_by": cause} if cause else {}
    with _span(
        name,
        {"unit": name, **caused, **annotations},
        kind=SpanKind.SERVER,
        # A task that lives long was begun within some unit; its events are not that unit's steps.
        context=Context(),
        cause=cause,
        links=[_link(found)] if found else [],
    ) as step_of_unit:
        yield step_of_unit


@contextmanager
def step(name: str, **facts: Annotation) -> Iterator[Step]:
    """Do a part of the current unit's work; outside of a unit, it stands for itself."""
    with _span(name, facts, kind=SpanKind.INTERNAL, cause=cause_reference()) as running:
        yield running


@contextmanager
def call(service: str, operation: str, *, url: str, method: str = "POST") -> Iterator[Step]:
    """Ask a service for something over HTTP."""
    told = {
        "peer.service": service,
        "rpc.method": operation,
        "http.request.method": method,
        "url.full": url,
    }
    with _span(
        f"{service} {operation}",
        {},
        kind=SpanKind.CLIENT,
        cause=cause_reference(),
        attributes=told,
    ) as running:
        yield running


def current() -> Step:
    """Answer the work under way, for those who know something about it."""
    return Step(trace.INVALID_SPAN if _is_over() else trace.get_current_span())


@contextmanager
def untraced() -> Iterator[None]:
    """Leave out of the traces what is done over and over, mostly to find nothing."""
    unsampled = SpanContext(_UNTRACED, span_id=1, is_remote=False)
    token = attach(trace.set_span_in_context(NonRecordingSpan(unsampled), Context()))
    try:
        within = _BEGUN_WITHIN.set(None)
        yield
    finally:
        _BEGUN_WITHIN.reset(within)
        detach(token)


def trace_reference() -> str | None:
    """Answer what to look for in logs and traces about the current unit; None outside of one."""
    work = _under_way()
    return reference(work.trace) if work else None


def cause_reference() -> str | None:
    """Answer which unit left this one to be done; None where that is not known."""
    work = _under_way()
    return work.cause if work else None


def origin() -> str | None:
    """Answer what to keep with what the current unit leaves to be done; None outside of one."""
    if _under_way() is None:
        return None
    context = trace.get_current_span().get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


class _Work:
    """What OpenTelemetry does not know of a piece of work: its cause, and whether it is over."""

    __slots__ = ("cause", "over", "trace")

    def __init__(self, trace_id: int, cause: str | None) -> None:
        self.trace = trace_id
        self.cause = cause
        self.over = False


# A task that outlives the work in which it was begun carries this on.
_BEGUN_WITHIN: ContextVar[_Work | None] = ContextVar("begun_within", default=None)


def _under_way() -> _Work | None:
    work = _BEGUN_WITHIN.get()
    return None if work is None or work.over or work.trace in _NO_TRACE else work


def _is_over() -> bool:
    """Whether what was under way when this task was begun has ended since."""
    work = _BEGUN_WITHIN.get()
    return work is not None and work.over


@contextmanager
def _span(  # noqa: PLR0913 - all that OpenTelemetry and we want to know of a piece of work
    name: str,
    annotations: Mapping[str, Annotation],
    *,
    kind: SpanKind,
    context: Context | None = None,
    cause: str | None = None,
    links: Sequence[Link] = (),
    attributes: Mapping[str, Annotation] | None = None,
) -> Iterator[Step]:
    with _TRACER.start_as_current_span(
        name,
        context=Context() if context is None and _is_over() else context,
        kind=kind,
        attributes=attributes,
        links=links,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        work = _Work(span.get_span_context().trace_id, cause)
        token = _BEGUN_WITHIN.set(work)
        running = Step(span)
        running.annotate(**annotations)
        try:
            yield running
        except CancelledError:
            running.annotate(cancelled=True)
            raise
        except Exception as error:
            running.fail(error)
            raise
        finally:
            work.over = True
            _BEGUN_WITHIN.reset(token)


def _link(found: re.Match[str]) -> Link:
    trace_id, span_id = (int(found[part], 16) for part in ("trace", "span"))
    flags = TraceFlags(int(found["flags"], 16))
    return Link(SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags))


def _key(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", name)
