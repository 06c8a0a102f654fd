"""Every call of Slack is a step of its own, which tells how it went and nothing that is secret."""

from collections.abc import AsyncIterator

import pytest

from bot.blocks import Message
from bot.errors import SlackError
from bot.slack import Slack
from bot.tracing import unit
from playground.slack.faults import Break, Fault, Hang, Limit, Refuse
from playground.slack.workspace import ROOM
from tests.bot.office import Neighbours
from tests.tracing.gathering import Spans, documents, flags


@pytest.fixture
async def slack(neighbours: Neighbours) -> AsyncIterator[Slack]:
    token = neighbours.slack.options.bot_token
    async with Slack(token, api_url=neighbours.slack.api_url, seconds=0.3) as entered:
        yield entered


async def test_a_call_tells_whom_it_asked_for_what(
    slack: Slack, neighbours: Neighbours, spans: Spans
) -> None:
    with unit("relay"):
        await slack.post(ROOM, Message(text="hello", blocks=()))

    asked, relay = documents(spans)

    assert (asked["name"], asked["namespace"], asked["parent_id"]) == (
        *("Slack", "remote"),
        relay["id"],
    )
    assert asked["http"] == {
        "request": {
            "method": "POST",
            "url": neighbours.slack.api_url.removesuffix("/api/"),
        },
        "response": {"status": 200},
    }
    assert asked["metadata"] == {"default": {"rpc.method": "chat.postMessage"}}
    assert "hello" not in str(asked)


@pytest.mark.parametrize(
    ("fault", "marks"),
    [
        (Limit(retry_after=3), {"error", "throttle"}),
        (Refuse("ratelimited"), {"error", "throttle"}),
        (Refuse("channel_not_found"), {"fault"}),
        (Break(503), {"fault"}),
        (Break(404), {"error"}),
        (Hang(), {"fault"}),
    ],
    ids=str,
)
async def test_a_call_tells_how_it_failed(
    slack: Slack, neighbours: Neighbours, spans: Spans, fault: Fault, marks: set[str]
) -> None:
    neighbours.slack.web_api.faults.add("auth.test", fault)

    with pytest.raises(SlackError), unit("greet Slack"):
        await slack.identify()

    asked, greeting = documents(spans)

    assert flags(asked) == marks
    assert flags(greeting) == {"fault"}
    assert asked["cause"]["exceptions"][0]["remote"] is True
    assert neighbours.slack.options.bot_token not in str((asked, greeting))
