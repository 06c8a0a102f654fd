"""Every piece of the bot's work is a trace of its own, found by what it was about, and a log line.

The bot is the real one, between its simulated neighbours.
"""

import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator

import pytest
from opentelemetry import trace

from bot.dispatch import Dispatcher
from bot.events import Asker, ClockTicked, JoinRequested
from bot.opaque import opaque
from bot.reference import reference
from bot.rules import Rules
from bot.tracing import trace_reference
from playground.slack.faults import Limit
from playground.slack.workspace import ROOM, dm_of
from queue_store.errors import Conflict, StoreUnavailable
from queue_store.opening import SqliteFile
from tests.bot.office import ADA, GRACE, Bot, Clock, Neighbours, at_work, logged, until
from tests.bot.troubled import Opening, TroubledStore
from tests.tracing.documents import Document, trees
from tests.tracing.gathering import Spans, documents, flags

KINDS = {
    *("start", "greet Slack", "session", "reconcile", "refresh", "wake-up"),
    *("/ev", "message", "button", "station event", "relay", "answer"),
}


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


async def live(neighbours: Neighbours) -> None:
    """Let everything happen once that a bot does."""
    async with at_work(neighbours) as bot:
        slack = neighbours.slack
        await slack.command(ADA, "add")
        slack.say(GRACE, "ev add", channel=ROOM)
        slack.say(GRACE, "why", channel=dm_of(GRACE))
        await neighbours.tells(GRACE, "at place 2")
        neighbours.leave()
        card = await neighbours.hears("<@U0ADA>")
        await bot.quiet()
        await neighbours.press(ADA, card, "offer.not_now")
        await neighbours.press(GRACE, card, "offer.not_now")
        await neighbours.hears("<@U0GRACE>")
        assert bot.office._duties is not None
        await bot.office._duties._refresh()
        await bot.quiet()


def of_kind(spans: Spans, kind: str) -> list[Document]:
    """Answer the segments of the units of this kind."""
    segments = [each for each in documents(spans) if "type" not in each]
    return [each for each in segments if each["annotations"]["unit"] == kind]


def below(spans: Spans, segment: Document) -> list[Document]:
    """Answer what was done for a unit."""
    return [
        each
        for each in documents(spans)
        if each["trace_id"] == segment["trace_id"] and each is not segment and "type" in each
    ]


async def test_every_kind_of_work_is_a_tree_of_its_own(
    neighbours: Neighbours, spans: Spans
) -> None:
    await live(neighbours)

    roots = trees(documents(spans)).values()

    assert {root["annotations"]["unit"] for root in roots} == KINDS
    assert not [root for root in roots if "fault" in root]
    secrets = (neighbours.slack.options.bot_token, neighbours.slack.options.signing_secret)
    text = str(documents(spans))
    assert not [each for each in (*secrets, "U0ADA", "U0GRACE", "/respond/") if each in text]


async def test_a_command_shows_where_its_time_went(neighbours: Neighbours, spans: Spans) -> None:
    async with at_work(neighbours) as bot:
        await bot.neighbours.slack.command(ADA, "add")

    (command,) = of_kind(spans, "/ev")
    names = [each["name"] for each in below(spans, command)]

    assert command["annotations"] == {
        "unit": "/ev",
        "command": "JoinRequested",
        "event": "JoinRequested",
        "site": ROOM,
        "driver": opaque(ROOM, ADA),
        "outcome": "Joined",
    }
    assert command["user"] == opaque(ROOM, ADA)
    assert {"load", "decide", "commit", "names", "SQLite load", "SQLite commit"} <= {*names}
    assert "Slack" in names


async def test_a_station_event_says_of_which_port_and_in_which_term(
    neighbours: Neighbours, spans: Spans
) -> None:
    async with at_work(neighbours) as bot:
        await bot.neighbours.slack.command(ADA, "add")
        bot.neighbours.leave()
        await bot.neighbours.hears("<@U0ADA>")
        await bot.quiet()

    annotated = [each["annotations"] for each in of_kind(spans, "station event")]

    (freed,) = [each for each in annotated if each["event"] == "PortStatusChanged"]
    assert freed["port"] == "HQ GARAGE / EAST"
    # A reading may have been faster.
    assert freed["outcome"] in {"CallDriver", "nothing"}
    assert isinstance(freed["term"], int)


