"""How long the bot waits for others before it gives up, asks again or says so."""

from msgspec import Struct


class Patience(Struct, frozen=True, kw_only=True):
    """Every wait in seconds; a test has less of it than an office."""

    # Slack gives up after three seconds; half a second is for the way.
    answer: float = 2.5

    # Nobody should wait longer for an answer because of the names in it.
    names: float = 1.0
    call: float = 10.0

    # What other instances committed is looked for this often.
    outbox: float = 1.0

    # Slack takes about one message a second in a conversation.
    pace: float = 1.1
    store: float = 5.0

    # At a start the stream's own first reading comes first, unless the stream can't be had.
    stream: float = 2.0

    # What is due after a start is decided on fresh readings, if there are any to be had.
    reading: float = 20.0

    # Public clients ask for the status no more often than this.
    looks: float = 60.0

    # Slack's library tries a lost socket again this often.
    socket: float = 10.0
    first_retry: float = 1.0

    # A stop must be over within ten seconds: requests under way, what they began, what that says.
    requests: float = 2.5
    finish: float = 1.0
    flush: float = 2.0

    def retry(self, failures: int, *, most: float) -> float:
        """Answer the pause after so many failures in a row; it doubles up to `most`."""
        return min(most, self.first_retry * 2.0 ** min(failures - 1, 10))
