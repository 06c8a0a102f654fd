"""Segment documents as the X-Ray daemon takes them: each in one datagram, never too long for it.

A document that is too long loses its metadata, then the stacks of its exceptions, then the rest
of what only explains. What is left is always short enough.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

HEADER = b'{"format":"json","version":1}\n'
# X-Ray takes documents of 64 kB, and UDP carries a little more.
LARGEST = 64_000

Document = Mapping[str, Any]


def datagram(document: Document) -> bytes:
    """Answer what is sent: the document, slimmed if need be, behind the daemon's header."""
    bodies = (_encoded(slim(document)) for slim in _SLIMMER_AND_SLIMMER)
    return HEADER + next(body for body in bodies if len(body) <= LARGEST - len(HEADER))


def _encoded(document: Document) -> bytes:
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    # A text may have halves of characters in it, which nobody could send.
    return text.encode(errors="replace")


def _whole(document: Document) -> Document:
    return document


def _without_metadata(document: Document) -> Document:
    return _without(document, "metadata")


def _without_stacks(document: Document) -> Document:
    exceptions = document.get("cause", {}).get("exceptions", ())
    short = {"exceptions": [_without(each, "stack") for each in exceptions]}
    return {**_without_metadata(document), **({"cause": short} if exceptions else {})}


def _bare(document: Document) -> Document:
    return _without(document, "metadata", "cause", "annotations")


def _without(document: Document, *keys: str) -> Document:
    return {key: value for key, value in document.items() if key not in keys}


_SLIMMER_AND_SLIMMER: tuple[Callable[[Document], Document], ...] = (
    _whole,
    _without_metadata,
    _without_stacks,
    _bare,
)
