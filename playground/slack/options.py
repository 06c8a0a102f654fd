"""How a simulated workspace is set up: its tokens, what the bot may do, how patient Slack is."""

from datetime import timedelta
from secrets import token_hex

from msgspec import Struct, field

from playground.slack.faults import Pace
from playground.slack.workspace import APP

SCOPES = frozenset(
    {
        "app_mentions:read",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "groups:history",
        "im:history",
        "im:read",
        "im:write",
        "reactions:write",
        "team:read",
        "users:read",
    }
)


def _bot_token() -> str:
    return f"xoxb-{token_hex(12)}"


def _app_token() -> str:
    return f"xapp-1-{APP}-1-{token_hex(12)}"


def _signing_secret() -> str:
    return token_hex(16)


class Options(Struct, frozen=True, kw_only=True):
    """The set-up of one workspace.

    Tokens and secret are made afresh for each. `deadline` is how long the bot has to answer, and
    `retry_delays` how long Slack waits before each redelivery of an event; both in seconds.
    `pace` limits messages in one conversation, unlimited by default. `copies` delivers each event
    more than once, as Slack sometimes does.
    """

    socket_mode: bool = False
    bot_token: str = field(default_factory=_bot_token)
    app_token: str = field(default_factory=_app_token)
    signing_secret: str = field(default_factory=_signing_secret)
    scopes: frozenset[str] = SCOPES
    app_scopes: frozenset[str] = frozenset({"connections:write"})
    deadline: float = 3.0
    retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0)
    pace: Pace | None = None
    copies: int = 1
    trigger_lives: timedelta = timedelta(seconds=3)
