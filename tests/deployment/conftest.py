"""Bundles, and machines to run them on."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployment import bundle
from tests.deployment.server import Server
from tests.queue_store import servers
from tests.queue_store.servers import running

PYTHONS = ("3.11", "3.12", "3.13")
SECONDS_A_ROUND = 120
PYENV = Path.home() / ".pyenv/versions"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tell the stories of a server on this Python, or on every one that is here."""
    if "python" in metafunc.fixturenames:
        every = metafunc.config.getoption("--every-python")
        pythons = [p for v in PYTHONS if (p := found(v))] if every else [sys.executable]
        metafunc.parametrize("python", pythons, ids=version, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give whatever goes on for longer the time for that."""
    rounds: int = config.getoption("--rounds")
    for item in items:
        if "office" in getattr(item, "fixturenames", ()) and rounds > 1:
            item.add_marker(pytest.mark.timeout(SECONDS_A_ROUND * rounds))


def found(wanted: str) -> str | None:
    """Answer where a Python of this version is, be it on the path or among pyenv's."""
    candidates = [shutil.which(f"python{wanted}"), *PYENV.glob(f"{wanted}.*/bin/python{wanted}")]
    return next((str(each) for each in candidates if each and version(str(each)) == wanted), None)


def version(python: str) -> str:
    """Answer the version that a Python says it is; nothing if it can't be run."""
    words = "import sys; print(*sys.version_info[:2], sep='.')"
    said = subprocess.run([python, "-c", words], capture_output=True, text=True, check=False)  # noqa: S603 # ours
    return said.stdout.strip()


@pytest.fixture(scope="session")
def as_it_stands() -> str:
    """Name the commit that is bundled."""
    return bundle.as_it_stands()


@pytest.fixture(scope="session")
def bundled(tmp_path_factory: pytest.TempPathFactory, as_it_stands: str) -> Path:
    """Make the bundle of the project as it stands."""
    return bundle.made(tmp_path_factory.mktemp("bundle") / "bot.zip", commit=as_it_stands)


@pytest.fixture(scope="session")
def server(python: str, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """Set up a machine with this Python, which takes a while."""
    return Server(tmp_path_factory.mktemp(f"server-{version(python)}"), python)


@pytest.fixture
def dynamodb() -> Iterator[dict[str, str]]:
    """Run a DynamoDB engine and answer the settings that lead there."""
    with running(servers.dynoxide()) as engine:
        yield servers.aws_environment(engine.url)
