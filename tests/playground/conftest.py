"""The simulated office, ready to use."""

from collections.abc import AsyncIterator

import pytest

from playground.slack.options import Options
from playground.slack.simulation import SimulatedSlack
from tests.playground.office import Bot, Clock, bot_of


@pytest.fixture
def clock() -> Clock:
    """Stop the clock at noon."""
    return Clock()


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[SimulatedSlack]:
    """Open a workspace that takes requests over HTTP."""
    async with SimulatedSlack(clock=clock, options=Options(retry_delays=())) as workspace:
        yield workspace


@pytest.fixture
async def bot(slack: SimulatedSlack) -> AsyncIterator[Bot]:
    """Run a bot in that workspace."""
    async with bot_of(slack) as running:
        yield running


@pytest.fixture(params=[False, True], ids=["http", "socket mode"])
async def either(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[SimulatedSlack]:
    """Open a workspace in each of the two modes."""
    options = Options(socket_mode=request.param, retry_delays=())
    async with SimulatedSlack(clock=clock, options=options) as workspace:
        yield workspace
