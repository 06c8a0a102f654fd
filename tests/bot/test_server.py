"""The doors to the outside: nobody but Slack comes in, and everybody gets an answer."""

import asyncio
import gzip
import json
from contextlib import suppress
from http import HTTPStatus

import pytest
from aiohttp import web

from bot.server import Server
from playground.slack.faults import Break
from playground.soap import EVERY_OPERATION, Trouble
from tests.bot.office import ADA, GRACE, Bot, Clock, Neighbours, at_work, logged
from tests.bot.wire import (
    FORM,
    JSON,
    command,
    interactive,
    message,
    post,
    press,
    response_url,
    send,
    signed,
)


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
    assert (ready[0], json.loads(ready[1])["ready"]) == (HTTPStatus.OK, True)
    assert not json.loads(ready[1]).keys() & {"store", "slack", "chargepoint"}


async def test_readiness_names_the_parts_that_are_not_ready(neighbours: Neighbours) -> None:
    neighbours.network.soap.troubles[EVERY_OPERATION] = Trouble.FAILS
    async with at_work(neighbours, ready=False) as bot:
        status, said = await bot.get("/readyz")

        assert status == HTTPStatus.SERVICE_UNAVAILABLE
        assert json.loads(said)["ready"] is False
        assert "chargepoint" in json.loads(said)
        assert (await bot.get("/healthz"))[0] == HTTPStatus.OK


UNREADABLE = {
    "chunks that are none": b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
    "a size below zero": b"Content-Length: -5\r\n\r\n",
    "two sizes": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "what is not compressed": b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcde",
    "compressed by nobody knows what": b"Content-Encoding: zip\r\nContent-Length: 1\r\n\r\na",
    "a header without end": b"X: " + b"a" * 20_000 + b"\r\n\r\n",
    "half of it": b"Content-Length: 50\r\n\r\nabcde",
}


@pytest.mark.parametrize("what", UNREADABLE)
async def test_what_is_no_http_costs_its_sender_the_connection_and_nobody_a_stack_trace(
    bot: Bot, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A log that anybody can fill hides what it is for."""
    answer = await raw(bot, UNREADABLE[what])

    assert answer == b"" or answer.split()[1].startswith(b"4")
    assert (await bot.get("/healthz"))[0] == HTTPStatus.OK
    assert [record for record in caplog.records if record.exc_info] == []


async def test_a_small_body_that_unfolds_into_a_huge_one_is_refused(bot: Bot) -> None:
    bomb = gzip.compress(b"0" * 20 * 2**20)
    head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)

    assert b" 413 " in await raw(bot, head + bomb)


async def test_a_body_that_does_not_end_is_given_up(clock: Clock) -> None:
    """Or whoever sends a byte a minute would hold a connection for each."""
    reached = False

    async def problems() -> dict[str, str]:
        return {}

    async def answer(_: web.Request) -> web.Response:
        nonlocal reached
        reached = True
        return web.Response()

    server = Server(problems, clock=clock, seconds=0.1, slowest=0.05)
    server.serve_slack(answer)
    url = f"http://127.0.0.1:{await server.start(0)}"
    try:
        half = post_head(clock) + b"Content-Length: 9\r\n\r\nabc"
        said = await converse(url, half, ends=False)
    finally:
        await server.stop()

    assert b" 408 " in said
    assert not reached


async def test_a_command_that_comes_before_slack_was_greeted_is_answered(
    neighbours: Neighbours,
) -> None:
    """A load balancer sends requests to whoever lives, and somebody else could have answered."""
    neighbours.slack.web_api.faults.add("auth.test", Break(503), times=3)

    async with at_work(neighbours, ready=False):
        answer = await neighbours.slack.command(ADA, "add")

    assert answer is not None
    assert "Ada Lovelace joined" in answer.text


async def test_what_comes_too_early_is_not_kept_waiting_for_ever(clock: Clock) -> None:
    """Slack waits for three seconds, and brings again what was not taken."""

    async def problems() -> dict[str, str]:
        return {}

    server = Server(problems, clock=clock, seconds=0.1, early=0.05)
    url = f"http://127.0.0.1:{await server.start(0)}"
    try:
        said = await converse(url, post_head(clock) + b"Content-Length: 0\r\n\r\n", ends=False)
    finally:
        await server.stop()

    assert b" 503 " in said


async def test_bodies_that_are_no_requests_are_refused_though_they_are_signed(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    """Only Slack can sign, and Slack may change: it is told, and nothing breaks."""
    for body, kind, status in (
        (command(), "text/plain", HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
        (command() + "&text=remove", FORM, HTTPStatus.BAD_REQUEST),
        ("payload=[", FORM, HTTPStatus.BAD_REQUEST),
        ("[" * 100_000, JSON, HTTPStatus.BAD_REQUEST),
        ("{}", JSON, HTTPStatus.BAD_REQUEST),
        (command(response_url="http://example.com/"), FORM, HTTPStatus.BAD_REQUEST),
        (json.dumps(message("ev add", ts=None)), JSON, HTTPStatus.BAD_REQUEST),
    ):
        assert (await send(bot, body, kind=kind))[0] == status, body[:80]

    assert len(logged(caplog, "slack.unfit")) == 7
    assert not [record for record in caplog.records if record.exc_info]
    assert await bot.queue() == []


async def test_a_command_may_hold_any_word(bot: Bot) -> None:
    """Bolt by itself takes a form with this one in it for a press without a payload."""
    body = command(text="pause the payload bay")

    status, said = await send(bot, body)

    assert status == HTTPStatus.OK
    assert "the payload bay" in said


async def test_a_header_that_nobody_signed_means_nothing(bot: Bot) -> None:
    """To Bolt some headers are orders."""
    orders = {"X-Slack-Bolt-Lazy-Only": "1", "X-Slack-Bolt-Lazy-Function-Name": "_command"}

    status, said = await post(bot, command(), {**signed(bot, command()), **orders})

    assert (status, "joined" in said) == (HTTPStatus.OK, True)


async def test_people_of_other_workspaces_are_not_served(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    """Words from elsewhere are passed over in silence, or Slack would bring them again."""
    elsewhere = {"id": GRACE, "team_id": "T0OTHER"}
    url = response_url(bot, GRACE)
    pressed = interactive(press("queue.rejoin", "0", user=elsewhere, response_url=url))
    said = json.dumps(message("ev add", user=GRACE, team="T0OTHER"))

    assert (await send(bot, pressed))[0] == HTTPStatus.OK
    assert (await send(bot, said, kind=JSON))[0] == HTTPStatus.OK

    await bot.neighbours.tells(GRACE, "people of another workspace")
    await bot.quiet()
    assert await bot.queue() == []
    assert len(logged(caplog, "slack.stranger")) == 2


def post_head(clock: Clock) -> bytes:
    """Answer the beginning of a request at the right time."""
    now = int(clock.now().timestamp())
    return (
        "POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"X-Slack-Request-Timestamp: {now}\r\n"
    ).encode()


async def raw(bot: Bot, rest: bytes) -> bytes:
    """Send a request as it stands, and answer what comes back before the end."""
    return await converse(bot.url, post_head(bot.neighbours.clock) + rest)


async def converse(url: str, said: bytes, *, ends: bool = True) -> bytes:
    """Say this, and perhaps that it was all; answer what is said, or else its beginning."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(said)
        if ends:
            writer.write_eof()
        async with asyncio.timeout(5):
            return await reader.read(-1 if ends else 100)
    except ConnectionError:
        return b""
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
