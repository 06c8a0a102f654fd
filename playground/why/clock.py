"""Simulated time, and traces and log lines that go by it: the same day makes the same log."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator


class SimulatedClock:
    """A clock that shows what it is told."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._now = start

    def now(self) -> datetime:
        """Answer the moment that it is."""
        return self._now

    def monotonic(self) -> float:
        """Answer the seconds since the start."""
        return (self._now - self._start).total_seconds()

    def show(self, now: datetime) -> None:
        """Be as late as this, and never earlier than before."""
        self._now = max(now, self._now)

    def turn(self, **span: float) -> None:
        """Go on by so much."""
        self._now += timedelta(**span)


class TracedBy(IdGenerator):
    """IDs of traces that begin with the simulated second, and are the same every time."""

    def __init__(self) -> None:
        self.clock: SimulatedClock | None = None
        self._chance = Random(1)  # noqa: S311 - nobody has to be unable to guess these

    def generate_span_id(self) -> int:
        """Answer the ID of a span."""
        return self._chance.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        """Answer the ID of a trace."""
        second = int(self.clock.now().timestamp()) if self.clock else 0
        return second << 96 | self._chance.getrandbits(96)


@contextmanager
def lines_by(clock: SimulatedClock) -> Iterator[None]:
    """Let every line of the log be of the simulated moment."""
    before = logging.getLogRecordFactory()

    def made(*args: Any, **keywords: Any) -> logging.LogRecord:  # noqa: ANN401 - logging's own
        record = before(*args, **keywords)
        record.created = clock.now().timestamp()
        return record

    logging.setLogRecordFactory(made)
    try:
        yield
    finally:
        logging.setLogRecordFactory(before)


def trace_by(clock: SimulatedClock) -> None:
    """Let every trace from now on be of the simulated moment; for the life of this process."""
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider(id_generator=TracedBy())
        trace.set_tracer_provider(provider)
    ids = provider.id_generator
    assert isinstance(ids, TracedBy), "this process traces otherwise already"  # noqa: S101 - a program of its own
    ids.clock = clock
