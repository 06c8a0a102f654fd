"""What the bot answers a person: in the answer to a command itself, or later by response URL."""

import json
from typing import Any

from msgspec.structs import replace

from playground.slack.arguments import Arguments
from playground.slack.contents import content_of
from playground.slack.errors import ApiError, NotThere
from playground.slack.triggers import ResponseUrl
from playground.slack.workspace import BOT_USER, Message, Workspace

Json = dict[str, Any]


def show_answer(workspace: Workspace, body: str, to: ResponseUrl) -> Message | None:
    """Show the body that the bot answered a command with; an empty one shows nothing."""
    said = _parsed(body)
    if not said:
        return None
    return _show(workspace, Arguments(said), to)


def respond(workspace: Workspace, given: Json, to: ResponseUrl) -> None:
    """Do what the bot asked for at a response URL: say, replace or delete."""
    asked = Arguments(given)
    if asked.flag("delete_original"):
        workspace.delete(_source(workspace, to))
    elif to.source and _replaces(asked):
        workspace.edit(_source(workspace, to), content_of(asked))
    else:
        _show(workspace, asked, to)


def _replaces(asked: Arguments) -> bool:
    """Whether to replace the message pressed on, as Slack also does where nothing is said."""
    silent = "replace_original" not in asked and "response_type" not in asked
    return silent or asked.flag("replace_original")


def _source(workspace: Workspace, to: ResponseUrl) -> str:
    try:
        return workspace.message(to.source or "").ts
    except NotThere as error:
        raise ApiError("message_not_found") from error


def _show(workspace: Workspace, asked: Arguments, to: ResponseUrl) -> Message:
    kind = asked.text("response_type", "ephemeral")
    if kind not in {"ephemeral", "in_channel"}:
        raise ApiError("invalid_arguments", "[ERROR] no such response_type")
    said = Message(
        ts="",
        channel=to.channel,
        user=BOT_USER,
        content=content_of(asked),
        prompt=to.prompt,
        asker=to.user,
    )
    return workspace.post(said if kind == "in_channel" else replace(said, only=to.user))


def _parsed(body: str) -> Json:
    try:
        said = json.loads(body) if body.strip() else {}
    except ValueError:
        return {"text": body}
    return said if isinstance(said, dict) else {"text": body}
