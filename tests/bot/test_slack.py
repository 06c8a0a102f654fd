"""Every way in which Slack can fail becomes one of our own errors, and never a surprise."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web
from msgspec.structs import replace

from bot.blocks import Message
from bot.clock import SystemClock
from bot.errors import SlackError, SlackMisconfigured, SlackRefused, SlackUnavailable
from bot.slack import LONGEST_WISH, Profile, Slack
from playground.slack.faults import Break, Fault, Hang, Limit, LoseAnswer, Refuse, Reset
from playground.slack.workspace import APP, BOT_USER, ROOM, TEAM, dm_of
from queue_store.store import OutboxRow
from tests.bot.office import ADA, GRACE, Neighbours
from tests.bot.strangers import listening
from tests.chargepoint.streams import tls_context

HELLO = Message(text="hello", blocks=())
ROW = OutboxRow(id="000000000001-000", body=b"", created=SystemClock().now())


@pytest.fixture
async def slack(neighbours: Neighbours) -> AsyncIterator[Slack]:
    token = neighbours.slack.options.bot_token
    async with Slack(token, api_url=neighbours.slack.api_url, seconds=0.3) as entered:
        yield entered


async def test_it_knows_who_it_is_and_where(slack: Slack) -> None:
    identity = await slack.identify()

    assert (identity.user, identity.team, identity.app) == (BOT_USER, TEAM, APP)


async def test_which_app_it_is_may_be_none_of_its_business(
    slack: Slack, neighbours: Neighbours
) -> None:
    neighbours.slack.web_api.faults.add("bots.info", Refuse("missing_scope"))

    identity = await slack.identify()

    assert (identity.team, identity.app) == (TEAM, None)


async def test_it_knows_what_it_may_do_and_what_time_it_is_there(
    slack: Slack, neighbours: Neighbours
) -> None:
    greeting = await slack.greet()

    assert (greeting.name, greeting.workspace) == ("ev_concierge", "Office")
    assert greeting.identity == await slack.identify()
    assert greeting.scopes == neighbours.slack.options.scopes
    assert greeting.told_at is not None
    assert abs(greeting.told_at - neighbours.clock.now()) < timedelta(minutes=1)


async def test_it_looks_into_a_room_that_it_is_in(slack: Slack, neighbours: Neighbours) -> None:
    await slack.look_into(ROOM)
    neighbours.slack.workspace.expel(BOT_USER)

    with pytest.raises(SlackMisconfigured, match="not_in_channel"):
        await slack.look_into(ROOM)


async def test_it_tries_the_apps_token_without_taking_a_connection(
    by_socket: Neighbours,
) -> None:
    """Slack gives each request to one connection only: a visitor's would swallow some."""
    options = by_socket.slack.options
    async with Slack(options.bot_token, api_url=by_socket.slack.api_url) as slack:
        await slack.try_socket(options.app_token)
        with pytest.raises(SlackMisconfigured, match="invalid_auth"):
            await slack.try_socket("xapp-other")

    assert by_socket.slack.sockets.connected == 0


async def test_what_it_posts_can_be_found_again_and_edited(
    slack: Slack, neighbours: Neighbours
) -> None:
    channel, ts = await slack.post(ROOM, HELLO, row=ROW)
    await slack.update(channel, ts, Message(text="bye", blocks=()))

    posted = neighbours.slack.workspace.message(ts)
    assert (posted.text, posted.channel) == ("bye", ROOM)
    first = next(each for each in neighbours.slack.web_api.calls if "metadata" in each.given)
    assert first.given["metadata"]["event_payload"]["row"] == ROW.id
    assert await slack.find(ROOM, ROW) == (channel, ts)
    assert not neighbours.slack.web_api.refused


async def test_slack_is_asked_to_make_nothing_of_what_is_said(
    slack: Slack, neighbours: Neighbours
) -> None:
    """No preview of a link in a name, and no mention of whoever is called like it."""
    await slack.post(ROOM, HELLO, row=ROW)
    await slack.whisper(ROOM, ADA, HELLO)

    for call in neighbours.slack.web_api.calls:
        assert not call.given.get("unfurl_links")
        assert not call.given.keys() & {"parse", "link_names"}
    posted = neighbours.slack.web_api.calls[0].given
    assert (posted["unfurl_links"], posted["unfurl_media"]) == (False, False)


async def test_whispers_and_private_messages_reach_one_person(
    slack: Slack, neighbours: Neighbours
) -> None:
    await slack.whisper(ROOM, ADA, HELLO)
    await slack.tell(GRACE, HELLO, row=ROW)

    assert [each.only for each in neighbours.told(ADA)] == [ADA]
    assert [each.channel for each in neighbours.told(GRACE)] == [dm_of(GRACE)]
    assert neighbours.room() == []


async def test_a_private_message_is_found_again_too(slack: Slack) -> None:
    posted = await slack.tell(GRACE, HELLO, row=ROW)

    assert await slack.find(GRACE, ROW) == posted
    assert await slack.find(ADA, ROW) is None


