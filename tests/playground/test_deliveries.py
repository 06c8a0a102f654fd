"""Slack's patience with a bot: three seconds, three more tries, and then silence."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientSession, web
from slack_bolt.async_app import AsyncAck, AsyncRespond
from slack_sdk.signature import SignatureVerifier

from playground.slack.errors import NotThere
from playground.slack.options import Options
from playground.slack.presses import Press
from playground.slack.simulation import SimulatedSlack
from playground.slack.workspace import BOT_USER, ROOM, Content, Message
from tests.playground.office import Bot, Clock, bot_of, serving

Json = dict[str, Any]


class Listener:
    """Stands for a bot: answers as told, and keeps every request whole."""

    def __init__(self, *answers: web.Response) -> None:
        self.answers = [*answers]
        self.requests: list[tuple[Json, str]] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((dict(request.headers), await request.text()))
        return self.answers.pop(0) if self.answers else web.Response()

    @property
    def events(self) -> list[Json]:
        return [json.loads(body)["event"] for _, body in self.requests]


@asynccontextmanager
async def workspace(clock: Clock, **options: Any) -> AsyncIterator[SimulatedSlack]:  # noqa: ANN401 - any option of any type
    options = {"retry_delays": (0.0, 0.01, 0.02), "deadline": 0.3, **options}
    async with SimulatedSlack(clock=clock, options=Options(**options)) as slack:
        yield slack


async def test_an_event_is_brought_again_three_times_and_says_so(clock: Clock) -> None:
    """A bot must know a redelivery by its event_id, whatever went wrong before."""
    bad = [web.Response(status=500) for _ in range(9)]
    listener = Listener(*bad)
    async with workspace(clock) as slack, serving(slack, listener):
        slack.say("U0ADA", "hello")
        await slack.settled()

    retries = [headers.get("X-Slack-Retry-Num") for headers, _ in listener.requests]
    reasons = {headers.get("X-Slack-Retry-Reason") for headers, _ in listener.requests[1:]}
    assert retries == [None, "1", "2", "3"]
    assert reasons == {"http_error"}
    assert len({json.loads(body)["event_id"] for _, body in listener.requests}) == 1


async def test_a_redelivery_that_arrives_is_the_last(clock: Clock) -> None:
    """Once is enough."""
    listener = Listener(web.Response(status=503))
    async with workspace(clock) as slack, serving(slack, listener):
        slack.say("U0ADA", "hello")
        await slack.settled()

    assert len(listener.requests) == 2


async def test_a_bot_can_decline_redeliveries(clock: Clock) -> None:
    """X-Slack-No-Retry is Slack's own way out of a storm."""
    listener = Listener(web.Response(status=500, headers={"X-Slack-No-Retry": "1"}))
    async with workspace(clock) as slack, serving(slack, listener):
        slack.say("U0ADA", "hello")
        await slack.settled()

    assert len(listener.requests) == 1


async def test_a_slow_bot_is_asked_again_because_it_was_slow(clock: Clock) -> None:
    """The bot may have done its work: this is where duplicates come from."""
    listener = Listener()
    never = asyncio.Event()

    async def slow_at_first(request: web.Request) -> web.StreamResponse:
        answer = await listener(request)
        if len(listener.requests) == 1:
            await never.wait()
        return answer

    async with workspace(clock) as slack, serving(slack, slow_at_first):
        slack.say("U0ADA", "hello")
        await slack.settled()
        never.set()

    assert [h.get("X-Slack-Retry-Reason") for h, _ in listener.requests] == [None, "http_timeout"]


async def test_a_command_past_the_deadline_shows_operation_timeout(clock: Clock) -> None:
    """Three seconds is a promise that the bot must keep; here it is seen broken."""
    never = asyncio.Event()

    async def mute(_request: web.Request) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    async with workspace(clock) as slack, serving(slack, mute):
        shown = await slack.command("U0ADA", "add")
        never.set()

    assert shown
    assert shown.text == '/ev failed with the error "operation_timeout"'
    assert shown.only == "U0ADA"


