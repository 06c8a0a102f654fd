"""The doctor: whatever is wrong has a line of its own that says what to do, and nothing is touched.

`make ailments` prints every ailment with its line.
"""

import json
import socket
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import pytest
from aiohttp import web
from msgspec import Struct

from bot.check import machine
from bot.check.clocks import Clocks
from bot.check.doctor import Limits, examine
from bot.check.slack import NEEDED, OPTIONAL
from bot.settings import readable
from playground.slack.workspace import ROOM
from tests.bot.ailments import AILMENTS, RECOVERABLE, REFUSAL, Ailment, Json, collector, dynamodb
from tests.bot.office import Bot, Clock, Neighbours, at_work
from tests.bot.process import ROOT
from tests.bot.strangers import listening

PARTS = [
    "settings",
    "time zone",
    "quiet times",
    "port",
    "store",
    "Slack token",
    "Slack team",
    "Slack scopes",
    "Slack room",
    "Slack admins",
    "{way}",
    "SOAP login",
    "stations",
    "XMPP login",
    "clock",
    "traces",
]
UNSEEN = "deletion of what expires, point-in-time recovery"
# A busy machine must not look like a neighbour that does not answer.
QUICK = Limits(answer=2.0, check=5.0)
Note = Callable[[str, str], None]


async def examined(neighbours: Neighbours, changes: Mapping[str, str]) -> tuple[bool, list[str]]:
    """Let the doctor look at these neighbours; answer whether all is well, and its lines."""
    lines: list[str] = []
    environment = neighbours.environment(**changes)
    clock = neighbours.clock
    well = await examine(readable(environment), lines.append, clock=clock, limits=QUICK)
    assert [secret for secret in secrets_of(environment) if secret in "\n".join(lines)] == []
    return well, lines


def secrets_of(environment: Mapping[str, str]) -> set[str]:
    """Answer what must not be printed; short made-up ones would be found in other words."""
    secret = ("TOKEN", "SECRET", "PASSWORD", "API_KEY")
    return {text for name, text in environment.items() if name.endswith(secret) and len(text) > 5}


def parsed(line: str) -> tuple[str, str, str]:
    """Answer mark, part and words of a line."""
    return line[:4].strip(), line[6:18].strip(), line[20:]


@pytest.fixture(scope="module")
def note() -> Iterator[Note]:
    """Keep the line of every ailment, and print them as a table in the end."""
    rows: list[tuple[str, str]] = []
    yield lambda ailment, line: rows.append((ailment, line))
    for ailment, line in rows:
        print(f"{ailment:40}{line}")  # noqa: T201 # with -s only


@pytest.fixture
def sick(request: pytest.FixtureRequest, ailment: Ailment) -> Neighbours:
    """Open the neighbours in the way that the ailment is about."""
    opened = request.getfixturevalue("by_socket" if ailment.by_socket else "neighbours")
    assert isinstance(opened, Neighbours)
    return opened


async def test_where_all_is_well_every_part_has_a_line_that_says_so(
    either_way: Neighbours,
) -> None:
    """Whoever set up everything rightly has to hear so, or will keep looking."""
    well, lines = await examined(either_way, {})

    assert well
    way = "Slack socket" if either_way.slack.options.socket_mode else "Slack HTTP"
    assert [parsed(line)[1] for line in lines] == [part.format(way=way) for part in PARTS]
    assert {parsed(line)[0] for line in lines} == {"ok"}


@pytest.mark.parametrize("ailment", AILMENTS, ids=lambda ailment: ailment.name)
async def test_an_ailment_has_a_line_of_its_own_that_says_what_to_do(
    sick: Neighbours, ailment: Ailment, note: Note
) -> None:
    """It is found, named and told apart; what has nothing to do with it is well."""
    async with ailment.harm(sick) as changes:
        well, lines = await examined(sick, changes)

    unwell = [parsed(line) for line in lines if parsed(line)[0] != "ok"]
    assert {part for _, part, _ in unwell} == {ailment.part, *ailment.beside}
    ((mark, _, words),) = [each for each in unwell if each[1] == ailment.part]
    assert mark == ailment.mark
    assert ailment.line in words
    assert well is all(mark != "FAIL" for mark, _, _ in unwell)
    note(ailment.name, next(line for line in lines if parsed(line)[2] == words))


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ({"DescribeContinuousBackups": RECOVERABLE}, "nothing is kept yet"),
        (
            {"DescribeContinuousBackups": REFUSAL, "DescribeTimeToLive": REFUSAL},
            f"nothing is kept yet; {UNSEEN} can't be looked at",
        ),
    ],
    ids=["as it is made", "with few rights"],
)
async def test_a_table_as_it_should_be_is_well(
    neighbours: Neighbours, said: Mapping[str, Json], line: str
) -> None:
    """The bot's own rights need not reach to the settings of the table."""
    async with dynamodb(said)(neighbours) as changes:
        well, lines = await examined(neighbours, changes)

    assert well
    assert ("ok", "store", line) in map(parsed, lines)


