"""The store in memory promises what every store promises, or nothing would be proved with it."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from queue_store.store import QueueStore
from tests.instances.memory import MemoryStore, Shelf
from tests.queue_store.decisions import SITE
from tests.queue_store.engines import OpenStore
from tests.queue_store.test_contract import *  # noqa: F403 - every story that is told of a store


@pytest.fixture
def engine() -> str:
    return "memory"


@pytest.fixture
def open_store() -> OpenStore:
    shelves: dict[str, Shelf] = {}

    async def opened(*, site: str) -> QueueStore:
        shelf = shelves.setdefault(site, Shelf(site))
        return MemoryStore(shelf, pause=lambda: asyncio.sleep(0), monotonic=time.monotonic)

    return opened


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[QueueStore]:
    opened = await open_store(site=SITE)
    yield opened
    await opened.close()
