"""Text from outside, made harmless in Slack's mark-up; and back, when somebody copies it.

Slack acts on `&`, `<` and `>`, for which it has escapes, and pairs up `*`, `_`, `~` and backticks
at the edges of words, for which it has none: these are shown as signs that look like them.
"""

import re

LONGEST = 80

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SIGNS = {"*": "\u2217", "_": "\u02cd", "~": "\u223c", "`": "\u02cb", ">": "\u203a"}
_LETTER = "[A-Za-z0-9]"
# At the beginning of a line a > makes a quotation of it.
_ACTIVE = re.compile(rf"(?<!{_LETTER})[*_~]|[*_~](?!{_LETTER})|`|^>")
_TYPED = str.maketrans({sign: character for character, sign in _SIGNS.items()})


def harmless(outside: str) -> str:
    """Answer the text on one line, in which nothing mentions, links or lays out anything."""
    printable = "".join(each if each.isprintable() else " " for each in outside)
    plain = " ".join(printable.split())[:LONGEST]
    shown = _ACTIVE.sub(lambda found: _SIGNS[found.group()], plain)
    return "".join(_ESCAPES.get(each, each) for each in shown)


def as_typed(shown: str) -> str:
    """Answer what somebody meant who copied what they were shown."""
    return shown.translate(_TYPED)