async def test_a_row_of_the_same_name_in_another_store_is_another_one(slack: Slack) -> None:
    await slack.post(ROOM, HELLO, row=ROW)

    assert await slack.find(ROOM, replace(ROW, created=ROW.created + timedelta(seconds=1))) is None


async def test_a_message_is_found_behind_many_others(slack: Slack) -> None:
    posted = await slack.post(ROOM, HELLO, row=ROW)
    for _ in range(201):
        await slack.post(ROOM, HELLO)

    assert await slack.find(ROOM, ROW) == posted


async def test_a_history_that_may_not_be_read_is_a_matter_for_an_administrator(
    slack: Slack, neighbours: Neighbours
) -> None:
    neighbours.slack.web_api.faults.add("conversations.history", Refuse("missing_scope"))

    with pytest.raises(SlackMisconfigured, match="missing_scope"):
        await slack.find(ROOM, ROW)


@pytest.mark.parametrize("fault", [Break(500), Hang(), Reset(), LoseAnswer()], ids=str)
async def test_a_call_without_an_answer_may_have_been_obeyed(
    slack: Slack, neighbours: Neighbours, fault: Fault
) -> None:
    neighbours.slack.web_api.faults.add("chat.postMessage", fault)

    with pytest.raises(SlackUnavailable) as caught:
        await slack.post(ROOM, HELLO, row=ROW)

    assert caught.value.obeyed


@pytest.mark.parametrize("fault", [Limit(0), Refuse("invalid_blocks"), Refuse("token_revoked")])
async def test_a_call_that_was_refused_was_not_obeyed(
    slack: Slack, neighbours: Neighbours, fault: Fault
) -> None:
    neighbours.slack.web_api.faults.add("chat.postMessage", fault)

    with pytest.raises(SlackError) as caught:
        await slack.post(ROOM, HELLO, row=ROW)

    assert not caught.value.obeyed


async def test_it_asks_who_somebody_is(slack: Slack) -> None:
    assert await slack.profile(ADA) == Profile(name="Ada Lovelace", is_admin=True)
    assert not (await slack.profile(GRACE)).is_admin
    assert (await slack.profile(BOT_USER)).is_bot


async def test_who_has_left_is_not_active_any_more(slack: Slack, neighbours: Neighbours) -> None:
    assert (await slack.profile(GRACE)).is_active

    neighbours.slack.workspace.dismiss(GRACE)

    assert not (await slack.profile(GRACE)).is_active


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Break(500), SlackUnavailable),
        (Break(404), SlackUnavailable),
        (Break(200), SlackUnavailable),
        (Hang(), SlackUnavailable),
        (Reset(), SlackUnavailable),
        (LoseAnswer(), SlackUnavailable),
        (Refuse("internal_error"), SlackUnavailable),
        (Refuse("invalid_auth"), SlackMisconfigured),
        (Refuse("not_in_channel"), SlackMisconfigured),
        (Refuse("is_archived"), SlackMisconfigured),
        (Refuse("msg_too_long"), SlackRefused),
        (Refuse("something_new"), SlackRefused),
    ],
    ids=str,
)
async def test_each_failure_has_its_kind(
    slack: Slack, neighbours: Neighbours, fault: Fault, error: type[SlackError]
) -> None:
    neighbours.slack.web_api.faults.add("chat.postMessage", fault)

    with pytest.raises(error) as raised:
        await slack.post(ROOM, HELLO)

    assert type(raised.value) is error
    assert neighbours.slack.options.bot_token not in repr(raised.value)


async def test_slacks_wish_to_be_left_alone_is_told(slack: Slack, neighbours: Neighbours) -> None:
    neighbours.slack.web_api.faults.add("chat.postMessage", Limit(7))

    with pytest.raises(SlackUnavailable) as raised:
        await slack.post(ROOM, HELLO)

    assert raised.value.retry_after == 7


@pytest.mark.parametrize("error", ["channel_not_found", "is_archived", "user_not_found"])
async def test_a_person_who_cannot_be_written_to_is_no_outage(
    slack: Slack, neighbours: Neighbours, error: str
) -> None:
    faults = neighbours.slack.web_api.faults
    channel, ts = await slack.tell(GRACE, HELLO, row=ROW)
    for method in ("chat.postMessage", "chat.update", "conversations.history"):
        faults.add(method, Refuse(error))

    with pytest.raises(SlackRefused):
        await slack.tell(GRACE, HELLO, row=ROW)
    with pytest.raises(SlackRefused):
        await slack.update(channel, ts, HELLO)
    with pytest.raises(SlackRefused):
        await slack.find(GRACE, ROW)


async def test_a_room_where_nothing_can_be_edited_is_for_an_administrator(
    slack: Slack, neighbours: Neighbours
) -> None:
    channel, ts = await slack.post(ROOM, HELLO)
    neighbours.slack.web_api.faults.add("chat.update", Refuse("is_archived"))

    with pytest.raises(SlackMisconfigured):
        await slack.update(channel, ts, HELLO)


