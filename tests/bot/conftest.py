"""The bot's neighbours and the bot itself, ready to use."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from playground.slack.options import Options
from playground.slack.simulation import SimulatedSlack
from tests.bot.office import Bot, Clock, Neighbours, at_work, neighbours_of

NewSlack = Callable[[Options], SimulatedSlack]


@pytest.fixture(autouse=True)
def bolts_logger() -> Iterator[None]:
    """Give Bolt's logger its level back, which the bot raises for the whole process."""
    logger = logging.getLogger("slack_bolt")
    before = logger.level
    yield
    logger.setLevel(before)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def new_slack(clock: Clock) -> NewSlack:
    def new(options: Options) -> SimulatedSlack:
        return SimulatedSlack(
            clock=clock.now, options=options, signs_at=lambda: clock.now().timestamp()
        )

    return new


@pytest.fixture
async def neighbours(
    tmp_path: Path, clock: Clock, new_slack: NewSlack
) -> AsyncIterator[Neighbours]:
    """Open a Slack that brings its requests over HTTP, and the rest."""
    slack = new_slack(Options(retry_delays=()))
    async with neighbours_of(tmp_path / "queue.db", slack, clock) as opened:
        yield opened


@pytest.fixture
async def by_socket(tmp_path: Path, clock: Clock, new_slack: NewSlack) -> AsyncIterator[Neighbours]:
    """Open a Slack that brings its requests over Socket Mode, and the rest."""
    slack = new_slack(Options(socket_mode=True, retry_delays=()))
    async with neighbours_of(tmp_path / "queue.db", slack, clock) as opened:
        yield opened


@pytest.fixture(params=["neighbours", "by_socket"], ids=["http", "socket mode"])
def either_way(request: pytest.FixtureRequest) -> Neighbours:
    """Open them in each of the two ways in which Slack's requests reach the bot."""
    opened = request.getfixturevalue(request.param)
    assert isinstance(opened, Neighbours)
    return opened


@pytest.fixture
async def bot(neighbours: Neighbours) -> AsyncIterator[Bot]:
    async with at_work(neighbours) as working:
        yield working


@pytest.fixture
async def either(either_way: Neighbours) -> AsyncIterator[Bot]:
    """Run the bot in each of the two ways."""
    async with at_work(either_way) as working:
        yield working
