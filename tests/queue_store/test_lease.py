"""Who leads, and when another one does; told of heartbeats in memory and in real tables."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from msgspec.structs import replace

from queue_store.dynamodb import DynamoDbStore
from queue_store.errors import Deposed, OutcomeUnknown, StoreUnavailable
from queue_store.heartbeats import TableHeartbeats
from queue_store.lease import Heartbeat, Heartbeats, KeptLease
from queue_store.patience import ADMINISTRATORS, within
from queue_store.store import Commit
from queue_store.table import create
from tests.queue_store.between import Refusal, Refusing, Wire, forget_tokens
from tests.queue_store.board import Board
from tests.queue_store.conftest import Servers
from tests.queue_store.decisions import NOON, SITE, card, refusal, request, say, waiting
from tests.queue_store.engines import SERVERS, heard, table_of

SECONDS = 15.0
LED = 12.0
MOMENT = 0.001

TABLES = [name for name in heard() if name in SERVERS]


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def pass_time(self, seconds: float) -> None:
        self.now += seconds


NewLease = Callable[[], KeptLease]


@pytest.fixture
def clock() -> Clock:
    """Answer the clock of all instances, unless they have their own."""
    return Clock()


@pytest.fixture(params=["memory", *TABLES])
def new_lease(
    request: pytest.FixtureRequest,
    reach_engine: Callable[[str], str],
    tmp_path: Path,
    clock: Clock,
) -> Iterator[NewLease]:
    """Answer how another instance comes to the same site."""
    board = Board()
    with ExitStack() as closing:

        def heartbeats() -> Heartbeats:
            if request.param == "memory":
                return board
            made = TableHeartbeats(table_of(tmp_path), site=SITE, patience=ADMINISTRATORS)
            closing.callback(made.close)
            return made

        if request.param != "memory":
            reach_engine(str(request.param))
            list(create(table_of(tmp_path)))
        yield lambda: KeptLease(heartbeats(), seconds=SECONDS, monotonic=clock)


@pytest.fixture(params=TABLES)
def engine(reach_engine: Callable[[str], str], request: pytest.FixtureRequest) -> str:
    """Name the DynamoDB engine, which the environment leads to."""
    return reach_engine(str(request.param))


@pytest.fixture
def table(engine: str, tmp_path: Path) -> str:
    """Make a table for this test."""
    assert engine
    assert list(create(table_of(tmp_path)))
    return table_of(tmp_path)


async def open_at(table: str) -> DynamoDbStore:
    """Open the store in this table, with all the patience of a busy machine."""
    return await DynamoDbStore.open(table, site=SITE, patience=ADMINISTRATORS)


async def test_the_first_one_leads_at_once(new_lease: NewLease) -> None:
    """A bot that is alone does its work from the start."""
    lease = new_lease()
    assert lease.term is None

    await lease.keep()

    assert lease.term == 1
    assert lease.left == LED


async def test_a_leader_that_gives_signs_of_life_leads_on(
    new_lease: NewLease, clock: Clock
) -> None:
    """For ever, in the same term, whoever watches."""
    leader, other = new_lease(), new_lease()
    await leader.keep()

    for _ in range(12):
        await other.keep()
        assert other.term is None
        clock.pass_time(leader.pause)
        assert leader.left > 0
        await leader.keep()

    assert leader.term == 1


async def test_a_silent_leader_is_followed_after_just_the_lease(
    new_lease: NewLease, clock: Clock
) -> None:
    """Not before it has stopped by itself, and no later than promised."""
    silent, other = new_lease(), new_lease()
    await silent.keep()
    clock.pass_time(3)
    await other.keep()
    clock.pass_time(LED - 3 - MOMENT)
    assert silent.term == 1
    clock.pass_time(MOMENT)
    assert silent.term is None

    clock.pass_time(SECONDS - LED + 3 - MOMENT)
    await other.keep()
    assert other.term is None
    clock.pass_time(MOMENT)
    await other.keep()

    assert other.term == 2
    assert silent.term is None


async def test_who_comes_late_watches_for_a_whole_lease(new_lease: NewLease, clock: Clock) -> None:
    """However old the heartbeat is that it finds: nobody's wall clock is asked."""
    silent, late = new_lease(), new_lease()
    await silent.keep()
    clock.pass_time(3600)

    await late.keep()
    clock.pass_time(SECONDS - MOMENT)
    await late.keep()
    assert late.term is None
    clock.pass_time(MOMENT)
    await late.keep()

    assert late.term == 2


