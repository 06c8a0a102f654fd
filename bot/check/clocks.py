"""The clock of this machine against those of whom it talks to.

Slack's signatures hold for five minutes: with a clock further off, nothing that people say comes
through. Deadlines and quiet hours go by this clock as well.
"""

from datetime import datetime, timedelta

from bot.check.finding import Finding, fail, ok, warn
from bot.clock import Clock

ODD = timedelta(minutes=1)
WRONG = timedelta(minutes=5)


class Clocks:
    """Gathers what others say the time is, to be judged when all have spoken."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead: dict[str, timedelta] = {}

    def note(self, whose: str, told_at: datetime | None) -> None:
        """Compare with what somebody says it is this moment."""
        if told_at is not None:
            self._ahead[whose] = self._clock.now() - told_at

    async def look(self) -> Finding:
        """Judge by whoever differs most."""
        if not self._ahead:
            remedy = "See that the machine keeps time by itself (NTP)"
            return warn("nobody answered, so that it can't be compared", remedy)
        # They tell whole seconds; of two who seem to differ alike, Slack is the one to mind.
        whose = max(sorted(self._ahead, reverse=True), key=lambda each: _minutes(self._ahead[each]))
        return _judged(whose, self._ahead[whose])


def _judged(whose: str, ahead: timedelta) -> Finding:
    remedy = "Let the machine keep time by itself (NTP, for example chrony)"
    if abs(ahead) > WRONG:
        consequence = "beyond five minutes Slack's requests are refused"
        return fail(f"{_difference(ahead)} {whose}'s; {consequence}", remedy)
    if abs(ahead) > ODD:
        return warn(f"{_difference(ahead)} {whose}'s", remedy)
    return ok(f"within a minute of {whose}'s")


def _difference(ahead: timedelta) -> str:
    return f"{_minutes(ahead):.1f} minutes {'ahead of' if ahead > timedelta(0) else 'behind'}"


def _minutes(ahead: timedelta) -> float:
    return round(abs(ahead) / timedelta(minutes=1), 1)
