"""The watch over the ports goes on, whichever of ChargePoint's two voices fails."""

import asyncio

import pytest
from msgspec.structs import replace

from bot.patience import Patience
from playground.bot_process import free_port
from playground.garage import FOUR_PORTS, GaragePort, PluggedOut, StatusSet
from playground.network import STATUS, STOP, bodies
from playground.soap import EVERY_OPERATION, Trouble
from tests.bot.office import (
    ADA,
    ADAS_CAR,
    EAST,
    GRACE,
    QUICK,
    WEST,
    Bot,
    Neighbours,
    at_work,
    logged,
    until,
)

STRANGE = GaragePort(station="1:999999", number="1", name="SOMEBODY ELSE'S")


def readings(neighbours: Neighbours) -> int:
    """Count how often the ports were read."""
    return neighbours.network.soap.asked.get("getStationStatus", 0)


async def named(bot: Bot, words: str) -> None:
    """Wait until ChargePoint's trouble is named."""

    async def is_named() -> bool:
        return words in (await bot.problems()).get("chargepoint", "")

    await until(is_named)


async def test_a_refused_password_is_named_and_tried_again_while_commands_go_on(
    neighbours: Neighbours, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    neighbours.network.soap.troubles[EVERY_OPERATION] = Trouble.REFUSES_CREDENTIALS
    async with at_work(neighbours, ready=False) as bot:
        await named(bot, "refused")
        await until(bot.is_serving)
        await neighbours.slack.command(ADA, "add")

        assert await bot.queue() == [ADA]
        assert "refused" in logged(caplog, "stations.unread")[0]["why"]
        neighbours.network.soap.troubles.clear()
        await bot.ready()
        assert logged(caplog, "stations.read")


async def test_a_wrong_password_of_ours_is_the_same(neighbours: Neighbours) -> None:
    settings = neighbours.settings(
        CHARGEPOINT_API_PASSWORD="not-the-password",
        CHARGEPOINT_XMPP_PASSWORD="neither-is-this-one",
    )
    async with at_work(neighbours, ready=False, settings=settings) as bot:
        await named(bot, "the API key or its password is refused")


def test_back_off_doubles_up_to_a_limit() -> None:
    pauses = [Patience().retry(failures, most=300) for failures in (1, 2, 3, 8, 9, 10, 10_000)]

    assert pauses == [1, 2, 4, 128, 256, 300, 300]


@pytest.mark.parametrize("trouble", [Trouble.FAILS, Trouble.HANGS, Trouble.TALKS_GARBAGE])
async def test_commands_are_answered_while_chargepoint_is_in_trouble(
    neighbours: Neighbours, trouble: Trouble
) -> None:
    neighbours.network.soap.troubles[EVERY_OPERATION] = trouble
    async with at_work(neighbours, ready=False) as bot:
        await until(bot.is_serving)

        answer = await neighbours.slack.command(ADA, "add")

        assert answer is not None
        assert "joined" in answer.text
        assert "chargepoint" in await bot.problems()


async def test_without_the_stream_readings_go_on_and_lead_to_the_same(
    neighbours: Neighbours,
) -> None:
    settings = neighbours.settings(CHARGEPOINT_XMPP_PORT=str(free_port()), RECONCILE_SECONDS="0.1")
    async with at_work(neighbours, ready=False, settings=settings) as bot:
        await named(bot, "can't be reached")
        await until(bot.is_serving)
        await neighbours.slack.command(ADA, f"register {ADAS_CAR}")
        await neighbours.slack.command(ADA, "add")

        neighbours.leave(EAST)
        await neighbours.hears("<@U0ADA>")
        # What was just heard of a port is not taken back at once: readings lag.
        neighbours.clock.turn(minutes=2)
        neighbours.plug_in(EAST, user=ADAS_CAR)

        await neighbours.hears("plugged in at")
        assert await bot.queue() == []


async def test_what_happened_while_the_stream_was_down_happens_with_the_next_session(
    bot: Bot,
) -> None:
    neighbours = bot.neighbours
    await neighbours.slack.command(ADA, "add")
    neighbours.network.xmpp.freeze()
    neighbours.network.xmpp.drop_all()
    neighbours.leave(EAST)
    neighbours.network.xmpp.drop_all()
    neighbours.network.xmpp.thaw()

    bot.duties.listener.refresh()

    await neighbours.hears("<@U0ADA>")


async def test_what_the_stream_did_not_tell_happens_with_the_next_reading(bot: Bot) -> None:
    neighbours = bot.neighbours
    await neighbours.slack.command(ADA, "add")
    neighbours.network.soap.feeds.clear()
    neighbours.leave(EAST)
    assert await bot.called() == []

    await bot.duties.stations.reconcile()

    await neighbours.hears("<@U0ADA>")


async def test_the_first_reading_of_a_deployment_is_bearings_not_news(bot: Bot) -> None:
    await bot.quiet()

    assert len((await bot.site()).ports) == 2
    assert bot.neighbours.room() == []


async def test_a_stranger_among_the_stations_is_told_of_once_and_ignored(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    neighbours = bot.neighbours
    before = neighbours.network.soap.asked["getStations"]
    await neighbours.slack.command(ADA, "add")

    for _ in range(20):
        neighbours.network.push(STATUS, _status(STRANGE))
    neighbours.leave(EAST)

    await neighbours.hears("<@U0ADA>")
    assert [each["station"] for each in logged(caplog, "station.unknown")] == [STRANGE.station]
    assert len((await bot.site()).ports) == 2

    async def looked() -> bool:
        return neighbours.network.soap.asked["getStations"] == before + 1

    await until(looked)
    neighbours.clock.turn(minutes=16)
    neighbours.network.push(STATUS, _status(STRANGE))

    async def looked_again() -> bool:
        return neighbours.network.soap.asked["getStations"] >= before + 2

    await until(looked_again)


async def test_a_new_station_is_known_as_soon_as_it_speaks(bot: Bot) -> None:
    neighbours = bot.neighbours
    new = FOUR_PORTS[3]
    neighbours.garage.ports = (*neighbours.garage.ports, new)

    neighbours.garage.set_status(new.station, new.number, "AVAILABLE")

    async def known() -> bool:
        return len((await bot.site()).ports) == 3

    await until(known)


async def test_hostile_words_of_the_stream_are_ignored(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    neighbours = bot.neighbours
    await neighbours.slack.command(ADA, "add")
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><event><stationID>&a;</stationID></event>'
    for body in (bomb, "<event", "", "<event/>", "x" * 100_000):
        neighbours.network.push(STATUS, body)

    neighbours.leave(EAST)

    await neighbours.hears("<@U0ADA>")
    assert "stanza.ignored" in caplog.text
    assert not [record for record in caplog.records if record.exc_info]


async def test_the_feed_is_registered_once_and_kept_across_restarts(
    neighbours: Neighbours,
) -> None:
    """Each registration would send every event once more."""
    for _ in range(2):
        async with at_work(neighbours) as bot:
            await bot.duties.stations.reconcile()
            assert (await bot.site()).feed == "125001"

    assert neighbours.network.soap.asked["registerFeeds"] == 1


async def test_a_feed_that_lapsed_is_registered_anew(neighbours: Neighbours) -> None:
    """Nobody says how long ChargePoint keeps a feed; without one only the readings are left."""
    async with at_work(neighbours) as bot:
        stations = bot.duties.stations
        # The bot's own first session is over with this one.
        await stations.on_session()
        neighbours.network.soap.feeds.clear()
        for port in (EAST, WEST):
            neighbours.leave(port)
            await stations.reconcile()
            assert neighbours.network.soap.asked["registerFeeds"] == 1
            await stations.on_session()

        assert neighbours.network.soap.asked["registerFeeds"] == 2
        assert len(neighbours.network.registered_feeds) == 1


async def test_doubtful_stops_lead_to_one_look_and_not_too_soon(neighbours: Neighbours) -> None:
    """The network asks its clients not to read more often than that."""
    loop = asyncio.get_running_loop()
    async with at_work(neighbours, patience=replace(QUICK, looks=0.5)) as bot:
        await bot.duties.stations.reconcile()
        read, before = loop.time(), readings(neighbours)

        for _ in range(5):
            for port in (EAST, WEST):
                neighbours.network.push(STOP, _stop(neighbours, port))

        async def looked() -> bool:
            return readings(neighbours) > before

        await until(looked)
        assert loop.time() - read >= 0.45
        assert readings(neighbours) == before + 1
        assert not bot.duties.stations._wanted.is_set()


async def test_after_a_stop_the_look_tells_whether_the_port_is_free(bot: Bot) -> None:
    """A finished car that stays is not a free port."""
    neighbours = bot.neighbours
    await neighbours.slack.command(ADA, "add")
    before = readings(neighbours)
    neighbours.network.push(STOP, _stop(neighbours, EAST))

    async def looked() -> bool:
        return readings(neighbours) > before

    await until(looked)
    assert await bot.called() == []


async def test_the_daily_refresh_is_a_fresh_session_in_which_the_ports_are_read(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    neighbours = bot.neighbours
    job = bot.duties.scheduler._jobs.get_job("refresh")
    (session,) = neighbours.network.xmpp.available
    before, inventories = readings(neighbours), neighbours.network.soap.asked["getStations"]

    await job.func()

    async def fresh() -> bool:
        return (
            neighbours.network.xmpp.available not in {(), (session,)}
            and readings(neighbours) > before
            and neighbours.network.soap.asked["getStations"] > inventories
        )

    await until(fresh)
    await bot.ready()
    assert len(neighbours.network.xmpp.available) == 1
    assert len(logged(caplog, "session.refresh")) == 1
    await neighbours.slack.command(GRACE, "add")
    neighbours.leave(EAST)
    await neighbours.hears("<@U0GRACE>")


def _status(port: GaragePort) -> str:
    return bodies(StatusSet(port=port))[0][1]


def _stop(neighbours: Neighbours, port: GaragePort) -> str:
    car = neighbours.garage.port(port.station, port.number).car
    assert car is not None
    return bodies(PluggedOut(port=port, car=car, at=neighbours.clock.now()))[0][1]
