"""Whether the event stream still tells what happens.

ChargePoint does not say how long it keeps a feed. A session that brought no event, though the
readings showed changes, was deaf; after two of them in a row the feed counts as lapsed.
"""

DEAF_SESSIONS = 2


class Hearing:
    """What one session after another let us hear, and what the readings showed meanwhile."""

    def __init__(self) -> None:
        self._events = 0
        self._changes = 0
        self._deaf = 0

    def heard(self) -> None:
        """Count an event of the stream."""
        self._events += 1

    def missed(self) -> None:
        """Count a reading that showed what the stream had not told."""
        self._changes += 1

    def session_ended(self) -> bool:
        """Begin to count anew, and tell whether the feed has lapsed."""
        was_deaf = self._changes > 0 and self._events == 0
        self._deaf = self._deaf + 1 if was_deaf else 0
        self._events = self._changes = 0
        if self._deaf < DEAF_SESSIONS:
            return False
        self._deaf = 0
        return True

    def session_began(self) -> None:
        """Leave out what happened before anybody listened."""
        self._changes = 0