async def test_a_leader_that_lets_go_is_followed_at_the_next_look(
    new_lease: NewLease, clock: Clock
) -> None:
    """A rolling deploy leaves no gap in which a station's event would wait."""
    leader, other = new_lease(), new_lease()
    await leader.keep()
    await other.keep()

    await leader.release()
    assert leader.term is None
    assert leader.left == 0
    clock.pass_time(other.pause)
    await other.keep()

    assert other.term == 2
    assert other.left == LED


async def test_letting_go_of_what_is_anothers_changes_nothing(
    new_lease: NewLease, clock: Clock
) -> None:
    """A bot that stops need not know whether it led."""
    zombie, leader, other = new_lease(), new_lease(), new_lease()
    await zombie.keep()
    await leader.keep()
    clock.pass_time(SECONDS)
    await leader.keep()

    await zombie.release()
    await other.release()
    await other.keep()

    assert leader.term == 2
    assert other.term is None


async def test_a_deposed_leader_hears_of_it(new_lease: NewLease, clock: Clock) -> None:
    """And watches the new one like everybody else."""
    zombie, leader = new_lease(), new_lease()
    await zombie.keep()
    await leader.keep()
    clock.pass_time(SECONDS)
    await leader.keep()

    await zombie.keep()
    assert zombie.term is None
    await zombie.keep()
    clock.pass_time(SECONDS)
    await zombie.keep()

    assert zombie.term == 3


async def test_a_leader_that_nobody_missed_leads_on_in_its_term(
    new_lease: NewLease, clock: Clock
) -> None:
    """An engine that was away for a minute costs nobody anything."""
    lease = new_lease()
    await lease.keep()
    clock.pass_time(60)
    assert lease.term is None

    await lease.keep()

    assert lease.term == 1
    assert lease.left == LED


async def test_how_long_to_wait_between_two_signs_of_life(
    new_lease: NewLease, clock: Clock
) -> None:
    """A third of the lease for the leader; who waits for a word looks more often."""
    leader, other = new_lease(), new_lease()
    assert leader.pause == 1
    await leader.keep()
    await other.keep()

    assert leader.pause == SECONDS / 3
    assert other.pause == 1
    clock.pass_time(3)
    assert leader.pause == SECONDS / 3 - 3
    clock.pass_time(3)
    # Its heartbeat is overdue: the engine can't be reached, perhaps.
    assert leader.pause == 1
    clock.pass_time(SECONDS - 6 - 0.25)
    await other.keep()
    # It takes over the moment that it may.
    assert other.pause == 0.25


def test_a_short_lease_is_looked_at_often() -> None:
    """A test, or a demonstration, need not wait for a second."""
    assert KeptLease(Board(), seconds=0.3, monotonic=Clock()).pause == pytest.approx(0.1)


async def test_of_sixteen_that_come_at_once_one_leads(new_lease: NewLease, clock: Clock) -> None:
    """Time after time: when nobody led, when one let go, and when one fell silent."""
    leases = [new_lease() for _ in range(16)]

    for term in range(1, 8):
        await asyncio.gather(*(lease.keep() for lease in leases))
        (leader,) = (lease for lease in leases if lease.term is not None)
        assert leader.term == term
        if term % 2:
            await leader.release()
        else:
            leases.remove(leader)
            await asyncio.gather(*(lease.keep() for lease in leases))
            clock.pass_time(SECONDS)


async def test_a_heartbeat_that_arrives_late_is_worth_what_it_was_then(clock: Clock) -> None:
    """The others count from when it came; so must the leader, whatever it asks afterwards."""
    board = Board()
    leader, other = (KeptLease(board, seconds=SECONDS, monotonic=clock) for _ in range(2))
    await leader.keep()
    lost = leader.keep()
    lost.send(None)
    with pytest.raises(OutcomeUnknown):
        lost.throw(OutcomeUnknown("no answer"))
    board.take(*board.late.pop())
    await other.keep()
    clock.pass_time(10)
    assert leader.term == 1

    # The next one is taken for what is there, and not heard of either.
    lost = leader.keep()
    for _ in range(3):
        lost.send(None)
    with pytest.raises(OutcomeUnknown):
        lost.throw(OutcomeUnknown("no answer"))

    assert leader.left == 2
    board.late.clear()
    clock.pass_time(5)
    await other.keep()
    assert leader.left == 0
    assert other.term == 2
    await leader.keep()
    assert leader.term is None


