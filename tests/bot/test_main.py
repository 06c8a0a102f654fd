"""The process: what it refuses to start with, what it tells nobody, and how it leaves."""

import asyncio
import signal
import socket
from pathlib import Path

import aiohttp
import pytest

from playground.settings import API_KEY, API_PASSWORD
from playground.slack.faults import Hang
from playground.slack.workspace import ROOM, dm_of
from playground.soap import EVERY_OPERATION, Trouble
from queue_store.sqlite import SqliteStore
from queue_store.table import create
from tests.bot.office import ADA, GRACE, Neighbours
from tests.bot.process import started
from tests.queue_store.between import Wire
from tests.queue_store.engines import table_of
from tests.queue_store.servers import aws_environment, dynoxide, running

PROMISED_SECONDS = 10
WRONG_SETTINGS = 2


async def test_wrong_settings_are_named_one_line_each_and_nothing_is_started(
    neighbours: Neighbours,
) -> None:
    wrong = neighbours.environment(
        SLACK_BOT_TOKEN="sesame", SITE_TIMEZONE="Mars/Olympus", OFFER_MINUTES="soon"
    )
    del wrong["SLACK_CHANNEL"]

    async with started(wrong) as bot:
        assert await bot.leaves() == WRONG_SETTINGS

    names = [line.split()[0] for line in bot.lines]
    assert sorted(names) == ["OFFER_MINUTES", "SITE_TIMEZONE", "SLACK_BOT_TOKEN", "SLACK_CHANNEL"]
    assert "sesame" not in bot.said
    assert not neighbours.store.exists()


async def test_a_second_bot_on_the_same_file_refuses_to_start(neighbours: Neighbours) -> None:
    store = await SqliteStore.open(neighbours.store, site=ROOM)
    try:
        async with started(neighbours.environment()) as bot:
            assert await bot.leaves() == WRONG_SETTINGS
    finally:
        await store.close()

    (line,) = bot.lines
    assert line.startswith("QUEUE_STORE")


async def test_a_port_that_is_taken_is_named(neighbours: Neighbours) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))  # noqa: S104 - where the bot listens as well
        taken.listen()
        port = str(taken.getsockname()[1])

        async with started(neighbours.environment(PORT=port)) as bot:
            assert await bot.leaves() == WRONG_SETTINGS

    assert bot.lines[-1].startswith("PORT")
    assert port in bot.lines[-1]


async def test_a_whole_run_tells_no_secret_and_ends_well(either_way: Neighbours) -> None:
    """Logs are shown around, the most talkative ones to get help."""
    environment = either_way.environment(LOG_LEVEL="DEBUG", TRACE_EXPORTER="console")
    async with started(environment) as bot:
        await _converse(either_way, await bot.ready())

        bot.process.send_signal(signal.SIGTERM)

        assert await bot.leaves() == 0

    options = either_way.slack.options
    secrets = {options.bot_token, options.app_token, options.signing_secret}
    secrets |= {API_KEY, API_KEY.lower(), API_PASSWORD, "/commands/", "ticket="}
    assert [secret for secret in secrets if secret in bot.said] == []
    assert "bot.stopped" in bot.lines[-1]
    assert "JoinRequested" in bot.said
    assert "Traceback" not in bot.said


async def test_it_is_alive_before_it_is_ready_and_says_what_it_waits_for(
    neighbours: Neighbours,
) -> None:
    neighbours.network.soap.troubles[EVERY_OPERATION] = Trouble.FAILS
    neighbours.slack.web_api.faults.add("auth.test", Hang())
    async with (
        started(neighbours.environment()) as bot,
        aiohttp.ClientSession() as session,
    ):
        url = await bot.url()
        async with session.get(f"{url}/healthz") as alive, session.get(f"{url}/readyz") as ready:
            assert alive.status == 200
            assert ready.status == 503
            assert {"slack", "chargepoint"} <= set(await ready.json())


