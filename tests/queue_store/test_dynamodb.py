"""What the production store promises besides the contract: about many machines, AWS and time."""

import asyncio
import socket
import sys
import threading
import time
import traceback
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from queue_store import tracing
from queue_store.dynamodb import DynamoDbStore
from queue_store.errors import (
    Conflict,
    OutcomeUnknown,
    Repeated,
    StoreUnavailable,
    TooLarge,
    Unreadable,
)
from queue_store.items import LARGEST_ITEM
from queue_store.patience import ADMINISTRATORS
from queue_store.site import Site
from queue_store.store import Answered, Commit, Delivered
from queue_store.table import create
from tests.queue_store.between import Refusal, Refusing, Wire, forget_tokens
from tests.queue_store.conftest import Servers
from tests.queue_store.decisions import NOON, SITE, card, request, said, say, waiting
from tests.queue_store.engines import ROOT, SERVERS, heard, table_of
from tests.queue_store.servers import Server, aws_environment, dynoxide, free_port, running

AS_FAST_AS_SLACK_SECONDS = 3.0


@pytest.fixture(params=[name for name in heard() if name in SERVERS])
def engine(reach_engine: Callable[[str], str], request: pytest.FixtureRequest) -> str:
    """Name the DynamoDB engine, which the environment leads to."""
    return reach_engine(str(request.param))


@pytest.fixture
def table(engine: str, tmp_path: Path) -> str:
    """Make a table for this test."""
    assert engine
    assert list(create(table_of(tmp_path)))
    return table_of(tmp_path)


@pytest.fixture
def keeping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Run an engine that keeps what it has on disk, and lead the way to it."""
    with running(dynoxide("--db-path", str(tmp_path / "engine.db"))) as server:
        for variable, text in aws_environment(server.url).items():
            monkeypatch.setenv(variable, text)
        yield server


async def opened(table: str) -> DynamoDbStore:
    """Open the store in this table, with all the patience of a busy machine."""
    return await DynamoDbStore.open(table, site=SITE, patience=ADMINISTRATORS)


def client_of(store: DynamoDbStore) -> Any:  # noqa: ANN401 # boto3 makes its clients' classes
    """Answer the store's own way to AWS."""
    return store._table.client


async def test_two_machines_share_the_table(table: str) -> None:
    """In a rolling deploy the old bot and the new one serve one queue."""
    old = await opened(table)
    new = await opened(table)

    await old.commit(Commit(site=waiting("U0ADA"), seen=0, now=NOON, bodies=(b"in",)))
    with pytest.raises(Conflict):
        await new.commit(Commit(site=waiting("U0GRACE"), seen=0, now=NOON))

    assert (await new.load()).site == waiting("U0ADA")
    assert await said(new) == [b"in"]
    await asyncio.gather(old.close(), new.close())


async def test_either_machine_knows_which_one_leads(table: str) -> None:
    """Whoever looks into it asks one of them, and can't choose which."""
    stores = [await opened(table), await opened(table)]
    first, second = (store.lease(seconds=15) for store in stores)
    assert second.leader is None
    await first.keep()
    await second.keep()

    assert first.leader == second.leader
    assert first.leader is not None
    await first.release()
    await second.keep()
    await first.keep()
    assert first.leader == second.leader
    assert second.leader is not None
    assert second.leader.term == second.term == 2
    await asyncio.gather(*(store.close() for store in stores))


async def test_forty_drivers_adding_on_two_machines_get_forty_places(table: str) -> None:
    """Monday, nine o'clock, in the middle of a deploy."""
    machines = [await _adding(table, 0, 20), await _adding(table, 20, 40)]

    async with asyncio.timeout(60):
        for machine in machines:
            assert machine.stdin is not None
            machine.stdin.write(b"go\n")
        printed = await asyncio.gather(*(machine.communicate() for machine in machines))

    places = [int(place) for out, _ in printed for place in out.split()]
    assert sorted(places) == list(range(1, 41))
    store = await opened(table)
    assert len({entry.driver for entry in (await store.load()).site.queue}) == 40
    await store.close()


async def _adding(table: str, first: int, last: int) -> Process:
    words = ("-m", "tests.queue_store.adding", table, str(first), str(last))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdin=PIPE, stdout=PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == b"ready\n"
    return process


