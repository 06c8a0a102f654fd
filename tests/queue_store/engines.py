"""Every store that there is, by name; all are held to the one contract."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from queue_store.sqlite import SqliteStore
from queue_store.store import QueueStore

# Where `python -m tests…` works from.
ROOT = Path(__file__).parents[2]


class OpenStore(Protocol):
    """Opens the same place of keeping, time after time, for one site."""

    def __call__(self, *, site: str) -> Awaitable[QueueStore]:
        """Open the store of this site."""
        ...


ENGINES: dict[str, Callable[[Path], OpenStore]] = {
    "sqlite": lambda directory: partial(SqliteStore.open, directory / "queue.db"),
}
