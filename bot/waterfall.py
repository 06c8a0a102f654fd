"""Traces on a screen: each unit with its steps below it, when they began and how long they took.

/ev add                   12.4 ms  driver=U0ADA outcome=joined  trace 1-…
  ├ SQLite load     +0.2   0.3 ms  ▏█                       ▕
  ├ decide          +0.6   0.2 ms  ▏ █                      ▕
  └ SQLite commit   +0.9   4.1 ms  ▏ ████████               ▕
"""

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TextIO

from msgspec import Struct
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import StatusCode

from bot.redaction import HIDDEN, Redact, names_secret, one_line
from bot.reference import reference
from bot.xray import INDEXED

_BAR = 24
_LONGEST = 200
# What the name of the step says already, and what is only for other exporters.
_SILENT = {"unit", "peer.service", "rpc.method", INDEXED}


class Waterfalls(SpanProcessor):
    """Gathers the spans of each trace and prints them when its unit ends.

    A step that ends after its unit is printed by itself, so that nothing is kept for ever.
    """

    def __init__(self, out: TextIO, redact: Redact) -> None:
        self._out = out
        self._redact = redact
        self._lock = threading.Lock()
        self._gathered: dict[int, list[ReadableSpan]] = {}
        self._stopped = False

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Begin a new waterfall with each unit."""
        del parent_context
        if span.parent is None and not self._stopped:
            self._gathered[span.context.trace_id] = []

    def on_end(self, span: ReadableSpan) -> None:
        """Keep the step, or print the unit."""
        with self._lock:
            finished = [] if self._stopped else self._finished(span)
            if finished:
                self._print(finished)

    def shutdown(self) -> None:
        """Print nothing any more."""
        with self._lock:
            self._stopped = True
            self._gathered.clear()

    def _finished(self, span: ReadableSpan) -> list[ReadableSpan]:
        gathered = self._gathered.get(span.context.trace_id)
        if gathered is None:
            return [span]
        gathered.append(span)
        return self._gathered.pop(span.context.trace_id) if span.parent is None else []

    def _print(self, spans: list[ReadableSpan]) -> None:
        text = "".join(f"{self._redact(line)}\n" for line in waterfall(spans))
        # A screen that is gone must not fail the work that was shown on it.
        with suppress(OSError, ValueError):
            self._out.write(text)
            self._out.flush()


class _Row(Struct, frozen=True):
    span: ReadableSpan
    branch: str

    @property
    def label(self) -> str:
        return f"{self.branch}{one_line(self.span.name)}"


def waterfall(spans: Sequence[ReadableSpan]) -> Iterator[str]:
    """Answer the lines that show a unit, which is the last of the spans, with its steps."""
    *steps, root = spans
    below = [*_branches(root.context.span_id, _children(root, steps), indent="  ")]
    width = max(len(row.label) for row in (_Row(root, ""), *below))
    yield _joined(
        f"{one_line(root.name):{width}}",
        f"{'':8} {_took(root):9.1f} ms",
        _facts(root),
        _error(root),
        f"trace {reference(root.context.trace_id)}",
    )
    for row in below:
        offset = f"{_milliseconds(root.start_time, row.span.start_time):+8.1f}"
        yield _joined(
            f"{row.label:{width}}",
            f"{offset} {_took(row.span):9.1f} ms",
            _bar(row.span, root),
            _facts(row.span),
            _error(row.span),
        )


def _children(
    root: ReadableSpan, steps: Sequence[ReadableSpan]
) -> Mapping[int, list[ReadableSpan]]:
    known = {span.context.span_id for span in steps}
    children = defaultdict(list)
    for span in sorted(steps, key=lambda span: span.start_time or 0):
        parent = span.parent.span_id if span.parent else 0
        # A step whose own parent is still under way is shown below the unit.
        children[parent if parent in known else root.context.span_id].append(span)
    return children


def _branches(
    parent: int, children: Mapping[int, list[ReadableSpan]], *, indent: str
) -> Iterator[_Row]:
    siblings = children.get(parent, [])
    for span in siblings:
        last = span is siblings[-1]
        yield _Row(span, f"{indent}{'└' if last else '├'} ")
        deeper = f"{indent}{' ' if last else '│'} "
        yield from _branches(span.context.span_id, children, indent=deeper)


def _joined(*parts: str) -> str:
    return "  ".join(filter(None, parts)).rstrip()


def _took(span: ReadableSpan) -> float:
    return _milliseconds(span.start_time, span.end_time)


def _milliseconds(begin: int | None, end: int | None) -> float:
    return ((end or 0) - (begin or 0)) / 1e6


def _bar(span: ReadableSpan, root: ReadableSpan) -> str:
    cell = max(_took(root), 1e-3) / _BAR
    first = min(max(int(_milliseconds(root.start_time, span.start_time) / cell), 0), _BAR - 1)
    length = min(max(round(_took(span) / cell), 1), _BAR - first)
    return f"▏{' ' * first}{'█' * length}{' ' * (_BAR - first - length)}▕"


def _facts(span: ReadableSpan) -> str:
    shown = {name: value for name, value in (span.attributes or {}).items() if name not in _SILENT}
    return " ".join(
        f"{one_line(name)}={HIDDEN if names_secret(name) else _short(str(value))}"
        for name, value in shown.items()
    )


def _error(span: ReadableSpan) -> str:
    if span.status.status_code is not StatusCode.ERROR:
        return ""
    told = [_exception(event) for event in span.events if event.name == "exception"]
    return f"✗ {_short(told[-1] if told else span.status.description or 'failed')}"


def _exception(event: Event) -> str:
    attributes = event.attributes or {}
    kind = str(attributes.get("exception.type", "")).rpartition(".")[2]
    return f"{kind}: {attributes.get('exception.message', '')}"


def _short(text: str) -> str:
    return one_line(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
