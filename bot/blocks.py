"""What Slack is given: paragraphs, buttons and menus, laid out within its limits."""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

Block = dict[str, Any]

# Slack takes 3000 characters a section.
LONGEST_SECTION = 2900


class Message(Struct, frozen=True, kw_only=True):
    """What Slack is given: the text of the notification, and the blocks on the screen."""

    text: str
    blocks: tuple[Block, ...]

    @property
    def content(self) -> dict[str, Any]:
        """What is given to whichever call says it."""
        return {"text": self.text, "blocks": list(self.blocks)}


def said(*paragraphs: str, buttons: tuple[Block, ...] = ()) -> Message:
    """Lay paragraphs out as sections within Slack's limits, with the buttons below."""
    sections = [part for paragraph in paragraphs for part in _parts(paragraph)]
    blocks: list[Block] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": part, "verbatim": True}}
        for part in sections
    ]
    if buttons:
        blocks.append({"type": "actions", "elements": list(buttons)})
    whole = "\n".join(sections)
    return Message(
        text=whole if len(whole) <= LONGEST_SECTION else sections[0], blocks=tuple(blocks)
    )


def button(
    label: str,
    action: str,
    value: str,
    style: str | None = None,
    *,
    confirm: tuple[str, str] | None = None,
) -> Block:
    """Answer a button; `confirm` is the title and the text of a dialog that asks back."""
    made: Block = {
        "type": "button",
        "text": _plain(label),
        "action_id": action,
        "value": value,
    }
    if style is not None:
        made["style"] = style
    if confirm is not None:
        made["confirm"] = _confirmation(*confirm, label)
    return made


def menu(label: str, action: str, options: Iterable[tuple[str, str]]) -> Block:
    """Answer a menu of what is shown and the value that it stands for."""
    return {
        "type": "static_select",
        "placeholder": _plain(label),
        "action_id": action,
        "options": [{"text": _plain(shown), "value": value} for shown, value in options],
    }


def _confirmation(title: str, explained: str, label: str) -> Block:
    return {
        "title": _plain(title),
        "text": _plain(explained),
        "confirm": _plain(label),
        "deny": _plain("Cancel"),
    }


def _plain(words: str) -> Block:
    return {"type": "plain_text", "text": words}


def _parts(paragraph: str) -> Iterator[str]:
    part = ""
    for line in paragraph.splitlines():
        if part and len(part) + len(line) >= LONGEST_SECTION:
            yield part
            part = ""
        part = f"{part}\n{line}" if part else line[:LONGEST_SECTION]
    if part:
        yield part
