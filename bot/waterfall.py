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


class Piece(Struct, frozen=True, kw_only=True):
    """A piece of work in a waterfall: a unit, or a step of one; times are in seconds."""

    id: str
    parent: str | None
    trace: str
    name: str
    begin: float
    end: float
    facts: Mapping[str, object] = {}
    error: str = ""

    @property
    def took(self) -> float:
        """For how many milliseconds it was under way."""
        return 1000 * (self.end - self.begin)


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
                self._print([*map(_piece, finished)])

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

    def _print(self, pieces: list[Piece]) -> None:
        text = "".join(f"{self._redact(line)}\n" for line in waterfall(pieces))
        # A screen that is gone must not fail the work that was shown on it.
        with suppress(OSError, ValueError):
            self._out.write(text)
            self._out.flush()


class Row(Struct, frozen=True):
    """A piece of work and the branch on which it hangs."""

    piece: Piece
    branch: str

    @property
    def label(self) -> str:
        """Its name, behind its branch."""
        return f"{self.branch}{one_line(self.piece.name)}"


def rows(pieces: Sequence[Piece]) -> list[Row]:
    """Answer the unit, which is the last of the pieces, and its steps below it in their order."""
    *steps, root = pieces
    return [Row(root, ""), *_branches(root.id, _children(root, steps), indent="  ")]


def waterfall(pieces: Sequence[Piece]) -> Iterator[str]:
    """Answer the lines that show a unit, which is the last of the pieces, with its steps."""
    first, *below = rows(pieces)
    root, width = first.piece, max(len(row.label) for row in (first, *below))
    yield _joined(
        f"{one_line(root.name):{width}}",
        f"{'':8} {root.took:9.1f} ms",
        _facts(root),
        _error(root),
        f"trace {one_line(root.trace)}",
    )
    for row in below:
        piece = row.piece
        yield _joined(
            f"{row.label:{width}}",
            f"{1000 * (piece.begin - root.begin):+8.1f} {piece.took:9.1f} ms",
            _bar(piece, root),
            _facts(piece),
            _error(piece),
        )


def _piece(span: ReadableSpan) -> Piece:
    attributes = span.attributes or {}
    return Piece(
        id=f"{span.context.span_id:016x}",
        parent=f"{span.parent.span_id:016x}" if span.parent else None,
        trace=reference(span.context.trace_id),
        name=span.name,
        begin=(span.start_time or 0) / 1e9,
        end=(span.end_time or 0) / 1e9,
        facts={name: value for name, value in attributes.items() if name not in _SILENT},
        error=_failure(span),
    )


def _children(root: Piece, steps: Sequence[Piece]) -> Mapping[str, list[Piece]]:
    known = {piece.id for piece in steps}
    children = defaultdict(list)
    for piece in sorted(steps, key=lambda piece: piece.begin):
        parent = piece.parent or ""
        # A step whose own parent is still under way is shown below the unit.
        children[parent if parent in known else root.id].append(piece)
    return children


def _branches(parent: str, children: Mapping[str, list[Piece]], *, indent: str) -> Iterator[Row]:
    siblings = children.get(parent, [])
    for piece in siblings:
        last = piece is siblings[-1]
        yield Row(piece, f"{indent}{'└' if last else '├'} ")
        deeper = f"{indent}{' ' if last else '│'} "
        yield from _branches(piece.id, children, indent=deeper)


def _joined(*parts: str) -> str:
    return "  ".join(filter(None, parts)).rstrip()


def _bar(piece: Piece, root: Piece) -> str:
    cell = max(root.took, 1e-3) / _BAR
    first = min(max(int(1000 * (piece.begin - root.begin) / cell), 0), _BAR - 1)
    length = min(max(round(piece.took / cell), 1), _BAR - first)
    return f"▏{' ' * first}{'█' * length}{' ' * (_BAR - first - length)}▕"


def _facts(piece: Piece) -> str:
    return " ".join(
        f"{one_line(name)}={HIDDEN if names_secret(name) else _short(str(value))}"
        for name, value in piece.facts.items()
    )


def _error(piece: Piece) -> str:
    return f"✗ {_short(piece.error)}" if piece.error else ""


def _failure(span: ReadableSpan) -> str:
    if span.status.status_code is not StatusCode.ERROR:
        return ""
    told = [_exception(event) for event in span.events if event.name == "exception"]
    return told[-1] if told else span.status.description or "failed"


def _exception(event: Event) -> str:
    attributes = event.attributes or {}
    kind = str(attributes.get("exception.type", "")).rpartition(".")[2]
    return f"{kind}: {attributes.get('exception.message', '')}"


def _short(text: str) -> str:
    return one_line(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
