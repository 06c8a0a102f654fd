"""What is found in a store that nobody should have put there: it is named, and nothing breaks."""

import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.concierge import decide, next_wakeup
from bot.events import Asker, ClockTicked, JoinRequested
from playground.slack.workspace import ROOM
from queue_store import items
from queue_store.errors import StoreError, Unreadable
from queue_store.sqlite import SqliteStore
from queue_store.store import Commit, OutboxRow
from queue_store.stored import decoded, encoded
from tests.bot.office import ADA, Bot, Neighbours
from tests.bot.process import started
from tests.hostile.days import days
from tests.mutations import changed
from tests.queue_store.decisions import NOON, SITE, card, request, waiting
from tests.story import Story

Json = dict[str, Any]

scraps: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        [
            "2026-11-27T09:00:00",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "\ud800",
            [],
            {},
            [[]],
            {"id": SITE},
            -1,
            2**70,
        ]
    ),
)
# What SQLite takes as a value, and what DynamoDB keeps as an attribute.
columns = st.none() | st.integers(-(2**60), 2**60) | st.floats() | st.text() | st.binary()
attributes = st.one_of(
    st.builds(lambda text: {"S": text}, st.text()),
    st.builds(lambda text: {"N": text}, st.sampled_from(["0", "-1", "1E+3", "0.5", "9" * 38])),
    st.builds(lambda raw: {"B": raw}, st.binary()),
    st.just({"NULL": True}),
    st.just({"BOOL": True}),
    st.just({"L": [{"S": "x"}, {"L": []}]}),
    st.just({"M": {"x": {"S": "x"}}}),
    st.just({"SS": ["x"]}),
)
changes = st.lists(st.tuples(st.integers(0, 200), scraps), max_size=3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(path, site=SITE)
    yield store
    await store.close()


@given(story=days(), changes=changes)
def test_a_site_that_was_tampered_with_is_a_site_or_unreadable(
    story: Story, changes: list[tuple[int, Any]]
) -> None:
    """And if it is a site, the rules can go on with it."""
    stored = msgspec.json.decode(encoded(story.site))
    for place, scrap in changes:
        stored = changed(stored, place, scrap)
    try:
        body = json.dumps(stored).encode()
        site = decoded(body, site=story.site.id)
    except Unreadable:
        return
    for event in (ClockTicked(), JoinRequested(asker=Asker(driver="U0EVE"))):
        decision = decide(site, event, now=story.now, rules=story.rules)
        next_wakeup(decision.site, now=story.now, rules=story.rules)
        assert decoded(encoded(decision.site), site=site.id) == decision.site


PORT = {
    "id": "1:1/1",
    "station": "1:1",
    "number": "1",
    "name": "EAST",
    "availability": "available",
    "heard": "2026-11-27T09:00:00Z",
}
ENTRY = {"driver": "U0ADA", "joined": "2026-11-27T09:00:00Z"}
OFFER = {"number": 1, "port": "1:1/1", "driver": "U0ADA", "made": "2026-11-27T09:00:00Z"}
NONSENSE: dict[str, Json] = {
    "a time without a zone": {"ports": [{**PORT, "heard": "2026-11-27T09:00:00"}]},
    "a year before all others": {"ports": [{**PORT, "heard": "0001-01-01T00:00:00Z"}]},
    "a year after all others": {"queue": [{**ENTRY, "joined": "9999-12-31T23:59:59Z"}]},
    "two ports of one name": {"ports": [PORT, {**PORT, "name": "WEST"}]},
    "a driver in two places": {"queue": [ENTRY, ENTRY]},
    "two offers of one number": {"offers": [OFFER, {**OFFER, "port": "2", "driver": "U0EVE"}]},
    "two offers on one port": {"offers": [OFFER, {**OFFER, "number": 2, "driver": "U0EVE"}]},
    "two offers to one driver": {"offers": [OFFER, {**OFFER, "number": 2, "port": "2"}]},
}


@pytest.mark.parametrize("what", NONSENSE)
def test_a_site_that_contradicts_itself_is_unreadable(what: str) -> None:
    """Every decision would stumble over it, for ever."""
    stored = {**msgspec.json.decode(encoded(waiting())), **NONSENSE[what]}

    with pytest.raises(Unreadable, match="damaged"):
        decoded(json.dumps(stored).encode(), site=SITE)


ITEMS: dict[str, Json] = {
    "site": items.site_item(SITE, revision=3, body=encoded(waiting("U0ADA"))),
    "answer": items.answer_item(SITE, request("trigger:1")),
    "card": items.card_item(SITE, card()),
    "row": items.row_item(SITE, OutboxRow(id="000000000001-000", body=b"{}", created=NOON)),
}
READERS: dict[str, Callable[[Json], object]] = {
    "site": lambda found: items.read_site(found, site=SITE),
    "answer": lambda found: items.read_answer(found, now=NOON),
    "what was told": items.read_told,
    "card": lambda found: items.read_card(found, now=NOON),
    "row": items.read_row,
    "bundle": items.read_bundle,
    "who made it": lambda found: items.made_by(found, "x", revision=3),
    "records": items.records,
}


@given(kind=st.sampled_from(sorted(ITEMS)), reader=st.sampled_from(sorted(READERS)), data=st.data())
def test_an_item_that_was_tampered_with_is_an_item_or_unreadable(
    kind: str, reader: str, data: st.DataObject
) -> None:
    """Whatever DynamoDB can keep under a name of ours, each way of reading takes it."""
    item = dict(ITEMS[kind])
    for name in data.draw(st.lists(st.sampled_from(sorted(item.keys() - {"pk", "sk"})))):
        if data.draw(st.booleans()):
            item.pop(name, None)
        else:
            item[name] = data.draw(attributes)
    with suppress(Unreadable):
        READERS[reader](item)


WHEN = "2027-11-20T12:00:00.000000+00:00"
ROWS: dict[str, dict[str, object]] = {
    "site": {"site": SITE, "revision": 1, "body": encoded(waiting("U0ADA"))},
    "answered": {"site": SITE, "request": "trigger:1", "answer": b"null", "expires": WHEN},
    "card": {"site": SITE, "key": "offer/1", "channel": "C1", "ts": "1.2", "expires": WHEN},
    "outbox": {"place": 1, "site": SITE, "id": "1-0", "body": b"{}", "created": WHEN},
}
COLUMNS = [(table, name) for table, row in ROWS.items() for name in row if name != "place"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(column=st.sampled_from(COLUMNS), value=columns)
async def test_a_file_that_was_tampered_with_is_read_or_unreadable(
    store: SqliteStore, path: Path, column: tuple[str, str], value: object
) -> None:
    """SQLite keeps anything in any column."""
    with closing(sqlite3.connect(path)) as file, file:
        for table, row in ROWS.items():
            kept = {**row, column[1]: value} if table == column[0] else row
            places = ", ".join("?" * len(kept))
            file.execute(f"DELETE FROM {table}")  # noqa: S608 - our words
            file.execute(
                f"INSERT OR IGNORE INTO {table} ({', '.join(kept)}) VALUES ({places})",  # noqa: S608 - our words
                tuple(kept.values()),
            )

    for read in (
        store.load,
        lambda: store.answered("trigger:1", now=NOON),
        lambda: store.card("offer/1", now=NOON),
        store.outbox,
        store.records,
        lambda: store.commit(Commit(site=waiting("U0EVE"), seen=1, now=NOON, bodies=(b"{}",))),
    ):
        with suppress(StoreError):
            await read()


async def test_a_site_damaged_under_a_running_bot_is_said_to_be_and_can_be_mended(
    bot: Bot, neighbours: Neighbours
) -> None:
    """People and administrators are told in plain words, and nothing is written over it."""
    await neighbours.slack.command(ADA, "add")
    await bot.quiet()
    (whole,) = in_the_file(neighbours.store, "SELECT body FROM site")
    in_the_file(neighbours.store, "UPDATE site SET body = x'7B22'")

    said = await neighbours.slack.command(ADA, "list")

    assert said is not None
    assert "can't get at the queue" in said.text
    assert "damaged" in (await bot.problems())["store"]
    assert in_the_file(neighbours.store, "SELECT body FROM site") == [(b'{"',)]
    in_the_file(neighbours.store, "UPDATE site SET body = ?", *whole)
    await bot.ready()
    assert await bot.queue() == [ADA]


async def test_a_bot_does_not_start_on_a_damaged_site(neighbours: Neighbours) -> None:
    """To start with an empty queue would lose what may still be mended."""
    store = await SqliteStore.open(neighbours.store, site=ROOM)
    await store.close()
    in_the_file(neighbours.store, "INSERT INTO site VALUES (?, 1, x'7B22')", ROOM)

    async with started(neighbours.environment()) as process:
        assert await process.leaves() == 2

    assert "QUEUE_STORE" in process.lines[-1]
    assert "damaged" in process.lines[-1]


def in_the_file(path: Path, statement: str, *values: object) -> list[Any]:
    """Do it behind the bot's back."""
    with closing(sqlite3.connect(path)) as file, file:
        return file.execute(statement, values).fetchall()
