"""A store of each kind, fresh for each test."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from queue_store.store import QueueStore
from tests.permissions import ADMINISTRATOR, BOT, allowed, watch
from tests.queue_store.between import Wire
from tests.queue_store.decisions import SITE
from tests.queue_store.engines import ENGINES, SERVERS, OpenStore, heard
from tests.queue_store.faults import Note, noted
from tests.queue_store.servers import Server, aws_environment, running


@pytest.fixture(autouse=True)
def permitted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be asked of DynamoDB that the documented policies do not allow."""
    granted = allowed(BOT) | allowed(ADMINISTRATOR)

    def refuse_others(action: str) -> None:
        assert action in granted, f"no policy under docs/ allows {action}"

    watch(monkeypatch, refuse_others)


class Servers:
    """The engines that are processes; each is started when it is first needed."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._running: dict[str, Server] = {}

    def __call__(self, name: str) -> Server:
        """Answer the engine of this name."""
        if name not in self._running:
            self._running[name] = self._stack.enter_context(running(SERVERS[name]()))
        return self._running[name]


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Start engines as they are needed, and end them when all is told."""
    with ExitStack() as stack:
        yield Servers(stack)


@pytest.fixture
def reach_engine(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Answer how to make the environment lead to the engine of a name."""

    def reach(name: str) -> str:
        if name in SERVERS:
            for variable, text in aws_environment(servers(name).url).items():
                monkeypatch.setenv(variable, text)
        return name

    return reach


@pytest.fixture(params=heard())
def engine(request: pytest.FixtureRequest, reach_engine: Callable[[str], str]) -> str:
    """Name the engine under the contract, which the environment leads to."""
    return reach_engine(str(request.param))


@pytest.fixture
def wire(engine: str, servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """Lead the way to the engine over a wire that can be told to fail."""
    between = Wire(servers(engine).port)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", between.url)
    yield between
    between.close()


@pytest.fixture(scope="module")
def note() -> Iterator[Note]:
    """Answer how to note what became of a fault; it is printed in the end."""
    with noted() as note:
        yield note


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