@pytest.mark.parametrize(
    ("status", "error"), [(404, "http_client_error"), (500, "http_service_error")]
)
async def test_a_command_rejected_says_whose_fault_it_was(
    clock: Clock, status: int, error: str
) -> None:
    """And it is not brought again: the person would have to type it anew."""
    listener = Listener(web.Response(status=status))
    async with workspace(clock) as slack, serving(slack, listener):
        shown = await slack.command("U0ADA", "add")

    assert shown
    assert error in shown.text
    assert len(listener.requests) == 1


async def test_a_command_answered_with_bad_blocks_is_not_shown(clock: Clock) -> None:
    """Slack checks the answers to commands as it checks messages."""
    listener = Listener(web.json_response({"blocks": [{"type": "header"}]}))
    async with workspace(clock) as slack, serving(slack, listener):
        shown = await slack.command("U0ADA", "add")

    assert shown
    assert "invalid_command_response" in shown.text
    assert [call.error for call in slack.web_api.refused] == ["invalid_blocks"]


async def test_every_request_is_signed_over_its_very_bytes(clock: Clock) -> None:
    """A signature that only our own checker accepts would prove nothing."""
    listener = Listener()
    async with workspace(clock) as slack, serving(slack, listener):
        slack.say("U0ADA", "grüße")
        await slack.settled()
        await slack.command("U0ADA", "add")

    verifier = SignatureVerifier(slack.options.signing_secret)
    wrong = SignatureVerifier("another secret")
    assert len(listener.requests) == 2
    for headers, body in listener.requests:
        assert verifier.is_valid_request(body, headers)
        assert not wrong.is_valid_request(body, headers)


async def test_the_bots_own_posts_edits_and_deletions_come_back_to_it(clock: Clock) -> None:
    """Slack tells a bot of itself, and the bot must not answer itself for ever."""
    listener = Listener()
    async with workspace(clock) as slack, serving(slack, listener):
        said = slack.workspace.post(
            Message(ts="", channel=ROOM, user=BOT_USER, content=Content(text="I am <@U0BOT>"))
        )
        await slack.settled()
        slack.workspace.edit(said.ts, Content(text="hello again"))
        await slack.settled()
        slack.workspace.delete(said.ts)
        await slack.settled()

    # It even speaks of itself here, and still that is no mention.
    posted, edited, deleted = listener.events
    assert (posted["bot_id"], posted["ts"]) == ("B0BOT", said.ts)
    assert (edited["subtype"], edited["message"]["text"]) == ("message_changed", "hello again")
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", said.ts)


async def test_messages_only_for_one_person_are_told_to_nobody_else(clock: Clock) -> None:
    """Slack brings no event for an ephemeral message."""
    listener = Listener(web.json_response({"text": "psst"}))
    async with workspace(clock) as slack, serving(slack, listener):
        await slack.command("U0ADA", "list")
        await slack.settled()

    assert len(listener.requests) == 1


async def test_without_the_right_to_read_the_room_no_message_is_brought(clock: Clock) -> None:
    """An administrator may decline that scope, and the bot has to live with it."""
    listener = Listener()
    async with (
        workspace(clock, scopes=frozenset({"app_mentions:read"})) as slack,
        serving(slack, listener),
    ):
        slack.say("U0ADA", "ev add")
        slack.say("U0ADA", "@EV Concierge ev add")
        await slack.settled()

    assert [event["type"] for event in listener.events] == ["app_mention"]


async def test_events_can_be_brought_twice(clock: Clock) -> None:
    """At least once is all that Slack promises."""
    listener = Listener()
    async with workspace(clock, copies=2) as slack, serving(slack, listener):
        slack.say("U0ADA", "hello")
        await slack.settled()

    assert len({json.loads(body)["event_id"] for _, body in listener.requests}) == 1
    assert len(listener.requests) == 2


async def test_a_url_is_verified_by_its_echo(slack: SimulatedSlack, bot: Bot) -> None:
    """Slack asks this once, when an administrator enters the URL."""
    assert bot
    assert json.loads(await slack.http.verify_url("echo me")) == {"challenge": "echo me"}


