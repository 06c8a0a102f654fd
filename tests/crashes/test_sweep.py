"""`kill -9` at any moment loses nothing and says nothing twice: a few moments of `make sweep`."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from playground.slack.options import SCOPES
from tests.crashes.day import DAY
from tests.crashes.keeping import SQLITE, dynamodb
from tests.crashes.steps import Victim
from tests.crashes.sweep import Sweep, compared
from tests.crashes.telling import Setting, tell
from tests.queue_store.conftest import Servers

TURN = DAY[1]
SLACK_TOOK_IT = Victim("after Slack chat.postMessage")


async def test_it_is_killed_and_nobody_is_the_worse_for_it(tmp_path: Path) -> None:
    sweep = Sweep(Setting(keeping=SQLITE), tmp_path, chance=Random(2), every=80)

    deaths = [death async for death in sweep.deaths(DAY[::2])]

    assert len(deaths) > 4
    assert all(death.happened for death in deaths)
    assert [death for death in deaths if not death.harmless or death.doubled] == []


async def test_it_is_killed_again_while_it_recovers(tmp_path: Path) -> None:
    sweep = Sweep(Setting(keeping=SQLITE), tmp_path, chance=Random(2), every=80, twice=True)

    deaths = [death async for death in sweep.deaths(DAY[1::2])]

    assert len(deaths) > 3
    assert [death for death in deaths if not death.harmless or death.doubled] == []


async def test_it_is_killed_in_socket_mode_and_nobody_is_the_worse_for_it(tmp_path: Path) -> None:
    setting = Setting(keeping=SQLITE, socket_mode=True)
    sweep = Sweep(setting, tmp_path, chance=Random(4), every=60)

    deaths = [death async for death in sweep.deaths([TURN])]

    assert len(deaths) > 1
    assert [death for death in deaths if not death.harmless or death.doubled] == []


async def test_it_is_killed_beside_dynamodb_and_nobody_is_the_worse_for_it(
    tmp_path: Path, servers: Servers, reach_engine: Callable[[str], str]
) -> None:
    keeping = dynamodb(servers(reach_engine("dynoxide")).url)
    sweep = Sweep(Setting(keeping=keeping), tmp_path, chance=Random(3), every=60)

    deaths = [death async for death in sweep.deaths([TURN])]

    assert len(deaths) > 1
    assert [death for death in deaths if not death.harmless or death.doubled] == []


@pytest.mark.parametrize("missing", [frozenset(), frozenset({"channels:history", "im:history"})])
async def test_only_where_the_history_may_not_be_read_something_is_said_twice(
    tmp_path: Path, missing: frozenset[str]
) -> None:
    """Killed between Slack's taking it and our noting that, nobody knows whether it was said."""
    setting = Setting(keeping=SQLITE, scopes=SCOPES - missing)
    undisturbed = await tell(TURN, setting, tmp_path / "undisturbed")

    told = await tell(TURN, setting, tmp_path / "killed", SLACK_TOOK_IT)

    death = compared(TURN, SLACK_TOOK_IT, undisturbed.outcome, told)
    assert death.happened
    assert death.harmless
    assert death.doubled.total() == len(missing) / 2
