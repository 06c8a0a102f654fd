"""What can go wrong in the simulated workspace.

SimulatedSlackError        something about the simulated workspace
├── ApiError               the Web API refuses a call, with the code that Slack gives
├── NotThere               a person, conversation, message or button that does not exist
├── UnreadableChat         the stored chat is damaged or of another version
└── DeliveryFailed         the bot did not take a delivery
    ├── Unreachable        nobody took the connection
    ├── TooLate            no answer within the deadline
    └── Rejected           an answer that is no success
"""


class SimulatedSlackError(Exception):
    """Something about the simulated workspace."""


class ApiError(SimulatedSlackError):
    """The Web API refuses; `error` is Slack's code, `messages` explain it."""

    def __init__(self, error: str, *messages: str) -> None:
        super().__init__(error, *messages)
        self.error = error
        self.messages = messages


class NotThere(SimulatedSlackError):
    """Nobody and nothing goes by that name."""


class UnreadableChat(SimulatedSlackError):
    """The stored chat can't be read."""


class DeliveryFailed(SimulatedSlackError):
    """The bot did not take a delivery.

    `shown` is what the person reads, `reason` what a redelivery says about it.
    """

    shown = "dispatch_failed"
    reason = "unknown_error"
    final = False


class Unreachable(DeliveryFailed):
    """Nobody took the connection."""

    reason = "connection_failed"


class TooLate(DeliveryFailed):
    """The bot let the deadline pass."""

    shown = "operation_timeout"
    reason = "http_timeout"


class Rejected(DeliveryFailed):
    """The bot answered, but not with a success; `final` asks for no redelivery."""

    reason = "http_error"

    def __init__(self, status: int, *, final: bool = False) -> None:
        super().__init__(f"HTTP {status}")
        self.shown = "http_client_error" if status < 500 else "http_service_error"  # noqa: PLR2004 - HTTP's own line between the caller's fault and the server's
        self.final = final
