"""What real Slack refuses, the simulated one refuses too, with the same words."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientConnectionError, ClientSession, ClientTimeout
from slack_bolt.async_app import AsyncAck
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack.faults import Break, Fault, Hang, Limit, LoseAnswer, Pace, Refuse, Reset
from playground.slack.options import SCOPES, Options
from playground.slack.simulation import SimulatedSlack
from playground.slack.workspace import ROOM
from tests.playground.office import Bot, Clock, bot_of

Json = dict[str, Any]
METADATA = {"event_type": "ev_row", "event_payload": {"row": "000000000001-000"}}
MODAL = {"type": "modal", "title": {"type": "plain_text", "text": "Hi"}, "blocks": []}


async def refusal(call: Any) -> str:  # noqa: ANN401 - any call of the SDK
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


async def test_nothing_is_refused_that_a_good_bot_does(slack: SimulatedSlack, bot: Bot) -> None:
    """Every method in the shape that the SDK gives it: JSON, form and query."""
    client = bot.client

    assert (await client.auth_test())["user_id"] == "U0BOT"
    assert (await client.team_info())["team"]["id"] == "T0OFFICE"
    assert (await client.bots_info(bot="B0BOT"))["bot"]["user_id"] == "U0BOT"
    assert (await client.users_info(user="U0ADA"))["user"]["is_admin"] is True
    assert (await client.users_info(user="U0BOT"))["user"]["is_bot"] is True
    assert len((await client.users_list())["members"]) == 7
    assert (await client.conversations_info(channel=ROOM))["channel"]["name"] == "ev-charging"
    assert "U0BOT" in (await client.conversations_members(channel=ROOM))["members"]
    assert (await client.conversations_open(users="U0ADA"))["channel"]["id"] == "D0ADA"
    posted = await client.chat_postMessage(channel=ROOM, text="hi", metadata=METADATA)
    await client.chat_update(channel=ROOM, ts=posted["ts"], text="hello")
    await client.reactions_add(channel=ROOM, timestamp=posted["ts"], name="zap")
    await client.chat_postEphemeral(channel=ROOM, user="U0ADA", text="psst")
    await client.chat_postMessage(channel="U0GRACE", text="your turn")

    history = await client.conversations_history(channel=ROOM, include_all_metadata=True)
    (message,) = history["messages"]
    assert (message["text"], message["metadata"]) == ("hello", METADATA)
    assert message["reactions"] == [{"name": "zap", "users": ["U0BOT"], "count": 1}]
    assert slack.web_api.refused == ()
    assert [m.text for m in slack.workspace.messages("D0GRACE")] == ["your turn"]
    assert [m.text for m in slack.workspace.seen_by("U0ADA")] == ["hello", "psst"]


async def test_metadata_is_told_only_to_those_who_ask(bot: Bot) -> None:
    """A message is looked for by its row; a reader who forgets to ask finds nothing."""
    await bot.client.chat_postMessage(channel=ROOM, text="hi", metadata=METADATA)

    history = await bot.client.conversations_history(channel=ROOM)

    assert "metadata" not in history["messages"][0]


async def test_history_is_told_newest_first_and_page_by_page(bot: Bot) -> None:
    """A bot that looks a message up has to follow the cursor."""
    posted = [
        (await bot.client.chat_postMessage(channel=ROOM, text=str(n)))["ts"] for n in range(5)
    ]

    seen: list[str] = []
    pages = await bot.client.conversations_history(channel=ROOM, limit=2)
    async for page in pages:
        seen += [message["ts"] for message in page["messages"]]
    later = await bot.client.conversations_history(channel=ROOM, oldest=posted[2])
    from_then = await bot.client.conversations_history(
        channel=ROOM, oldest=posted[2], latest=posted[3], inclusive=True
    )

    assert seen == posted[::-1]
    assert [m["ts"] for m in later["messages"]] == [posted[4], posted[3]]
    assert [m["ts"] for m in from_then["messages"]] == [posted[3], posted[2]]


async def test_timestamps_never_repeat_even_while_the_clock_stands(bot: Bot) -> None:
    """A ts is a message's name."""
    names = [(await bot.client.chat_postMessage(channel=ROOM, text="x"))["ts"] for _ in range(9)]

    assert names == sorted(set(names))
    assert all(len(name.partition(".")[2]) == 6 for name in names)