async def test_a_button_that_nobody_takes_says_so_to_the_presser(
    slack: SimulatedSlack, bot: Bot
) -> None:
    """A dead button must not look like a working one."""
    button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}
    answer = await bot.client.chat_postMessage(
        channel=ROOM, text="?", blocks=[{"type": "actions", "elements": [button]}]
    )

    shown = await slack.press("U0ADA", Press(on=answer["ts"], action="go"))

    assert shown
    assert shown.text == 'That button failed with the error "http_client_error"'
    assert slack.workspace.seen_by("U0GRACE") == slack.workspace.messages()


class TestResponseUrl:
    """Five uses in half an hour, and not one more."""

    async def _url(self, slack: SimulatedSlack) -> str:
        listener = Listener()
        async with serving(slack, listener):
            await slack.command("U0ADA", "list")
        (_, body), *_ = listener.requests
        fields = dict(pair.split("=", 1) for pair in body.split("&"))
        return fields["response_url"].replace("%3A", ":").replace("%2F", "/")

    async def test_it_takes_five_answers(self, slack: SimulatedSlack) -> None:
        url = await self._url(slack)
        async with ClientSession() as session:
            statuses = [(await session.post(url, json={"text": "hi"})).status for _ in range(6)]

        assert statuses == [200] * 5 + [404]
        assert len(slack.workspace.seen_by("U0ADA")) == 5
        assert slack.workspace.messages() == ()

    async def test_it_ends_after_half_an_hour(self, slack: SimulatedSlack, clock: Clock) -> None:
        url = await self._url(slack)
        async with ClientSession() as session:
            clock.turn(minutes=30)
            in_time = await session.post(url, json={"text": "hi", "response_type": "in_channel"})
            clock.now += timedelta(seconds=1)
            late = await session.post(url, json={"text": "hi"})

        assert (in_time.status, late.status) == (200, 404)
        assert [m.text for m in slack.workspace.messages()] == ["hi"]

    async def test_it_is_as_strict_as_a_message(self, slack: SimulatedSlack) -> None:
        url = await self._url(slack)
        async with ClientSession() as session:
            empty = await session.post(url, json={})
            broken = await session.post(url, data="{", headers={"Content-Type": "application/json"})
            unknown = await session.post(f"{url}x", json={"text": "hi"})

        assert (empty.status, broken.status, unknown.status) == (400, 400, 404)


async def test_delete_original_takes_the_message_away(slack: SimulatedSlack, bot: Bot) -> None:
    """A private question that was answered should not stay around."""

    @bot.app.command("/ev")
    async def _(ack: AsyncAck) -> None:
        button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}}
        await ack(
            blocks=[{"type": "actions", "elements": [{**button, "action_id": "go"}]}], text="Go?"
        )

    @bot.app.action("go")
    async def _(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        await respond(delete_original=True)

    asked = await slack.command("U0ADA", "forget me")
    assert asked
    await slack.press("U0ADA", Press(on=asked.ts, action="go"))
    await slack.workspace.until(lambda w: not w.seen_by("U0ADA"))


async def test_nobody_presses_what_only_another_sees(slack: SimulatedSlack) -> None:
    """A private button is private."""
    button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}
    content = Content(text="?", blocks=({"type": "actions", "elements": [button]},))
    asked = slack.workspace.post(
        Message(ts="", channel=ROOM, user=BOT_USER, content=content, only="U0ADA")
    )

    with pytest.raises(NotThere):
        await slack.press("U0GRACE", Press(on=asked.ts, action="go"))
    with pytest.raises(NotThere):
        await slack.press("U0ADA", Press(on=asked.ts, action="stop"))


async def test_socket_mode_events_are_brought_again_too(clock: Clock) -> None:
    """Connections come and go; an event outlives the gap between two of them."""
    async with workspace(clock, socket_mode=True, retry_delays=(0.0, *[0.2] * 20)) as slack:
        slack.say("U0ADA", "anybody?")
        async with bot_of(slack) as bot:
            await slack.workspace.until(lambda _: bot.kinds() == ["message"])

    assert int(bot.headers[0]["x-slack-retry-num"][0]) > 1
    assert bot.headers[0]["x-slack-retry-reason"] == ["connection_failed"]
