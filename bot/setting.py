"""One setting: an environment variable, what it means, and what stands in for it.

A secret has no printable form, and no text is ever repeated in a complaint: a token that was put
into the wrong variable would be printed.
"""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from msgspec import Struct

_T = TypeVar("_T")


class Unfit(Exception):
    """A text won't do; says what it must be, and never what it is."""


class Problem(Exception):
    """What is wrong with a setting, for an administrator to read."""


class Secret:
    """A value that is never shown; whoever must have it asks for it by name."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Answer the value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class Setting(Struct, Generic[_T], frozen=True, kw_only=True):
    """One environment variable.

    `default` is the text that stands in for a missing one, or what the documentation calls that;
    `when_missing` answers the value then. An `empty_counts` setting that is set to nothing
    differs from one that is not set.
    """

    name: str
    meaning: str
    example: str
    default: str
    parse: Callable[[str], _T]
    when_missing: Callable[[], _T]
    empty_counts: bool = False

    def read(self, environment: Mapping[str, str]) -> _T:
        """Answer the value.

        Raises:
            Problem: it is missing or wrong.
        """
        text = environment.get(self.name, "").strip()
        missing = not text and not (self.empty_counts and self.name in environment)
        try:
            return self.when_missing() if missing else self.parse(text)
        except Unfit as unfit:
            # The cause stays out: what it quotes may be a secret.
            raise self.problem(str(unfit)) from None

    def problem(self, words: str) -> Problem:
        """Answer what is wrong, and what would be right."""
        return Problem(f"{self.name} {words}, for example {self.name}={self.example}")


def required(name: str, parse: Callable[[str], _T], meaning: str, *, example: str) -> Setting[_T]:
    """Declare a setting without which the bot can't start."""

    def refuse() -> _T:
        raise Unfit(f"is missing: {meaning}")

    return Setting(
        name=name,
        meaning=meaning,
        example=example,
        default="required",
        parse=parse,
        when_missing=refuse,
    )


def optional(
    name: str, parse: Callable[[str], _T], meaning: str, *, example: str, default: str = "none"
) -> Setting[_T | None]:
    """Declare a setting that may be left out; the default is told, not read."""
    return Setting(
        name=name,
        meaning=meaning,
        example=example,
        default=default,
        parse=parse,
        when_missing=lambda: None,
    )


def defaulted(
    name: str, parse: Callable[[str], _T], meaning: str, *, default: str, empty_counts: bool = False
) -> Setting[_T]:
    """Declare a setting that has a value in any case."""
    return Setting(
        name=name,
        meaning=meaning,
        example=default,
        default=default,
        parse=parse,
        when_missing=lambda: parse(default),
        empty_counts=empty_counts,
    )