async def test_a_takeover_that_nobody_heard_of_is_made_known_by_the_next_look(
    clock: Clock,
) -> None:
    """Or the site would be without a leader for as long as it takes to depose oneself."""
    board = Board()
    leader, other = (KeptLease(board, seconds=SECONDS, monotonic=clock) for _ in range(2))
    taking = leader.keep()
    for _ in range(4):
        taking.send(None)
    with pytest.raises(OutcomeUnknown):
        taking.throw(OutcomeUnknown("no answer"))
    assert leader.term is None
    await other.keep()
    clock.pass_time(10)

    looking = leader.keep()
    looking.send(None)
    looking.send(None)
    assert leader.term is None, "it has yet to find out whether it leads still"
    looking.send(None)
    with pytest.raises(StopIteration):
        looking.send(None)

    assert leader.term == 1
    assert leader.left == LED
    clock.pass_time(5)
    await other.keep()
    assert other.term is None


async def test_what_a_deposed_leader_writes_is_refused(table: str, clock: Clock) -> None:
    """A machine that slept, its clock with it, still believes that it leads."""
    store = await open_at(table)
    heartbeats = [TableHeartbeats(table, site=SITE, patience=ADMINISTRATORS) for _ in range(2)]
    slept = Clock()
    zombie = KeptLease(heartbeats[0], seconds=SECONDS, monotonic=slept)
    leader = KeptLease(heartbeats[1], seconds=SECONDS, monotonic=clock)
    await zombie.keep()
    (row,) = await say(store, b"called")
    await store.begin(row.row, now=NOON, term=zombie.term)
    await leader.keep()
    clock.pass_time(SECONDS)
    await leader.keep()
    commit = Commit(site=waiting("U0ADA"), seen=1, now=NOON, delivered=row, term=zombie.term)
    assert (zombie.term, leader.term) == (1, 2)

    with pytest.raises(Deposed):
        await store.begin(row.row, now=NOON, term=zombie.term)
    with pytest.raises(Deposed):
        await store.discharge(replace(row, card=card(), refused=refusal()), term=zombie.term)
    with pytest.raises(Deposed):
        await store.commit(commit)

    assert await store.card("offer/1", now=NOON) is None
    assert await store.refused(now=NOON) == ()
    await store.begin(row.row, now=NOON, term=leader.term)
    assert await store.commit(replace(commit, term=leader.term)) == 2
    await zombie.keep()
    assert zombie.term is None
    await store.close()
    for each in heartbeats:
        each.close()