async def test_what_was_decided_leads_to_what_was_said(
    neighbours: Neighbours, spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """The call was decided by news of the station, and said by the relay, which started it."""
    async with at_work(neighbours) as bot:
        await bot.neighbours.slack.command(ADA, "add")
        bot.neighbours.leave()
        await bot.neighbours.tells(ADA, "your turn")
        await bot.quiet()

    news = [*of_kind(spans, "station event"), *of_kind(spans, "reconcile")]
    outcomes = {each["trace_id"]: each["annotations"].get("outcome") for each in news}
    said = {each["annotations"]["effect"]: each for each in of_kind(spans, "relay")}
    call, told = said["CallDriver"], said["TellCalled"]

    assert outcomes[call["annotations"]["caused_by"]] == "CallDriver"
    assert call["annotations"]["driver"] == opaque(ROOM, ADA)
    assert call["annotations"]["port"] == "HQ GARAGE / EAST"
    # The private message was decided when the call stood in the room.
    assert told["annotations"]["caused_by"] == call["trace_id"]
    assert logged(caplog, "relay.said") == [
        {
            "row": told["annotations"]["row"],
            "effect": "TellCalled",
            "driver": ADA,
            "port": "HQ GARAGE / EAST",
        }
    ]


async def test_what_is_due_was_once_decided(neighbours: Neighbours, spans: Spans) -> None:
    async with at_work(neighbours) as bot:
        await bot.neighbours.slack.command(ADA, "suspend 1")
        await bot.neighbours.slack.command(ADA, "add")
        await bot.neighbours.slack.command(ADA, "suspend 0.005")

        async def resumed() -> bool:
            return not (await bot.site()).queue[0].suspended

        await until(resumed)

    commands = {each["trace_id"]: each["annotations"]["command"] for each in of_kind(spans, "/ev")}
    causes = [each["annotations"].get("caused_by") for each in of_kind(spans, "wake-up")]

    assert "SuspendRequested" in [commands.get(str(cause)) for cause in causes]


async def test_an_answer_that_takes_long_is_found_from_its_question(
    neighbours: Neighbours, spans: Spans
) -> None:
    async with at_work(neighbours) as bot:
        bot.neighbours.slack.say(GRACE, "why", channel=dm_of(GRACE))
        await bot.neighbours.tells(GRACE, "ev add")
        await bot.quiet()

    (asked,), (answered,) = of_kind(spans, "message"), of_kind(spans, "answer")
    (call,) = below(spans, answered)

    assert answered["annotations"]["caused_by"] == asked["trace_id"]
    assert call["metadata"]["default"]["rpc.method"] == "chat.postMessage"


async def test_a_slow_slack_is_seen_at_once(neighbours: Neighbours, spans: Spans) -> None:
    async with at_work(neighbours) as bot:
        bot.neighbours.slack.web_api.faults.add("chat.postMessage", Limit(1))
        bot.neighbours.leave()
        await bot.neighbours.hears("is free")
        await bot.quiet()

    throttled = [each for each in documents(spans) if "throttle" in each]

    assert [each["http"]["response"]["status"] for each in throttled] == [429]


@pytest.fixture
async def store(neighbours: Neighbours, opening: Opening) -> AsyncIterator[TroubledStore]:
    await opening(SqliteFile(neighbours.store), ROOM)
    yield opening.store
    await opening.store.close()


@pytest.fixture
def opening() -> Opening:
    return Opening()


async def test_a_failure_is_kept_with_what_it_was_about(
    neighbours: Neighbours, opening: Opening, spans: Spans
) -> None:
    async with at_work(neighbours, open_store=opening) as bot:
        opening.store.fails["commit"] = [StoreUnavailable("the disk is gone")]
        await bot.neighbours.slack.command(ADA, "add")

    (command,) = of_kind(spans, "/ev")
    (decide,) = [each for each in below(spans, command) if each["name"] == "decide"]

    assert flags(command) == {"fault"}
    assert command["cause"]["exceptions"][0]["message"] == "the disk is gone"
    assert decide["metadata"]["default"]["event"] == "JoinRequested"
    assert decide["metadata"]["default"]["by"] == opaque(ROOM, ADA)
    assert isinstance(decide["metadata"]["default"]["revision"], int)


async def test_a_conflict_is_counted(
    store: TroubledStore, clock: Clock, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.dispatch.LONGEST_PAUSE_SECONDS", 0.0)
    store.fails["commit"] = [Conflict("somebody else was faster")] * 2
    dispatcher = Dispatcher(store, clock=clock, rules=Rules())

    with trace.get_tracer("bot").start_as_current_span("/ev", kind=trace.SpanKind.SERVER):
        await dispatcher.handle(JoinRequested(asker=Asker(driver=ADA)))

    (command,) = [each for each in documents(spans) if "type" not in each]
    assert command["annotations"]["conflicts"] == 2


class Lines(logging.Handler):
    """Keeps which lines each piece of work wrote."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.of: defaultdict[str | None, list[str]] = defaultdict(list)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line."""
        if record.name.startswith(("bot", "chargepoint", "queue_store")):
            self.of[trace_reference()].append(record.getMessage())


@pytest.fixture
def lines() -> Iterator[Lines]:
    kept = Lines()
    logging.getLogger().addHandler(kept)
    yield kept
    logging.getLogger().removeHandler(kept)


async def test_each_piece_of_work_is_one_line(
    neighbours: Neighbours, spans: Spans, lines: Lines
) -> None:
    """Neither a flood nor a gap; what changes nothing and answers nobody has none."""
    await live(neighbours)

    written = defaultdict(list)
    for span in spans.get_finished_spans():
        if span.parent is None:
            of_it = lines.of[reference(span.context.trace_id)]
            written[str((span.attributes or {})["unit"])].append(of_it)
    many = {kind: each for kind, each in written.items() if max(map(len, each)) > 1}

    # The first reading also registers the feed, and says that reading works.
    assert set(many) <= {"reconcile"}
    for kind in KINDS - {"station event", "wake-up", "reconcile", "session"}:
        assert all(written[kind]), f"a {kind} that nobody can read of"
    # A session that a stop called off has nothing to tell.
    assert any(written["session"])
    assert any(written["station event"])


async def test_a_tick_that_changes_nothing_is_no_line(
    store: TroubledStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await Dispatcher(store, clock=clock, rules=Rules()).handle(ClockTicked())

    assert logged(caplog, "event.decided") == []


async def test_who_asked_and_what_came_of_it_is_in_the_log(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    await bot.neighbours.slack.command(ADA, "add")
    await bot.neighbours.slack.command(GRACE, "add")
    bot.neighbours.leave()
    await bot.neighbours.hears("<@U0ADA>")
    await bot.quiet()

    told = logged(caplog, "event.decided")

    assert {
        "event": "JoinRequested",
        "by": GRACE,
        "reply": "Joined",
        "joined": "U0GRACE at 2",
        "waiting": "U0ADA; U0GRACE",
    } in told
    (called,) = [each for each in told if "called" in each]
    assert called["called"].startswith("U0ADA to HQ GARAGE / EAST (offer ")
    assert called["waiting"] == "U0GRACE"
    assert called["said"] == "CallDriver"


async def test_a_request_that_comes_again_is_a_line_too(
    store: TroubledStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    dispatcher = Dispatcher(store, clock=clock, rules=Rules())
    for _ in range(2):
        await dispatcher.handle(JoinRequested(asker=Asker(driver=ADA)), request="trigger:1")

    assert logged(caplog, "event.repeated") == [{"event": "JoinRequested", "request": "trigger:1"}]
