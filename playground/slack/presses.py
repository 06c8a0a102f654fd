"""Buttons and menus: where they stand and which one was pressed."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from playground.slack import payloads
from playground.slack.errors import NotThere
from playground.slack.workspace import Workspace, dm_of

Json = dict[str, Any]


class Press(Struct, frozen=True, kw_only=True):
    """A press on a button or a choice from a menu.

    `on` is the ts of the message, or the ID of the Home tab. `block` and `value` tell buttons
    apart that share an action; `choice` is what was picked from a menu, clock or calendar.
    """

    on: str
    action: str
    block: str | None = None
    value: str | None = None
    choice: str | None = None


class Surface(Struct, frozen=True, kw_only=True):
    """What buttons stand on, and what a press tells about it."""

    channel: str
    blocks: tuple[Json, ...]
    told: Json
    ts: str | None = None


def surface(workspace: Workspace, user: str, on: str) -> Surface:
    """Answer the message or Home tab that this person pressed on."""
    home = workspace.homes.get(user)
    if home and home.id == on:
        blocks = tuple(home.view["blocks"])
        return Surface(channel=dm_of(user), blocks=blocks, told=payloads.on_home(home))
    said = workspace.message(on)
    channel = workspace.channel(said.channel)
    if said.only not in (None, user) or user not in channel.members:
        raise NotThere(f"{user} sees no message {on}")
    told = payloads.on_message(said, channel)
    return Surface(channel=said.channel, blocks=said.blocks, told=told, ts=said.ts)


def pressed(blocks: tuple[Json, ...], press: Press) -> tuple[Json, str]:
    """Answer the element that was pressed and the block it stands in."""
    for element, block in _elements(blocks):
        if (
            element.get("action_id") == press.action
            and press.block in (None, block)
            and press.value in (None, element.get("value"))
        ):
            return element, block
    raise NotThere(f"there is no button {press.action}")


def _elements(blocks: tuple[Json, ...]) -> Iterator[tuple[Json, str]]:
    for block in blocks:
        within = block.get("elements", []) if block["type"] == "actions" else []
        for element in (*within, block.get("accessory"), block.get("element")):
            if element:
                yield element, block["block_id"]