@pytest.mark.parametrize(
    ("later", "answered"), [(1, None), (7, None), (1, request("trigger 1")), (9, request("t 1"))]
)
async def test_a_lost_acknowledgement_is_made_out_though_others_came_after(
    table: str, later: int, answered: Answered | None
) -> None:
    """Told "conflict", the bot would decide what it has already decided."""
    store = await opened(table)
    rival = await opened(table)
    loop = asyncio.get_running_loop()

    class DoneAndOvertaken(Refusal, frozen=True):
        def response(self, request: Any) -> object:  # noqa: ANN401 # botocore's
            answer = super().response(request)
            asyncio.run_coroutine_threadsafe(overtake(), loop).result(10)
            return answer

    async def overtake() -> None:
        for revision in range(1, 1 + later):
            await rival.commit(Commit(site=waiting("U0GRACE"), seen=revision, now=NOON))

    Refusing(store._table, DoneAndOvertaken("InternalServerError", 500, done=True))
    forget_tokens(store._table)

    commit = Commit(site=waiting("U0ADA"), seen=0, now=NOON, answered=answered)

    assert await store.commit(commit) == 1
    assert (await store.load()).revision == 1 + later
    await asyncio.gather(store.close(), rival.close())


async def test_an_engine_that_dies_and_comes_back_between_attempts_keeps_the_commit_once(
    keeping: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost with a machine of Amazon's, and nothing is stored twice."""
    wire = Wire(keeping.port)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", wire.url)
    list(create(table_of(tmp_path)))
    store = await opened(table_of(tmp_path))

    def restart() -> None:
        keeping.kill()
        keeping.start()

    wire.swallowing, wire.before_swallowing = 1, restart
    commit = Commit(
        site=waiting("U0ADA"), seen=0, now=NOON, answered=request("trigger 1"), bodies=(b"in",)
    )

    assert await store.commit(commit) == 1
    assert await said(store) == [b"in"]
    with pytest.raises(Repeated):
        await store.commit(commit)
    await store.close()
    wire.close()


async def test_an_engine_that_is_killed_loses_nothing_that_was_acknowledged(
    keeping: Server, tmp_path: Path
) -> None:
    """The bot says that it can't be reached, and goes on where it was."""
    list(create(table_of(tmp_path)))
    store = await DynamoDbStore.open(table_of(tmp_path), site=SITE)
    await store.commit(Commit(site=waiting("U0ADA"), seen=0, now=NOON, bodies=(b"in",)))

    keeping.kill()
    with pytest.raises(StoreUnavailable, match="can't be reached"):
        await store.commit(Commit(site=waiting("U0GRACE"), seen=1, now=NOON))
    with pytest.raises(StoreUnavailable, match="can't be reached"):
        await store.load()
    keeping.start()

    assert (await store.load()).site == waiting("U0ADA")
    assert await said(store) == [b"in"]
    await store.close()


@pytest.mark.parametrize("ask", ["load", "commit"])
async def test_an_engine_that_is_mute_is_given_up_in_time(
    engine: str, servers: Servers, table: str, monkeypatch: pytest.MonkeyPatch, ask: str
) -> None:
    """A driver hears from us within Slack's three seconds, whatever AWS does."""
    wire = Wire(servers(engine).port)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", wire.url)
    store = await DynamoDbStore.open(table, site=SITE)
    wire.mute = True
    begun = time.monotonic()

    if ask == "load":
        with pytest.raises(StoreUnavailable, match="does not answer"):
            await store.load()
    else:
        with pytest.raises(OutcomeUnknown, match="does not answer"):
            await store.commit(Commit(site=waiting("U0ADA"), seen=0, now=NOON))

    assert time.monotonic() - begun < AS_FAST_AS_SLACK_SECONDS
    await store.close()
    wire.close()


async def test_all_who_ask_an_engine_that_hangs_hear_in_time(
    engine: str, servers: Servers, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those who are behind the others, and of them nothing is done later."""
    wire = Wire(servers(engine).port)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", wire.url)
    store = await DynamoDbStore.open(table, site=SITE)
    wire.mute = True
    commits = [
        store.commit(Commit(site=waiting(), seen=0, now=NOON, answered=request(str(number))))
        for number in range(30)
    ]
    begun = time.monotonic()

    outcomes = await asyncio.gather(*commits, return_exceptions=True)

    assert time.monotonic() - begun < AS_FAST_AS_SLACK_SECONDS
    assert {type(outcome) for outcome in outcomes} == {OutcomeUnknown, StoreUnavailable}
    wire.mute = False
    await store.close()
    store = await opened(table)
    for number, outcome in enumerate(outcomes):
        if isinstance(outcome, StoreUnavailable):
            assert await store.answered(str(number), now=NOON) is None
    await store.close()
    wire.close()


async def test_names_that_nobody_resolves_are_given_up_in_time(
    engine: str, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No setting of boto3's limits how long a name is looked for."""
    assert engine
    store = await DynamoDbStore.open(table, site=SITE)
    lease = store.lease(seconds=3)
    await lease.keep()
    enough = threading.Event()

    def hang(*_: object, **__: object) -> None:
        enough.wait()
        raise OSError("no such name")

    client_of(store).close()
    lease_client: Any = store._heartbeats[0]._table.client
    lease_client.close()
    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", hang)
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable, match="in time"):
            await store.load()
        assert time.monotonic() - begun < AS_FAST_AS_SLACK_SECONDS
        begun = time.monotonic()
        with pytest.raises(OutcomeUnknown, match="in time"):
            await lease.keep()
        assert time.monotonic() - begun < 1.3
        enough.set()

    assert (await store.load()).revision == 0
    await lease.keep()
    assert lease.term == 1
    await store.close()


async def test_every_read_sees_what_was_acknowledged(table: str) -> None:
    """On AWS a read is a moment behind, unless it asks not to be; engines here never are."""
    store = await opened(table)
    asked: list[tuple[str, object]] = []

    def note(params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401 # botocore's
        asked.append((model.name, params.get("ConsistentRead")))

    client_of(store).meta.events.register("provide-client-params.dynamodb.*", note)
    await store.load()
    await store.answered("trigger 1", now=NOON)
    await store.card("offer/1", now=NOON)
    await store.outbox()
    await store.records()
    await store.close()

    assert asked == [*[("GetItem", True)] * 3, ("Query", True), ("Scan", True)]


async def test_a_table_that_is_missing_is_named_with_the_way_to_make_it(engine: str) -> None:
    """The person who sets up the bot is told the next command."""
    assert engine
    with pytest.raises(StoreUnavailable, match=r"no table nowhere: .* create dynamodb:nowhere"):
        await DynamoDbStore.open("nowhere", site=SITE)


async def test_a_table_that_goes_missing_is_missed_until_it_is_back(table: str) -> None:
    """Deleted by mistake and restored, it costs the bot no restart."""
    store = await opened(table)
    lease = store.lease(seconds=15)
    await lease.keep()
    (row,) = await say(store, b"called")
    # Somebody does so who may.
    somebody = boto3.client("dynamodb", region_name="eu-central-1")
    somebody.update_table(TableName=table, DeletionProtectionEnabled=False)
    somebody.delete_table(TableName=table)
    somebody.close()

    for asked in (
        store.load(),
        store.answered("trigger 1", now=NOON),
        store.card("offer/1", now=NOON),
        store.outbox(),
        store.refused(now=NOON),
        store.commit(Commit(site=waiting("U0ADA"), seen=1, now=NOON)),
        store.begin(row.row, now=NOON),
        store.discharge(row),
        lease.keep(),
        lease.release(),
    ):
        with pytest.raises(StoreUnavailable, match=f"no table {table}: .* create dynamodb:"):
            await asked
    assert list(create(table))

    assert (await store.load()).revision == 0
    assert await store.commit(Commit(site=waiting("U0ADA"), seen=0, now=NOON)) == 1
    await lease.keep()
    assert lease.term == 1
    await store.close()


TOKEN = "FwoGZXIvYXdzInvented"


@pytest.mark.parametrize(
    ("code", "told", "words"),
    [
        (
            "InvalidSignatureException",
            f"the canonical string was x-amz-security-token:{TOKEN}",
            r"\(InvalidSignatureException\)",
        ),
        (
            "AccessDeniedException",
            f"User: {TOKEN} is not authorized to perform: dynamodb:ConditionCheckItem on resource",
            r"\(AccessDeniedException: dynamodb:ConditionCheckItem\)",
        ),
        ("SomethingNewException", f"you sent {TOKEN}", r"\(SomethingNewException\)"),
        ("ValidationException", "The table has no such key", "The table has no such key"),
    ],
)
async def test_what_aws_refuses_is_told_without_what_is_secret(
    table: str, code: str, told: str, words: str
) -> None:
    """An administrator reads which permission is missing, and nobody reads a token in a log."""
    store = await opened(table)
    Refusing(store._table, Refusal(code, message=told))

    with pytest.raises(StoreUnavailable, match=words) as refused:
        await store.commit(Commit(site=waiting(), seen=0, now=NOON))

    assert TOKEN not in "".join(traceback.format_exception(refused.value))
    await store.close()


@pytest.mark.parametrize(
    ("variable", "text", "words"),
    [
        ("AWS_REGION", None, "region"),
        ("AWS_ACCESS_KEY_ID", None, "credentials"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "nonsense", "endpoint"),
        ("AWS_PROFILE", "nobody", "nobody"),
    ],
)
async def test_what_aws_lacks_is_told_in_words(
    engine: str, monkeypatch: pytest.MonkeyPatch, variable: str, text: str | None, words: str
) -> None:
    """Region, credentials and endpoint are AWS's own settings, and easy to miss."""
    assert engine
    if text is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, text)

    with pytest.raises(StoreUnavailable, match=f"AWS is not set up: .*{words}"):
        await DynamoDbStore.open("queue", site=SITE)


async def test_an_endpoint_where_nobody_listens_is_named(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistyped port is seen at once."""
    assert engine
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url := f"http://127.0.0.1:{free_port()}")

    with pytest.raises(StoreUnavailable, match=f"can't be reached: .*{url}"):
        await DynamoDbStore.open("queue", site=SITE)


def test_a_table_is_made_once_and_then_said_to_be_there(engine: str, tmp_path: Path) -> None:
    """The command can be part of every deploy."""
    first = list(create(table_of(tmp_path)))
    again = list(create(table_of(tmp_path)))

    assert first[0].endswith("was made: on demand, protected from deletion")
    assert first[1] == "what expires is deleted by itself from now on"
    assert again[0].endswith("is there")
    assert again[1] == "what expires is deleted by itself"
    recovery = "35 days can be recovered" if engine == "ministack" else "without point-in-time"
    assert recovery in first[2]
    assert first[2] == again[2]


async def test_a_table_is_made_as_it_should_be(table: str) -> None:
    """No capacity to plan, no deletion by mistake, nothing kept for longer than needed."""
    store = await opened(table)
    described = client_of(store).describe_table(TableName=table)["Table"]
    expiry = client_of(store).describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    await store.close()

    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert described["DeletionProtectionEnabled"] is True
    assert expiry["AttributeName"] == "expires"


async def test_somebody_elses_table_is_left_alone(engine: str, tmp_path: Path) -> None:
    """A name that is taken is no invitation."""
    assert engine
    name = table_of(tmp_path)
    list(create(f"{name}-other"))
    store = await opened(f"{name}-other")
    client_of(store).create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    await store.close()

    with pytest.raises(Unreadable, match="not a store of EV Concierge"):
        list(create(name))
    with pytest.raises(StoreUnavailable, match="refuses what table"):
        await DynamoDbStore.open(name, site=SITE)


async def test_what_expires_says_so_in_dynamodbs_own_terms(table: str) -> None:
    """Never deleted too early, and within days after: whole seconds, rounded up."""
    store = await opened(table)
    expires = NOON + timedelta(microseconds=1)
    answered = request("trigger 1", expires=expires)
    await store.commit(Commit(site=waiting(), seen=0, now=NOON, answered=answered))
    (row,) = await say(store, b"called")
    await store.discharge(Delivered(row=row.row, card=card(expires=expires)))

    found = {item["sk"]["S"]: item for item in store._table.scan()}

    whole = {"N": str(int(NOON.timestamp()) + 1)}
    assert found["ANSWERED#trigger 1"]["expires"] == whole
    assert found["CARD#offer/1"]["expires"] == whole
    assert "expires" not in found["SITE"]
    assert {item["pk"]["S"] for item in found.values()} == {f"SITE#{SITE}"}
    await store.close()


@pytest.mark.parametrize(
    "commit",
    [
        Commit(site=Site(id=SITE, feed="x" * LARGEST_ITEM), seen=0, now=NOON),
        Commit(site=waiting(), seen=0, now=NOON, bodies=(b"x" * (LARGEST_ITEM + 1),)),
        Commit(site=waiting(), seen=0, now=NOON, bodies=(b"x" * 50_000,) * 61),
        Commit(site=waiting(), seen=0, now=NOON, answered=request("x" * 1000)),
        Commit(site=waiting(), seen=0, now=NOON, answered=request("x", b"x" * LARGEST_ITEM * 2)),
    ],
    ids=["site", "body", "bodies", "name", "answer"],
)
async def test_more_than_dynamodb_takes_is_refused_in_words(table: str, commit: Commit) -> None:
    """Long before DynamoDB refuses it without saying what is too large."""
    store = await opened(table)

    with pytest.raises(TooLarge):
        await store.commit(commit)

    assert (await store.load()).revision == 0
    await store.close()


async def test_a_site_as_large_as_allowed_is_kept_with_much_to_say(table: str) -> None:
    """What we let pass, DynamoDB takes."""
    store = await opened(table)
    large = Site(id=SITE, feed="x" * (LARGEST_ITEM - 1_000))
    answered = request("trigger 1", b"x" * LARGEST_ITEM)
    bodies = (b"x" * 20_000,) * 99

    await store.commit(Commit(site=large, seen=0, now=NOON, answered=answered, bodies=bodies))

    assert (await store.load()).site == large
    assert len(await said(store)) == 99
    await store.close()


@pytest.mark.parametrize(
    "damage",
    [{"revision": {"S": "soon"}}, {"body": {"S": "{"}}, {"body": {"S": "{}"}}, {}],
    ids=["revision", "cut off", "empty", "nothing"],
)
async def test_a_damaged_site_is_said_to_be(table: str, damage: dict[str, Any]) -> None:
    """Taken for an empty one, the queue would be overwritten."""
    store = await opened(table)
    key = {"pk": {"S": f"SITE#{SITE}"}, "sk": {"S": "SITE"}}
    client_of(store).put_item(TableName=table, Item={**key, **damage})

    with pytest.raises(Unreadable):
        await store.load()

    await store.close()


async def test_each_request_is_a_step_of_the_trace(
    table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the time of a command went can be seen, and AWS can be asked about it."""
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    tracer = provider.get_tracer("queue_store")
    monkeypatch.setattr(tracing, "_TRACER", tracer)
    store = await opened(table)
    spans.clear()

    with tracer.start_as_current_span("command"):
        await store.load()
        await store.commit(Commit(site=waiting(), seen=0, now=NOON))
        with pytest.raises(Conflict):
            await store.commit(Commit(site=waiting(), seen=0, now=NOON))
    await store.close()

    read, written, refused, command = spans.get_finished_spans()
    assert read.name == "DynamoDB GetItem"
    assert written.name == refused.name == "DynamoDB TransactWriteItems"
    assert read.kind is trace.SpanKind.CLIENT
    for each in (read, written, refused):
        assert each.parent == command.get_span_context()
    told = dict(written.attributes or {})
    assert told.pop("aws.request_id")
    assert told == {
        "rpc.system": "aws-api",
        "rpc.service": "DynamoDB",
        "rpc.method": "TransactWriteItems",
        "aws.dynamodb.table_names": (table,),
        "cloud.region": "eu-central-1",
        "http.response.status_code": 200,
    }
    assert (refused.attributes or {})["outcome"] == "Conflict"
    assert refused.status.is_unset


async def test_who_keeps_a_file_needs_no_boto3(open_sqlite: str) -> None:
    """A bot on one machine starts within its time."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", open_sqlite, cwd=ROOT, stdout=PIPE
    )
    out, _ = await process.communicate()

    assert out == b"False\n"


@pytest.fixture
def open_sqlite(tmp_path: Path) -> str:
    """Answer a program that opens a file and says whether boto3 was imported."""
    return f"""
import asyncio, sys
from queue_store.opening import located, open_store
async def main():
    await (await open_store(located("sqlite:{tmp_path}/queue.db"), site="garage")).close()
asyncio.run(main())
print("botocore" in sys.modules)
"""
