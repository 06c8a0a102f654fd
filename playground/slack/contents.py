"""What a bot wants to say, checked as strictly as Slack checks it."""

import json
from typing import Any

from playground.slack import blocks as kit
from playground.slack.arguments import Arguments
from playground.slack.errors import ApiError
from playground.slack.workspace import Content

Json = dict[str, Any]
_TEXT = 40_000
_METADATA = 16_000


def content_of(given: Arguments) -> Content:
    """Answer what the arguments say, or refuse it with Slack's own code."""
    content = Content(text=_text(given), blocks=_blocks(given, "blocks"), metadata=_metadata(given))
    if not content.text and not content.blocks:
        raise ApiError("no_text")
    return content


def edited_content(given: Arguments, before: Content) -> Content:
    """Answer what the message shall say now.

    A text alone takes old blocks away; metadata stays unless it is given anew, and goes if it is
    given empty.
    """
    metadata = _metadata(given) if "metadata" in given else before.metadata
    content = Content(text=_text(given), blocks=_blocks(given, "blocks"), metadata=metadata)
    if not content.text and not content.blocks:
        raise ApiError("no_text")
    return content


def view_of(given: Arguments, *kinds: str) -> Json:
    """Answer the Home tab or modal in the arguments, or refuse it."""
    view = given.structure("view", "invalid_arguments")
    if not isinstance(view, dict) or view.get("type") not in kinds:
        raise ApiError("invalid_arguments", "[ERROR] unsupported type [json-pointer:/view/type]")
    if problems := kit.view_problems(view):
        raise ApiError("invalid_arguments", *problems)
    return view


def _text(given: Arguments) -> str:
    text = given.text("text", "")
    if len(text) > _TEXT:
        raise ApiError("msg_too_long")
    return text


def _blocks(given: Arguments, name: str) -> tuple[Json, ...]:
    blocks = given.structure(name, "invalid_blocks_format")
    if blocks is None:
        return ()
    if not isinstance(blocks, list):
        raise ApiError("invalid_blocks_format")
    if problems := kit.message_problems(blocks):
        raise ApiError("invalid_blocks", *problems)
    if kit.too_long(blocks):
        raise ApiError("msg_blocks_too_long")
    return tuple(blocks)


def _metadata(given: Arguments) -> Json | None:
    metadata = given.structure("metadata", "invalid_metadata_format")
    match metadata:
        case None | {} if not metadata:
            return None
        case {"event_type": str(kind), "event_payload": dict(), **rest} if kind and not rest:
            if len(json.dumps(metadata)) > _METADATA:
                raise ApiError("metadata_too_large")
            return dict(metadata)
        case _:
            raise ApiError("invalid_metadata_format")
