"""The bot may do on AWS what it has to do, and nothing else; and so may who sets it up."""

import asyncio
import io
import re
import sys
from typing import Any, cast

import pytest

from queue_store.__main__ import main
from queue_store.dynamodb import DynamoDbStore
from queue_store.lease import Lease
from queue_store.opening import DynamoDbTable, inspect_store
from queue_store.patience import ADMINISTRATORS
from queue_store.store import Commit, Delivered, QueueStore
from tests.deployment.beanstalk import environment, options
from tests.deployment.bundle import ROOT
from tests.permissions import ADMINISTRATOR, BOT, allowed, policy, watch
from tests.queue_store.decisions import NOON, SITE, card, refusal, request, say, waiting

TABLE = "ev-concierge"


@pytest.fixture
def asked(dynamodb: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Answer every action that was needed since."""
    for name, value in dynamodb.items():
        monkeypatch.setenv(name, value)
    actions = set[str]()
    watch(monkeypatch, actions.add)
    return actions


class Noting:
    """Passes everything on, and notes what it was asked for."""

    def __init__(self, real: object) -> None:
        self.real = real
        self.names = set[str]()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 # whatever the real one has
        self.names.add(name)
        return getattr(self.real, name)


def promised(protocol: type) -> set[str]:
    """Answer the names of everything that a protocol promises."""
    return {name for name in vars(protocol) if not name.startswith("_")}


async def test_the_bot_may_do_all_that_it_does_and_nothing_else(asked: set[str]) -> None:
    """Whoever takes over the machine gets at this one queue, and can't drop the table."""
    create()
    asked.clear()
    kept = Noting(await DynamoDbStore.open(TABLE, site=SITE, patience=ADMINISTRATORS))
    store = cast("QueueStore", kept)
    lease = Noting(store.lease(seconds=15))

    await everything(store, cast("Lease", lease))
    await store.close()
    await inspect_store(DynamoDbTable(TABLE), site=SITE)

    assert promised(QueueStore) <= kept.names
    assert promised(Lease) <= lease.names
    assert asked == allowed(BOT)


async def everything(store: QueueStore, lease: Lease) -> None:
    """Do whatever a store can do, in each way in which it does it."""
    await lease.keep()
    await lease.keep()
    term = lease.term
    assert lease.left > lease.pause
    assert lease.leader is not None
    first, second, third, _ = await say(store, b"first", b"second", b"third", b"fourth")
    await store.begin(first.row, now=NOON, term=term)
    await store.discharge(Delivered(row=first.row, card=card()), term=term)
    await store.discharge(Delivered(row=second.row, refused=refusal()))
    await commit(store, "one", delivered=Delivered(row=third.row, card=card()), term=term)
    await commit(store, "two", bodies=(b"many",) * 120)
    assert len(await store.outbox()) > 120
    assert await store.refused(now=NOON)
    await commit(store, "three", forgotten="U0ADA")
    await store.answered("one", now=NOON)
    await store.card("offer/1", now=NOON)
    await lease.release()


async def commit(store: QueueStore, name: str, **given: Any) -> None:  # noqa: ANN401 # a commit's
    """Commit something that was asked for."""
    seen = (await store.load()).revision
    answered = request(name, b"You're in, U0ADA")
    await store.commit(
        Commit(site=waiting("U0ADA"), seen=seen, now=NOON, answered=answered, **given)
    )


def create() -> None:
    """Make the table as an administrator does."""
    assert main(["create", f"dynamodb:{TABLE}"]) == 0


def test_an_administrator_may_do_all_that_the_commands_do_and_nothing_else(
    asked: set[str], capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    create()
    to_create = asked.copy()
    asyncio.run(fill())
    asked.clear()
    assert main(["export", f"dynamodb:{TABLE}"]) == 0
    exported = io.BytesIO(capsysbinary.readouterr().out)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(exported))
    assert main(["import", "--replace", f"dynamodb:{TABLE}"]) == 0

    assert to_create | asked == allowed(ADMINISTRATOR)


async def fill() -> None:
    """Keep something."""
    store = await DynamoDbStore.open(TABLE, site=SITE, patience=ADMINISTRATORS)
    await say(store, b"something")
    await store.close()


@pytest.mark.parametrize("file", [BOT, ADMINISTRATOR])
def test_a_policy_is_about_one_table(file: str) -> None:
    """The account may have other tables, which are none of the bot's business."""
    store = environment(*(ROOT / ".ebextensions").iterdir())["QUEUE_STORE"]
    name = store.removeprefix("dynamodb:")
    of_tables = [
        statement
        for statement in policy(file)["Statement"]
        if any(action.startswith("dynamodb:") for action in statement["Action"])
    ]

    assert of_tables
    for statement in of_tables:
        assert statement["Resource"] == f"arn:aws:dynamodb:*:*:table/{name}"


@pytest.mark.parametrize("file", [BOT, ADMINISTRATOR])
def test_a_policy_names_each_action_once_and_whole(file: str) -> None:
    for statement in policy(file)["Statement"]:
        assert statement["Effect"] == "Allow"
        assert not any("*" in action for action in statement["Action"])
        assert statement["Action"] == sorted(set(statement["Action"]))


def test_the_secrets_that_may_be_fetched_are_those_of_the_guide() -> None:
    (fetching,) = [each for each in policy(BOT)["Statement"] if each["Sid"] == "FetchSecrets"]
    secrets = options(ROOT / "docs/beanstalk/secrets.config")
    allowed_names = [each.replace("*", "[^:/]+") for each in fetching["Resource"]]

    for each in secrets:
        assert any(re.fullmatch(name, each.value) for name in allowed_names), each.name


def test_x_rays_daemon_may_do_what_it_does() -> None:
    """These are AWS's own words for it, the policy AWSXRayDaemonWriteAccess."""
    assert allowed(BOT, "xray") == {
        "xray:GetSamplingRules",
        "xray:GetSamplingStatisticSummaries",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
