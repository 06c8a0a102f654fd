"""Where a bot that may die keeps its queue: the embedded store, or the production one."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import Struct

from playground.slack.workspace import ROOM
from queue_store.site import Site
from queue_store.store import Commit, QueueStore
from tests.crashes.clock import NINE
from tests.queue_store.engines import ENGINES, table_of
from tests.queue_store.servers import aws_environment, dynoxide, running

# How long the next life waits for the leadership of one that died.
LEASE_SECONDS = 2


class Keeping(Struct, frozen=True, kw_only=True):
    """One kind of place: how the bot is told of it, and how everybody else opens it."""

    engine: str
    environment: Callable[[Path], Mapping[str, str]]

    async def begin(self, folder: Path, site: Site) -> None:
        """Keep this site, and nothing else."""
        store = await self.open(folder)
        await store.commit(Commit(site=site, seen=0, now=NINE))
        await store.close()

    async def end(self, folder: Path) -> Site:
        """Answer the site as it is kept, if nothing is left to be said."""
        store = await self.open(folder)
        assert await store.outbox() == ()
        site = (await store.load()).site
        await store.close()
        return site

    async def open(self, folder: Path) -> QueueStore:
        """Open it beside the bot, where the engine allows that."""
        return await ENGINES[self.engine](folder)(site=ROOM)


SQLITE = Keeping(
    engine="sqlite", environment=lambda folder: {"QUEUE_STORE": f"sqlite:{folder / 'queue.db'}"}
)


def dynamodb(url: str) -> Keeping:
    """Keep it in the engine at this URL, which our own environment leads to."""

    def environment(folder: Path) -> Mapping[str, str]:
        return {
            "QUEUE_STORE": f"dynamodb:{table_of(folder)}",
            "LEASE_SECONDS": f"{LEASE_SECONDS}",
            **aws_environment(url),
        }

    return Keeping(engine="dynoxide", environment=environment)


@contextmanager
def opened(store: str) -> Iterator[tuple[Keeping, int | None]]:
    """Answer where to keep the queue for a command, and the port of the engine that this takes."""
    if store == "sqlite":
        yield SQLITE, None
        return
    with running(dynoxide()) as engine, pytest.MonkeyPatch.context() as environment:
        for name, value in aws_environment(engine.url).items():
            environment.setenv(name, value)
        yield dynamodb(engine.url), engine.port
