"""No secret leaves the process but to whom it is for, whatever others answer.

Everything that comes out of the real process is searched, at its most talkative.
"""

import asyncio
import base64
import html
import json
import signal
import sys
import traceback
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from bot.clock import SystemClock
from bot.redaction import hiding
from playground.garage import Garage
from playground.network import SimulatedChargePoint
from playground.slack.options import Options
from queue_store.dynamodb import DynamoDbStore
from queue_store.errors import StoreError
from tests.bot.conftest import NewSlack
from tests.bot.office import ADA, EAST, GRACE, WEST, Clock, Neighbours
from tests.bot.process import ROOT, Running, started
from tests.bot.wire import FORM, command, interactive, press
from tests.hostile.echo import AWSES, CHARGEPOINTS, SLACKS, echoing, echoing_some
from tests.queue_store.servers import aws_environment

# With everything in them that somebody could write in another way.
PASSWORD = "Pl4nted&P<a>ss'w\"o\\rd%2F+x=ß"
XMPP_PASSWORD = "Pl4nted-for-XMPP&<'\"\\"
KEY = "0pl4nted1key2of3the4organisation5"
TOKENS = Options(
    bot_token="xoxb-pl4nted-b0t-t0ken",
    app_token="xapp-pl4nted-4pp-t0ken",
    signing_secret="pl4nted&signing<secret>'\"\\",
    retry_delays=(),
)
AWS = {
    "AWS_SECRET_ACCESS_KEY": "pl4nted/Aws+Secret=Key/0123456789",
    "AWS_SESSION_TOKEN": "IQoJpl4nted//Session+Token==0123456789",
}
TICKET = "pl4nted-t1cket-0123456789"
SECRETS = (
    PASSWORD,
    XMPP_PASSWORD,
    KEY,
    TOKENS.bot_token,
    TOKENS.app_token,
    TOKENS.signing_secret,
    *AWS.values(),
)
TALKATIVE = {"LOG_LEVEL": "DEBUG", "TRACE_EXPORTER": "console"}


def forms(secret: str) -> set[str]:
    """Answer what the secret looks like where it was written down for some reader."""
    return {
        secret,
        secret.lower(),
        html.escape(secret),
        html.escape(secret, quote=False),
        quote(secret),
        quote(secret, safe=""),
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        base64.b64encode(secret.encode()).decode(),
        secret.encode().hex(),
    }


def leaked(text: str, *others: str) -> list[str]:
    """Answer every secret that can be read in the text."""
    return [form for each in (*SECRETS, *others) for form in forms(each) if form in text]


@pytest.fixture
async def neighbours(
    tmp_path: Path, clock: Clock, new_slack: NewSlack
) -> AsyncIterator[Neighbours]:
    """Open neighbours whose every secret was planted."""
    garage = Garage((EAST, WEST), clock=clock.now)
    garage.plug_in(EAST.station, EAST.number, user=None)
    network = SimulatedChargePoint(garage, key=KEY, password=PASSWORD, group="4711")
    slack = new_slack(TOKENS)
    async with slack, network:
        yield Neighbours(slack, garage, network, tmp_path / "queue.db", clock)


def environment(neighbours: Neighbours, **changed: str) -> dict[str, str]:
    """Answer an environment with the planted secrets."""
    planted = {
        "CHARGEPOINT_API_KEY": KEY,
        "CHARGEPOINT_API_PASSWORD": PASSWORD,
        "CHARGEPOINT_XMPP_PASSWORD": XMPP_PASSWORD,
        "SLACK_APP_TOKEN": "",
        "SLACK_SIGNING_SECRET": TOKENS.signing_secret,
        "RECONCILE_SECONDS": "0.2",
        **TALKATIVE,
        **AWS,
    }
    return neighbours.environment(**{**planted, **changed})


async def test_a_bot_whom_everybody_repeats_repeats_nothing(
    neighbours: Neighbours, unused_tcp_port: int
) -> None:
    """Slack, ChargePoint, and where answers go: each says back all that it was told."""
    methods = ("users.info", "chat.postEphemeral", "conversations.history")
    url = neighbours.slack.api_url
    async with (
        echoing_some(url, *methods) as slack,
        echoing(*CHARGEPOINTS, path="/services/5.0") as chargepoint,
        started(
            environment(
                neighbours,
                SLACK_API_URL=slack,
                CHARGEPOINT_API_URL=chargepoint,
                LOG_FORMAT="json",
                PORT=str(unused_tcp_port),
            )
        ) as process,
    ):
        bot = f"http://127.0.0.1:{unused_tcp_port}"
        await process.says(lambda line: "slack.ready" in line)
        ready = await _until_said(process, bot, "stations.unread", times=2 * len(CHARGEPOINTS))
        neighbours.slack.bot_url = f"{bot}/slack/events"
        for _ in SLACKS:
            await neighbours.slack.command(ADA, "pause EAST")
            neighbours.slack.say(GRACE, "ev list")
            neighbours.slack.say(GRACE, "ev add")
        await neighbours.slack.settled()
        ready += await _until_said(process, bot, "reply.", times=len(SLACKS))

        process.process.send_signal(signal.SIGTERM)
        assert await process.leaves() == 0

    assert leaked(process.said + ready) == []
    assert leaked(neighbours.store.read_bytes().decode(errors="replace")) == []


