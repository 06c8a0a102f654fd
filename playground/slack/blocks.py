"""Whether Slack would take these blocks: known kinds, known fields, and the limits of each.

A check answers the problems of a value in Slack's own words, each with a JSON pointer.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Json = dict[str, Any]
Check = Callable[[object, str], Iterator[str]]

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
WHOLE_MESSAGE = 13_200
_MARKDOWN = 12_000


def message_problems(blocks: object) -> list[str]:
    """Answer why Slack would refuse these blocks in a message; nothing if it would not."""
    return _problems(blocks, _MESSAGE, MESSAGE_BLOCKS)


def view_problems(view: object) -> list[str]:
    """Answer why Slack would refuse this Home tab or modal."""
    return list(_VIEW(view, "/view")) or [
        *_problems(view["blocks"], _SURFACE, VIEW_BLOCKS)  # type: ignore[index]  # the check above saw it
    ]


def too_long(blocks: object) -> bool:
    """Whether the blocks as a whole pass the size that Slack takes."""
    return len(json.dumps(blocks, ensure_ascii=False)) > WHOLE_MESSAGE


def _problems(blocks: object, block: Check, most: int) -> list[str]:
    found = list(_several(block, most=most, least=0)(blocks, "/blocks"))
    return found or list(_repeated(blocks, "block_id", "/blocks")) or list(_markdown_sum(blocks))


def _error(message: str, where: str) -> str:
    return f"[ERROR] {message} [json-pointer:{where}]"


def _string(most: int, *, least: int = 1) -> Check:
    def check(value: object, where: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield _error("must be a string", where)
        elif len(value) > most:
            yield _error(f"must be less than {most + 1} characters", where)
        elif len(value) < least:
            yield _error(f"must be more than {least - 1} characters", where)

    return check


def _word(*allowed: object) -> Check:
    def check(value: object, where: str) -> Iterator[str]:
        if not any(value is each or value == each for each in allowed):
            yield _error(f"must be a valid enum value: {value!r:.60}", where)

    return check


def _flag(value: object, where: str) -> Iterator[str]:
    if not isinstance(value, bool):
        yield _error("must be a boolean", where)


def _number(value: object, where: str) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield _error("must be a number", where)


def _anything(_value: object, _where: str) -> Iterator[str]:
    yield from ()


def _several(check: Check, *, most: int, least: int = 1) -> Check:
    def checked(value: object, where: str) -> Iterator[str]:
        if not isinstance(value, list | tuple):
            yield _error("must be an array", where)
        elif len(value) > most:
            yield _error(f"no more than {most} items allowed", where)
        elif len(value) < least:
            yield _error(f"no fewer than {least} items allowed", where)
        else:
            for place, item in enumerate(value):
                yield from check(item, f"{where}/{place}")

    return checked


def _shape(
    required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, **also: Check
) -> Check:
    """Take an object with these fields and no others; `also` are further checks of the whole."""
    fields = {**required, **(optional or {})}

    def check(value: object, where: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield _error("must be an object", where)
            return
        for name in required.keys() - value.keys():
            yield _error(f"missing required field: {name}", where)
        for name in value.keys() - fields.keys() - {"type"}:
            yield _error(f"invalid additional property: {name}", where)
        for name in value.keys() & fields.keys():
            yield from fields[name](value[name], f"{where}/{name}")
        for each in also.values():
            yield from each(value, where)

    return check


def _kinds(kinds: Mapping[str, Check]) -> Check:
    """Take an object whose `type` says which check it has to pass."""

    def check(value: object, where: str) -> Iterator[str]:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in kinds:
            yield _error(f"unsupported type: {kind!r:.60}", f"{where}/type")
        else:
            yield from kinds[kind](value, where)

    return check


def _repeated(items: object, name: str, where: str) -> Iterator[str]:
    seen: set[str] = set()
    for place, item in enumerate(items if isinstance(items, list | tuple) else ()):
        named = item.get(name) if isinstance(item, dict) else None
        if not isinstance(named, str):
            continue
        if named in seen:
            yield _error(f"`{name}` {named!r} already exists", f"{where}/{place}/{name}")
        seen.add(named)


def _unique_actions(block: object, where: str) -> Iterator[str]:
    elements = block.get("elements") if isinstance(block, dict) else ()
    yield from _repeated(elements, "action_id", f"{where}/elements")


def _text_or_fields(block: object, where: str) -> Iterator[str]:
    if isinstance(block, dict) and not block.keys() & {"text", "fields"}:
        yield _error("missing required field: text or fields", where)


def _one_source(block: object, where: str) -> Iterator[str]:
    if isinstance(block, dict) and len(block.keys() & {"image_url", "slack_file"}) != 1:
        yield _error("exactly one of image_url and slack_file is required", where)


def _markdown_sum(blocks: object) -> Iterator[str]:
    items = blocks if isinstance(blocks, Iterable) else ()
    texts = [b["text"] for b in items if isinstance(b, dict) and b.get("type") == "markdown"]
    if sum(map(len, texts)) > _MARKDOWN:
        yield _error(f"markdown must be less than {_MARKDOWN + 1} characters in all", "/blocks")


def _plain(most: int) -> Check:
    return _kinds({"plain_text": _shape({"text": _string(most)}, {"emoji": _flag})})


def _text(most: int) -> Check:
    marked = _shape({"text": _string(most)}, {"verbatim": _flag})
    return _kinds({"plain_text": _plain(most), "mrkdwn": marked})


_ID = _string(255)
_STYLE = _word("primary", "danger")
_CONFIRM = _shape(
    {"title": _plain(100), "text": _text(300), "confirm": _plain(30), "deny": _plain(30)},
    {"style": _STYLE},
)
_OPTION = _shape(
    {"text": _text(75), "value": _string(150)}, {"description": _text(75), "url": _string(3000)}
)
_BUTTON = _shape(
    {"text": _plain(75)},
    {
        "action_id": _ID,
        "url": _string(3000),
        "value": _string(2000),
        "style": _STYLE,
        "confirm": _CONFIRM,
        "accessibility_label": _string(75),
    },
)
_OVERFLOW = _shape({"options": _several(_OPTION, most=5)}, {"action_id": _ID, "confirm": _CONFIRM})
_PICKED: Mapping[str, Check] = {
    "action_id": _ID,
    "confirm": _CONFIRM,
    "placeholder": _plain(150),
    "focus_on_load": _flag,
}
_SELECT = _shape(
    {},
    {
        **_PICKED,
        "options": _several(_OPTION, most=100),
        "option_groups": _several(
            _shape({"label": _plain(75), "options": _several(_OPTION, most=100)}), most=100
        ),
        "initial_option": _OPTION,
    },
)
_TIME = _shape({}, {**_PICKED, "initial_time": _string(5, least=5), "timezone": _string(100)})
_DATE = _shape({}, {**_PICKED, "initial_date": _string(10, least=10)})
_USERS = _shape({}, {**_PICKED, "initial_user": _ID})
_INPUT = _shape(
    {},
    {
        **_PICKED,
        "initial_value": _string(3000),
        "multiline": _flag,
        "min_length": _number,
        "max_length": _number,
        "dispatch_action_config": _anything,
    },
)
_CHOICES = _shape(
    {"options": _several(_OPTION, most=10)},
    {
        "action_id": _ID,
        "confirm": _CONFIRM,
        "initial_option": _OPTION,
        "initial_options": _several(_OPTION, most=10),
        "focus_on_load": _flag,
    },
)
_IMAGE_FIELDS: Mapping[str, Check] = {
    "image_url": _string(3000),
    "slack_file": _shape({}, {"id": _ID, "url": _string(3000)}),
}
_IMAGE_ELEMENT = _shape({"alt_text": _string(2000)}, _IMAGE_FIELDS, source=_one_source)
_ACTIONS: Mapping[str, Check] = {
    "button": _BUTTON,
    "checkboxes": _CHOICES,
    "datepicker": _DATE,
    "overflow": _OVERFLOW,
    "radio_buttons": _CHOICES,
    "static_select": _SELECT,
    "timepicker": _TIME,
    "users_select": _USERS,
}

_STYLES = {"style": _shape({}, dict.fromkeys(("bold", "italic", "strike", "code"), _flag))}
_RUN = _kinds(
    {
        "text": _shape({"text": _string(_MARKDOWN)}, _STYLES),
        "user": _shape({"user_id": _ID}, _STYLES),
        "emoji": _shape({"name": _ID}, {"unicode": _ID, **_STYLES}),
        "link": _shape({"url": _string(3000)}, {"text": _string(3000), **_STYLES}),
        "broadcast": _shape({"range": _word("here", "channel", "everyone")}),
        "date": _shape(
            {"timestamp": _number, "format": _ID}, {"url": _string(3000), "fallback": _ID}
        ),
    }
)
_RUNS: Mapping[str, Check] = {"elements": _several(_RUN, most=500)}
_RICH = _kinds(
    {
        "rich_text_section": _shape(_RUNS),
        "rich_text_preformatted": _shape(_RUNS, {"border": _number}),
        "rich_text_quote": _shape(_RUNS, {"border": _number}),
        "rich_text_list": _shape(
            {
                "elements": _several(_kinds({"rich_text_section": _shape(_RUNS)}), most=500),
                "style": _word("bullet", "ordered"),
            },
            {"indent": _number, "offset": _number, "border": _number},
        ),
    }
)
_CELL = _kinds(
    {
        "raw_text": _shape({"text": _string(3000)}),
        "rich_text": _shape({"elements": _several(_RICH, most=500)}),
    }
)


def _block(
    required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, **also: Check
) -> Check:
    return _shape(required, {"block_id": _ID, **(optional or {})}, **also)


_EVERYWHERE: Mapping[str, Check] = {
    "actions": _block({"elements": _several(_kinds(_ACTIONS), most=25)}, unique=_unique_actions),
    "context": _block(
        {
            "elements": _several(
                _kinds({"plain_text": _text(3000), "mrkdwn": _text(3000), "image": _IMAGE_ELEMENT}),
                most=10,
            )
        }
    ),
    "divider": _block({}),
    "header": _block({"text": _plain(150)}),
    "image": _block(
        {"alt_text": _string(2000)}, {"title": _plain(2000), **_IMAGE_FIELDS}, source=_one_source
    ),
    "input": _block(
        {"label": _plain(2000), "element": _kinds({**_ACTIONS, "plain_text_input": _INPUT})},
        {"hint": _plain(2000), "optional": _flag, "dispatch_action": _flag},
    ),
    "rich_text": _block({"elements": _several(_RICH, most=500)}),
    "section": _block(
        {},
        {
            "text": _text(3000),
            "fields": _several(_text(2000), most=10),
            "accessory": _kinds({**_ACTIONS, "image": _IMAGE_ELEMENT}),
            "expand": _flag,
        },
        words=_text_or_fields,
    ),
    "table": _block(
        {"rows": _several(_several(_CELL, most=20), most=100)},
        {"column_settings": _several(_anything, most=20)},
    ),
}
_MESSAGE = _kinds({**_EVERYWHERE, "markdown": _block({"text": _string(_MARKDOWN)})})
_SURFACE = _kinds(_EVERYWHERE)
_VIEW_FIELDS: Mapping[str, Check] = {
    "private_metadata": _string(3000, least=0),
    "callback_id": _string(255, least=0),
    "external_id": _ID,
}
_VIEW = _kinds(
    {
        "home": _shape({"blocks": _anything}, _VIEW_FIELDS),
        "modal": _shape(
            {"blocks": _anything, "title": _plain(24)},
            {
                **_VIEW_FIELDS,
                "submit": _plain(24),
                "close": _plain(24),
                "clear_on_close": _flag,
                "notify_on_close": _flag,
                "submit_disabled": _flag,
            },
        ),
    }
)
