"""How fast each conversation may be spoken to, and which one has to wait, and why.

Slack takes about one message a second in a conversation, a few at once now and then, and says how
long to wait where that was too fast. One conversation's trouble holds up no other one.
"""

from msgspec import Struct

from bot.errors import SlackError, SlackUnavailable
from bot.patience import Patience

BURST = 3
LONGEST_PAUSE_SECONDS = 30.0


class _Trouble(Struct, frozen=True):
    """How often in a row a conversation could not be spoken to, why, and until when it rests."""

    failures: int
    error: SlackError
    until: float


class Pace:
    """When each conversation may be spoken to next; every moment is a monotonic one, in seconds."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._busy: dict[str, float] = {}
        self._troubles: dict[str, _Trouble] = {}

    @property
    def problem(self) -> SlackError | None:
        """Why a conversation can't be spoken to, the first one's, or None."""
        return next((trouble.error for trouble in self._troubles.values()), None)

    def wait(self, conversation: str, *, now: float) -> float:
        """Answer for how many seconds to leave the conversation alone."""
        trouble = self._troubles.get(conversation)
        rest = trouble.until - now if trouble else 0.0
        crowd = self._busy.get(conversation, now) - now - self._patience.pace * (BURST - 1)
        return max(0.0, rest, crowd)

    def is_troubled(self, conversation: str) -> bool:
        """Whether it could not be spoken to the last time."""
        return conversation in self._troubles

    def spoke(self, conversation: str, *, now: float) -> None:
        """Note that it took a message."""
        self._troubles.pop(conversation, None)
        busy = {name: until for name, until in self._busy.items() if until > now}
        self._busy = {**busy, conversation: busy.get(conversation, now) + self._patience.pace}

    def failed(self, conversation: str, error: SlackError, *, now: float) -> int:
        """Note that it took none, for whatever may pass; answer how often in a row."""
        before = self._troubles.get(conversation)
        failures = before.failures + 1 if before else 1
        pause = self._patience.retry(failures, most=LONGEST_PAUSE_SECONDS)
        if isinstance(error, SlackUnavailable) and error.retry_after is not None:
            pause = error.retry_after
        self._troubles[conversation] = _Trouble(failures, error, now + pause)
        return failures

    def keep_only(self, conversations: set[str]) -> None:
        """Forget the troubles of conversations to which nothing is left to say."""
        self._troubles = {c: t for c, t in self._troubles.items() if c in conversations}
