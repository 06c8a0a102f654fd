"""What may be printed: one line, no secrets, and of a URL only its host.

Logs and traces are shown around. Facts and messages of errors come from outside: a line break
could forge a line, and a URL may carry a token in any of its parts.
"""

import base64
import html
import json
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from urllib.parse import quote

HIDDEN = "…"

Redact = Callable[[str], str]

_SENSITIVE = r"(?:passw(?:or)?d|secret|token|authorization|api_?key|signature|response_?url)"
_SENSITIVE_NAME = re.compile(_SENSITIVE, re.IGNORECASE)
_RULES = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # A URL's user, and then its path and query.
        (r"\b([a-z][a-z0-9+.-]{0,20}://)[^\s/?#@]{0,500}@", r"\1"),
        (r"\b([a-z][a-z0-9+.-]{0,20}://[^\s/?#\"'<>]*)[/?#][^\s\"'<>]+", r"\1/…"),
        # Slack's tokens.
        (r"\b(?:xoxe\.)?(?:xox[a-z]|xapp)-[\w.-]+", HIDDEN),
        # What HTTP sends to log in.
        (r"\b(bearer|basic)\s+[\w.~+/=-]+", rf"\1 {HIDDEN}"),
        # An element of XML, such as WS-Security's Password.
        (rf"(<[^<>]{{0,80}}{_SENSITIVE}[^<>]{{0,200}}>)[^<]+", rf"\1{HIDDEN}"),
        # A named value in JSON, a form or a value's printed form.
        (rf"({_SENSITIVE}[\"']?\s?[=:]\s?)(?:\"[^\"]*\"|'[^']*'|[^\s,;&}}]+)", rf"\1{HIDDEN}"),
    )
)
# Shorter ones would be found inside of ordinary words.
_SHORTEST = 6


def redacted(text: str) -> str:
    """Answer the text without what looks like a secret."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def hiding(secrets: Iterable[str]) -> Redact:
    """Answer how to redact where these very secrets are in use, whatever they look like."""
    forms = {form for each in secrets if len(each) >= _SHORTEST for form in _forms(each)}
    known = sorted(forms, key=len, reverse=True)
    if not known:
        return redacted
    exact = re.compile("|".join(map(re.escape, known)))
    return lambda text: redacted(exact.sub(HIDDEN, text))


def _forms(secret: str) -> set[str]:
    """Answer what a secret looks like in JSON, XML, a URL, or as Python shows it."""
    return {
        secret,
        html.escape(secret),
        html.escape(secret, quote=False),
        quote(secret),
        quote(secret, safe=""),
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        base64.b64encode(secret.encode()).decode(),
    }


# The same few names come with every line and every span.
@lru_cache(maxsize=1024)
def names_secret(name: str) -> bool:
    """Whether a fact of this name is likely to be a secret."""
    return _SENSITIVE_NAME.search(name) is not None


def one_line(text: str) -> str:
    """Answer the text with everything escaped that would not show as itself on one line."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
