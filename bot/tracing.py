"""Where the time went: each event handled is a unit, and what was done for it are its steps.

OpenTelemetry keeps them apart across tasks and threads. The `console` exporter prints a unit with
its steps when it ends. Nothing that looks like a secret becomes an annotation, and nothing is
said of us to the services that we call.
"""

import re
import traceback
from asyncio import CancelledError
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal, TextIO

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.propagate import set_global_textmap
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode

from bot.clock import SystemClock
from bot.redaction import HIDDEN, Redact, names_secret, redacted
from bot.waterfall import Waterfalls, reference

Annotation = str | int | float | bool

_TRACER = trace.get_tracer("bot")

# X-Ray indexes the attributes that this one lists, and refuses longer texts and other names.
_INDEXED = "aws.xray.annotations"
_LONGEST = 1000


class Step:
    """A piece of work under way."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self._annotated: tuple[str, ...] = ()

    def annotate(self, **annotations: Annotation) -> None:
        """Add facts by which the work can be found later; secrets are left out."""
        shown = {_key(name): _value(name, value) for name, value in annotations.items()}
        self._annotated = tuple(dict.fromkeys((*self._annotated, *shown)))
        self._span.set_attributes({**shown, _INDEXED: self._annotated})

    def fail(self, error: BaseException) -> None:
        """Mark the work as failed, for errors that are dealt with where they happen."""
        told = {
            "exception.message": redacted(str(error)),
            "exception.stacktrace": redacted("".join(traceback.format_exception(error))),
        }
        self._span.record_exception(error, attributes=told)
        self._span.set_status(StatusCode.ERROR, type(error).__name__)


@contextmanager
def unit(name: str, **annotations: Annotation) -> Iterator[Step]:
    """Handle one event as a trace of its own, whatever it was received within."""
    # A task that lives long was started within some unit; its events are not that unit's steps.
    with _span(name, annotations, context=Context(), kind=SpanKind.SERVER) as step_of_unit:
        yield step_of_unit


@contextmanager
def step(name: str, **annotations: Annotation) -> Iterator[Step]:
    """Do a part of the current unit's work; outside of a unit, it stands for itself."""
    with _span(name, annotations, context=None, kind=SpanKind.INTERNAL) as running:
        yield running


@contextmanager
def untraced() -> Iterator[None]:
    """Leave out of the traces what is done over and over, mostly to find nothing."""
    unsampled = SpanContext(trace_id=1, span_id=1, is_remote=False)
    token = attach(trace.set_span_in_context(NonRecordingSpan(unsampled), Context()))
    try:
        yield
    finally:
        detach(token)


@contextmanager
def _span(
    name: str, annotations: Mapping[str, Annotation], *, context: Context | None, kind: SpanKind
) -> Iterator[Step]:
    with _TRACER.start_as_current_span(
        redacted(name),
        context=context,
        kind=kind,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
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


def trace_reference() -> str | None:
    """Answer what to look for in logs and traces about the current unit; None outside of one."""
    context = trace.get_current_span().get_span_context()
    return reference(context.trace_id) if context.is_valid else None


def set_up(
    exporter: Literal["none", "console"], *, version: str, out: TextIO, redact: Redact = redacted
) -> Callable[[], None]:
    """Begin to trace and, if asked for, to print to `out`; answer how to stop printing.

    Traces have references even where nothing is exported.
    """
    set_global_textmap(CompositePropagator([]))
    provider = _provider(version)
    if exporter == "none":
        return lambda: None
    waterfalls = Waterfalls(out, redact)
    provider.add_span_processor(waterfalls)
    return waterfalls.shutdown


def _provider(version: str) -> TracerProvider:
    # OpenTelemetry takes one provider for the life of the process.
    current = trace.get_tracer_provider()
    if isinstance(current, TracerProvider):
        return current
    resource = Resource.create({"service.name": "ev-concierge", "service.version": version})
    made = TracerProvider(
        sampler=ParentBased(ALWAYS_ON), resource=resource, id_generator=_TimedIds()
    )
    trace.set_tracer_provider(made)
    return made


class _TimedIds(RandomIdGenerator):
    """IDs that begin with the second in which they were made: X-Ray refuses others."""

    def generate_trace_id(self) -> int:
        second = int(SystemClock().now().timestamp())
        return second << 96 | super().generate_trace_id() & (1 << 96) - 1


def _key(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", name)


def _value(name: str, value: Annotation) -> Annotation:
    if names_secret(name):
        return HIDDEN
    return redacted(value)[:_LONGEST] if isinstance(value, str) else value
