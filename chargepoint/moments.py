"""The times that the network tells: in UTC, or none where nobody could reckon with them."""

from datetime import UTC, datetime

# Who has nothing to tell may tell of the year 1.
YEARS = range(1971, 2150)


def sensible(time: datetime | None) -> datetime | None:
    """Answer the time in UTC, which it is in if it doesn't say so; None if it is no real one."""
    try:
        moment = time and (time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC))
    except OverflowError:
        return None
    return moment if moment and moment.year in YEARS else None
