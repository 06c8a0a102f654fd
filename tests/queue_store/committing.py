"""A process that commits without end and says of each commit that it was acknowledged.

To be killed: `python -m tests.queue_store.committing ENGINE DIRECTORY`.
"""

import asyncio
import itertools
import sys
from pathlib import Path

from msgspec.structs import replace

from queue_store.store import Commit
from tests.queue_store.decisions import NOON, SITE, request, waiting
from tests.queue_store.engines import ENGINES


async def commit_without_end(engine: str, directory: Path) -> None:
    """Commit decisions whose every part tells the revision that it belongs to."""
    store = await ENGINES[engine](directory)(site=SITE)
    for revision in itertools.count(1):
        commit = Commit(
            site=replace(waiting(), serial=revision),
            seen=revision - 1,
            now=NOON,
            answered=request(f"trigger {revision}", str(revision).encode()),
            bodies=(str(revision).encode(),),
        )
        print(await store.commit(commit), flush=True)  # noqa: T201 # how its parent hears of it


if __name__ == "__main__":
    asyncio.run(commit_without_end(sys.argv[1], Path(sys.argv[2])))
