"""Where a store is, as administrators write it, and how it is opened.

Each engine's library is imported when a store of its kind is opened, and not before.
"""

import re
from pathlib import Path

from msgspec import Struct

from queue_store.inspection import Inspection
from queue_store.patience import PERSONS, Patience
from queue_store.records import RecordStore

# By AWS's rules for names of tables.
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}")


class SqliteFile(Struct, frozen=True):
    """The embedded store's file."""

    path: Path


class DynamoDbTable(Struct, frozen=True):
    """The production store's table; where AWS is, its own environment says."""

    name: str


Place = SqliteFile | DynamoDbTable


def located(text: str) -> Place:
    """Read `sqlite:PATH` or `dynamodb:TABLE`.

    Raises:
        ValueError: it is neither; the words don't repeat it.
    """
    kind, _, name = (part.strip() for part in text.partition(":"))
    if kind == "sqlite" and name:
        return SqliteFile(Path(name))
    if kind == "dynamodb":
        if _TABLE.fullmatch(name) is None:
            raise ValueError("must name a table by 3 to 255 of the characters a-z, A-Z, 0-9, _.-")
        return DynamoDbTable(name)
    raise ValueError("must be sqlite:PATH or dynamodb:TABLE")


async def inspect_store(place: Place, *, site: str, patience: Patience = PERSONS) -> Inspection:
    """Look into the store of this site beside whoever works with it; nothing is changed.

    Raises:
        StoreError: it can't be read or could not be written to; the message says why.
    """
    match place:
        case SqliteFile(path=path):
            from queue_store.sqlite import SqliteStore  # noqa: PLC0415 # see above

            return await SqliteStore.inspect(path, site=site, patience=patience)
        case DynamoDbTable(name=name):
            from queue_store.dynamodb import DynamoDbStore  # noqa: PLC0415 # see above

            store = await DynamoDbStore.open(name, site=site, patience=patience)
            try:
                return await store.inspect()
            finally:
                await store.close()


async def open_store(place: Place, *, site: str, patience: Patience = PERSONS) -> RecordStore:
    """Open the store of this site; `patience` is how long it is waited for.

    Raises:
        StoreError: it can't be opened; the message says why.
    """
    match place:
        case SqliteFile(path=path):
            from queue_store.sqlite import SqliteStore  # noqa: PLC0415 # see above

            return await SqliteStore.open(path, site=site, patience=patience)
        case DynamoDbTable(name=name):
            from queue_store.dynamodb import DynamoDbStore  # noqa: PLC0415 # see above

            return await DynamoDbStore.open(name, site=site, patience=patience)