async def test_a_stop_is_prompt_though_slack_and_chargepoint_hang(neighbours: Neighbours) -> None:
    async with started(neighbours.environment()) as bot:
        url = await bot.ready()
        neighbours.slack.bot_url = f"{url}/slack/events"
        neighbours.network.soap.troubles[EVERY_OPERATION] = Trouble.HANGS
        neighbours.network.xmpp.freeze()
        for method in ("chat.postMessage", "chat.postEphemeral", "users.info"):
            neighbours.slack.web_api.faults.add(method, Hang(), times=100)
        neighbours.slack.say(ADA, "ev list")
        await neighbours.slack.command(GRACE, "add", channel=dm_of(GRACE))
        asked = asyncio.get_running_loop().time()

        bot.process.send_signal(signal.SIGTERM)

        assert await bot.leaves() == 0
        assert asyncio.get_running_loop().time() - asked < PROMISED_SECONDS


async def test_a_stop_is_prompt_though_nobody_answered_yet(neighbours: Neighbours) -> None:
    neighbours.network.soap.troubles[EVERY_OPERATION] = Trouble.HANGS
    neighbours.network.xmpp.freeze()
    neighbours.slack.web_api.faults.add("auth.test", Hang(), times=100)
    async with started(neighbours.environment()) as bot:
        await bot.url()
        asked = asyncio.get_running_loop().time()

        bot.process.send_signal(signal.SIGTERM)

        assert await bot.leaves() == 0
        assert asyncio.get_running_loop().time() - asked < PROMISED_SECONDS


async def test_a_stop_is_prompt_though_everything_hangs(
    neighbours: Neighbours, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network may go in the very moment of a deploy."""
    with running(dynoxide()) as engine:
        wire, table = Wire(engine.port), table_of(tmp_path)
        aws = aws_environment(wire.url)
        for name, value in aws.items():
            monkeypatch.setenv(name, value)
        await asyncio.to_thread(lambda: list(create(table)))
        environment = neighbours.environment(
            QUEUE_STORE=f"dynamodb:{table}",
            TRACE_EXPORTER="otlp",
            OTEL_EXPORTER_OTLP_ENDPOINT=wire.url,
            **aws,
        )
        async with started(environment) as bot:
            neighbours.slack.bot_url = f"{await bot.ready()}/slack/events"
            wire.mute = True
            neighbours.network.soap.troubles[EVERY_OPERATION] = Trouble.HANGS
            neighbours.network.xmpp.freeze()
            for method in ("chat.postMessage", "chat.postEphemeral", "users.info"):
                neighbours.slack.web_api.faults.add(method, Hang(), times=100)
            neighbours.slack.say(ADA, "ev add")
            answer = await neighbours.slack.command(GRACE, "add")
            asked = asyncio.get_running_loop().time()

            bot.process.send_signal(signal.SIGTERM)

            assert await bot.leaves() == 0, bot.said
            assert asyncio.get_running_loop().time() - asked < PROMISED_SECONDS
        wire.close()
    assert answer is not None
    assert "nothing was changed" in answer.text or "couldn't confirm" in answer.text


async def test_a_mention_survives_a_kill_between_the_decision_and_the_post(
    neighbours: Neighbours,
) -> None:
    async with started(neighbours.environment()) as bot:
        neighbours.slack.bot_url = f"{await bot.ready()}/slack/events"
        await neighbours.slack.command(ADA, "add")
        neighbours.slack.web_api.faults.add("chat.postMessage", Hang(), times=100)
        neighbours.leave()
        await bot.says(lambda line: "CallDriver" in line)

        bot.process.kill()
        await bot.leaves()
    neighbours.slack.web_api.faults.clear()
    assert neighbours.room("<@U0ADA>") == []

    async with started(neighbours.environment()):
        await neighbours.hears("<@U0ADA>")
        await neighbours.tells(ADA, "It's your turn")


async def _converse(neighbours: Neighbours, url: str) -> None:
    """Use whatever has to do with a secret: tokens, signatures, response URLs, passwords."""
    slack = neighbours.slack
    slack.bot_url = f"{url}/slack/events"
    await slack.command(ADA, "add")
    neighbours.leave()
    card = await neighbours.hears("<@U0ADA>")
    await neighbours.press(GRACE, card, "offer.leave")
    await neighbours.tells(GRACE, "That button")
    slack.say(ADA, "ev nonsense")
    await neighbours.tells(ADA, "I don't know")
    neighbours.network.soap.troubles[EVERY_OPERATION] = Trouble.REFUSES_CREDENTIALS
    neighbours.network.xmpp.drop_all()