async def test_a_leaders_commit_whose_acknowledgement_was_lost_is_not_refused(
    table: str, engine: str, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was deposed in between; told so, it would believe that nothing was changed."""
    wire = Wire(servers(engine).port)
    other = await open_at(table)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", wire.url)
    store = await open_at(table)
    lease = store.lease(seconds=SECONDS)
    await lease.keep()
    loop = asyncio.get_running_loop()

    async def depose() -> None:
        await lease.release()
        await other.lease(seconds=SECONDS).keep()

    def wait_for_deposition() -> None:
        asyncio.run_coroutine_threadsafe(depose(), loop).result(20)

    forget_tokens(store._table)
    wire.swallowing, wire.before_swallowing = 1, wait_for_deposition
    commit = Commit(
        site=waiting("U0ADA"), seen=0, now=NOON, answered=request("posted"), term=lease.term
    )

    assert await store.commit(commit) == 1
    with pytest.raises(Deposed):
        await store.commit(replace(commit, seen=1, answered=None, term=1))
    await asyncio.gather(store.close(), other.close())
    wire.close()


NewHeartbeats = Callable[[float], TableHeartbeats]


@pytest.fixture
def new_heartbeats(table: str, wire: Wire) -> Iterator[NewHeartbeats]:
    """Answer how to reach the heartbeats over the wire, within so many seconds."""
    assert wire
    with ExitStack() as closing:

        def new(seconds: float) -> TableHeartbeats:
            made = TableHeartbeats(table, site=SITE, patience=within(seconds))
            closing.callback(made.close)
            return made

        yield new


PATIENT = 60.0
QUICK = 1.0


@pytest.mark.parametrize("forgetful", [False, True])
async def test_a_sign_of_life_whose_acknowledgement_was_lost_counts(
    new_heartbeats: NewHeartbeats, wire: Wire, clock: Clock, *, forgetful: bool
) -> None:
    """A leader that deposed itself over a lost answer would leave the site alone for a lease."""
    heartbeats = new_heartbeats(PATIENT)
    lease = KeptLease(heartbeats, seconds=SECONDS, monotonic=clock)
    await lease.keep()
    if forgetful:
        forget_tokens(heartbeats._table)
    clock.pass_time(5)
    wire.swallowing = 2

    await lease.keep()

    assert wire.swallowed == 2
    assert (lease.term, lease.left) == (1, LED)


@pytest.mark.parametrize("forgetful", [False, True])
async def test_a_takeover_whose_acknowledgement_was_lost_counts(
    new_heartbeats: NewHeartbeats, wire: Wire, clock: Clock, *, forgetful: bool
) -> None:
    """And it counts once: the term is not used up."""
    heartbeats = new_heartbeats(PATIENT)
    silent = KeptLease(new_heartbeats(PATIENT), seconds=SECONDS, monotonic=clock)
    await silent.keep()
    lease = KeptLease(heartbeats, seconds=SECONDS, monotonic=clock)
    await lease.keep()
    if forgetful:
        forget_tokens(heartbeats._table)
    clock.pass_time(SECONDS)
    wire.swallowing = 2

    await lease.keep()

    assert wire.swallowed == 2
    assert (lease.term, lease.left) == (2, LED)


async def test_a_sign_of_life_that_was_never_acknowledged_is_found_again(
    new_heartbeats: NewHeartbeats, wire: Wire, clock: Clock
) -> None:
    """The engine took it, and the leader gave up before it heard so."""
    lease = KeptLease(new_heartbeats(QUICK), seconds=SECONDS, monotonic=clock)
    await lease.keep()
    clock.pass_time(5)
    wire.swallowing = 1000
    with pytest.raises(OutcomeUnknown):
        await lease.keep()
    assert (lease.term, lease.left) == (1, LED - 5)
    wire.swallowing = 0

    await lease.keep()

    assert (lease.term, lease.left) == (1, LED)


async def test_a_takeover_that_was_never_acknowledged_is_found_again(
    new_heartbeats: NewHeartbeats, wire: Wire, clock: Clock
) -> None:
    """Nobody need wait until a leader is deposed that does not know that it leads."""
    lease = KeptLease(new_heartbeats(QUICK), seconds=SECONDS, monotonic=clock)
    wire.swallowing = 1000
    with pytest.raises(OutcomeUnknown):
        await lease.keep()
    assert lease.left == 0
    wire.swallowing = 0

    await lease.keep()

    assert (lease.term, lease.left) == (1, LED)


async def test_a_word_that_a_leader_let_go_counts_though_it_was_not_acknowledged(
    new_heartbeats: NewHeartbeats, wire: Wire, clock: Clock
) -> None:
    """Or after a sign of life of which it had not heard."""
    leader = KeptLease(new_heartbeats(QUICK), seconds=SECONDS, monotonic=clock)
    other = KeptLease(new_heartbeats(QUICK), seconds=SECONDS, monotonic=clock)
    await leader.keep()
    wire.swallowing = 1000
    with pytest.raises(OutcomeUnknown):
        await leader.keep()
    wire.swallowing, wire.swallowed = 1, 0

    await leader.release()
    await other.keep()

    assert wire.swallowed == 1
    assert leader.term is None
    assert other.term == 2


async def test_a_leader_that_cannot_say_that_it_lets_go_leads_no_more(
    new_heartbeats: NewHeartbeats, wire: Wire, clock: Clock
) -> None:
    """Whoever stops the bot doesn't wait for the network."""
    lease = KeptLease(new_heartbeats(QUICK), seconds=SECONDS, monotonic=clock)
    await lease.keep()
    wire.mute = True

    with pytest.raises(OutcomeUnknown):
        await lease.release()

    assert lease.term is None


async def test_a_leader_whose_engine_hangs_stops_leading_by_itself(
    new_heartbeats: NewHeartbeats, wire: Wire
) -> None:
    """Without a word from anybody, and long before another one takes over."""
    seconds = 3.0
    heartbeats = new_heartbeats(seconds / 3)
    lease = KeptLease(heartbeats, seconds=seconds, monotonic=time.monotonic)
    await lease.keep()
    begun = time.monotonic()
    wire.mute = True

    with pytest.raises(OutcomeUnknown, match="does not answer"):
        await lease.keep()

    assert time.monotonic() - begun < seconds / 3
    assert lease.term == 1
    await asyncio.sleep(lease.left + MOMENT)
    assert lease.term is None
    assert lease.left == 0
    wire.mute = False
    await lease.keep()
    assert lease.term == 1


async def test_a_sign_of_life_waits_behind_nothing(table: str) -> None:
    """The more there is to do, the less a leader can do with being deposed for it."""
    store = await open_at(table)
    lease = store.lease(seconds=SECONDS)
    enough = threading.Event()
    held_up = [store._workers._threads.submit(enough.wait) for _ in range(100)]

    await lease.keep()

    assert lease.term == 1
    enough.set()
    assert all(each.result() for each in held_up)
    await store.close()


async def test_a_throttled_sign_of_life_is_given_again(
    new_heartbeats: NewHeartbeats, clock: Clock
) -> None:
    """A moment's throttling is no reason to change leaders."""
    heartbeats = new_heartbeats(PATIENT)
    lease = KeptLease(heartbeats, seconds=SECONDS, monotonic=clock)
    await lease.keep()
    throttled = Refusal("ProvisionedThroughputExceededException")
    conflict = Refusal("TransactionCanceledException", reasons=("TransactionConflict",))
    Refusing(heartbeats._table, throttled, conflict, throttled)
    clock.pass_time(5)

    await lease.keep()

    assert (lease.term, lease.left) == (1, LED)


async def test_a_leader_that_is_always_throttled_leads_until_its_time_is_up(
    new_heartbeats: NewHeartbeats, clock: Clock
) -> None:
    """And is told that nothing was changed."""
    heartbeats = new_heartbeats(QUICK)
    lease = KeptLease(heartbeats, seconds=SECONDS, monotonic=clock)
    await lease.keep()
    Refusing(heartbeats._table, Refusal("ThrottlingException"), always=True)
    clock.pass_time(LED - MOMENT)

    with pytest.raises(StoreUnavailable, match="too busy"):
        await lease.keep()

    assert lease.term == 1
    clock.pass_time(MOMENT)
    assert lease.term is None


async def test_terms_go_on_though_somebody_deleted_the_heartbeat(table: str) -> None:
    """An administrator who clears up must not let in a leader of long ago."""
    store = await open_at(table)
    deposed = store.lease(seconds=SECONDS)
    await deposed.keep()
    key = {"pk": {"S": f"SITE#{SITE}"}, "sk": {"S": "LEASE"}}
    assert store._table.client is not None
    store._table.client.delete_item(TableName=table, Key=key)

    lease = store.lease(seconds=SECONDS)
    await lease.keep()

    assert lease.term == 2
    with pytest.raises(Deposed):
        await store.commit(Commit(site=waiting(), seen=0, now=NOON, term=1))
    await deposed.keep()
    assert deposed.term is None
    await store.close()


async def test_a_term_that_has_begun_does_not_begin_again(table: str) -> None:
    """Whoever is late to replace a heartbeat that was deleted meanwhile must not share a term."""
    store = await open_at(table)
    await store.lease(seconds=SECONDS).keep()
    heartbeats = TableHeartbeats(table, site=SITE, patience=ADMINISTRATORS)
    key = {"pk": {"S": f"SITE#{SITE}"}, "sk": {"S": "LEASE"}}
    assert store._table.client is not None
    store._table.client.delete_item(TableName=table, Key=key)

    last = await heartbeats.follow(None, Heartbeat(owner="late", id="1", term=1))

    assert last is None
    assert await heartbeats.last() is None
    heartbeats.close()
    await store.close()


async def test_sites_in_one_table_have_leaders_of_their_own(table: str) -> None:
    """The second garage's bot is not idle because of the first one's."""
    garage = await open_at(table)
    roof = await DynamoDbStore.open(table, site="roof", patience=ADMINISTRATORS)
    leases = [store.lease(seconds=SECONDS) for store in (garage, roof)]

    for lease in leases:
        await lease.keep()

    assert [lease.term for lease in leases] == [1, 1]
    await asyncio.gather(garage.close(), roof.close())


async def test_what_belongs_to_leadership_never_expires(table: str) -> None:
    """Terms that were counted anew would let a leader of long ago write again."""
    store = await open_at(table)
    await store.lease(seconds=SECONDS).keep()

    found = {item["sk"]["S"]: item for item in store._table.scan()}

    assert set(found) == {"LEASE", "FENCE"}
    assert not [item for item in found.values() if "expires" in item]
    await store.close()


async def test_a_closed_store_leaves_no_heartbeat_behind(table: str) -> None:
    """The process ends when it should, and another one may lead."""
    store = await open_at(table)
    lease = store.lease(seconds=SECONDS)
    await lease.keep()

    await asyncio.gather(lease.keep(), store.close())

    assert not [each for each in threading.enumerate() if each.name.startswith("heartbeat")]
    with pytest.raises(StoreUnavailable, match="closed"):
        await lease.release()
    assert lease.term is None