@pytest.mark.parametrize(
    ("method", "given", "error"),
    [
        ("chat.postMessage", {"channel": ROOM}, "no_text"),
        ("chat.postMessage", {"channel": "C0ELSE", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": ROOM, "text": "x" * 40_001}, "msg_too_long"),
        ("chat.postMessage", {"channel": ROOM, "blocks": "no list"}, "invalid_blocks_format"),
        (
            "chat.postMessage",
            {"channel": ROOM, "text": "x", "metadata": {"event_type": "x"}},
            "invalid_metadata_format",
        ),
        (
            "chat.postMessage",
            {"channel": ROOM, "text": "x", "metadata": {**METADATA, "event_payload": "x"}},
            "invalid_metadata_format",
        ),
        ("chat.update", {"channel": ROOM, "ts": "1.000000", "text": "x"}, "message_not_found"),
        ("chat.delete", {"channel": ROOM, "ts": "1.000000"}, "message_not_found"),
        (
            "chat.postEphemeral",
            {"channel": ROOM, "user": "U0X", "text": "x"},
            "user_not_in_channel",
        ),
        ("conversations.open", {}, "users_list_not_supplied"),
        ("conversations.open", {"users": "U0NOBODY"}, "user_not_found"),
        ("conversations.history", {"channel": "C0ELSE"}, "channel_not_found"),
        ("conversations.history", {"channel": ROOM, "limit": 5000}, "invalid_limit"),
        ("conversations.history", {"channel": ROOM, "cursor": "abc"}, "invalid_cursor"),
        ("conversations.history", {"channel": ROOM, "oldest": "abc"}, "invalid_ts_oldest"),
        ("users.info", {"user": "U0NOBODY"}, "user_not_found"),
        ("bots.info", {"bot": "B0X"}, "bot_not_found"),
        ("views.publish", {"user_id": "U0ADA", "view": {"type": "modal"}}, "invalid_arguments"),
        ("views.open", {"trigger_id": "1.2.3", "view": MODAL}, "invalid_trigger_id"),
        ("reactions.add", {"channel": ROOM, "timestamp": "1.0", "name": "x"}, "message_not_found"),
        ("chat.scream", {}, "unknown_method"),
    ],
)
async def test_what_slack_refuses_is_refused(
    slack: SimulatedSlack, bot: Bot, method: str, given: Json, error: str
) -> None:
    """A bot must meet each of these in a test rather than in the office."""
    assert await refusal(bot.client.api_call(method, json=given)) == error
    assert slack.workspace.messages() == ()
    assert [call.error for call in slack.web_api.refused] == [error]


async def test_nobody_edits_or_deletes_what_another_said(slack: SimulatedSlack, bot: Bot) -> None:
    """Only the bot's own messages are the bot's to change."""
    said = slack.say("U0ADA", "mine")

    edit = bot.client.chat_update(channel=ROOM, ts=said.ts, text="yours")
    assert await refusal(edit) == "cant_update_message"
    delete = bot.client.chat_delete(channel=ROOM, ts=said.ts)
    assert await refusal(delete) == "cant_delete_message"
    assert slack.workspace.messages() == (said,)


async def test_bad_blocks_are_refused_with_the_place_of_the_fault(bot: Bot) -> None:
    """Slack's pointer is all that a programmer has to go by."""
    blocks = [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]

    with pytest.raises(SlackApiError) as refused:
        await bot.client.chat_postMessage(channel=ROOM, text="x", blocks=blocks)

    assert refused.value.response["error"] == "invalid_blocks"
    assert refused.value.response["response_metadata"]["messages"] == [
        "[ERROR] must be less than 151 characters [json-pointer:/blocks/0/text/text]"
    ]


async def test_too_much_in_all_is_refused_though_each_part_is_fine(bot: Bot) -> None:
    """Slack has an undocumented limit on the whole."""
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2900}}

    call = bot.client.chat_postMessage(channel=ROOM, text="x", blocks=[section] * 5)

    assert await refusal(call) == "msg_blocks_too_long"


async def test_tokens_open_only_their_own_doors(slack: SimulatedSlack) -> None:
    """The doctor has to tell a wrong token from a token of the wrong kind."""
    options = slack.options
    bot, app = options.bot_token, options.app_token

    async def asked(token: str, method: str) -> str:
        async with ClientSession() as session:
            client = AsyncWebClient(token=token, base_url=slack.api_url, session=session)
            return await refusal(client.api_call(method))

    assert await asked("", "auth.test") == "not_authed"
    assert await asked("xoxb-other", "auth.test") == "invalid_auth"
    assert await asked(app, "auth.test") == "not_allowed_token_type"
    assert await asked(bot, "apps.connections.open") == "not_allowed_token_type"
    assert await asked("xapp-other", "apps.connections.open") == "invalid_auth"
    assert await asked(app, "apps.connections.open") == "access_denied"
    async with ClientSession() as session:
        form = await session.post(f"{slack.api_url}auth.test", data={"token": bot})
        assert (await form.json())["ok"]
    assert slack.web_api.calls[-1].given == {}
    assert bot not in str(slack.web_api.calls)


