"""The doors to the outside: nobody but Slack comes in, and everybody gets an answer."""

import json
from http import HTTPStatus
from io import BytesIO
from urllib.parse import urlencode

import aiohttp
import pytest
from slack_sdk.signature import SignatureVerifier

from playground.slack.workspace import ROOM, TEAM
from playground.soap import EVERY_OPERATION, Trouble
from tests.bot.office import ADA, Bot, Neighbours, at_work

FORM = "application/x-www-form-urlencoded"


def command(**changed: str) -> str:
    """Write `/ev add` as Slack does."""
    fields = {
        "command": "/ev",
        "text": "add",
        "team_id": TEAM,
        "user_id": ADA,
        "channel_id": ROOM,
        "trigger_id": "1.2.3",
        "response_url": "http://127.0.0.1:9/",
    }
    return urlencode({**fields, **changed})


def signed(bot: Bot, body: str, *, at: object = None, secret: str | None = None) -> dict[str, str]:
    """Sign a body as Slack does, or as somebody else."""
    moment = str(int(bot.neighbours.clock.now().timestamp()) if at is None else at)
    secret = secret or bot.neighbours.slack.options.signing_secret
    signature = SignatureVerifier(secret).generate_signature(timestamp=moment, body=body)
    return {
        "Content-Type": FORM,
        "X-Slack-Request-Timestamp": moment,
        "X-Slack-Signature": signature or "",
    }


