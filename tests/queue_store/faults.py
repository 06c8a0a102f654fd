"""What can go wrong with an engine, and what the bot is told of it."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

from msgspec import Struct

from queue_store.aws import Table
from queue_store.errors import OutcomeUnknown, StoreUnavailable
from queue_store.patience import Patience
from tests.queue_store.between import Refusal, Refusing, Wire, forget_tokens

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
NO_TABLE = Refusal("ResourceNotFoundException")

DONE, UNAVAILABLE, UNKNOWN = "done", "unavailable", "unknown"


class Fault(Struct, frozen=True):
    """What goes wrong, and what the bot is told of it.

    `kept` says whether what was to be written is there afterwards, which the bot may not know.
    """

    name: str
    told: str
    refusals: tuple[Refusal, ...] = ()
    always: bool = False
    swallowing: int = 0
    forgetful: bool = False
    mute: bool = False
    kept: bool = True

    @contextmanager
    def between(self, table: Table, wire: Wire) -> Iterator[None]:
        """Let it go wrong for a while."""
        wire.swallowing, wire.mute = self.swallowing, self.mute
        if self.forgetful:
            forget_tokens(table)
        refusing = Refusing(table, *self.refusals, always=self.always)
        try:
            yield
        finally:
            assert bool(wire.swallowed) == bool(self.swallowing)
            wire.swallowing, wire.mute = 0, False
            refusing.relent()


FAULTS = [
    Fault("none", DONE),
    Fault("one acknowledgement lost", DONE, swallowing=1),
    Fault("two acknowledgements lost", DONE, swallowing=2),
    Fault("acknowledgement and token lost", DONE, swallowing=1, forgetful=True),
    Fault("every acknowledgement lost", UNKNOWN, swallowing=1000),
    Fault("no answer at all", UNKNOWN, mute=True, kept=False),
    Fault("one TransactionConflict", DONE, (CONFLICT,)),
    Fault("TransactionConflict for ever", UNAVAILABLE, (CONFLICT,), always=True, kept=False),
    Fault("throttled three times", DONE, (THROTTLED, OVER_CAPACITY, THROTTLED)),
    Fault("throttled for ever", UNAVAILABLE, (OVER_CAPACITY,), always=True, kept=False),
    Fault("still in progress once", DONE, (IN_PROGRESS,)),
    Fault("one 500", DONE, (FAILED,)),
    Fault("one 500 of a write that was done", DONE, (FAILED_AFTERWARDS,)),
    Fault("500 for ever", UNKNOWN, (FAILED,), always=True, kept=False),
    Fault("503, then a conflict, then fine", DONE, (AWAY, CONFLICT)),
    Fault("500 of a write that was done, then denied", UNKNOWN, (FAILED_AFTERWARDS, DENIED)),
    Fault("permission denied", UNAVAILABLE, (DENIED,), kept=False),
    Fault("credentials expired", UNAVAILABLE, (EXPIRED,), kept=False),
    Fault("signature refused", UNAVAILABLE, (QUOTING,), kept=False),
    Fault("request refused", UNAVAILABLE, (MALFORMED,), kept=False),
    Fault("the table is missing", UNAVAILABLE, (NO_TABLE,), kept=False),
]

# Says of an engine and a fault what became of it.
Note = Callable[[str, str, str], None]


@contextmanager
def noted() -> Iterator[Note]:
    """Keep what became of each fault, and print it as a table in the end."""
    told: dict[str, dict[str, str]] = {}

    def note(engine: str, fault: str, outcome: str) -> None:
        told.setdefault(fault, {})[engine] = outcome

    yield note
    engines = sorted({engine for row in told.values() for engine in row})
    lines = [("fault", *engines), *((name, *map(row.get, engines)) for name, row in told.items())]
    for name, *cells in lines:
        print(f"{name:56}", *(f"{cell or '':38}" for cell in cells))  # noqa: T201 # with -s only


async def told_of(asked: Awaitable[object]) -> str:
    """Answer what the bot is told of what it asked for, and see that it is nothing secret."""
    (outcome,) = await asyncio.gather(asked, return_exceptions=True)
    if not isinstance(outcome, BaseException):
        return DONE
    assert TOKEN not in "".join(traceback.format_exception(outcome))
    told = {OutcomeUnknown: UNKNOWN, StoreUnavailable: UNAVAILABLE}
    for kind, word in told.items():
        if isinstance(outcome, kind):
            return word
    return repr(outcome)
