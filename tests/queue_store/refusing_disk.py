"""A process whose disk refuses to take a commit, and then works again.

It prints what the store made of the refusal, and the revision that the next commit made. The
refusal is the kernel's own, a limit on the size of files: `python -m
tests.queue_store.refusing_disk DIRECTORY`.
"""

import asyncio
import resource
import sys
from pathlib import Path

from queue_store.errors import StoreError
from queue_store.sqlite import SqliteStore
from queue_store.store import Commit
from tests.queue_store.decisions import NOON, SITE, waiting


async def be_refused(directory: Path) -> None:
    """Commit once within the limit, once beyond it, and once without a limit."""
    store = await SqliteStore.open(directory / "queue.db", site=SITE)
    await store.commit(Commit(site=waiting("U0ADA"), seen=0, now=NOON))
    log = directory / "queue.db-wal"
    _limit_files(log.stat().st_size)
    try:
        await store.commit(Commit(site=waiting("U0GRACE"), seen=1, now=NOON))
    except StoreError as error:
        print(type(error).__name__)  # noqa: T201 # how its parent hears of it
    _limit_files(resource.RLIM_INFINITY)
    seen = (await store.load()).revision
    print(await store.commit(Commit(site=waiting("U0ALAN"), seen=seen, now=NOON)))  # noqa: T201
    await store.close()


def _limit_files(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


if __name__ == "__main__":
    asyncio.run(be_refused(Path(sys.argv[1])))