async def test_a_bot_whom_slack_never_greets_tells_no_token(neighbours: Neighbours) -> None:
    """It asks again and again, and says each time why."""
    async with (
        echoing(*SLACKS, path="/api/") as slack,
        started(environment(neighbours, SLACK_API_URL=slack)) as process,
    ):
        bot = await process.url()
        ready = await _until_said(process, bot, "slack.unreachable", times=3)
        process.process.kill()
        await process.leaves()

    assert leaked(process.said + ready) == []


async def test_where_answers_go_is_nobodys_business(neighbours: Neighbours) -> None:
    """Whoever knows a response URL can speak in the bot's name for half an hour."""
    async with (
        echoing(*SLACKS) as elsewhere,
        started(environment(neighbours)) as process,
    ):
        bot = await process.url()
        await process.says(lambda line: "slack.ready" in line)
        urls = [
            f"{elsewhere}{TICKET}",
            f"http://127.0.0.1:9/{TICKET}",
            f"https://nowhere.invalid/{TICKET}",
        ]
        for number, url in enumerate(urls * 3):
            body = interactive(
                press("offer.leave", "9", by=GRACE, trigger_id=f"{number}", response_url=url)
            )
            await _send(bot, body)
            await _send(bot, command(text="list", trigger_id=f"c{number}", response_url=url))
        await _until_said(process, bot, "reply.waits", times=3)
        process.process.kill()
        await process.leaves()

    assert leaked(process.said, TICKET) == []


async def test_a_socket_that_is_refused_tells_no_ticket(neighbours: Neighbours) -> None:
    """The address of a socket is all that it takes to listen in."""
    ticket = {"ok": True, "url": f"ws://127.0.0.1:9/link/?ticket={TICKET}&app_id=1"}
    async with (
        echoing_some(
            neighbours.slack.api_url,
            "apps.connections.open",
            answers=(*SLACKS, lambda _: web.json_response(ticket)),
        ) as slack,
        started(
            environment(neighbours, SLACK_API_URL=slack, SLACK_APP_TOKEN=TOKENS.app_token)
        ) as process,
    ):
        bot = await process.url()
        ready = await _until_said(process, bot, "onnect", times=8)
        process.process.kill()
        await process.leaves()

    assert leaked(process.said + ready, TICKET) == []


@pytest.mark.parametrize("answer", AWSES, ids=lambda answer: answer.args[0])
async def test_what_aws_says_of_a_request_is_not_repeated(
    answer: partial[web.Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It quotes what it was sent, session token and all."""
    async with echoing(answer) as aws:
        for name, text in {**aws_environment(aws), **AWS}.items():
            monkeypatch.setenv(name, text)
        with pytest.raises(StoreError) as raised:
            await DynamoDbStore.open("queue", site="office")

    said = "".join(traceback.format_exception(raised.value))
    assert leaked(hiding([])(said)) == []


async def test_a_store_that_is_refused_is_no_reason_to_tell_why_in_full(
    neighbours: Neighbours,
) -> None:
    """What is printed without the log is no less public."""
    async with (
        echoing(*AWSES[-2:]) as aws,
        started(
            environment(neighbours, QUEUE_STORE="dynamodb:queue") | aws_environment(aws) | AWS
        ) as process,
    ):
        assert await process.leaves() == 2

    assert "QUEUE_STORE" in process.said
    assert leaked(process.said) == []


CRASH = """
import sys, threading
import bot.__main__ as main
async def run(*_): raise KeyError(sys.argv[1])
def work(): raise KeyError(sys.argv[1])
class Odd:
    def __del__(self): raise KeyError(sys.argv[1])
async def until_told(settings):
    thread = threading.Thread(target=work); thread.start(); thread.join()
    Odd()
    await run()
main._until_told = until_told
sys.exit(main.main([]))
"""


async def test_even_a_crash_tells_no_secret(neighbours: Neighbours) -> None:
    """What Python prints by itself goes where the log goes, and through the same hands."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CRASH, PASSWORD),
        env=environment(neighbours),
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()

    assert process.returncode == 1
    assert said.decode().count("KeyError") >= 3
    assert leaked(said.decode()) == []


async def _until_said(process: Running, bot: str, event: str, *, times: int) -> str:
    """Wait until the bot has said it so often; answer what /readyz told meanwhile."""
    told = ""
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        while process.said.count(event) < times:
            async with session.get(f"{bot}/readyz") as answer:
                told += await answer.text()
            await asyncio.sleep(0.02)
    return told


async def _send(bot: str, body: str) -> None:
    """Sign a request as Slack does, and send it."""
    now = str(int(SystemClock().now().timestamp()))
    signature = SignatureVerifier(TOKENS.signing_secret).generate_signature(
        timestamp=now, body=body
    )
    headers = {
        "Content-Type": FORM,
        "X-Slack-Request-Timestamp": now,
        "X-Slack-Signature": signature or "",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{bot}/slack/events", data=body, headers=headers) as answer,
    ):
        assert answer.status == 200
