"""What is uploaded is what was committed and no more, and it runs where nothing else is."""

import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pathspec import PathSpec

from playground.slack.options import Options
from playground.slack.simulation import SimulatedSlack
from playground.slack.workspace import dm_of
from tests.bot.office import ADA, EAST, GRACE, WEST, Clock, Neighbours, neighbours_of, until
from tests.deployment.beanstalk import environment
from tests.deployment.bundle import ROOT, made, names, output
from tests.deployment.server import Server

PROMISED_SECONDS = 10
PACKAGES = {"bot", "chargepoint", "queue_store"}


def test_it_has_what_the_bot_runs_with_and_nothing_else(bundled: Path) -> None:
    top = {name.split("/")[0] for name in names(bundled)}

    assert top == PACKAGES | {".ebextensions", "Procfile", "requirements.txt"}


def test_of_the_packages_it_has_every_file_that_is_tracked(
    bundled: Path, as_it_stands: str
) -> None:
    """A file that was never added would be missing on the server only."""
    tracked = output("git", "ls-tree", "-r", "--name-only", as_it_stands, *PACKAGES).split()
    imported = {str(path.relative_to(ROOT)) for each in PACKAGES for path in every_module(each)}

    assert {name for name in names(bundled) if name.split("/")[0] in PACKAGES} == set(tracked)
    assert imported <= set(tracked)


def every_module(package: str) -> list[Path]:
    """Answer the files of a package that could be imported here."""
    return list((ROOT / package).rglob("*.py"))


def test_one_commit_makes_one_bundle_wherever_it_is_made(
    bundled: Path, as_it_stands: str, tmp_path: Path
) -> None:
    """So that what is uploaded can be compared with what was tested."""
    again = made(tmp_path / "again.zip", commit=as_it_stands, TZ="Asia/Tokyo")

    assert again.read_bytes() == bundled.read_bytes()


def test_its_maker_is_told_what_is_in_it(tmp_path: Path, as_it_stands: str) -> None:
    listed = output("make", "bundle", f"BUNDLE={tmp_path}/b.zip", f"COMMIT={as_it_stands}")

    assert all(name in listed for name in names(tmp_path / "b.zip"))


@pytest.mark.parametrize("secret", [".env", "queue.db", ".aws/credentials", "bot.pem", "docs/x"])
def test_eb_deploy_uploads_nothing_that_is_not_named(secret: str) -> None:
    """With an .ebignore the EB CLI takes whatever lies in the folder, committed or not."""
    assert by_the_eb_cli(secret)
    assert by_git(secret)


def test_eb_deploy_uploads_the_same_as_the_bundle(bundled: Path, as_it_stands: str) -> None:
    """However it is uploaded, it is what was tested."""
    tracked = output("git", "ls-tree", "-r", "--name-only", as_it_stands).split()

    for ignored in (by_the_eb_cli, by_git):
        assert {name for name in tracked if not ignored(name)} == set(names(bundled))
        assert ignored("bot/__pycache__/app.cpython-313.pyc")


def by_the_eb_cli(name: str) -> bool:
    """Whether the EB CLI leaves a file out; this is how it reads its list."""
    lines = (ROOT / ".ebignore").read_text().splitlines()
    return PathSpec.from_lines("gitignore", lines).match_file(name)


def by_git(name: str) -> bool:
    """Whether git would, by the same list."""
    asked = ["git", "-c", f"core.excludesFile={ROOT / '.ebignore'}", "check-ignore", "--no-index"]
    found = subprocess.run([*asked, "-q", name], cwd=ROOT, check=False)  # noqa: S603 # our command
    return found.returncode == 0


@pytest.fixture(params=["http", "socket mode"])
async def neighbours(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Neighbours]:
    """Open a Slack that brings its requests in either way, and the rest."""
    slack_options = Options(socket_mode=request.param == "socket mode", retry_delays=())
    clock = Clock()
    slack = SimulatedSlack(clock=clock.now, options=slack_options)
    async with neighbours_of(tmp_path / "never-made.db", slack, clock) as opened:
        yield opened


class Environment:
    """An environment of one machine, as Elastic Beanstalk deploys to it: all at once."""

    def __init__(self, server: Server, neighbours: Neighbours, settings: Mapping[str, str]) -> None:
        self._server = server
        self._neighbours = neighbours
        self._settings = settings

    @asynccontextmanager
    async def runs(self, version: Path) -> AsyncIterator[None]:
        """Run a version until the block ends, and see that it leaves as it should."""
        async with self._server.started(version, self._settings) as web:
            await web.answers("/healthz")
            await web.answers("/readyz")
            self._neighbours.slack.bot_url = f"{web.url}/slack/events"
            yield
            code, seconds = await web.leaves()
        assert (code, seconds < PROMISED_SECONDS) == (0, True), "".join(web.said)[-2000:]


# Installing from scratch takes as long as the way to the package index is.
@pytest.mark.timeout(900)
async def test_it_runs_is_redeployed_with_the_queue_in_use_and_stops(
    server: Server, bundled: Path, neighbours: Neighbours, dynamodb: dict[str, str]
) -> None:
    """All of it with nothing but the bundle, its requirements and the settings."""
    first = server.install(bundled)
    shipped = environment(*(first / ".ebextensions").iterdir())
    deployed = Environment(server, neighbours, {**neighbours.environment(), **shipped, **dynamodb})
    create = ("python", "-m", "queue_store", "create", shipped["QUEUE_STORE"])
    await server.run(*create, at=first, **dynamodb)

    async with deployed.runs(first):
        answer = await neighbours.slack.command(ADA, "add")
        assert answer is not None
        assert "Ada Lovelace joined" in answer.text
        await neighbours.slack.command(GRACE, "add", channel=dm_of(GRACE))
        second = server.install(bundled)
    neighbours.leave(EAST)
    assert neighbours.room("Go and plug in") == []

    async with deployed.runs(second):
        await neighbours.hears("<@U0ADA>")
        await neighbours.tells(ADA, "It's your turn")
        neighbours.leave(WEST)
        await neighbours.tells(GRACE, "It's your turn")
        await until(lambda: all_said(neighbours))

    assert [each.notifies for each in neighbours.room("Go and plug in")] == [(ADA,), (GRACE,)]
    assert not neighbours.store.exists()


async def all_said(neighbours: Neighbours) -> bool:
    """Tell whether the room has heard both calls."""
    return len(neighbours.room("Go and plug in")) > 1
