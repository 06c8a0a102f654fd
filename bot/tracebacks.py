"""What Python prints of an exception, taken apart again: who was raised where, and by what cause.

Spans carry tracebacks as text, whoever made them; X-Ray shows exceptions and frames.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

_CHAINED = re.compile(
    r"\n\n(?:The above exception was the direct cause of the following exception"
    r"|During handling of the above exception, another exception occurred):\n\n"
)
_FRAME = re.compile(r'[ |+]*File "(?P<path>.*)", line (?P<line>\d+)(?:, in (?P<label>.*))?')
# Frames and the source below them are indented; what was raised is not.
_KIND = re.compile(r"[\w.<>]+")
_FIRST_LINE = re.compile(r"^(?!Traceback \(most recent call last\):$)\S.*", re.MULTILINE)


class Frame(Struct, frozen=True):
    """A line of code under way."""

    path: str
    line: int
    label: str


class Raised(Struct, frozen=True):
    """An exception, and where it was raised, the innermost frame first."""

    kind: str
    message: str
    stack: tuple[Frame, ...] = ()


def raised(text: str, *, kind: str = "", message: str = "") -> tuple[Raised, ...]:
    """Answer the exception that a traceback is of, then its cause, and so on.

    What is known of the first one goes before what the text says of it.
    """
    first, *causes = map(_raised, reversed(_CHAINED.split(text)))
    return (Raised(kind or first.kind, message or first.message, first.stack), *causes)


def _raised(section: str) -> Raised:
    found = _FIRST_LINE.search(section)
    start = found.start() if found else len(section)
    stack = tuple(reversed(tuple(_frames(section[:start]))))
    kind, _, message = section[start:].rstrip().partition(": ")
    return Raised(kind, message, stack) if _KIND.fullmatch(kind) else Raised("", "", stack)


def _frames(lines: str) -> Iterator[Frame]:
    for line in lines.splitlines():
        if frame := _FRAME.fullmatch(line):
            yield Frame(frame["path"], int(frame["line"]), frame["label"] or "")
