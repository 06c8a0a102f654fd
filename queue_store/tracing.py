"""One step of the current piece of work: something asked of an engine."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace

from queue_store.errors import Conflict, Deposed, Repeated

_TRACER = trace.get_tracer("queue_store")


@contextmanager
def step(
    name: str, attributes: Mapping[str, str | list[str]] | None = None
) -> Iterator[trace.Span]:
    """Ask an engine for something; how it ended is on the span.

    Attributes say which service was asked; without any, the engine is part of this process.
    """
    with _TRACER.start_as_current_span(
        name,
        kind=trace.SpanKind.CLIENT if attributes else trace.SpanKind.INTERNAL,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except (Conflict, Deposed, Repeated) as answer:
            # These are answers to a question that was well asked, not failures.
            span.set_attribute("outcome", type(answer).__name__)
            raise
        except Exception as error:
            span.record_exception(error)
            span.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise
