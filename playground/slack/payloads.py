"""What Slack sends to a bot: slash commands, events and presses on buttons, field by field."""

from secrets import token_hex
from typing import Any

from playground.people import Person
from playground.slack import shapes
from playground.slack.errors import NotThere
from playground.slack.mrkdwn import handle
from playground.slack.workspace import (
    APP,
    BOT_USER,
    TEAM,
    Channel,
    Deleted,
    Edited,
    Home,
    Message,
    Posted,
    dm_of,
)

Json = dict[str, Any]
_VERIFICATION = "playground-verification"


def command(person: Person, channel: Channel, text: str, trigger: str) -> Json:
    """Answer the fields of `/ev text`, all but the response URL."""
    return {
        "token": _VERIFICATION,
        "team_id": TEAM,
        "team_domain": shapes.DOMAIN,
        "channel_id": channel.id,
        "channel_name": channel.name,
        "user_id": person.slack_id,
        "user_name": handle(person),
        "command": "/ev",
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "trigger_id": trigger,
    }


def press(person: Person, trigger: str, action: Json) -> Json:
    """Answer the parts of a press that do not depend on where the button stands."""
    return {
        "type": "block_actions",
        "user": {
            "id": person.slack_id,
            "username": handle(person),
            "name": handle(person),
            "team_id": TEAM,
        },
        "api_app_id": APP,
        "token": _VERIFICATION,
        "trigger_id": trigger,
        "team": {"id": TEAM, "domain": shapes.DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
        "state": {"values": {}},
        "actions": [action],
    }


def on_message(said: Message, channel: Channel) -> Json:
    """Answer what a press says about the message that it was on."""
    container = {
        "type": "message",
        "message_ts": said.ts,
        "channel_id": said.channel,
        "is_ephemeral": said.only is not None,
    }
    place = {"container": container, "channel": {"id": channel.id, "name": channel.name}}
    return place if said.only else {**place, "message": shapes.message(said, metadata=True)}


def on_home(home: Home) -> Json:
    """Answer what a press says about the Home tab that it was on."""
    return {"container": {"type": "view", "view_id": home.id}, "view": shapes.view(home)}


def action(element: Json, block_id: str, ts: str, choice: str | None) -> Json:
    """Answer one press as Slack tells it; `choice` is the option, time or date picked."""
    pressed: Json = {
        "type": element["type"],
        "action_id": element.get("action_id", ""),
        "block_id": block_id,
        "action_ts": ts,
    }
    match element["type"]:
        case "button":
            kept = ("text", "value", "style", "confirm", "url")
            return {**pressed, **{name: element[name] for name in kept if name in element}}
        case "timepicker":
            return {**pressed, "selected_time": choice}
        case "datepicker":
            return {**pressed, "selected_date": choice}
        case "users_select":
            return {**pressed, "selected_user": choice}
        case _:
            return {**pressed, "selected_option": _option(element, choice)}


def _option(element: Json, choice: str | None) -> Json:
    for option in element.get("options", ()):
        if option["value"] == choice:
            return dict(option)
    raise NotThere(f"there is no option {choice}")


def event(inner: Json) -> Json:
    """Wrap an event up as Slack's Events API does."""
    return {
        "token": _VERIFICATION,
        "team_id": TEAM,
        "context_team_id": TEAM,
        "context_enterprise_id": None,
        "api_app_id": APP,
        "event": inner,
        "type": "event_callback",
        "event_id": f"Ev{token_hex(5).upper()}",
        "event_time": int(float(inner["event_ts"])),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM,
                "user_id": BOT_USER,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{token_hex(8)}",
    }


def posted(change: Posted) -> Json:
    """Answer the event of a new message."""
    said = change.message
    return {**shapes.message(said), **_where(said, said.ts)}


def edited(change: Edited) -> Json:
    """Answer the event of an edit."""
    return {
        "type": "message",
        "subtype": "message_changed",
        "hidden": True,
        "ts": change.message.edited,
        "message": shapes.message(change.message),
        "previous_message": shapes.message(change.before),
        **_where(change.message, change.message.edited or change.message.ts),
    }


def deleted(change: Deleted, at: str) -> Json:
    """Answer the event of a message taken away."""
    return {
        "type": "message",
        "subtype": "message_deleted",
        "hidden": True,
        "ts": at,
        "deleted_ts": change.message.ts,
        "previous_message": shapes.message(change.message),
        **_where(change.message, at),
    }


def mention(said: Message) -> Json:
    """Answer the event of a message that mentions the bot."""
    shape = {**shapes.message(said), "type": "app_mention", **_where(said, said.ts)}
    del shape["channel_type"]
    return shape


def home_opened(user: str, tab: str, home: Home | None, at: str) -> Json:
    """Answer the event of somebody looking at the bot's Home or Messages tab."""
    shape = {
        "type": "app_home_opened",
        "user": user,
        "channel": dm_of(user),
        "tab": tab,
        "event_ts": at,
    }
    return {**shape, "view": shapes.view(home)} if home and tab == "home" else shape


def _where(said: Message, at: str) -> Json:
    kind = shapes.kind_of(said.channel)
    return {"channel": said.channel, "event_ts": at, "channel_type": kind}
