"""The bot in a process of its own, which does what its parent says, and can be told where to die.

It is forked from a process that has imported everything, so that it is there at once.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from weakref import WeakSet

from msgspec import Struct
from msgspec.structs import replace

from bot import log as logs
from bot.bodies import effect_in
from bot.duties import Duties
from bot.effects import ToCard, destination
from bot.office import Office
from bot.patience import Patience
from bot.settings import read_settings
from queue_store.dynamodb import DynamoDbStore
from queue_store.opening import Place, open_store
from queue_store.patience import ADMINISTRATORS
from queue_store.patience import Patience as StorePatience
from queue_store.store import OutboxRow, QueueStore
from tests.bot.office import QUICK
from tests.crashes.clock import SharedClock
from tests.crashes.steps import Steps, Victim, unwatched, watch
from tests.queue_store.between import Refusal, Refusing

LOOK_SECONDS = 0.005

REFUSALS = {
    "throttled": Refusal("ProvisionedThroughputExceededException"),
    "conflicting": Refusal("TransactionCanceledException", reasons=("TransactionConflict",)),
    "done": Refusal("InternalServerError", status=500, done=True),
}

log = logging.getLogger(__name__)

# It is alone on its machine's clock: nobody else's commits have to be looked for, and however
# busy the machine is, nobody may be told that it takes long.
PATIENCE = replace(QUICK, outbox=10.0, reading=5.0, answer=10.0, names=10.0)


class Job(Struct, frozen=True, kw_only=True):
    """What a child is to do: be the bot in this environment, and perhaps die at a step.

    `victims` are for this life and those after it. The steps of the start count where it is
    `watched_from_birth`.
    """

    environment: Mapping[str, str]
    clock: Path
    trail: Path
    log: Path
    victims: tuple[Victim, ...] = ()
    watched_from_birth: bool = False
    patience: Patience = PATIENCE
    store_patience: StorePatience = ADMINISTRATORS

    @property
    def next_life(self) -> "Job":
        """The same job, for the one after this."""
        return replace(
            self, victims=self.victims[1:], trail=Path(os.devnull), watched_from_birth=True
        )


def work(job: Job, control: Connection) -> None:
    """Be the bot until told otherwise, or until the parent is gone."""
    for name, value in job.environment.items():
        os.environ[name] = value  # noqa: TID251 - boto3 has no other ears
    with job.log.open("a") as file:
        logs.set_up("text", logging.INFO, file, redact=lambda text: text)
        victim = job.victims[0] if job.victims else None
        steps = Steps(job.trail, victim, armed=job.watched_from_birth)
        watch(steps)
        asyncio.run(_work(job, steps, control))


async def _work(job: Job, steps: Steps, control: Connection) -> None:
    settings = read_settings(job.environment)
    clock = SharedClock(job.clock)

    async def opened(place: Place, site: str) -> QueueStore:
        return await open_store(place, site=site, patience=job.store_patience)

    office = Office(settings, clock=clock, patience=job.patience, open_store=opened)
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    async with office, asyncio.TaskGroup() as group:
        await office.server.start(settings.port)
        child = _Child(office, steps)
        _obey(control, child, group)
        await office.run(told)
        asyncio.get_running_loop().remove_reader(control.fileno())


def _obey(control: Connection, child: "_Child", group: asyncio.TaskGroup) -> None:
    """Do whatever the parent says, and say when it is done."""

    async def obey(words: str) -> None:
        word, *given = words.split()
        control.send(await getattr(child, word)(*given))

    def hear() -> None:
        try:
            word = control.recv()
        except EOFError:
            # Nobody is left to work for.
            os.kill(os.getpid(), signal.SIGKILL)
        group.create_task(obey(word))

    asyncio.get_running_loop().add_reader(control.fileno(), hear)


class _Child:
    """What the parent can ask for."""

    def __init__(self, office: Office, steps: Steps) -> None:
        self._office = office
        self._steps = steps
        self._ticked: WeakSet[Duties] = WeakSet()
        self._refusing: Refusing | None = None
        self._note_ticks()
        self._note_rows()

    async def arm(self) -> None:
        """Take steps from now on."""
        self._steps.armed = True

    async def serve(self) -> None:
        """Wait until people are answered."""
        while self._office._app is None:  # noqa: ASYNC110 - of others' doing
            await asyncio.sleep(LOOK_SECONDS)

    async def leads(self) -> bool:
        """Tell whether it leads."""
        return self._office._leader.term is not None

    async def lead(self) -> None:
        """Wait until it leads."""
        while not await self.leads():  # noqa: ASYNC110 - of others' doing
            await asyncio.sleep(LOOK_SECONDS)

    async def tick(self) -> None:
        """Let happen what is due, as the scheduler would."""
        await (await self._leading()).tick()

    async def look(self) -> None:
        """Read the ports, as every few minutes."""
        await (await self._leading()).stations.reconcile()

    async def settle(self) -> None:
        """Wait until everything that came has had its consequences."""
        while not await self._is_settled(await self._leading()):  # noqa: ASYNC110 - of others' doing
            await asyncio.sleep(LOOK_SECONDS)

    async def _leading(self) -> Duties:
        """Wait until it leads, and has let happen what was due at its start."""
        while True:
            duties = self._office._duties
            if duties is not None and self._office._leader.term and duties in self._ticked:
                return duties
            await asyncio.sleep(LOOK_SECONDS)

    async def _is_settled(self, duties: Duties) -> bool:
        with unwatched():
            if await self._office._problems():
                return False
            # What the network has sent is here: the answer to a ping comes after it.
            session = duties.listener._session
            if session is None or not await session._answers():
                return False
            # What is decided while the outbox is read may not be in it.
            if self._is_busy(duties) or await self._office._store.outbox():
                return False
        return not self._is_busy(duties)

    def _is_busy(self, duties: Duties) -> bool:
        at_work = self._steps.under_way or self._office._begun
        return bool(
            at_work or not duties.listener._heard.empty() or duties.stations._wanted.is_set()
        )

    async def refuse(self, how: str) -> None:
        """Let the next write to DynamoDB be refused."""
        store = self._office._store
        assert isinstance(store, DynamoDbStore)
        self._refusing = self._refusing or Refusing(store._table)
        self._refusing._refusals.append(REFUSALS[how])

    def _note_rows(self) -> None:
        """Write down in the log what is to be said, and not only shown on what stands."""
        store, known = self._office._store, set[str]()
        reading = store.outbox

        async def outbox() -> tuple[OutboxRow, ...]:
            rows = await reading()
            for row in rows:
                if row.id not in known and not isinstance(destination(effect_in(row.body)), ToCard):
                    log.info("row.seen", extra=logs.facts(row=row.id))
                known.add(row.id)
            return rows

        setattr(store, "outbox", outbox)  # noqa: B010 - watched from outside

    def _note_ticks(self) -> None:
        ticking = Duties.tick

        async def tick(duties: Duties) -> None:
            await ticking(duties)
            self._ticked.add(duties)

        Duties.tick = tick  # type: ignore[method-assign,assignment] # watched from outside
