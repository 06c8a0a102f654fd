"""A process whose disk fills up in the middle of commits, and is then cleared up.

It prints what the store made of each commit that did not fit, and whether the next one fits once
there is room: `python -m tests.queue_store.full_disk DIRECTORY`, on a small disk of its own.
"""

import asyncio
import os
import sys
from pathlib import Path

from queue_store.errors import StoreError
from queue_store.sqlite import SqliteStore
from queue_store.store import Commit
from tests.queue_store.decisions import NOON, SITE, waiting

# From a disk without a byte to one on which the next commit only just finds no room.
ROOM_LEFT = (0, 4096, 8192, 16384, 20480, 40960)


async def fill(directory: Path) -> None:
    """Commit until the disk is full, with ever more room to begin with."""
    path, rubbish = directory / "queue.db", directory / "rubbish"
    store = await SqliteStore.open(path, site=SITE)
    revision = 0
    for room in ROOM_LEFT:
        rubbish.write_bytes(b"")
        rubbish.write_bytes(b"x" * max(0, _free(directory) - room))
        revision = await _commit_until_refused(store, revision)
    await store.close()
    await _open_in_vain(path)
    rubbish.unlink()
    store = await SqliteStore.open(path, site=SITE)
    assert len(await store.outbox()) == revision
    print(await store.commit(_commit(revision)) == revision + 1)  # noqa: T201
    await store.close()


async def _commit_until_refused(store: SqliteStore, revision: int) -> int:
    while True:
        try:
            revision = await store.commit(_commit(revision))
        except StoreError as error:
            print(f"{type(error).__name__}: {error}")  # noqa: T201 # how its parent hears of it
            assert (await store.load()).revision == revision
            return revision


async def _open_in_vain(path: Path) -> None:
    try:
        await SqliteStore.open(path.with_name("other.db"), site=SITE)
    except StoreError as error:
        print(f"{type(error).__name__}: {error}")  # noqa: T201


def _commit(seen: int) -> Commit:
    return Commit(site=waiting("U0ADA"), seen=seen, now=NOON, bodies=(b"x" * 3000,))


def _free(directory: Path) -> int:
    disk = os.statvfs(directory)
    return disk.f_bavail * disk.f_frsize


if __name__ == "__main__":
    asyncio.run(fill(Path(sys.argv[1])))
