"""What a store keeps, one record for each thing, the same from every engine and for all sites.

As JSON lines they are the way from one store to another: `python -m queue_store`.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from queue_store.errors import Unreadable
from queue_store.store import Answered, OutboxRow, PostedCard, QueueStore, RefusedRow
from queue_store.stored import decoded


class KeptSite(Struct, frozen=True, kw_only=True, tag="site"):
    """A site in its stored form, with its revision."""

    site: str
    revision: int
    body: msgspec.Raw


class KeptAnswer(Struct, frozen=True, kw_only=True, tag="answer"):
    """What a request was told."""

    site: str
    answered: Answered


class KeptCard(Struct, frozen=True, kw_only=True, tag="card"):
    """Where a message stands."""

    site: str
    card: PostedCard


class KeptRow(Struct, frozen=True, kw_only=True, tag="row"):
    """Something still to be said; rows of a site come oldest first."""

    site: str
    row: OutboxRow


class KeptRefused(Struct, frozen=True, kw_only=True, tag="refused"):
    """Something that could never be said."""

    site: str
    row: RefusedRow


Record = KeptSite | KeptAnswer | KeptCard | KeptRow | KeptRefused


class RecordStore(QueueStore, Protocol):
    """A store whose content can be taken elsewhere, while no bot is at work on it."""

    async def records(self) -> list[Record]:
        """Answer everything that is kept, of every site.

        Raises:
            Conflict: it changed while it was read.
        """
        ...

    async def restore(self, records: Sequence[Record], *, replace: bool) -> None:
        """Keep these records and nothing else, whatever their sites.

        Raises:
            NotEmpty: something is kept already, and `replace` does not allow to drop it.
        """
        ...


def written(records: Iterable[Record]) -> Iterator[bytes]:
    """Answer a line for each record."""
    return (msgspec.json.encode(record) + b"\n" for record in records)


def read(lines: Iterable[bytes]) -> list[Record]:
    """Answer the records in the lines; every one is looked at before any is stored.

    Raises:
        Unreadable: a line is not a record, or a site can't be read by this version.
    """
    return [_record(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _record(number: int, line: bytes) -> Record:
    try:
        record: Record = msgspec.json.decode(line, type=Record)
        if isinstance(record, KeptSite):
            decoded(bytes(record.body), site=record.site)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, Unreadable) as error:
        raise Unreadable(f"line {number} is not a record of a store: {error}") from error
    return record
