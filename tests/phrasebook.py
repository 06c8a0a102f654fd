"""Everything that people read, and why they do: `python -m tests.phrasebook` prints it.

What is said is made of the very values and words that the bot uses, for two drivers and two
chargers; why it is said stands beside each value in the code.
"""

import html
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise, product
from types import NoneType
from typing import Any, get_args, get_type_hints

from msgspec import Struct

from bot import messages
from bot.blocks import Message
from bot.effects import Effect, SayInRoom, ToCard, ToDriver, ToRoom, destination
from bot.messages import Reader
from bot.replies import Board, Reply, board
from bot.rules import Rules
from playground.slack.emoji import with_emoji
from tests.story import ADA, ALAN, EAST, GRACE, HEDY, NINE, ZONE, Story, name

NAMES = {
    ADA: "Ada Lovelace",
    GRACE: "Grace Hopper",
    ALAN: "Alan Turing",
    HEDY: "Hedy Lamarr",
}
READER = Reader(now=NINE, zone=ZONE, rules=Rules(zone=ZONE), names=NAMES)

HEAD = """\
# What the bot says, and why

Everything that people can read from the bot, with the reason. `python -m tests.phrasebook` prints
this page out of the words and the values that the bot itself uses, and a test compares the two. To
change the words, change [bot/messages.py](../bot/messages.py). Ada is the driver who is spoken of
or to, Hedy is an admin, and it is nine o'clock.
"""


def page() -> str:
    """Answer the whole page."""
    return "\n".join([HEAD, *(line for section in sections() for line in section)])


def sections() -> Iterator[list[str]]:
    """Answer the page's sections."""
    of = {kind: [e for e in _all(Effect) if isinstance(destination(e), kind)] for kind in _PLACES}
    for kind, (title, told) in _PLACES.items():
        yield _section(title, told, of[kind])
    replies = list(_all(Reply))
    yield _section(
        "Answers that the room may see",
        "Whoever asks from elsewhere reads it there, and the room reads it too.",
        [each for each in replies if each.PUBLIC],
    )
    yield _section(
        "Answers for whoever asked",
        "Also what a button says to the one who pressed it.",
        [each for each in replies if not each.PUBLIC],
    )
    yield _troubles()


_PLACES: dict[type, tuple[str, str]] = {
    ToRoom: ("In the room", "Each is a new message, which notifies those who are mentioned."),
    ToCard: ("What these read later", "Edits of messages that stand; they notify nobody."),
    ToDriver: ("In private", "Messages from the bot to one person."),
}


def _section(title: str, told: str, values: list[Any]) -> list[str]:
    lines = [f"## {title}", "", told, ""]
    for kind in dict.fromkeys(map(type, values)):
        said = dict.fromkeys(_shown(messages.words(v, READER)) for v in values if type(v) is kind)
        lines += [f"**{_why(kind)}**", "", *_quoted(said)]
    return lines


def _troubles() -> list[str]:
    reference = "1-6b02c0e2-793e27854675029aee3166d7"
    said: list[tuple[Callable[..., Message], tuple[str, ...]]] = [
        (messages.unconfirmed, ("add",)),
        (messages.store_unavailable, (reference,)),
        (messages.admins_unknown, ()),
        (messages.from_elsewhere, ()),
        (messages.trouble, (reference,)),
    ]
    lines = ["## When something is wrong", "", "For whoever asked. The log has the reference.", ""]
    for words, given in said:
        lines += [f"**{_why(words)}**", "", *_quoted([_shown(words(*given))])]
    return lines


def _why(documented: object) -> str:
    """Answer what the code says of it, without what matters to the code alone."""
    first, *others = " ".join((documented.__doc__ or "").split()).removesuffix(".").split("; ")
    kept = [each for each in others if "`" not in each and not each.startswith("becomes ")]
    return "; ".join([first, *kept]) + "."


def _quoted(texts: Any) -> Iterator[str]:  # noqa: ANN401 # whatever can be gone through
    for text in texts:
        yield from (f"> {line}".rstrip() for line in text.splitlines())
        yield ""


def _shown(message: Message) -> str:
    """Answer the message as people see it, as Markdown."""
    text = html.unescape(message.text).replace("\u200b", "")
    text = re.sub(r"<@(\w+)>", lambda found: f"@{NAMES.get(found[1], found[1])}", text)
    text = re.sub(r"<!date[^|]*\|([^>]*)>", r"\1", text)
    text = re.sub(r"(?<![\w*])\*([^*\n]+)\*", r"**\1**", text)
    text = with_emoji(text)
    lines = re.sub(r"^• ", "- ", text, flags=re.MULTILINE).splitlines()
    return "\n\n".join(filter(None, [_spaced(lines), _pressable(message)]))


def _spaced(lines: list[str]) -> str:
    """Keep the lines apart, which Markdown does only in a list."""
    kept = lines[:1]
    for before, line in pairwise(lines):
        between = "\n" if _is_item(before) and _is_item(line) else "\n\n"
        kept.append(between + line)
    return "".join(kept)


def _is_item(line: str) -> bool:
    return re.match(r"- |\d+\. ", line) is not None


def _pressable(message: Message) -> str:
    elements = [e for block in message.blocks for e in block.get("elements", ())]
    return " ".join(f"`{(e.get('text') or e['placeholder'])['text']}`" for e in elements)


def _all(union: Any) -> Iterator[Any]:  # noqa: ANN401 # a union is of any type
    for kind in get_args(union):
        if kind is not SayInRoom:
            yield from _samples(kind)


def _samples(kind: type[Struct]) -> Iterator[Any]:
    hints = get_type_hints(kind)
    fields = [_values(field, hints[field]) for field in kind.__struct_fields__]
    for values in product(*fields):
        yield kind(**dict(zip(kind.__struct_fields__, values, strict=True)))


def _values(field: str, hint: Any) -> list[Any]:  # noqa: ANN401 # a type hint is of any type
    some = [None] if NoneType in get_args(hint) else []
    if hint is bool or bool in get_args(hint):
        return [True, False, *some]
    for each in (hint, *get_args(hint)):
        if isinstance(each, type) and issubclass(each, Enum):
            return [*each, *some]
    return [_NAMED[field], *some]


def _board() -> Board:
    story = Story(stations=(EAST,))
    story.says(ALAN, "add")
    story.says(ADA, "add")
    story.says(GRACE, "add")
    story.says(GRACE, "suspend 45")
    return board(story.site)


_PORT = name(EAST)
_SOON: datetime = NINE + timedelta(minutes=10)
_NAMED: dict[str, Any] = {
    "most": 10,
    "about": GRACE,
    "admin": HEDY,
    "asked": 1,
    "asker": ADA,
    "at": NINE,
    "board": _board(),
    "by": HEDY,
    "called": GRACE,
    "claimant": ADA,
    "deadline": _SOON,
    "dispute": 1,
    "driver": ADA,
    "freed": (_PORT,),
    "hours": 12,
    "minutes": 15,
    "offer": 1,
    "owner": GRACE,
    "plugged_in": (ADA,),
    "port": _PORT,
    "ports": (_PORT, "HQ GARAGE / WEST 1"),
    "position": 2,
    "resumes": NINE + timedelta(minutes=30),
    "session": 1,
    "since": NINE - timedelta(hours=3),
    "suggestion": "remove",
    "suspended": 1,
    "taken": "HQ GARAGE / WEST 1",
    "until": NINE + timedelta(hours=7),
    "user": "171131",
    "words": "remvoe",
}


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 # for a file
