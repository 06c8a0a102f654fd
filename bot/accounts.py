"""ChargePoint's account as it was set: how to call its API, and how to log in to its stream."""

from bot.settings import ChargePointSettings, XmppSettings
from chargepoint import listener
from chargepoint.soap import OPERATION_SECONDS, ChargePointApi


def api_of(settings: ChargePointSettings, *, seconds: float = OPERATION_SECONDS) -> ChargePointApi:
    """Answer the account's API; an answer may take so many seconds."""
    return ChargePointApi(
        url=settings.api_url,
        key=settings.api_key.reveal(),
        password=settings.api_password.reveal(),
        group=settings.station_group,
        seconds=seconds,
    )


def stream_of(settings: XmppSettings) -> listener.XmppSettings:
    """Answer how to log in to the stream of station events."""
    return listener.XmppSettings(
        jid=settings.jid.reveal(),
        password=settings.password.reveal(),
        host=settings.host,
        port=settings.port,
        tls=settings.tls,
        senders=settings.senders,
        ping_seconds=settings.ping.total_seconds(),
    )
