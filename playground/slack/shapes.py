"""People, conversations and messages in the shapes that Slack gives them on the wire."""

from typing import Any

from playground.people import Person
from playground.slack.mrkdwn import handle
from playground.slack.workspace import (
    APP,
    BOT,
    BOT_NAME,
    BOT_USER,
    ROOM,
    TEAM,
    Channel,
    Home,
    Message,
)

Json = dict[str, Any]
DOMAIN = "office"
ZONE = "Etc/UTC"


def user(person: Person) -> Json:
    """Answer a person as users.info does."""
    return {
        **_account(person.slack_id, handle(person), person.name),
        "deleted": person.has_left,
        "is_admin": person.is_admin,
        "is_owner": False,
        "is_bot": False,
    }


def bot_user() -> Json:
    """Answer the bot's own account as users.info does."""
    account = _account(BOT_USER, "ev_concierge", BOT_NAME)
    return {**account, "is_admin": False, "is_owner": False, "is_bot": True}


def _account(slack_id: str, name: str, full_name: str) -> Json:
    return {
        "id": slack_id,
        "team_id": TEAM,
        "name": name,
        "deleted": False,
        "real_name": full_name,
        "tz": ZONE,
        "tz_label": "Coordinated Universal Time",
        "tz_offset": 0,
        "profile": {
            "real_name": full_name,
            "real_name_normalized": full_name,
            "display_name": full_name,
            "display_name_normalized": full_name,
            "team": TEAM,
        },
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_app_user": False,
        "updated": 1_700_000_000,
    }


def conversation(channel: Channel) -> Json:
    """Answer a conversation as conversations.info does."""
    shared = {
        "id": channel.id,
        "created": 1_700_000_000,
        "is_archived": channel.archived,
        "is_org_shared": False,
    }
    if channel.partner:
        return {**shared, "is_im": True, "user": channel.partner, "is_open": True}
    return {
        **shared,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": True,
        "is_group": False,
        "is_im": False,
        "is_mpim": False,
        "is_private": False,
        "is_general": False,
        "is_shared": False,
        "is_ext_shared": False,
        "is_member": BOT_USER in channel.members,
        "creator": "U0ADA",
        "context_team_id": TEAM,
        "num_members": len(channel.members),
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }


def kind_of(channel: str) -> str:
    """Answer what Slack calls this kind of conversation in events."""
    return "channel" if channel == ROOM else "im"


def message(said: Message, *, metadata: bool = False) -> Json:
    """Answer a message as conversations.history does."""
    shape: Json = {"type": "message", "user": said.user, "text": said.text, "ts": said.ts}
    shape["team"] = TEAM
    if said.by_bot:
        shape |= {"bot_id": BOT, "app_id": APP, "bot_profile": _bot_profile()}
    if said.blocks:
        shape["blocks"] = list(said.blocks)
    if said.edited and said.only is None:
        shape["edited"] = {"user": said.user, "ts": said.edited}
    if said.thread:
        shape["thread_ts"] = said.thread
    if said.reactions:
        shape["reactions"] = _reactions(said)
    if metadata and said.content.metadata:
        shape["metadata"] = said.content.metadata
    return shape


def bot() -> Json:
    """Answer the bot as bots.info does."""
    return {
        "id": BOT,
        "deleted": False,
        "name": BOT_NAME,
        "updated": 1_700_000_000,
        "app_id": APP,
        "user_id": BOT_USER,
        "icons": {},
    }


def team() -> Json:
    """Answer the workspace as team.info does."""
    return {"id": TEAM, "name": "Office", "domain": DOMAIN, "email_domain": "", "icon": {}}


def view(home: Home) -> Json:
    """Answer a Home tab as views.publish does."""
    return {
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "state": {"values": {}},
        **home.view,
        "id": home.id,
        "team_id": TEAM,
        "hash": hash_of(home),
        "root_view_id": home.id,
        "previous_view_id": None,
        "app_id": APP,
        "bot_id": BOT,
    }


def hash_of(home: Home) -> str:
    """Answer what changes with each new version of the view."""
    return f"{home.version}.{home.id}"


def _bot_profile() -> Json:
    return {**bot(), "team_id": TEAM}


def _reactions(said: Message) -> list[Json]:
    names = dict.fromkeys(emoji for _, emoji in said.reactions)
    users = {name: [who for who, emoji in said.reactions if emoji == name] for name in names}
    return [{"name": n, "users": who, "count": len(who)} for n, who in users.items()]
