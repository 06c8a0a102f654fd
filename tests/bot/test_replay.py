"""One delivery counts once, however often it is brought, and by whom.

A signature is good for five minutes, and whoever overheard a request could bring it again. Slack
itself brings events again, each time signed anew.
"""

import asyncio
import json
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.bot.office import ADA, GRACE, Bot, Neighbours, at_work, logged, until
from tests.bot.troubled import OneStore
from tests.bot.wire import (
    FORM,
    JSON,
    command,
    interactive,
    mention,
    message,
    post,
    press,
    send,
    signed,
)

JOINING = {
    "command": (command(), FORM),
    "command without a trigger": (command(trigger_id=""), FORM),
    "message": (json.dumps(message("ev add")), JSON),
    "message without an event ID": (json.dumps({**message("ev add"), "event_id": None}), JSON),
    "mention": (json.dumps(mention("add")), JSON),
    "press": (interactive(press("queue.rejoin", "0")), FORM),
    "press without a trigger": (interactive(press("queue.rejoin", "0", trigger_id=None)), FORM),
}


@pytest.mark.parametrize("way", JOINING)
async def test_what_was_overheard_puts_nobody_back_who_has_left(bot: Bot, way: str) -> None:
    """Ada joins and leaves; the request by which she joined does not join her again."""
    body, kind = JOINING[way]
    overheard = signed(bot, body, kind=kind)
    assert (await post(bot, body, overheard))[0] == HTTPStatus.OK
    await bot.quiet()
    assert await bot.queue() == [ADA]
    await bot.neighbours.slack.command(ADA, "remove")

    for _ in range(3):
        assert (await post(bot, body, overheard))[0] == HTTPStatus.OK

    await bot.quiet()
    assert await bot.queue() == []


async def test_what_was_overheard_of_somebody_who_was_forgotten_since_does_nothing_either(
    bot: Bot,
) -> None:
    """Of what they were told nothing is kept; that they were told it is."""
    body = command()
    overheard = signed(bot, body)
    await post(bot, body, overheard)
    await send(bot, interactive(press("forget.confirm", "0", trigger_id="2")))
    await bot.quiet()
    assert await bot.queue() == []

    status, said = await post(bot, body, overheard)

    assert (status, said) == (HTTPStatus.OK, "")
    assert await bot.queue() == []


async def test_two_instances_count_one_delivery_once(neighbours: Neighbours) -> None:
    """Which of them hears it is chance; the record is in the store."""
    table = OneStore()
    async with (
        at_work(neighbours, open_store=table) as one,
        at_work(neighbours, open_store=table) as other,
    ):
        for way, (body, kind) in JOINING.items():
            overheard = signed(one, body, kind=kind)
            await post(one, body, overheard)
            await until(one.is_idle)
            await neighbours.slack.command(ADA, "remove")

            await post(other, body, overheard)

            await until(other.is_idle)
            assert await other.queue() == [], way


async def test_requests_without_a_trigger_that_were_signed_apart_are_two(bot: Bot) -> None:
    """The signature names a delivery, not what is asked for."""
    join, leave = command(trigger_id=""), command(trigger_id="", text="remove")
    now = int(bot.neighbours.clock.now().timestamp())

    for body, at in ((join, now - 1), (leave, now), (join, now)):
        await post(bot, body, signed(bot, body, at=at))

    assert await bot.queue() == [ADA]


async def test_over_a_socket_an_envelope_counts_once(by_socket: Neighbours) -> None:
    """No signature names a delivery there, its envelope does."""
    payload = dict(parse_qsl(command(trigger_id="")))
    async with at_work(by_socket) as bot:
        await _bring(by_socket, envelope("1", payload))
        await bot.quiet()
        assert await bot.queue() == [ADA]
        await by_socket.slack.command(ADA, "remove")

        await _bring(by_socket, envelope("1", payload))
        await bot.quiet()
        assert await bot.queue() == []

        await _bring(by_socket, envelope("2", payload))
        await bot.quiet()
        assert await bot.queue() == [ADA]


async def test_over_a_socket_what_is_no_request_is_acknowledged_and_changes_nothing(
    by_socket: Neighbours, caplog: pytest.LogCaptureFixture
) -> None:
    """Slack would bring it again and again."""
    async with at_work(by_socket) as bot:
        acknowledged = asyncio.get_running_loop().create_future()
        by_socket.slack.sockets._awaited["1"] = acknowledged

        await _bring(by_socket, envelope("1", {"command": "/ev", "user_id": {"id": ADA}}))

        async with asyncio.timeout(5):
            assert await acknowledged == ""
        assert await bot.queue() == []
    assert len(logged(caplog, "slack.unfit")) == 1
    assert not [record for record in caplog.records if record.exc_info]


async def test_what_slack_brings_again_counts_once_though_it_is_signed_anew(bot: Bot) -> None:
    """A second time would begin the 45 minutes again, or worse."""
    await bot.neighbours.slack.command(ADA, "add")
    event = json.dumps(message("ev suspend 45"))
    await send(bot, event, kind=JSON)
    await bot.quiet()
    before = await bot.site()
    bot.neighbours.clock.turn(minutes=4)

    for number in ("1", "2", "3"):
        status, _ = await send(bot, event, kind=JSON, retry=number)
        assert status == HTTPStatus.OK

    await bot.quiet()
    assert (await bot.site()).queue == before.queue


async def test_what_is_said_to_be_brought_again_is_heard_if_it_never_came(bot: Bot) -> None:
    """To drop by that header would lose what was lost on its way the first time."""
    await send(bot, json.dumps(message("ev add")), kind=JSON, retry="1")

    await bot.quiet()
    assert await bot.queue() == [ADA]


async def test_a_press_that_is_brought_again_is_explained_once(bot: Bot) -> None:
    await bot.neighbours.slack.command(ADA, "add")
    bot.neighbours.leave()
    card = await bot.neighbours.hears("<@U0ADA>")
    body = ""

    async def overhear(kind: str, payload: dict[str, Any], retry: object = None) -> str:
        nonlocal body
        assert (kind, retry) == ("interactive", None)
        body = interactive(payload)
        return ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bot.neighbours.slack.http, "carry", overhear)
        await bot.neighbours.press(GRACE, card, "offer.leave")
    for _ in range(2):
        assert (await send(bot, body))[0] == HTTPStatus.OK

    await bot.quiet()
    assert len(bot.neighbours.told(GRACE, "That button")) == 1


def envelope(name: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Put a command into one of Socket Mode's envelopes."""
    return {
        "envelope_id": name,
        "type": "slash_commands",
        "payload": payload,
        "accepts_response_payload": True,
    }


async def _bring(by_socket: Neighbours, envelope: dict[str, Any]) -> None:
    (socket,) = by_socket.slack.sockets._live
    await socket.send_json(envelope)
