"""What a check found: how a part is, what was seen and what to do about it, on one line."""

from collections.abc import Awaitable, Callable
from enum import Enum

from msgspec import Struct

from bot.redaction import Redact, one_line

PART_WIDTH = 12


class Mark(Enum):
    """How a part is: well, well enough to go on, or not well."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


class Finding(Struct, frozen=True, kw_only=True):
    """How a part is; unless it is well, also what to do about it.

    What was `seen` may quote others; a `remedy` is in our own words.
    """

    mark: Mark
    seen: str
    remedy: str = ""

    def about(self, part: str, *, redact: Redact) -> str:
        """Answer the line that an administrator reads."""
        seen = redact(self.seen)
        told = f"{seen.rstrip('.')}. {self.remedy}" if self.remedy else seen
        return one_line(f"{self.mark.value:4}  {part:{PART_WIDTH}}  {told}")


class Check(Struct, frozen=True):
    """One look at one part. Where the part that it `needs` failed, it is not worth the try."""

    part: str
    look: Callable[[], Awaitable[Finding]]
    needs: str | None = None


def ok(seen: str) -> Finding:
    """Say that a part is well."""
    return Finding(mark=Mark.OK, seen=seen)


def warn(seen: str, remedy: str) -> Finding:
    """Say what an administrator should know, though the bot does its work."""
    return Finding(mark=Mark.WARN, seen=seen, remedy=remedy)


def fail(seen: str, remedy: str) -> Finding:
    """Say what keeps the bot from its work."""
    return Finding(mark=Mark.FAIL, seen=seen, remedy=remedy)


def told(part: str, finding: Finding) -> Check:
    """Make a check of what is known already."""

    async def look() -> Finding:
        return finding

    return Check(part, look)
