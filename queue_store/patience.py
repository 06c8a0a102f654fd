"""How long to wait for an engine that is elsewhere."""

from msgspec import Struct


class Patience(Struct, frozen=True, kw_only=True):
    """How many seconds to wait: for a connection, for an answer, and with new attempts.

    `whole` is how many in all, from the question on, whatever it is that hangs.
    """

    connection: float
    answer: float
    attempts: float
    whole: float | None = None


# A person waits for three seconds, of which Slack and the way to it take some; told that the store
# does not answer they are told more than that it wasn't heard of in time.
PERSONS = Patience(connection=0.8, answer=1.0, attempts=1.2, whole=2.3)

# Whoever types a command waits until it is done.
ADMINISTRATORS = Patience(connection=3, answer=20, attempts=60)


def within(seconds: float) -> Patience:
    """Be done in this time, the last attempt included."""
    return Patience(connection=seconds / 4, answer=seconds / 3, attempts=seconds / 4, whole=seconds)
