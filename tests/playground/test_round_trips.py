"""The real Bolt and the real SDK use the simulated workspace as they use Slack."""

from typing import Any

import pytest
from slack_bolt.async_app import AsyncAck, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack.options import Options
from playground.slack.presses import Press
from playground.slack.simulation import SimulatedSlack
from playground.slack.workspace import ROOM
from tests.playground.office import Bot, Clock, bot_of

Json = dict[str, Any]
GO = {
    "type": "button",
    "text": {"type": "plain_text", "text": "On my way"},
    "action_id": "offer.accept",
    "value": "7",
}


def buttons(*elements: Json) -> list[Json]:
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": "A port is free"}},
        {"type": "actions", "elements": list(elements)},
    ]


async def test_a_command_is_answered_in_the_room_or_privately(either: SimulatedSlack) -> None:
    """Both ways of answering a command are what every driver sees first."""
    async with bot_of(either) as bot:

        @bot.app.command("/ev")
        async def _(ack: AsyncAck, command: Json) -> None:
            public = command["text"] == "add"
            await ack(command["user_id"], response_type="in_channel" if public else "ephemeral")

        shown = await either.command("U0ADA", "add")
        private = await either.command("U0GRACE", "list")

    assert shown
    assert private
    assert (shown.text, shown.only, shown.prompt) == ("U0ADA", None, "/ev add")
    assert (private.text, private.only) == ("U0GRACE", "U0GRACE")
    assert either.workspace.messages() == (shown,)
    assert either.workspace.seen_by("U0GRACE") == (shown, private)


async def test_a_command_carries_everything_that_slack_sends(
    slack: SimulatedSlack, bot: Bot
) -> None:
    """A bot may lean on any field that Slack documents."""
    heard: list[Json] = []

    @bot.app.command("/ev")
    async def _(ack: AsyncAck, body: Json) -> None:
        await ack()
        heard.append(body)

    await slack.command("U0ADA", "remove @Grace Hopper & <co>", channel="D0ADA")

    (command,) = heard
    assert command["text"] == "remove <@U0GRACE|grace> &amp; &lt;co&gt;"
    assert command["channel_name"] == "directmessage"
    assert command["channel_id"] == "D0ADA"
    assert command["trigger_id"]
    assert command["response_url"].startswith("http://127.0.0.1:")
    assert command["is_enterprise_install"] == "false"


async def test_the_bot_hears_messages_and_mentions(either: SimulatedSlack) -> None:
    """A mention comes twice, as a message and as a mention, with the same ts."""
    async with bot_of(either) as bot:
        plain = either.say("U0ADA", "ev add")
        called = either.say("U0ADA", "@EV Concierge am I next?")
        private = either.say("U0ADA", "thanks <3", channel="D0ADA")
        await either.workspace.until(lambda _: len(bot.heard) == 4)

    events = {
        (b["event"]["type"], b["event"]["ts"], b["event"].get("channel_type")) for b in bot.heard
    }
    assert events == {
        ("message", plain.ts, "channel"),
        ("message", called.ts, "channel"),
        ("app_mention", called.ts, None),
        ("message", private.ts, "im"),
    }
    assert called.text == "<@U0BOT> am I next?"
    assert private.text == "thanks &lt;3"
    assert len({body["event_id"] for body in bot.heard}) == 4


async def test_a_button_reaches_the_bot_and_edits_its_message(either: SimulatedSlack) -> None:
    """The whole life of an offer: posted, pressed, edited in place."""
    async with bot_of(either) as bot:

        @bot.app.action("offer.accept")
        async def _(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
            await ack()
            await client.chat_update(
                channel=body["channel"]["id"],
                ts=body["message"]["ts"],
                text=f"{body['user']['id']} took {body['actions'][0]['value']}",
            )

        answer = await bot.client.chat_postMessage(
            channel=ROOM, text="A port is free", blocks=buttons(GO)
        )
        await either.press("U0ADA", Press(on=answer["ts"], action="offer.accept"))
        await either.workspace.until(lambda w: w.message(answer["ts"]).edited)

    (message,) = either.workspace.messages()
    assert (message.text, message.blocks) == ("U0ADA took 7", ())


async def test_respond_replaces_the_message_pressed_on(slack: SimulatedSlack, bot: Bot) -> None:
    """Ephemeral messages can be changed by their response URL alone."""

    @bot.app.command("/ev")
    async def _(ack: AsyncAck) -> None:
        await ack("Really?", blocks=buttons(GO), response_type="ephemeral")

    @bot.app.action("offer.accept")
    async def _(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        await respond("Done", replace_original=True)

    asked = await slack.command("U0ADA", "forget me")
    assert asked
    await slack.press("U0ADA", Press(on=asked.ts, action="offer.accept"))
    await slack.workspace.until(lambda w: w.message(asked.ts).edited)

    (shown,) = slack.workspace.seen_by("U0ADA")
    assert shown.text == "Done"


async def test_the_home_tab_shows_what_was_published_and_its_buttons_work(
    slack: SimulatedSlack, bot: Bot
) -> None:
    """The Home tab is the live board."""
    pressed: list[Json] = []

    @bot.app.action("offer.accept")
    async def _(ack: AsyncAck, body: Json) -> None:
        await ack()
        pressed.append(body)

    slack.open_home("U0ADA")
    await slack.workspace.until(lambda _: bot.kinds() == ["app_home_opened"])
    await bot.client.views_publish(user_id="U0ADA", view={"type": "home", "blocks": buttons(GO)})
    home = slack.workspace.homes["U0ADA"]
    await slack.press("U0ADA", Press(on=home.id, action="offer.accept"))

    (body,) = pressed
    assert body["container"] == {"type": "view", "view_id": home.id}
    assert "response_url" not in body


async def test_socket_mode_comes_back_after_slack_asks_for_a_new_connection(clock: Clock) -> None:
    """Slack replaces connections every few hours, and a bot has to follow."""
    options = Options(socket_mode=True, retry_delays=())
    async with SimulatedSlack(clock=clock, options=options) as slack, bot_of(slack) as bot:
        await slack.sockets.refresh()
        await slack.workspace.until(
            lambda _: _connections(slack) == 2 and slack.sockets.connected == 1
        )
        slack.say("U0ADA", "still there?")
        await slack.workspace.until(lambda _: bot.kinds() == ["message"])


@pytest.mark.parametrize("socket_mode", [False, True])
async def test_a_command_that_nobody_takes_fails_before_the_persons_eyes(
    clock: Clock, *, socket_mode: bool
) -> None:
    """With the bot down a driver sees what real Slack shows, and so do we when we try it out."""
    options = Options(socket_mode=socket_mode, retry_delays=())
    async with SimulatedSlack(clock=clock, options=options) as slack:
        slack.bot_url = "http://127.0.0.1:1/slack/events"

        shown = await slack.command("U0ADA", "add")

    assert shown
    assert shown.text == '/ev failed with the error "dispatch_failed"'
    assert shown.only == "U0ADA"


def _connections(slack: SimulatedSlack) -> int:
    """Count how often the bot asked for a connection."""
    return [call.method for call in slack.web_api.calls].count("apps.connections.open")
