"""The spans of a test, and the documents that the daemon would be sent of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bot.datagrams import datagram
from bot.exporters import Redacting, export_to
from bot.redaction import redacted
from bot.xray import Deployment, segment_document
from tests.tracing.documents import Document, checked

Spans = InMemorySpanExporter


@contextmanager
def gathered() -> Iterator[Spans]:
    """Gather spans as any exporter gets them."""
    spans = InMemorySpanExporter()
    finish = export_to(SimpleSpanProcessor(Redacting(spans, redacted)), version="1")
    yield spans
    finish()


def documents(spans: Spans, deployment: Deployment | None = None) -> list[Document]:
    """Answer the documents of the spans, all of them checked, in the order of their ends."""
    return [
        checked(datagram(segment_document(span, deployment))) for span in spans.get_finished_spans()
    ]


def flags(document: Document) -> set[str]:
    """Answer how it went wrong, if it did."""
    return {flag for flag in ("error", "fault", "throttle") if flag in document}
