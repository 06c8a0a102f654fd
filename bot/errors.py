"""The bot's error family.

BotError
└── SlackError                what Slack did or said
    ├── SlackUnavailable      may pass by itself; `retry_after` is Slack's own wish in seconds,
    │                         `obeyed` whether it may have done all the same what it was asked
    ├── SlackMisconfigured    an administrator has to mend a token, a scope or a membership
    └── SlackRefused          this very call will never be taken
"""


class BotError(Exception):
    """Something that the outside world did to the bot."""


class SlackError(BotError):
    """What Slack did or said; `reason` is Slack's own word for it, or why it said nothing."""

    obeyed = False

    def __init__(self, method: str, reason: str) -> None:
        super().__init__(f"{method}: {reason}")
        self.method = method
        self.reason = reason


class SlackUnavailable(SlackError):
    """Slack can't be reached, is in trouble, or asks us to slow down."""

    def __init__(
        self, method: str, reason: str, *, retry_after: float | None = None, obeyed: bool = True
    ) -> None:
        super().__init__(method, reason)
        self.retry_after = retry_after
        self.obeyed = obeyed


class SlackMisconfigured(SlackError):
    """Nothing will go through until an administrator mends the app or its membership."""


class SlackRefused(SlackError):
    """Slack will never take this call; others may go through."""