async def test_a_scope_that_was_declined_is_missed_by_name(clock: Clock) -> None:
    """Administrators decline scopes; the answer names the one that is missing."""
    options = Options(scopes=SCOPES - {"channels:history"})
    async with SimulatedSlack(clock=clock, options=options) as slack, bot_of(slack) as bot:
        with pytest.raises(SlackApiError) as refused:
            await bot.client.conversations_history(channel=ROOM)
        await bot.client.conversations_history(channel="D0ADA")
        tested = await bot.client.auth_test()

    assert refused.value.response["error"] == "missing_scope"
    assert refused.value.response["needed"] == "channels:history"
    assert "channels:history" not in tested.headers["x-oauth-scopes"]
    assert "chat:write" in tested.headers["x-oauth-scopes"]


async def test_a_room_that_the_bot_is_not_in_takes_and_tells_it_nothing(
    slack: SimulatedSlack, bot: Bot
) -> None:
    """The commonest slip of an administrator: nobody invited the bot."""
    slack.workspace.expel("U0BOT")

    for call in (
        bot.client.chat_postMessage(channel=ROOM, text="hi"),
        bot.client.chat_postEphemeral(channel=ROOM, user="U0ADA", text="hi"),
        bot.client.conversations_history(channel=ROOM),
    ):
        assert await refusal(call) == "not_in_channel"
    found = (await bot.client.conversations_info(channel=ROOM))["channel"]
    assert (found["is_member"], found["is_archived"]) == (False, False)


async def test_an_archived_room_can_be_read_and_not_spoken_in(
    slack: SimulatedSlack, bot: Bot
) -> None:
    """Rooms are archived by people who don't know what stands on them."""
    slack.workspace.archive()

    post = bot.client.chat_postMessage(channel=ROOM, text="hi")
    assert await refusal(post) == "is_archived"
    whisper = bot.client.chat_postEphemeral(channel=ROOM, user="U0ADA", text="hi")
    assert await refusal(whisper) == "is_archived"
    assert (await bot.client.conversations_history(channel=ROOM))["messages"] == []
    found = (await bot.client.conversations_info(channel=ROOM))["channel"]
    assert (found["is_member"], found["is_archived"]) == (True, True)


async def test_who_has_left_is_told_as_such(slack: SimulatedSlack, bot: Bot) -> None:
    """Their account stays, and so does their name on what they said."""
    slack.workspace.dismiss("U0GRACE")

    found = (await bot.client.users_info(user="U0GRACE"))["user"]

    assert (found["deleted"], found["real_name"]) == (True, "Grace Hopper")


async def test_the_apps_token_needs_a_scope_of_its_own(clock: Clock) -> None:
    """It is chosen when the token is made, and easily left out."""
    options = Options(socket_mode=True, app_scopes=frozenset())
    async with SimulatedSlack(clock=clock, options=options) as slack, ClientSession() as session:
        client = AsyncWebClient(options.app_token, base_url=slack.api_url, session=session)
        assert await refusal(client.apps_connections_open(app_token=options.app_token)) == (
            "missing_scope"
        )


async def test_a_socket_ticket_admits_one_connection(clock: Clock) -> None:
    """An address that was used or guessed is worth nothing."""
    async with SimulatedSlack(clock=clock, options=Options(socket_mode=True)) as slack:
        url = slack.backend.socket_url()
        async with ClientSession() as session:
            async with session.ws_connect(url) as socket:
                hello = await socket.receive_json()
            again = await session.get(url.replace("ws:", "http:"))

    assert hello["type"] == "hello"
    assert again.status == 403


async def test_messages_faster_than_the_pace_are_told_to_wait(clock: Clock) -> None:
    """About one message a second and conversation, with a short burst forgiven."""
    options = Options(pace=Pace(every=timedelta(seconds=1), burst=2))
    async with SimulatedSlack(clock=clock, options=options) as slack, bot_of(slack) as bot:
        for text in ("one", "two"):
            await bot.client.chat_postMessage(channel=ROOM, text=text)
        with pytest.raises(SlackApiError) as refused:
            await bot.client.chat_postMessage(channel=ROOM, text="three")
        await bot.client.chat_postMessage(channel="U0ADA", text="elsewhere")
        clock.turn(seconds=1)
        await bot.client.chat_postMessage(channel=ROOM, text="four")

    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "1"
    assert [m.text for m in slack.workspace.messages()] == ["one", "two", "four"]