async def test_a_token_that_is_refused_is_no_fault_of_the_person(
    slack: Slack, neighbours: Neighbours
) -> None:
    neighbours.slack.web_api.faults.add("chat.postMessage", Refuse("token_revoked"))

    with pytest.raises(SlackMisconfigured):
        await slack.tell(GRACE, HELLO, row=ROW)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("<html>log in to the guest network</html>", "text/html", 200),
        ("log in to the guest network", "text/plain", 200),
        ("[1]", "application/json", 200),
        ("<html>log in to the guest network</html>", "text/plain", 403),
        ("{", "application/json", 200),
        ("{", "application/json", 502),
        ("[]", "application/json", 200),
        ("null", "application/json", 500),
        ('{"ok": false}', "application/json", 200),
        ("", "application/octet-stream", 200),
        ("slow down", "text/plain", 429),
    ],
)
async def test_whoever_answers_in_slacks_place_does_not_speak_for_slack(
    body: str, kind: str, status: int
) -> None:
    """What a proxy says must cost nobody their mention."""
    async with _in_slacks_place(body, kind, status) as url, Slack("xoxb-1", api_url=url) as slack:
        with pytest.raises(SlackUnavailable):
            await slack.post(ROOM, HELLO)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"channel": None, "ts": None, "user": None, "user_id": None, "team_id": None},
        {"channel": 7, "ts": 7, "user": 7, "user_id": 7, "team_id": 7, "messages": 7},
        {"channel": [], "ts": [], "user": [], "messages": [7], "user_id": [], "team_id": []},
        {"channel": {}, "ts": {}, "user": {"profile": 7}, "messages": [{}], "team_id": {}},
        {"user": {"is_admin": "certainly"}, "messages": {"ts": "1"}},
    ],
    ids=repr,
)
async def test_an_answer_without_what_was_asked_for_is_none(answer: dict[str, object]) -> None:
    """A surprise in it would end everything that the bot does."""
    body = json.dumps({"ok": True, **answer})
    async with (
        _in_slacks_place(body, "application/json", 200) as url,
        Slack("xoxb-1", api_url=url) as slack,
    ):
        for ask in (
            slack.identify(),
            slack.post(ROOM, HELLO),
            slack.tell(GRACE, HELLO, row=ROW),
            slack.find(GRACE, ROW),
            slack.profile(GRACE),
        ):
            with pytest.raises(SlackUnavailable, match="not Slack's"):
                await ask


async def test_nobody_can_make_us_wait_for_ever() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "9" * 400})

    async with listening(answer) as port:
        url = f"http://127.0.0.1:{port}/api/"
        async with Slack("xoxb-1", api_url=url) as slack:
            with pytest.raises(SlackUnavailable) as raised:
                await slack.post(ROOM, HELLO)

    assert raised.value.retry_after == LONGEST_WISH


async def test_the_token_is_not_carried_elsewhere() -> None:
    carried: list[str | None] = []

    async def elsewhere(request: web.Request) -> web.Response:
        carried.append(request.headers.get("Authorization"))
        return web.json_response({"ok": False, "error": "invalid_auth"})

    async def away(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": f"http://localhost:{other}/api/x"})

    async with listening(elsewhere) as other, listening(away) as port:
        url = f"http://127.0.0.1:{port}/api/"
        async with Slack("xoxb-1", api_url=url) as slack:
            with pytest.raises(SlackError):
                await slack.post(ROOM, HELLO)

    assert not any(carried)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:1/api/", "nobody listens there"),
        ("https://nowhere.invalid/api/", "the host's name can't be resolved"),
    ],
)
async def test_nobody_there_is_an_outage(url: str, why: str) -> None:
    async with Slack("xoxb-1", api_url=url) as slack:
        with pytest.raises(SlackUnavailable) as raised:
            await slack.identify()

    assert raised.value.reason == why


async def test_who_cannot_prove_to_be_slack_gets_no_token(neighbours: Neighbours) -> None:
    heard: list[str] = []

    async def overhear(request: web.Request) -> web.Response:
        heard.append(request.path)
        return web.json_response({"ok": True})

    async with listening(overhear, tls_context()) as port:
        url = f"https://localhost:{port}/api/"
        async with Slack("xoxb-1", api_url=url) as slack:
            with pytest.raises(SlackUnavailable, match=r"the certificate is not trusted \(.+\)"):
                await slack.identify()
    plain = neighbours.slack.api_url.replace("http:", "https:")
    async with Slack("xoxb-1", api_url=plain) as slack:
        with pytest.raises(SlackUnavailable, match="no TLS is spoken there"):
            await slack.identify()

    assert heard == []
    assert not neighbours.slack.web_api.calls


@asynccontextmanager
async def _in_slacks_place(body: str, kind: str, status: int) -> AsyncIterator[str]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type=kind, status=status)

    async with listening(answer) as port:
        yield f"http://127.0.0.1:{port}/api/"
