"""A store of each kind, fresh for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from queue_store.store import QueueStore
from tests.queue_store.decisions import SITE
from tests.queue_store.engines import ENGINES, OpenStore


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Name the engine under the contract."""
    return str(request.param)


@pytest.fixture
def open_store(engine: str, tmp_path: Path) -> OpenStore:
    """Answer how to open this test's own place of keeping."""
    return ENGINES[engine](tmp_path)


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[QueueStore]:
    """Open a store that nothing was ever kept in."""
    opened = await open_store(site=SITE)
    yield opened
    await opened.close()
