"""The numbers by which a site lives; their defaults and settings are in the README."""

from datetime import timedelta

from msgspec import Struct


class Rules(Struct, frozen=True, kw_only=True):
    """How long things may take at this site."""

    offer: timedelta = timedelta(minutes=10)
    accepted_offer: timedelta = timedelta(minutes=15)
    suspension: timedelta = timedelta(minutes=30)
    idle_reminder: timedelta = timedelta(minutes=10)
    charging_limit: timedelta = timedelta(minutes=150)
    nag_repeat: timedelta = timedelta(minutes=30)
    nag_limit: int = 3

    # A status may overtake the session start that names its driver, so nobody is called a
    # stranger before this has passed.
    introduction: timedelta = timedelta(seconds=20)

    # SOAP lags behind the stream: a port that the stream spoke about is left to it this long.
    stream_prevails: timedelta = timedelta(seconds=90)
