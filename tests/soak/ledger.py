"""What was to be said, and what became of it: nothing may be missing, and nothing twice."""

import re
from collections import Counter
from pathlib import Path

from msgspec import Struct

from tests.crashes.outcome import Listening

_ROW = re.compile(r"(row\.seen|relay\.overtaken|relay\.refused) .*?row=(\S+)")


class Ledger(Struct, frozen=True, kw_only=True):
    """The rows of the outbox, by what became of them."""

    said: int
    overtaken: int
    refused: int
    lost: tuple[str, ...]
    doubled: tuple[str, ...]


def ledger(log: Path, listening: Listening) -> Ledger:
    """Draw it up from the bot's log and from what Slack was told."""
    found: dict[str, set[str]] = {}
    for event, row in _ROW.findall(log.read_text()):
        found.setdefault(event, set()).add(row)
    said: Counter[str] = listening.rows()
    seen, overtaken = found.get("row.seen", set()), found.get("relay.overtaken", set())
    refused = found.get("relay.refused", set())
    return Ledger(
        said=len(said),
        overtaken=len(overtaken - said.keys()),
        refused=len(refused),
        lost=tuple(sorted(seen - said.keys() - overtaken - refused)),
        doubled=tuple(sorted(row for row, times in said.items() if times > 1)),
    )
