"""Short-lived permissions: trigger IDs, and response URLs with their five uses in 30 minutes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from secrets import token_hex

from msgspec import Struct
from msgspec.structs import replace

from playground.slack.errors import ApiError

RESPONSE_USES = 5
RESPONSE_LIVES = timedelta(minutes=30)


class ResponseUrl(Struct, frozen=True, kw_only=True):
    """Where the bot may answer one request of one person; `source` is the message pressed on."""

    token: str
    user: str
    channel: str
    expires: datetime
    source: str | None = None
    prompt: str | None = None
    uses: int = 0


class Triggers:
    """Trigger IDs that may open a view, each once and not for long."""

    def __init__(self, lives: timedelta, clock: Callable[[], datetime]) -> None:
        self._lives = lives
        self._clock = clock
        self._number = count(1)
        self._expires: dict[str, datetime] = {}

    def issue(self) -> str:
        """Answer a new trigger ID."""
        trigger = f"{next(self._number)}.5550001.{token_hex(16)}"
        self._expires[trigger] = self._clock() + self._lives
        return trigger

    def redeem(self, trigger: str) -> None:
        """Use a trigger ID up."""
        if trigger not in self._expires:
            raise ApiError("invalid_trigger_id")
        if self._expires.pop(trigger) < self._clock():
            raise ApiError("expired_trigger_id")


class ResponseUrls:
    """The response URLs that were handed out."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._known: dict[str, ResponseUrl] = {}

    def issue(
        self, user: str, channel: str, *, source: str | None = None, prompt: str | None = None
    ) -> ResponseUrl:
        """Answer a new response URL."""
        url = ResponseUrl(
            token=token_hex(16),
            user=user,
            channel=channel,
            expires=self._clock() + RESPONSE_LIVES,
            source=source,
            prompt=prompt,
        )
        self._known[url.token] = url
        return url

    def use(self, token: str) -> ResponseUrl:
        """Use a response URL once."""
        url = self._known.get(token)
        if url is None:
            raise ApiError("invalid_url")
        if url.expires < self._clock():
            raise ApiError("expired_url")
        if url.uses >= RESPONSE_USES:
            raise ApiError("used_url")
        self._known[token] = replace(url, uses=url.uses + 1)
        return url
