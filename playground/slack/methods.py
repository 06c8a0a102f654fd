"""What each Web API method does, and the right and kind of token that it asks for."""

import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from msgspec import Struct

from playground.slack import shapes
from playground.slack.arguments import Arguments
from playground.slack.contents import content_of, edited_content, view_of
from playground.slack.errors import ApiError
from playground.slack.faults import Throttle
from playground.slack.options import Options
from playground.slack.triggers import Triggers
from playground.slack.workspace import (
    BOT,
    BOT_USER,
    ROOM,
    TEAM,
    Channel,
    Content,
    Message,
    Workspace,
    dm_of,
)

Json = dict[str, Any]


class TooFast(ApiError):
    """Messages come faster than the pace; `retry_after` is in whole seconds."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__("ratelimited")
        self.retry_after = max(1, math.ceil(wait.total_seconds()))


class Backend:
    """What the methods work on; `socket_url` makes addresses for Socket Mode."""

    def __init__(
        self, workspace: Workspace, options: Options, socket_url: Callable[[], str]
    ) -> None:
        self.workspace = workspace
        self.options = options
        self.socket_url = socket_url
        self.triggers = Triggers(options.trigger_lives, workspace.clock)
        self.throttle = Throttle(options.pace, workspace.clock)

    def demand(self, scope: str | None) -> None:
        """Refuse the call unless its token was granted the scope."""
        if scope and scope not in self.options.scopes | self.options.app_scopes:
            raise ApiError("missing_scope", f"[ERROR] needed: {scope}")

    def conversation(self, given: Arguments, *, scoped: str | None = None) -> Channel:
        """Answer the conversation named in the arguments; `scoped` is the right to demand."""
        name = given.text("channel", "")
        channel = self.workspace.channels.get(name)
        if channel is None:
            raise ApiError("channel_not_found")
        if scoped:
            self.demand(f"{'channels' if name == ROOM else 'im'}:{scoped}")
        return channel

    def entered(self, given: Arguments, *, scoped: str | None = None) -> Channel:
        """Answer the conversation named in the arguments, if the bot takes part in it."""
        channel = self.conversation(given, scoped=scoped)
        if BOT_USER not in channel.members:
            raise ApiError("not_in_channel")
        return channel

    def open(self, given: Arguments) -> Channel:
        """Answer the conversation named in the arguments, if the bot may speak there."""
        channel = self.entered(given)
        if channel.archived:
            raise ApiError("is_archived")
        return channel

    def somebody(self, user: str) -> Json:
        """Answer a person or the bot as users.info does."""
        if user == BOT_USER:
            return shapes.bot_user()
        for person in self.workspace.people:
            if person.slack_id == user:
                return shapes.user(person)
        raise ApiError("user_not_found")

    def own(self, given: Arguments, ts: str, refusal: str) -> Message:
        """Answer a message of the bot's own in the conversation named."""
        channel = self.conversation(given)
        found = [m for m in self.workspace.messages(channel.id) if m.ts == ts]
        if not found:
            raise ApiError("message_not_found")
        if not found[0].by_bot:
            raise ApiError(refusal)
        return found[0]


class Method(Struct, frozen=True):
    """One method: its doing, the scope it needs, and whether it takes the app's token."""

    do: Callable[[Backend, Arguments], Json]
    scope: str | None = None
    app_token: bool = False


def _auth_test(_backend: Backend, _given: Arguments) -> Json:
    return {
        "url": f"https://{shapes.DOMAIN}.slack.com/",
        "team": "Office",
        "user": "ev_concierge",
        "team_id": TEAM,
        "user_id": BOT_USER,
        "bot_id": BOT,
        "is_enterprise_install": False,
    }


def _post_message(backend: Backend, given: Arguments) -> Json:
    channel = _destination(backend, given)
    content = content_of(given)
    wait = backend.throttle.wait_for(channel)
    if wait > timedelta(0):
        raise TooFast(wait)
    said = backend.workspace.post(
        _by_bot(channel, content, thread=given.text("thread_ts", "") or None)
    )
    return {"channel": channel, "ts": said.ts, "message": shapes.message(said, metadata=True)}


def _destination(backend: Backend, given: Arguments) -> str:
    """Answer the channel to post in; a person's ID stands for the direct messages with them."""
    target = given.text("channel", "")
    if any(person.slack_id == target for person in backend.workspace.people):
        return dm_of(target)
    return backend.open(given).id


def _by_bot(channel: str, content: Content, *, thread: str | None = None) -> Message:
    return Message(ts="", channel=channel, user=BOT_USER, content=content, thread=thread)


def _post_ephemeral(backend: Backend, given: Arguments) -> Json:
    channel, user = backend.open(given), given.text("user")
    if user not in channel.members:
        raise ApiError("user_not_in_channel")
    said = backend.workspace.post(
        Message(ts="", channel=channel.id, user=BOT_USER, content=content_of(given), only=user)
    )
    return {"message_ts": said.ts}


def _update(backend: Backend, given: Arguments) -> Json:
    before = backend.own(given, given.text("ts"), "cant_update_message")
    said = backend.workspace.edit(before.ts, edited_content(given, before.content))
    return {
        "channel": said.channel,
        "ts": said.ts,
        "text": said.text,
        "message": shapes.message(said, metadata=True),
    }


