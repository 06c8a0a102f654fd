"""A process that adds drivers to a queue at once, and prints the places that they got.

`python -m tests.queue_store.adding TABLE FIRST LAST` after a line on its standard input.
"""

import asyncio
import sys

from queue_store.dynamodb import DynamoDbStore
from queue_store.patience import ADMINISTRATORS
from tests.queue_store.decisions import SITE, add


async def add_drivers(table: str, first: int, last: int) -> None:
    """Wait to be told, and add these drivers."""
    store = await DynamoDbStore.open(table, site=SITE, patience=ADMINISTRATORS)
    print("ready", flush=True)  # noqa: T201 # how its parent hears of it
    await asyncio.to_thread(sys.stdin.readline)
    drivers = [f"U0{number:02d}" for number in range(first, last)]
    for place in await asyncio.gather(*(add(store, driver) for driver in drivers)):
        print(place, flush=True)  # noqa: T201
    await store.close()


if __name__ == "__main__":
    asyncio.run(add_drivers(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