async def test_the_sdk_waits_out_an_injected_limit(slack: SimulatedSlack, bot: Bot) -> None:
    """What the SDK's own handler understands is what Slack really sends."""
    bot.client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    slack.web_api.faults.add("chat.postMessage", Limit(retry_after=0))

    await bot.client.chat_postMessage(channel=ROOM, text="at last")

    assert [m.text for m in slack.workspace.messages()] == ["at last"]


@pytest.mark.parametrize(
    ("fault", "raised", "kept"),
    [
        (Refuse("fatal_error"), SlackApiError, 0),
        (Break(502), SlackApiError, 0),
        (Reset(), ClientConnectionError, 0),
        (LoseAnswer(), ClientConnectionError, 1),
        (Hang(), TimeoutError, 0),
    ],
)
async def test_a_call_can_be_made_to_fail_in_every_way(
    slack: SimulatedSlack, fault: Fault, raised: type[Exception], kept: int
) -> None:
    """Whether Slack took a message before the line broke is what a bot can't know."""
    slack.web_api.faults.add("chat.postMessage", fault)
    async with ClientSession(timeout=ClientTimeout(total=0.3)) as session:
        client = AsyncWebClient(
            token=slack.options.bot_token,
            base_url=slack.api_url,
            session=session,
            retry_handlers=[],
        )
        with pytest.raises(raised):
            await client.chat_postMessage(channel=ROOM, text="hi")
        assert len(slack.workspace.messages()) == kept
        await client.chat_postMessage(channel=ROOM, text="hi again")

    assert len(slack.workspace.messages()) == kept + 1


async def test_a_trigger_opens_one_view_and_not_for_long(
    slack: SimulatedSlack, bot: Bot, clock: Clock
) -> None:
    """A dialog has to open at once or not at all."""
    triggers: list[str] = []

    @bot.app.command("/ev")
    async def _(ack: AsyncAck, body: Json) -> None:
        await ack()
        triggers.append(body["trigger_id"])

    await slack.command("U0ADA")
    await slack.command("U0ADA")
    await bot.client.views_open(trigger_id=triggers[0], view=MODAL)
    again = bot.client.views_open(trigger_id=triggers[0], view=MODAL)
    assert await refusal(again) == "invalid_trigger_id"
    clock.turn(seconds=4)
    late = bot.client.views_open(trigger_id=triggers[1], view=MODAL)
    assert await refusal(late) == "expired_trigger_id"


async def test_a_text_alone_takes_the_blocks_away_and_leaves_the_metadata(
    slack: SimulatedSlack, bot: Bot
) -> None:
    """Slack's own rule for edits, on which finding a message again depends."""
    blocks = [{"type": "divider"}]
    posted = await bot.client.chat_postMessage(
        channel=ROOM, text="hi", blocks=blocks, metadata=METADATA
    )

    await bot.client.chat_update(channel=ROOM, ts=posted["ts"], text="bye")
    (message,) = slack.workspace.messages()
    assert (message.text, message.blocks, message.content.metadata) == ("bye", (), METADATA)

    await bot.client.chat_update(channel=ROOM, ts=posted["ts"], text="bye", metadata={})
    assert slack.workspace.messages()[0].content.metadata is None


async def test_whoever_waits_in_vain_is_told_what_was_said(slack: SimulatedSlack) -> None:
    """A test that fails should say why."""
    slack.say("U0ADA", "hello")

    with pytest.raises(TimeoutError, match="U0ADA: hello"):
        await slack.workspace.until(lambda _: False, within=0.05)


async def test_a_hung_call_ends_with_the_workspace(clock: Clock) -> None:
    """Closing must never wait for what was made to hang."""
    async with ClientSession() as session:
        async with asyncio.timeout(5), SimulatedSlack(clock=clock) as slack:
            slack.web_api.faults.add("auth.test", Hang())
            async with asyncio.TaskGroup() as group:
                call = group.create_task(_broken_off(session, f"{slack.api_url}auth.test"))
                await asyncio.sleep(0)
                call.cancel()
        assert slack.workspace.messages() == ()


async def _broken_off(session: ClientSession, url: str) -> None:
    await session.get(url)