def _delete(backend: Backend, given: Arguments) -> Json:
    gone = backend.own(given, given.text("ts"), "cant_delete_message")
    backend.workspace.delete(gone.ts)
    return {"channel": gone.channel, "ts": gone.ts}


def _open_conversation(backend: Backend, given: Arguments) -> Json:
    users = [each for each in given.text("users", "").split(",") if each]
    if "channel" in given:
        return {"channel": shapes.conversation(backend.conversation(given))}
    if len(users) != 1:
        raise ApiError("users_list_not_supplied" if not users else "method_not_supported")
    if not any(person.slack_id == users[0] for person in backend.workspace.people):
        raise ApiError("user_not_found")
    channel = backend.workspace.channel(dm_of(users[0]))
    if given.flag("return_im"):
        return {"channel": shapes.conversation(channel)}
    return {"channel": {"id": channel.id}}


def _history(backend: Backend, given: Arguments) -> Json:
    channel = backend.entered(given, scoped="history")
    within = _between(given)
    newest = [m for m in reversed(backend.workspace.messages(channel.id)) if within(m.ts)]
    told = [shapes.message(m, metadata=given.flag("include_all_metadata")) for m in newest]
    messages, cursor = given.page(told)
    return {
        "messages": messages,
        "has_more": bool(cursor),
        "pin_count": 0,
        "response_metadata": {"next_cursor": cursor},
    }


def _between(given: Arguments) -> Callable[[str], bool]:
    oldest, latest = _moment(given, "oldest", 0.0), _moment(given, "latest", math.inf)
    if given.flag("inclusive"):
        return lambda ts: oldest <= float(ts) <= latest
    return lambda ts: oldest < float(ts) < latest


def _moment(given: Arguments, name: str, default: float) -> float:
    try:
        return float(given.text(name, "") or default)
    except ValueError as error:
        raise ApiError(f"invalid_ts_{name}") from error


def _conversation_info(backend: Backend, given: Arguments) -> Json:
    return {"channel": shapes.conversation(backend.conversation(given, scoped="read"))}


def _conversation_members(backend: Backend, given: Arguments) -> Json:
    members, cursor = given.page([*backend.conversation(given, scoped="read").members])
    return {"members": members, "response_metadata": {"next_cursor": cursor}}


def _user_info(backend: Backend, given: Arguments) -> Json:
    return {"user": backend.somebody(given.text("user", ""))}


def _user_list(backend: Backend, given: Arguments) -> Json:
    everybody = [*map(shapes.user, backend.workspace.people), shapes.bot_user()]
    members, cursor = given.page(everybody)
    return {"members": members, "response_metadata": {"next_cursor": cursor}}


def _team_info(_backend: Backend, _given: Arguments) -> Json:
    return {"team": shapes.team()}


def _bot_info(_backend: Backend, given: Arguments) -> Json:
    if given.text("bot", BOT) != BOT:
        raise ApiError("bot_not_found")
    return {"bot": shapes.bot()}


def _publish(backend: Backend, given: Arguments) -> Json:
    user = given.text("user_id")
    backend.somebody(user)
    view, known = view_of(given, "home"), backend.workspace.homes.get(user)
    if "hash" in given and known and given.text("hash") != shapes.hash_of(known):
        raise ApiError("hash_conflict")
    return {"view": shapes.view(backend.workspace.publish(user, view))}


def _open_view(backend: Backend, given: Arguments) -> Json:
    view = view_of(given, "modal")
    backend.triggers.redeem(given.text("trigger_id"))
    return {"view": {"id": "V0MODAL", "team_id": TEAM, **view}}


def _react(backend: Backend, given: Arguments) -> Json:
    channel, ts, name = backend.conversation(given), given.text("timestamp"), given.text("name", "")
    found = [m for m in backend.workspace.messages(channel.id) if m.ts == ts]
    if not found:
        raise ApiError("message_not_found")
    if not name.strip(":").replace("_", "").replace("-", "").replace("+", "").isalnum():
        raise ApiError("invalid_name")
    if (BOT_USER, name) in found[0].reactions:
        raise ApiError("already_reacted")
    backend.workspace.react(ts, BOT_USER, name)
    return {}


def _open_connection(backend: Backend, _given: Arguments) -> Json:
    if not backend.options.socket_mode:
        raise ApiError("access_denied", "[ERROR] Socket Mode is not turned on")
    return {"url": backend.socket_url()}


METHODS = {
    "apps.connections.open": Method(_open_connection, "connections:write", app_token=True),
    "auth.test": Method(_auth_test),
    "bots.info": Method(_bot_info, "users:read"),
    "chat.delete": Method(_delete, "chat:write"),
    "chat.postEphemeral": Method(_post_ephemeral, "chat:write"),
    "chat.postMessage": Method(_post_message, "chat:write"),
    "chat.update": Method(_update, "chat:write"),
    "conversations.history": Method(_history),
    "conversations.info": Method(_conversation_info),
    "conversations.members": Method(_conversation_members),
    "conversations.open": Method(_open_conversation, "im:write"),
    "reactions.add": Method(_react, "reactions:write"),
    "team.info": Method(_team_info, "team:read"),
    "users.info": Method(_user_info, "users:read"),
    "users.list": Method(_user_list, "users:read"),
    "views.open": Method(_open_view),
    "views.publish": Method(_publish),
}
