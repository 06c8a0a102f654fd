"""The protections, each with the patch that removes it and the tests that have to notice.

A patch is a text that stands exactly once in its file and what is put in its place, so that it
survives what changes around it and can't silently stop to apply.
"""

from pathlib import Path

import msgspec
from msgspec import Struct

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("protections.toml")


class Protection(Struct, frozen=True, kw_only=True):
    """A promise, how it is broken, and who has to notice; `tests` are pytest's arguments."""

    promise: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def removed_from(self, text: str) -> str:
        """Answer the file's text without the protection.

        Raises:
            ValueError: what is to be replaced is not there exactly once.
        """
        if text.count(self.old) != 1:
            times = text.count(self.old)
            raise ValueError(f"{self.promise}: stands {times} times in {self.file}, not once")
        return text.replace(self.old, self.new)


class _List(Struct, frozen=True, forbid_unknown_fields=True):
    protection: tuple[Protection, ...]


def protections() -> tuple[Protection, ...]:
    """Answer all of them, in the order of the list."""
    return msgspec.toml.decode(LIST.read_bytes(), type=_List).protection
