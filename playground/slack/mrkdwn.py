"""Slack's message markup: what a person types, what it becomes on the wire, how it is shown.

Text on the wire has `&`, `<` and `>` escaped; what stands in angle brackets is Slack's own.
Spans are flat and carry plain text only, so that whoever shows them needs no markup of theirs.
"""

import re
from collections.abc import Iterable, Iterator
from html import unescape

from msgspec import Struct

from playground.people import Person
from playground.slack.emoji import with_emoji

_MARKS = {"*": "bold", "_": "italic", "~": "strike"}
_ALL = frozenset({"channel", "here", "everyone"})
_MARKUP = re.compile(
    r"```(?P<pre>.{1,8000}?)```"
    r"|`(?P<code>[^`\n]{1,1000})`"
    r"|<(?P<entity>[^<>\n]{1,3100})>"
    r"|(?<![\w*_~])(?P<mark>[*_~])(?=\S)(?P<marked>[^\n]{1,600}?)(?<=\S)(?P=mark)(?!\w)",
    re.DOTALL,
)
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")
_TO_ALL = re.compile(r"<!(?:channel|here|everyone)(?:\|[^<>]*)?>")


class Span(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run of text that looks the same throughout.

    `mention` is a user ID, `url` a link's target, `date` Slack's date format with `unix` its
    time, which only the reader's own clock can spell; `text` is then the fallback.
    """

    text: str
    marks: tuple[str, ...] = ()
    mention: str | None = None
    to_all: bool = False
    url: str | None = None
    date: str | None = None
    unix: int | None = None


def spans(text: str, marks: tuple[str, ...] = ()) -> Iterator[Span]:
    """Take wire text apart into runs that look the same."""
    shown = 0
    for found in _MARKUP.finditer(text):
        yield from _plain(text[shown : found.start()], marks)
        yield from _marked_up(found, marks)
        shown = found.end()
    yield from _plain(text[shown:], marks)


def mentioned(text: str) -> tuple[str, ...]:
    """Answer the user IDs that the text mentions, each once."""
    return tuple(dict.fromkeys(_MENTION.findall(text)))


def pings_all(text: str) -> bool:
    """Whether the text would wake the whole room."""
    return _TO_ALL.search(text) is not None


def escaped(text: str) -> str:
    """Escape what Slack reserves."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def typed(text: str, people: Iterable[Person], *, labels: bool) -> str:
    """Answer what Slack sends for text typed by a person: escaped, with mentions as IDs.

    With `labels` a mention is `<@U0ADA|ada>`, as slash commands have it.
    """
    wire = escaped(text)
    for name, person in _names(people):
        label = f"|{handle(person)}" if labels else ""
        pattern = rf"(?<![\w<|])@{re.escape(name)}\b"
        wire = re.sub(pattern, f"<@{person.slack_id}{label}>", wire, flags=re.IGNORECASE)
    return wire


def handle(person: Person) -> str:
    """Answer the short name that Slack derives for a person."""
    return person.name.split()[0].lower()


def _names(people: Iterable[Person]) -> list[tuple[str, Person]]:
    """Every name that somebody may be called by, longest first."""
    names = [(each, person) for person in people for each in (person.name, handle(person))]
    return sorted(names, key=lambda named: -len(named[0]))


def _plain(text: str, marks: tuple[str, ...]) -> Iterator[Span]:
    if text:
        yield Span(text=with_emoji(unescape_wire(text)), marks=marks)


def unescape_wire(text: str) -> str:
    """Undo the three escapes of the wire, and only these."""
    return re.sub(r"&(?:amp|lt|gt);", lambda found: unescape(found.group()), text)


def _marked_up(found: re.Match[str], marks: tuple[str, ...]) -> Iterator[Span]:
    if code := found["pre"] or found["code"]:
        kind = "pre" if found["pre"] else "code"
        yield Span(text=unescape_wire(code.strip("\n")), marks=(*marks, kind))
    elif entity := found["entity"]:
        yield _entity(entity, marks)
    else:
        yield from spans(found["marked"], (*marks, _MARKS[found["mark"]]))


def _entity(entity: str, marks: tuple[str, ...]) -> Span:
    target, _, label = (unescape_wire(part) for part in entity.partition("|"))
    if target.startswith("@"):
        return Span(text=label or target, marks=marks, mention=target[1:])
    if target.startswith("!date^"):
        return _date(target, label, marks)
    if target.startswith("!"):
        return Span(text=f"@{target[1:]}", marks=marks, to_all=target[1:] in _ALL)
    if target.startswith("#"):
        return Span(text=f"#{label or target[1:]}", marks=marks)
    if target.startswith(("https://", "http://", "mailto:")):
        return Span(text=label or target, marks=marks, url=target)
    return Span(text=f"<{target}>", marks=marks)


def _date(target: str, fallback: str, marks: tuple[str, ...]) -> Span:
    _, unix, form = (*target.split("^", 3), "", "")[:3]
    if not re.fullmatch(r"\d{1,11}", unix) or not form:
        return Span(text=fallback or target, marks=marks)
    return Span(text=fallback, marks=marks, date=form, unix=int(unix))