@pytest.mark.parametrize(
    ("exporter", "line"),
    [
        ("none", "none are sent"),
        ("console", "printed with the log"),
        ("xray", "X-Ray daemon at 127.0.0.1:{port}; nothing was refused"),
        ("otlp", "the OpenTelemetry collector takes what is sent"),
    ],
)
async def test_wherever_traces_are_taken_all_is_well(
    neighbours: Neighbours, exporter: str, line: str
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        port = daemon.getsockname()[1]
        address = {"TRACE_EXPORTER": exporter, "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{port}"}

        async with collector(200)(neighbours) as changes:
            well, lines = await examined(neighbours, {**changes, **address})

    assert well
    assert line.format(port=port) in lines[-1]


async def test_a_port_that_may_not_be_had_is_named(
    neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those below 1024 are not for everybody; here it is an address that nobody has."""
    monkeypatch.setattr(machine, "EVERYWHERE", "192.0.2.1")

    well, lines = await examined(neighbours, {"PORT": "8000"})

    assert not well
    (line,) = [line for line in lines if parsed(line)[1] == "port"]
    assert "8000 can't be had: Cannot assign requested address. Set PORT to one" in line


async def test_a_fault_of_ours_hides_nothing(
    neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The doctor may err in one thing and be right in all others."""

    async def stumble(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("bot.check.slack.SlackChecks._scopes", stumble)

    well, lines = await examined(neighbours, {})

    unwell = [parsed(line) for line in lines if parsed(line)[0] != "ok"]
    assert not well
    assert unwell == [
        ("FAIL", "Slack scopes", "the check itself failed: ZeroDivisionError. Please report this")
    ]
    assert len(lines) == len(PARTS)


async def test_the_doctor_changes_nothing_and_takes_nothing_from_a_bot_at_work(
    either_way: Neighbours,
) -> None:
    """Whoever is worried looks while people queue: what the bot would miss, they would miss."""
    appeared: list[str] = []
    async with at_work(either_way) as bot:
        either_way.network.xmpp.on_available = appeared.append
        before = await _world(bot)
        port = bot.url.rpartition(":")[2]

        well, lines = await examined(either_way, {"PORT": port})

        assert await _world(bot) == before
        assert well
        assert f"{port} is taken by a bot that is running, and ready" in "\n".join(lines)
        assert "2 ports, 0 drivers in the queue; another process holds it" in "\n".join(lines)
    assert appeared == []


async def _world(bot: Bot) -> tuple[object, ...]:
    """Answer what must be the same before and after."""
    slack, network = bot.neighbours.slack, bot.neighbours.network
    return (
        await bot.queue(),
        slack.workspace.messages(ROOM),
        slack.sockets.connected,
        network.registered_feeds,
        network.xmpp.available,
    )


async def test_the_command_says_in_its_exit_code_whether_all_is_well(
    neighbours: Neighbours,
) -> None:
    """Scripts read only that."""
    well = await command("check", environment=neighbours.environment())
    unwell = await command("check", environment=neighbours.environment(SLACK_TEAM="T0ELSEWHERE"))
    misled = await command("chek", environment=neighbours.environment())

    assert (well.code, unwell.code, misled.code) == (0, 1, 2)
    assert len(well.said.splitlines()) == len(PARTS)
    assert (well.complained, unwell.complained) == ("", "")
    assert "usage: python -m bot" in misled.complained
    assert not neighbours.store.exists()


async def test_the_command_prints_no_secret_whoever_says_it(neighbours: Neighbours) -> None:
    """A workspace may be named after its token; what is printed is shown around."""
    token = neighbours.slack.options.bot_token

    async def answer(_: web.Request) -> web.Response:
        named = {"ok": True, "user_id": "U1", "team_id": "T1", "team": f"x\n{token}", "user": token}
        return web.json_response(named)

    async with listening(answer) as port:
        url = f"http://127.0.0.1:{port}/api/"
        outcome = await command("check", environment=neighbours.environment(SLACK_API_URL=url))

    assert "speaks as … in x\\n…" in outcome.said
    for secret in secrets_of(neighbours.environment()):
        assert secret not in outcome.said + outcome.complained


async def test_whoever_has_read_enough_is_told_no_more(neighbours: Neighbours) -> None:
    """`python -m bot check | head -1` is no fault, and a traceback would look like one."""
    process = await doctor("check", environment=neighbours.environment())
    assert process.stdout is not None
    await process.stdout.readline()
    process.stdout._transport.close()  # type: ignore[attr-defined] # a pipe has no other way to close

    _, complained = await process.communicate()

    assert (process.returncode, complained) == (1, b"")


class Outcome(Struct, frozen=True):
    """How a command ended, and what it wrote."""

    code: int | None
    said: str
    complained: str


async def command(*words: str, environment: Mapping[str, str]) -> Outcome:
    """Run `python -m bot` with these words."""
    process = await doctor(*words, environment=environment)
    said, complained = await process.communicate()
    return Outcome(process.returncode, said.decode(), complained.decode())


async def doctor(*words: str, environment: Mapping[str, str]) -> Process:
    """Start `python -m bot` with these words."""
    return await create_subprocess_exec(
        sys.executable, "-m", "bot", *words, env=environment, cwd=ROOT, stdout=PIPE, stderr=PIPE
    )


def test_the_manifests_ask_for_what_the_doctor_looks_for() -> None:
    """A scope that is asked for and not looked for is missed by nobody."""
    for kind in ("http", "socket"):
        manifest = json.loads((ROOT / f"docs/slack-manifest.{kind}.json").read_text())
        assert set(manifest["oauth_config"]["scopes"]["bot"]) == {*NEEDED, *OPTIONAL}


@pytest.mark.parametrize("order", [("Slack", "ChargePoint"), ("ChargePoint", "Slack")])
@pytest.mark.parametrize("fraction", [0.0, 0.9])
async def test_of_two_who_seem_to_differ_alike_slack_is_the_one_to_mind(
    order: tuple[str, str], fraction: float
) -> None:
    clock = Clock()
    clocks = Clocks(clock)
    for whose, seconds in zip(order, (0.0, fraction), strict=True):
        clocks.note(whose, clock.now() + timedelta(minutes=6, seconds=-seconds))

    assert "behind Slack's" in str(await clocks.look())
