"""A message as the page shows it: plain text runs, buttons and menus, and no markup at all."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from playground.slack.emoji import emoji_named, with_emoji
from playground.slack.mrkdwn import Span, spans
from playground.slack.workspace import BOT_NAME, BOT_USER, Message

Json = dict[str, Any]
Names = Mapping[str, str]
_PICKERS = {"timepicker": "time", "datepicker": "date"}


def shown(said: Message, names: Names) -> Json:
    """Answer everything that the page needs to show a message."""
    return {
        "ts": said.ts,
        "user": said.user,
        "author": names.get(said.user, "Slackbot"),
        "bot": said.user == BOT_USER,
        "private": said.only is not None,
        "edited": said.edited is not None,
        "prompt": f"{names.get(said.asker, '')} used {said.prompt}"
        if said.asker and said.prompt
        else None,
        "parts": list(parts(said.blocks, names)) or [_words(said.text, names)],
        "reactions": [emoji_named(name) for _, name in said.reactions],
    }


def parts(blocks: tuple[Json, ...], names: Names) -> Iterator[Json]:
    """Answer the blocks as parts that a page can lay out without knowing Block Kit."""
    for block in blocks:
        yield from _part(block, names)


def names_of(people: Mapping[str, str]) -> dict[str, str]:
    """Answer everybody's name, the bot's included."""
    return {**people, BOT_USER: BOT_NAME}


def _part(block: Json, names: Names) -> Iterator[Json]:
    match block:
        case {"type": "section"}:
            yield from _section(block, names)
        case {"type": "header", "text": text}:
            yield {"kind": "header", "spans": _spans(text, names)}
        case {"type": "context", "elements": elements}:
            yield {"kind": "context", "items": [_spans(each, names) for each in elements]}
        case {"type": "actions", "elements": elements}:
            yield {"kind": "actions", "elements": _elements(elements, block, names)}
        case {"type": "input", "label": label, "element": element}:
            yield {"kind": "text", "spans": _spans(label, names)}
            yield {"kind": "actions", "elements": _elements([element], block, names)}
        case {"type": "divider"}:
            yield {"kind": "divider"}
        case {"type": "markdown", "text": text}:
            yield _words(text, names)
        case {"type": "rich_text", "elements": elements}:
            yield from ({"kind": "text", "spans": _rich(each, names)} for each in elements)
        case {"type": "table", "rows": rows}:
            yield {"kind": "table", "rows": [[_rich(c, names) for c in r] for r in rows]}
        case _:
            yield _words(str(block.get("alt_text", "")), names)


def _section(block: Json, names: Names) -> Iterator[Json]:
    if "text" in block:
        yield {"kind": "text", "spans": _spans(block["text"], names)}
    if "fields" in block:
        yield {"kind": "fields", "items": [_spans(each, names) for each in block["fields"]]}
    if block.get("accessory", {}).get("type", "image") != "image":
        yield {"kind": "actions", "elements": _elements([block["accessory"]], block, names)}


def _words(text: str, names: Names) -> Json:
    return {"kind": "text", "spans": _told(spans(text), names)}


def _spans(text: Json, names: Names) -> list[Json]:
    match text:
        case {"type": "mrkdwn", "text": str(words)}:
            return _told(spans(words), names)
        case {"type": "plain_text", "text": str(words)}:
            return [{"text": with_emoji(words)}]
        case _:
            return [{"text": str(text.get("alt_text", ""))}]


def _told(runs: Iterator[Span], names: Names) -> list[Json]:
    return [_named(msgspec.to_builtins(run), names) for run in runs]


def _named(run: Json, names: Names) -> Json:
    if "mention" not in run:
        return run
    return {**run, "text": f"@{names.get(run['mention'], run['text'].removeprefix('@'))}"}


def _rich(element: Json, names: Names) -> list[Json]:
    """Flatten an element of rich text into runs; a list's items each get their own line."""
    match element:
        case {"type": "raw_text", "text": str(text)}:
            return [{"text": text}]
        case {"type": "rich_text", "elements": parts}:
            return [run for part in parts for run in _rich(part, names)]
        case {"type": "rich_text_list", "elements": items}:
            ordered = element["style"] == "ordered"
            lines = [
                _line(place if ordered else None, item, names)
                for place, item in enumerate(items, 1)
            ]
            return [run for line in lines for run in line]
        case _:
            return [_run(each, names) for each in element["elements"]]


def _line(number: int | None, item: Json, names: Names) -> list[Json]:
    sign = "• " if number is None else f"{number}. "
    return [{"text": sign}, *_rich(item, names), {"text": "\n"}]


def _run(element: Json, names: Names) -> Json:
    marks = [mark for mark, on in element.get("style", {}).items() if on]
    match element:
        case {"type": "user", "user_id": str(user)}:
            return {"text": f"@{names.get(user, user)}", "mention": user, "marks": marks}
        case {"type": "emoji", "name": str(name)}:
            return {"text": emoji_named(name)}
        case {"type": "link", "url": str(url)}:
            return {"text": element.get("text", url), "url": url, "marks": marks}
        case {"type": "date", "timestamp": int(unix), "format": str(form)}:
            return {"text": element.get("fallback", ""), "date": form, "unix": unix}
        case {"type": "broadcast", "range": str(whom)}:
            return {"text": f"@{whom}", "to_all": True}
        case _:
            return {"text": str(element.get("text", "")), "marks": marks}


def _elements(elements: list[Json], block: Json, names: Names) -> list[Json]:
    return [_element(each, block["block_id"], names) for each in elements]


def _element(element: Json, block: str, names: Names) -> Json:
    common = {
        "action": element.get("action_id", ""),
        "block": block,
        "confirm": _confirm(element.get("confirm"), names),
    }
    if element["type"] == "button":
        return {
            **common,
            "kind": "button",
            "label": with_emoji(element["text"]["text"]),
            "style": element.get("style", ""),
            "value": element.get("value"),
        }
    label = element.get("placeholder", {}).get("text", "Choose …")
    if element["type"] in _PICKERS:
        kind = _PICKERS[element["type"]]
        return {**common, "kind": kind, "label": label, "initial": element.get(f"initial_{kind}")}
    options = [_choice(option) for option in element.get("options", ())]
    return {**common, "kind": "menu", "label": label, "options": options}


def _choice(option: Json) -> Json:
    return {"label": with_emoji(option["text"]["text"]), "value": option["value"]}


def _confirm(confirm: Json | None, names: Names) -> Json | None:
    if confirm is None:
        return None
    return {
        "title": confirm["title"]["text"],
        "spans": _spans(confirm["text"], names),
        "yes": confirm["confirm"]["text"],
        "no": confirm["deny"]["text"],
        "danger": confirm.get("style") == "danger",
    }
