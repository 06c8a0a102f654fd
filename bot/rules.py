"""The numbers by which a site lives; their defaults and settings are in the README."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from bot.quiet import QuietTimes

UTC = ZoneInfo("UTC")


class Rules(Struct, frozen=True, kw_only=True):
    """How long things may take at this site, and when it is left in peace.

    `site` is its name, as people see it. `admins` are those whom we know by name, to be told in
    private what is for admins.
    """

    site: str = "EV Charging"
    offer: timedelta = timedelta(minutes=10)
    accepted_offer: timedelta = timedelta(minutes=15)
    suspension: timedelta = timedelta(minutes=30)
    idle_reminder: timedelta = timedelta(minutes=10)
    charging_limit: timedelta = timedelta(minutes=150)
    nag_repeat: timedelta = timedelta(minutes=30)
    nag_limit: int = 3
    zone: ZoneInfo = UTC
    quiet: QuietTimes = QuietTimes(zone=UTC)
    admins: frozenset[str] = frozenset()

    # A status may overtake the session start that names its driver, so nobody is called a
    # stranger before this has passed.
    introduction: timedelta = timedelta(seconds=20)

    # SOAP lags behind the stream: a port that the stream spoke about is left to it this long.
    stream_prevails: timedelta = timedelta(seconds=90)

    # A port that the others have outlived by this, and data as old as this, are not to be trusted.
    silence: timedelta = timedelta(minutes=15)

    # An offer that was interrupted for this long in all, or prolonged for that, is at its end.
    # However short, each interruption counts as a minute, since its driver hears of it.
    patience: timedelta = timedelta(minutes=10)
    interruption: timedelta = timedelta(minutes=1)

    # What is left at least of an offer that went on after an interruption.
    at_least: timedelta = timedelta(minutes=5)

    # A plug-in that is reported this soon after an offer ran out undoes the miss.
    late_report: timedelta = timedelta(minutes=2)

    # The same user back on the same port this soon is the same session.
    same_session: timedelta = timedelta(minutes=5)

    # How long a claim can be undone.
    undo: timedelta = timedelta(hours=24)

    def day(self, at: datetime) -> date:
        """Answer the site's date."""
        return at.astimezone(self.zone).date()

    @property
    def told_admins(self) -> tuple[str | None, ...]:
        """The admins to tell in private; None stands for the room, where we know none by name."""
        return tuple(sorted(self.admins)) or (None,)
