"""The simulated network: what happens in the garage, as the bot gets to know it."""

from datetime import UTC, datetime, timedelta, timezone

from chargepoint.events import PortStatus, PortStatusChanged, SessionStarted, SessionStopped
from chargepoint.listener import XmppSettings
from chargepoint.soap import ChargePointApi
from playground.garage import Car, Garage, GaragePort, PluggedIn, PluggedOut
from playground.network import DOMAIN, SimulatedChargePoint, bodies
from tests.chargepoint.account import GROUP, KEY, PASSWORD
from tests.chargepoint.conftest import Clock
from tests.chargepoint.fixtures import recorded
from tests.chargepoint.streams import Office, listening, until


def bot(network: SimulatedChargePoint) -> XmppSettings:
    """Answer how the bot logs in to it."""
    return XmppSettings(
        jid=network.jid,
        password=PASSWORD,
        host=network.xmpp_host,
        port=network.xmpp_port,
        tls="none",
        senders=frozenset({DOMAIN}),
    )


async def test_a_car_that_comes_and_goes_is_told_to_who_has_registered(
    network: SimulatedChargePoint, api: ChargePointApi, garage: Garage, clock: Clock
) -> None:
    """The whole way: registered through SOAP, told through XMPP, in the recorded order."""
    office = Office()
    came = clock.now()
    async with listening(bot(network), office):
        await until(lambda: office.readings == 1)
        await api.register_feed()
        garage.plug_in("1:330001", "2", user="700101")
        clock.move(minutes=90)
        garage.plug_out("1:330001", "2")
        garage.set_status("1:330002", "1", "UNREACHABLE")
        await until(lambda: len(office.told) == 7)

    place = {"station": "1:330001", "port": "2"}
    assert office.told[2:] == [
        SessionStarted(session="4001", user="700101", started=came, **place),
        PortStatusChanged(status=PortStatus.INUSE, **place),
        SessionStopped(session="4001", started=came, ended=clock.now(), **place),
        PortStatusChanged(status=PortStatus.AVAILABLE, **place),
        PortStatusChanged(status=PortStatus.UNREACHABLE, station="1:330002", port="1"),
    ]


async def test_nothing_is_told_without_a_registration(
    network: SimulatedChargePoint, api: ChargePointApi, garage: Garage
) -> None:
    """The bot has to notice that its feed is dead though its session lives."""
    office = Office()
    async with listening(bot(network), office):
        await until(lambda: office.readings == 1)
        garage.plug_in("1:330001", "1", user="700101")
        await api.register_feed()
        garage.plug_in("1:330001", "2", user=None)
        await until(lambda: len(office.told) == 4)

    assert [getattr(event, "port", None) for event in office.told] == [None, None, "2", "2"]
    assert getattr(office.told[2], "user", "") is None


async def test_what_happens_while_nobody_listens_is_lost_and_read(
    network: SimulatedChargePoint, api: ChargePointApi, garage: Garage
) -> None:
    """As on the real network: only SOAP knows."""
    await api.register_feed()
    garage.plug_in("1:330001", "1", user="700101")

    office = Office()
    async with listening(bot(network), office):
        await until(lambda: office.readings == 1)
        garage.plug_in("1:330002", "1", user=None)
        await until(lambda: len(office.told) == 4)

    assert [getattr(event, "station", None) for event in office.told[2:]] == ["1:330002"] * 2
    assert (await api.read_ports())[0].user == "700101"


async def test_a_registration_outlives_the_process(
    network: SimulatedChargePoint, api: ChargePointApi, garage: Garage
) -> None:
    """The bot registers once and keeps the subscription's ID."""
    await api.register_feed()
    office = Office()

    async with (
        SimulatedChargePoint(
            garage,
            key=KEY,
            password=PASSWORD,
            group=GROUP,
            registered_feeds=network.registered_feeds,
        ) as later,
        listening(bot(later), office),
    ):
        await until(lambda: office.readings == 1)
        garage.plug_in("1:330001", "1", user="700101")
        await until(lambda: len(office.told) == 4)


def test_event_bodies_have_the_recorded_form_to_the_letter() -> None:
    """A simulated network that speaks otherwise proves nothing."""
    berlin = timezone(timedelta(hours=2))
    port = GaragePort(station="1:330001", number="1", name="EAST")
    car = Car(session=411, since=datetime(2026, 8, 7, 3, 40, 37, tzinfo=berlin), user="700101")

    started, _ = bodies(PluggedIn(port=port, car=car))

    assert started == ("station_charging_session_start", recorded("start.xml"))

    port = GaragePort(station="1:330002", number="1", name="WEST")
    car = Car(session=4007, since=datetime(2026, 8, 6, 19, 57, 47, tzinfo=UTC))
    left = datetime(2026, 8, 7, 2, 0, tzinfo=UTC)

    stopped, _ = bodies(PluggedOut(port=port, car=car, at=left))

    assert stopped == ("station_charging_session_stop", recorded("stop.xml"))

    port = GaragePort(station="1:330001", number="2", name="EAST")

    assert bodies(PluggedOut(port=port, car=car, at=left))[1][1] == recorded("status.xml")
