"""Slack's requests as they come over the wire, written and signed by hand."""

import json
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import aiohttp
from slack_sdk.signature import SignatureVerifier

from playground.people import OFFICE
from playground.slack import payloads
from playground.slack.workspace import BOT_USER, ROOM, TEAM
from tests.bot.office import ADA, Bot

Json = dict[str, Any]
Headers = dict[str, str]

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
_PEOPLE = {person.slack_id: person for person in OFFICE}


def command(**changed: str) -> str:
    """Write `/ev add` as Slack does; what is changed to nothing is left out."""
    fields = {
        "command": "/ev",
        "text": "add",
        "team_id": TEAM,
        "user_id": ADA,
        "channel_id": ROOM,
        "trigger_id": "1.2.3",
        "response_url": "http://127.0.0.1:9/",
    }
    return urlencode({name: text for name, text in {**fields, **changed}.items() if text})


def press(action: str, value: str, *, by: str = ADA, **changed: object) -> Json:
    """Answer the payload of a press on a button."""
    pressed = {"type": "button", "action_id": action, "value": value, "block_id": "b"}
    place: Json = {"channel": {"id": ROOM, "name": "ev-charging"}}
    return {**payloads.press(_PEOPLE[by], "1.2.3", pressed), **place, **changed}


def interactive(payload: Json) -> str:
    """Write a press as Slack does."""
    return urlencode({"payload": json.dumps(payload)})


def message(text: str, **changed: object) -> Json:
    """Answer the event of a message in the room; `changed` is about what was said."""
    place = {"channel": ROOM, "channel_type": "channel", "team": TEAM}
    said = {"type": "message", "user": ADA, "text": text, "ts": "1764230000.000100"}
    return payloads.event({**place, **said, "event_ts": said["ts"], **changed})


def mention(text: str, **changed: object) -> Json:
    """Answer the event of a message that begins with a mention of the bot."""
    said = message(f"<@{BOT_USER}> {text}", type="app_mention", **changed)
    del said["event"]["channel_type"]
    return said


def response_url(bot: Bot, user: str) -> str:
    """Answer where the bot may respond to somebody's press, for their eyes only."""
    slack = bot.neighbours.slack
    given = slack._response_urls.issue(user, ROOM, source=slack.workspace.next_ts())
    return slack._response_url(given)


def signed(
    bot: Bot, body: str, *, at: object = None, secret: str | None = None, kind: str = FORM
) -> Headers:
    """Sign a body as Slack does, or as somebody else."""
    moment = str(int(bot.neighbours.clock.now().timestamp()) if at is None else at)
    secret = secret or bot.neighbours.slack.options.signing_secret
    signature = SignatureVerifier(secret).generate_signature(timestamp=moment, body=body)
    return {
        "Content-Type": kind,
        "X-Slack-Request-Timestamp": moment,
        "X-Slack-Signature": signature or "",
    }


async def post(
    bot: Bot, body: str | bytes, headers: Headers, *, method: str = "POST"
) -> tuple[int, str]:
    """Send it and answer status and text."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method,
            f"{bot.url}/slack/events",
            data=BytesIO(body.encode() if isinstance(body, str) else body),
            headers=headers,
        ) as answer,
    ):
        return answer.status, await answer.text()


async def send(bot: Bot, body: str, *, kind: str = FORM, retry: str = "") -> tuple[int, str]:
    """Sign and send it, perhaps as a retry, and answer status and text."""
    retried = {"X-Slack-Retry-Num": retry, "X-Slack-Retry-Reason": "http_timeout"} if retry else {}
    return await post(bot, body, {**signed(bot, body, kind=kind), **retried})
