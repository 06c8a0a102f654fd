"""Every store that there is, by name; all are held to the one contract."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from queue_store.dynamodb import DynamoDbStore
from queue_store.patience import ADMINISTRATORS, Patience
from queue_store.sqlite import SqliteStore
from queue_store.store import QueueStore
from queue_store.table import create
from tests.queue_store import servers
from tests.queue_store.servers import Program

# Where `python -m tests…` works from.
ROOT = Path(__file__).parents[2]


class OpenStore(Protocol):
    """Opens the same place of keeping, time after time, for one site."""

    def __call__(self, *, site: str) -> Awaitable[QueueStore]:
        """Open the store of this site."""
        ...


def table_of(directory: Path) -> str:
    """Name the table of a test after the test's own directory."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", str(directory))[-200:]


async def open_table(
    table: str, *, site: str, patience: Patience = ADMINISTRATORS
) -> DynamoDbStore:
    """Open the store in this table, made if it is missing.

    Machines that run tests are busy: only stories about patience are impatient.
    """
    await asyncio.to_thread(lambda: list(create(table)))
    return await DynamoDbStore.open(table, site=site, patience=patience)


def _in_dynamodb(directory: Path) -> OpenStore:
    return partial(open_table, table_of(directory))


ENGINES: dict[str, Callable[[Path], OpenStore]] = {
    "sqlite": lambda directory: partial(
        SqliteStore.open, directory / "queue.db", patience=ADMINISTRATORS
    ),
    "dynoxide": _in_dynamodb,
    "ministack": _in_dynamodb,
}

# The engines that are processes of their own. A second opinion is heard where it is installed.
SERVERS: dict[str, Callable[[], Program]] = {
    "dynoxide": servers.dynoxide,
    "ministack": servers.ministack,
}
OPTIONAL = {"ministack"}


def heard() -> list[str]:
    """Name the engines that the contract is told of here."""
    return [name for name in ENGINES if name not in OPTIONAL or SERVERS[name]().installed]
