"""What becomes of a commit when the way to DynamoDB, or DynamoDB itself, fails.

`make faults` prints what each engine made of each fault.
"""

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from msgspec import Struct

from queue_store.dynamodb import DynamoDbStore
from queue_store.errors import OutcomeUnknown, StoreUnavailable
from queue_store.patience import ADMINISTRATORS, Patience
from queue_store.store import Commit
from tests.queue_store.between import Refusal, Refusing, Wire, forget_tokens
from tests.queue_store.conftest import Servers
from tests.queue_store.decisions import NOON, SITE, request, said, waiting
from tests.queue_store.engines import SERVERS, heard, open_table, table_of

QUICK = Patience(connection=0.5, answer=0.5, attempts=0.3)

CANCELLED = "TransactionCanceledException"
CONFLICT = Refusal(CANCELLED, reasons=("TransactionConflict", "None"))
THROTTLED = Refusal(CANCELLED, reasons=("None", "ThrottlingError"))
OVER_CAPACITY = Refusal("ProvisionedThroughputExceededException")
IN_PROGRESS = Refusal("TransactionInProgressException")
FAILED = Refusal("InternalServerError", HTTPStatus.INTERNAL_SERVER_ERROR)
FAILED_AFTERWARDS = Refusal("InternalServerError", HTTPStatus.INTERNAL_SERVER_ERROR, done=True)
AWAY = Refusal("ServiceUnavailable", HTTPStatus.SERVICE_UNAVAILABLE)
DENIED = Refusal("AccessDeniedException")
TOKEN = "FwoGZXIvYXdzInvented"
QUOTING = Refusal("InvalidSignatureException", message=f"expected x-amz-security-token:{TOKEN}")
EXPIRED = Refusal("ExpiredTokenException")
MALFORMED = Refusal("ValidationException")

STORED, UNAVAILABLE, UNKNOWN = "stored", "unavailable", "unknown"


class Fault(Struct, frozen=True):
    """What goes wrong, and what the bot is told of it.

    `kept` says whether the commit is there afterwards, which the bot may not know.
    """

    name: str
    told: str
    refusals: tuple[Refusal, ...] = ()
    always: bool = False
    swallowing: int = 0
    forgetful: bool = False
    mute: bool = False
    kept: bool = True


FAULTS = [
    Fault("none", STORED),
    Fault("one acknowledgement lost", STORED, swallowing=1),
    Fault("two acknowledgements lost", STORED, swallowing=2),
    Fault("acknowledgement and token lost", STORED, swallowing=1, forgetful=True),
    Fault("every acknowledgement lost", UNKNOWN, swallowing=1000),
    Fault("no answer at all", UNKNOWN, mute=True, kept=False),
    Fault("one TransactionConflict", STORED, (CONFLICT,)),
    Fault("TransactionConflict for ever", UNAVAILABLE, (CONFLICT,), always=True, kept=False),
    Fault("throttled three times", STORED, (THROTTLED, OVER_CAPACITY, THROTTLED)),
    Fault("throttled for ever", UNAVAILABLE, (OVER_CAPACITY,), always=True, kept=False),
    Fault("still in progress once", STORED, (IN_PROGRESS,)),
    Fault("one 500", STORED, (FAILED,)),
    Fault("one 500 of a write that was done", STORED, (FAILED_AFTERWARDS,)),
    Fault("500 for ever", UNKNOWN, (FAILED,), always=True, kept=False),
    Fault("503, then a conflict, then fine", STORED, (AWAY, CONFLICT)),
    Fault("500 of a write that was done, then denied", UNKNOWN, (FAILED_AFTERWARDS, DENIED)),
    Fault("permission denied", UNAVAILABLE, (DENIED,), kept=False),
    Fault("credentials expired", UNAVAILABLE, (EXPIRED,), kept=False),
    Fault("signature refused", UNAVAILABLE, (QUOTING,), kept=False),
    Fault("request refused", UNAVAILABLE, (MALFORMED,), kept=False),
]


@pytest.fixture(params=[name for name in heard() if name in SERVERS])
def engine(reach_engine: Callable[[str], str], request: pytest.FixtureRequest) -> str:
    """Name the DynamoDB engine, which the environment leads to."""
    return reach_engine(str(request.param))


@pytest.fixture
def wire(engine: str, servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """Lead the way to the engine over a wire that can be told to fail."""
    between = Wire(servers(engine).port)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", between.url)
    yield between
    between.close()


@pytest.fixture
async def after(engine: str, tmp_path: Path) -> AsyncIterator[DynamoDbStore]:
    """Open a store that nothing stands before, to see what became of the commit."""
    assert engine
    opened = await open_table(table_of(tmp_path), site=SITE)
    yield opened
    await opened.close()


@pytest.fixture
async def store(
    after: DynamoDbStore, wire: Wire, fault: Fault, tmp_path: Path
) -> AsyncIterator[DynamoDbStore]:
    """Open a store at the other end of the wire; it gives up quickly where it is to give up."""
    # The one was opened before the way led over the other.
    assert after
    assert wire
    patience = ADMINISTRATORS if fault.told == STORED else QUICK
    opened = await DynamoDbStore.open(table_of(tmp_path), site=SITE, patience=patience)
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def outcomes() -> Iterator[Callable[[str, Fault, str], None]]:
    """Keep what became of each fault, and print it as a table in the end."""
    told: dict[str, dict[str, str]] = {}

    def note(engine: str, fault: Fault, outcome: str) -> None:
        told.setdefault(fault.name, {})[engine] = outcome

    yield note
    engines = sorted({engine for row in told.values() for engine in row})
    lines = [("fault", *engines), *((name, *map(row.get, engines)) for name, row in told.items())]
    for name, *cells in lines:
        print(f"{name:44}", *(f"{cell or '':24}" for cell in cells))  # noqa: T201 # with -s only


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_costs_nothing_and_doubles_nothing(
    store: DynamoDbStore,
    after: DynamoDbStore,
    wire: Wire,
    engine: str,
    fault: Fault,
    outcomes: Callable[[str, Fault, str], None],
) -> None:
    """Whatever fails: stored once, or not at all, and the driver isn't told otherwise."""
    commit = Commit(
        site=waiting("U0ADA"), seen=0, now=NOON, answered=request("trigger 1"), bodies=(b"in",) * 2
    )
    wire.swallowing, wire.mute = fault.swallowing, fault.mute
    if fault.forgetful:
        forget_tokens(store._table)
    if fault.refusals:
        Refusing(store._table, *fault.refusals, always=fault.always)

    told = await _told(store, commit)

    assert told == fault.told
    assert bool(wire.swallowed) == bool(fault.swallowing)
    assert len(await said(after)) == (2 if fault.kept else 0)
    assert (await after.load()).revision == (1 if fault.kept else 0)
    assert await after.answered("trigger 1", now=NOON) == (b"You're in" if fault.kept else None)
    outcomes(engine, fault, f"{told}, {'kept' if fault.kept else 'not kept'}")


async def _told(store: DynamoDbStore, commit: Commit) -> str:
    (outcome,) = await asyncio.gather(store.commit(commit), return_exceptions=True)
    if isinstance(outcome, BaseException):
        shown = "".join(traceback.format_exception(outcome))
        assert TOKEN not in shown
    told = {int: STORED, OutcomeUnknown: UNKNOWN, StoreUnavailable: UNAVAILABLE}
    return told.get(type(outcome), repr(outcome))