async def post(bot: Bot, body: str | bytes, headers: dict[str, str]) -> tuple[int, str]:
    """Send it and answer status and text."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{bot.url}/slack/events",
            data=BytesIO(body.encode() if isinstance(body, str) else body),
            headers=headers,
        ) as answer,
    ):
        return answer.status, await answer.text()


async def test_what_slack_signed_is_taken(bot: Bot) -> None:
    status, said = await post(bot, command(), signed(bot, command()))

    assert status == HTTPStatus.OK
    assert "Ada Lovelace joined" in said
    assert await bot.queue() == [ADA]


SPOILED: tuple[dict[str, str], ...] = (
    {"X-Slack-Signature": "v0=0000"},
    {"X-Slack-Signature": "ß\udcff"},
    {"X-Slack-Signature": ""},
    {"X-Slack-Request-Timestamp": ""},
    {"X-Slack-Request-Timestamp": "abc"},
    {"X-Slack-Request-Timestamp": "-5"},
    {"X-Slack-Request-Timestamp": "١٢٣"},
    {"X-Slack-Request-Timestamp": "9" * 400},
)


async def test_what_nobody_signed_is_refused(bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    for spoiled in SPOILED:
        status, _ = await post(bot, command(), {**signed(bot, command()), **spoiled})
        assert status == HTTPStatus.UNAUTHORIZED, spoiled

    assert await bot.queue() == []
    assert not [record for record in caplog.records if record.exc_info]


async def test_another_secret_and_another_body_are_refused(bot: Bot) -> None:
    other = await post(bot, command(), signed(bot, command(), secret="another"))
    changed = await post(bot, command(text="remove"), signed(bot, command()))

    assert (other[0], changed[0]) == (HTTPStatus.UNAUTHORIZED, HTTPStatus.UNAUTHORIZED)


async def test_old_requests_and_those_for_later_are_refused(bot: Bot) -> None:
    """A request that was overheard must not be good for ever."""
    now = int(bot.neighbours.clock.now().timestamp())
    answers = {
        seconds: (await post(bot, command(), signed(bot, command(), at=now + seconds)))[0]
        for seconds in (-302, -290, 290, 302)
    }

    assert answers == {
        -302: HTTPStatus.UNAUTHORIZED,
        -290: HTTPStatus.OK,
        290: HTTPStatus.OK,
        302: HTTPStatus.UNAUTHORIZED,
    }


async def test_garbage_is_refused_without_a_stack_trace(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    """Anybody can send it, as often as they like."""
    now = str(int(bot.neighbours.clock.now().timestamp()))
    for body in (b"{", b"\xff\xfe", b"payload=[", b"payload=1", b"[" * 100_000, b""):
        for kind in (FORM, "application/json", "text/plain; charset=nonsense"):
            headers = {"Content-Type": kind, "X-Slack-Request-Timestamp": now}
            assert (await post(bot, body, headers))[0] == HTTPStatus.UNAUTHORIZED

    assert not [record for record in caplog.records if record.exc_info]


async def test_a_body_that_is_too_large_is_refused(bot: Bot) -> None:
    body = command(text="x" * 2**20)

    assert (await post(bot, body, signed(bot, body)))[0] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


async def test_other_workspaces_are_refused(bot: Bot) -> None:
    body = command(team_id="T0OTHER")

    assert (await post(bot, body, signed(bot, body)))[0] == HTTPStatus.FORBIDDEN
    assert await bot.queue() == []


async def test_the_workspace_can_be_named_in_the_settings(neighbours: Neighbours) -> None:
    settings = neighbours.settings(SLACK_TEAM="T0OTHER")
    async with at_work(neighbours, settings=settings) as bot:
        ours, other = command(), command(team_id="T0OTHER", trigger_id="2.2.2")

        assert (await post(bot, ours, signed(bot, ours)))[0] == HTTPStatus.FORBIDDEN
        assert (await post(bot, other, signed(bot, other)))[0] == HTTPStatus.OK


async def test_slack_can_verify_the_address(bot: Bot) -> None:
    said = await bot.neighbours.slack.http.verify_url("are you there?")

    assert "are you there?" in said


async def test_there_is_nothing_else(bot: Bot) -> None:
    for path in ("/", "/slack", "/slack/events/more", "/metrics", "/.env"):
        assert (await bot.get(path))[0] == HTTPStatus.NOT_FOUND, path


async def test_looking_at_slacks_address_is_not_enough(bot: Bot) -> None:
    assert (await bot.get("/slack/events"))[0] == HTTPStatus.METHOD_NOT_ALLOWED


async def test_in_socket_mode_no_request_is_taken(by_socket: Neighbours) -> None:
    """Without a signing secret nobody could tell whose it is."""
    async with at_work(by_socket) as bot:
        for secret in (None, "socket mode verifies its connection", "not Bolt's to know"):
            status, _ = await post(bot, command(), signed(bot, command(), secret=secret))
            assert status >= HTTPStatus.BAD_REQUEST

        assert await bot.queue() == []


async def test_with_an_app_token_the_socket_is_used_instead(by_socket: Neighbours) -> None:
    """Two ways in would be one too many to watch."""
    secret = by_socket.slack.options.signing_secret
    settings = by_socket.settings(SLACK_SIGNING_SECRET=secret)
    async with at_work(by_socket, settings=settings) as bot:
        assert (await post(bot, command(), signed(bot, command())))[0] >= HTTPStatus.BAD_REQUEST
        assert await by_socket.slack.command(ADA, "list") is not None


async def test_liveness_and_readiness_can_be_asked_for(bot: Bot) -> None:
    alive, ready = await bot.get("/healthz"), await bot.get("/readyz")

    assert alive[0] == HTTPStatus.OK
    assert (ready[0], json.loads(ready[1])) == (HTTPStatus.OK, {"ready": True})


async def test_readiness_names_the_parts_that_are_not_ready(neighbours: Neighbours) -> None:
    neighbours.network.soap.troubles[EVERY_OPERATION] = Trouble.FAILS
    async with at_work(neighbours, ready=False) as bot:
        status, said = await bot.get("/readyz")

        assert status == HTTPStatus.SERVICE_UNAVAILABLE
        assert json.loads(said)["ready"] is False
        assert "chargepoint" in json.loads(said)
        assert (await bot.get("/healthz"))[0] == HTTPStatus.OK
