"""Spans of a test, and the daemon that they are sent to."""

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bot.exporters import Redacting
from bot.redaction import redacted
from tests.tracing.setting import traced_to


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Gather the spans of this test, as any exporter gets them."""
    traced_to("none")
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    gathered = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(Redacting(gathered, redacted)))
    yield gathered
    gathered.shutdown()
