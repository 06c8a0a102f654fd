"""Where traces go: to the X-Ray daemon, to an OpenTelemetry collector, onto a screen, or nowhere.

Whatever leaves the process has its secrets taken out, whoever made the span. Nothing is said of
us to the services that we call.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Thread
from typing import TextIO

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagate import set_global_textmap
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import Status
from opentelemetry.util.types import Attributes, AttributeValue

from bot.beanstalk import DEPLOYMENT, deployment
from bot.clock import SystemClock
from bot.daemon import XRayDaemon
from bot.redaction import HIDDEN, Redact, names_secret, redacted
from bot.settings import TraceSettings
from bot.waterfall import Waterfalls

SECONDS_BETWEEN_BATCHES = 1.0
MOST_WAITING = 4096
MOST_REMEMBERED, LONGEST_REMEMBERED = 2000, 100
# A stop must be over within ten seconds, and most of them are for finishing the work.
SECONDS_TO_FINISH = 1.0


def set_up(
    settings: TraceSettings,
    *,
    version: str,
    out: TextIO,
    redact: Redact = redacted,
    beanstalk: Path = DEPLOYMENT,
) -> Callable[[], None]:
    """Begin to trace, and to export as is set; answer how to finish that.

    Units have references even where nothing is exported. `out` is the screen for `console`,
    `beanstalk` the file in which Elastic Beanstalk tells of itself.
    """
    set_global_textmap(CompositePropagator([]))
    _provider(version)
    match settings.exporter:
        case "none":
            return lambda: None
        case "console":
            processor: SpanProcessor = Waterfalls(out, redact)
        case "xray":
            daemon = XRayDaemon(settings.daemon, deployment(beanstalk))
            processor = Batches(Redacting(daemon, redact))
        case "otlp":
            processor = Batches(Redacting(_otlp(), redact))
    return export_to(processor, version=version)


def export_to(processor: SpanProcessor, *, version: str) -> Callable[[], None]:
    """Hand every span to this one, beside others; answer how to finish that."""
    _provider(version)
    _EXPORTS.add(processor)

    def finish() -> None:
        _EXPORTS.remove(processor)
        processor.shutdown()

    return finish


class Batches(BatchSpanProcessor):
    """Spans on their way to an exporter, in the background, so that no work waits for it."""

    def __init__(self, exporter: SpanExporter) -> None:
        super().__init__(
            exporter,
            max_queue_size=MOST_WAITING,
            schedule_delay_millis=1000 * SECONDS_BETWEEN_BATCHES,
        )

    def shutdown(self) -> None:
        """Export what is left; what takes too long is given up."""
        finishing = Thread(target=super().shutdown, name="last-traces", daemon=True)
        finishing.start()
        finishing.join(SECONDS_TO_FINISH)
        if finishing.is_alive():
            self.span_exporter.shutdown()


class Redacting(SpanExporter):
    """Passes spans on without what is, or looks like, a secret."""

    def __init__(self, exporter: SpanExporter, redact: Redact) -> None:
        self._exporter = exporter
        self._redact = _remembering(redact)
        self._over = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export the spans, redacted."""
        return self._exporter.export([self._redacted(span) for span in spans])

    def shutdown(self) -> None:
        """Shut the exporter down, be it in the middle of an attempt."""
        if not self._over:
            self._over = True
            self._exporter.shutdown()

    def _redacted(self, span: ReadableSpan) -> ReadableSpan:
        why = span.status.description
        return ReadableSpan(
            name=self._redact(span.name),
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes=self._shown(span.attributes),
            events=[self._event(event) for event in span.events],
            links=span.links,
            kind=span.kind,
            status=Status(span.status.status_code, why and self._redact(why)),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    def _event(self, event: Event) -> Event:
        return Event(self._redact(event.name), self._shown(event.attributes), event.timestamp)

    def _shown(self, attributes: Attributes) -> dict[str, AttributeValue]:
        return {name: self._value(name, value) for name, value in (attributes or {}).items()}

    def _value(self, name: str, value: AttributeValue) -> AttributeValue:
        if names_secret(name):
            return HIDDEN
        if isinstance(value, str):
            return self._redact(value)
        if isinstance(value, tuple):
            return tuple(self._redact(each) if isinstance(each, str) else each for each in value)
        return value


def collector_takes_traces(*, seconds: float) -> bool:
    """Deliver nothing to the collector, and answer whether it took that; blocks until then."""
    collector = _otlp(timeout=seconds)
    try:
        return collector.export(()) is SpanExportResult.SUCCESS
    finally:
        collector.shutdown()


def _remembering(redact: Redact) -> Redact:
    """Answer the same for short texts that come over and over, without looking at them again."""
    remembered = lru_cache(maxsize=MOST_REMEMBERED)(redact)
    return lambda text: (remembered if len(text) <= LONGEST_REMEMBERED else redact)(text)


def _otlp(timeout: float | None = None) -> SpanExporter:
    # Only those who wish for it shall pay for Protocol Buffers.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )

    return OTLPSpanExporter(timeout=timeout)


class _Exports(SpanProcessor, Sampler):
    """Whoever wants spans now; while nobody does, work gets an ID and nothing is recorded."""

    def __init__(self) -> None:
        self._processors: tuple[SpanProcessor, ...] = ()

    def add(self, processor: SpanProcessor) -> None:
        self._processors = (*self._processors, processor)

    def remove(self, processor: SpanProcessor) -> None:
        self._processors = tuple(each for each in self._processors if each is not processor)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        for each in self._processors:
            each.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        for each in self._processors:
            each.on_end(span)

    def should_sample(self, *_: object, **__: object) -> SamplingResult:
        wanted = bool(self._processors)
        return SamplingResult(Decision.RECORD_AND_SAMPLE if wanted else Decision.DROP)

    def get_description(self) -> str:
        return "while somebody wants it"


_EXPORTS = _Exports()


def _provider(version: str) -> None:
    # OpenTelemetry takes one provider for the life of the process.
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    resource = Resource.create({"service.name": "ev-concierge", "service.version": version})
    provider = TracerProvider(
        sampler=ParentBased(_EXPORTS), resource=resource, id_generator=_TimedIds()
    )
    provider.add_span_processor(_EXPORTS)
    trace.set_tracer_provider(provider)


class _TimedIds(RandomIdGenerator):
    """IDs that begin with the second in which they were made: X-Ray refuses others."""

    def generate_trace_id(self) -> int:
        second = int(SystemClock().now().timestamp())
        return second << 96 | super().generate_trace_id() & (1 << 96) - 1
