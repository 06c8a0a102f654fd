"""Every call of DynamoDB is a step, which tells what was asked of which table and how it went."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.tracing import unit
from queue_store.dynamodb import DynamoDbStore
from queue_store.errors import Conflict, StoreError
from queue_store.patience import ADMINISTRATORS, Patience
from queue_store.store import Commit
from tests.queue_store.between import Refusal, Refusing
from tests.queue_store.decisions import NOON, SITE, waiting
from tests.queue_store.engines import open_table, table_of
from tests.tracing.gathering import Spans, documents, flags

SLOW_DOWN = Refusal("ProvisionedThroughputExceededException")
CANCELLED = Refusal("TransactionCanceledException", reasons=("None", "ThrottlingError"))
CONTENDED = Refusal("TransactionCanceledException", reasons=("TransactionConflict", "None"))
DENIED = Refusal("AccessDeniedException")
FAILED = Refusal("InternalServerError", 500)
COMMIT = Commit(site=waiting("U0ADA"), seen=0, now=NOON)


@pytest.fixture
async def store(reach_engine: Callable[[str], str], tmp_path: Path) -> AsyncIterator[DynamoDbStore]:
    reach_engine("dynoxide")
    opened = await open_table(table_of(tmp_path), site=SITE)
    yield opened
    await opened.close()


async def test_a_call_tells_what_it_asked_of_which_table(
    store: DynamoDbStore, spans: Spans, tmp_path: Path
) -> None:
    with unit("/ev"):
        await store.load()
        await store.commit(COMMIT)

    *asked, command = documents(spans)

    assert [each["aws"]["operation"] for each in asked] == ["GetItem", "TransactWriteItems"]
    assert {each["aws"]["table_name"] for each in asked} == {table_of(tmp_path)}
    assert {each["aws"]["region"] for each in asked} == {"eu-central-1"}
    assert all(each["aws"]["request_id"] for each in asked)
    assert {(each["name"], each["namespace"]) for each in asked} == {("DynamoDB", "aws")}
    assert {each["http"]["response"]["status"] for each in asked} == {200}
    assert {each["parent_id"] for each in asked} == {command["id"]}


@pytest.mark.parametrize(
    ("refusal", "for_ever", "marks"),
    [
        (SLOW_DOWN, False, {"throttle"}),
        (SLOW_DOWN, True, {"error", "throttle"}),
        (CANCELLED, False, {"throttle"}),
        (CONTENDED, False, set()),
        (FAILED, False, set()),
        (FAILED, True, {"fault"}),
        (DENIED, True, {"error"}),
    ],
)
async def test_a_call_tells_how_it_went(
    store: DynamoDbStore, spans: Spans, refusal: Refusal, marks: set[str], *, for_ever: bool
) -> None:
    """Many attempts are one call; that it was slowed down is seen though it went through."""
    store._table._patience = (
        Patience(connection=1, answer=1, attempts=0.1) if for_ever else ADMINISTRATORS
    )
    Refusing(store._table, refusal, always=for_ever)

    with unit("/ev"):
        try:
            await store.commit(COMMIT)
            kept = True
        except StoreError:
            kept = False

    asked, _ = documents(spans)

    assert kept is not for_ever
    assert flags(asked) == marks
    assert ("cause" in asked) is for_ever


async def test_that_somebody_was_faster_is_no_failure(store: DynamoDbStore, spans: Spans) -> None:
    await store.commit(COMMIT)
    spans.clear()

    with pytest.raises(Conflict), unit("/ev"):
        await store.commit(COMMIT)

    asked, _ = documents(spans)

    assert flags(asked) == set()
    assert asked["metadata"]["default"]["outcome"] == "Conflict"
