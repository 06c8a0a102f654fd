"""Listening to the station events, over links and servers that fail.

What a real server has a say in is tested against two: the playground's small one, and Prosody
where it is installed.
"""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from chargepoint import session
from chargepoint.events import PortStatus, PortStatusChanged
from chargepoint.listener import Listener, XmppSettings, backoff, log_in_once
from chargepoint.session import Session
from chargepoint.stanzas import parse_event
from playground import sasl
from tests.chargepoint.account import KEY, PASSWORD
from tests.chargepoint.conftest import needs_prosody
from tests.chargepoint.fixtures import recorded, saying
from tests.chargepoint.link import LOOPBACK
from tests.chargepoint.streams import (
    BOT,
    FEED,
    STRANGER,
    Office,
    SmallStream,
    Stream,
    Tls,
    listening,
    prosody_stream,
    settings,
    small_stream,
    until,
)
from tests.chargepoint.wear import resources, worn

START = recorded("start.xml")
STATUS = recorded("status.xml")
STARTED = parse_event(START)
FREED = PortStatusChanged(station="1:330001", port="2", status=PortStatus.AVAILABLE)


@pytest.fixture(
    params=[
        ("small", "none"),
        ("small", "direct"),
        pytest.param(("prosody", "none"), marks=needs_prosody),
        pytest.param(("prosody", "starttls"), marks=needs_prosody),
    ],
    ids=" ".join,
)
async def stream(request: pytest.FixtureRequest) -> AsyncIterator[Stream]:
    server, tls = request.param
    if server == "small":
        async with small_stream(tls) as small:
            yield small
    else:
        async with prosody_stream(request.getfixturevalue("prosody_ports"), tls) as real:
            yield real


@pytest.fixture
async def small() -> AsyncIterator[SmallStream]:
    async with small_stream() as stream:
        yield stream


@pytest.fixture
def bot(stream: Stream) -> XmppSettings:
    return settings(stream.link.port, stream.tls)


@pytest.fixture
def small_bot(small: SmallStream) -> XmppSettings:
    return settings(small.link.port)


async def test_events_wait_for_the_reading_that_begins_a_session_and_keep_their_order(
    stream: Stream, bot: XmppSettings, office: Office
) -> None:
    """An event applied before the reading would be judged by what was true an outage ago."""
    office.may_read.clear()
    updates = [saying(STATUS, "portNumber", str(number)) for number in range(20)]

    async with listening(bot, office) as listener:
        await until(lambda: office.told == ["reading"])
        for body in updates:
            await stream.say(body)
        await until(lambda: listener._heard.qsize() == len(updates))
        assert office.told == ["reading"]
        office.may_read.set()
        await until(lambda: len(office.told) == 2 + len(updates))

    assert office.told == ["reading", "read", *map(parse_event, updates)]


@pytest.mark.parametrize("kind", ["chat", "normal", "headline"])
async def test_an_event_comes_as_any_kind_of_message(
    stream: Stream, bot: XmppSettings, office: Office, kind: str
) -> None:
    """Which kind the network sends is written nowhere."""
    async with listening(bot, office):
        await until(lambda: office.readings == 1)
        await stream.say(START, kind=kind)
        await until(lambda: office.told[2:] == [STARTED])


async def test_strangers_are_ignored_and_named(
    stream: Stream, bot: XmppSettings, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """Anybody with an account may write to the bot; nobody but the network frees a port."""
    async with listening(bot, office):
        await until(lambda: office.readings == 1)
        await stream.say(START, sender=STRANGER)
        await until(lambda: "a stranger" in caplog.text)
        await stream.say(STATUS)
        await until(lambda: len(office.told) == 3)

    assert office.told[2:] == [FREED]
    assert caplog.text.count("stanza.ignored") == 1
    assert STRANGER in caplog.text
    assert "700101" not in caplog.text


async def test_what_is_no_event_is_ignored_and_the_next_is_heard(
    stream: Stream, bot: XmppSettings, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """One body must not cost the stream."""
    async with listening(bot, office):
        await until(lambda: office.readings == 1)
        await stream.say("hello, a secret of ours")
        await stream.say(saying(STATUS, "feedEventName", "station_alarm"))
        await stream.say(STATUS)
        await until(lambda: len(office.told) == 3)

    assert office.told[2:] == [FREED]
    assert "reason='not well-formed'" in caplog.text
    assert "secret" not in caplog.text


async def test_a_bug_in_handling_one_event_does_not_cost_the_next(
    stream: Stream, bot: XmppSettings, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged with its traceback, and the stream goes on."""
    office.breaks_on = STARTED

    async with listening(bot, office):
        await until(lambda: office.readings == 1)
        await stream.say(START)
        await stream.say(STATUS)
        await until(lambda: office.told[2:] == [STARTED, FREED])

    assert "event.failed event=SessionStarted" in caplog.text
    assert "a bug of the bot's" in caplog.text


async def test_a_dead_link_is_noticed_and_mended(
    stream: Stream, bot: XmppSettings, office: Office
) -> None:
    """A half-open link delivers nothing and says nothing: only an unanswered ping shows it."""
    bot = replace(bot, ping_seconds=0.2, negotiation_seconds=0.5)

    async with listening(bot, office) as listener:
        await until(lambda: listener.connected and office.readings == 1)
        stream.link.freeze()
        await until(lambda: not listener.connected)
        assert listener.problem == session.MUTE
        await until(lambda: stream.link.accepted >= 3)
        assert listener.problem == session.MUTE
        stream.link.thaw()
        await until(lambda: listener.connected and office.readings == 2)


async def test_a_cut_link_is_a_fresh_session_with_a_fresh_reading(
    stream: Stream, bot: XmppSettings, office: Office
) -> None:
    """What happened in between is lost on the stream; only SOAP knows it."""
    async with listening(bot, office):
        for sessions in range(1, 4):
            await until(lambda sessions=sessions: office.readings == sessions)  # type: ignore[misc] # the loop's own number
            stream.link.cut()
        await until(lambda: office.readings == 4)
        await stream.say(START)
        await until(lambda: office.told[-1] == STARTED)


async def test_a_planned_refresh_is_followed_by_a_fresh_session_at_once(
    stream: Stream, bot: XmppSettings, office: Office
) -> None:
    """At 06:00 every day: a session that lives for weeks goes stale."""
    async with listening(bot, office, retry=_never) as listener:
        await until(lambda: office.readings == 1)
        listener.refresh()
        await until(lambda: office.readings == 2)
        assert stream.link.accepted == 2
        assert listener.connected


async def test_a_wrong_password_is_named_and_tried_again(bot: XmppSettings, office: Office) -> None:
    """The administrator reads in /readyz what to mend; a new password voids the old one."""
    tried: list[int] = []

    def retry(lost: int) -> float:
        tried.append(lost)
        return 0.0

    async with listening(replace(bot, password="wrong"), office, retry=retry) as listener:
        await until(lambda: len(tried) >= 3)
        assert listener.problem == "the XMPP server refuses our credentials"

    assert tried[:3] == [0, 1, 2]
    assert office.told == []


async def test_another_login_with_our_name_is_named(bot: XmppSettings, office: Office) -> None:
    """Two bots on one account would throw each other out for ever, each without a reason."""
    bot = replace(bot, jid=f"{BOT}/bot")

    async with listening(bot, office, retry=_never) as listener:
        await until(lambda: listener.connected)
        rival = Session(bot, lambda _: None)
        assert await rival.open()
        await until(lambda: not listener.connected)
        assert listener.problem == session.REPLACED
        await rival.close()


async def test_sessions_leave_no_task_no_timer_and_no_socket(
    stream: Stream, bot: XmppSettings
) -> None:
    """The bot runs for months, and has a session a day at least."""
    before, after = await worn(stream, bot, sessions=10)

    assert after == before


async def test_a_hundred_sessions_leave_nothing_either(
    small: SmallStream, small_bot: XmppSettings
) -> None:
    """What leaks now and then only, shows in numbers; `make bench-sessions` has a thousand."""
    before, after = await worn(small, small_bot, sessions=100)

    assert after == before


@pytest.mark.parametrize("moment", ["before", "connected", "pausing", "negotiating"])
async def test_it_stops_promptly_at_any_moment(
    small: SmallStream, small_bot: XmppSettings, office: Office, moment: str
) -> None:
    """The process has ten seconds to leave; `listening` allows the listener three."""
    if moment == "pausing":
        small_bot = replace(small_bot, password="wrong")
    if moment == "negotiating":
        small.link.freeze()
    async with listening(small_bot, office, retry=_never) as listener:
        if moment == "connected":
            await until(lambda: office.readings == 1)
        if moment == "pausing":
            await until(lambda: listener.problem == session.REFUSED)
        if moment == "negotiating":
            await until(lambda: small.link.accepted == 1)
    small.link.thaw()
    small.link.cut()
    await until(lambda: small.link.open == 0)

    assert not listener.connected


async def test_cancelling_it_leaves_nothing_behind(
    small: SmallStream, small_bot: XmppSettings, office: Office
) -> None:
    """A crash elsewhere cancels everything that runs beside it."""
    before = len(asyncio.all_tasks())
    listener = Listener(small_bot, on_session=office.on_session, on_event=office.on_event)
    running = asyncio.ensure_future(listener.run())
    await until(lambda: listener.connected)

    running.cancel()
    await asyncio.wait({running}, timeout=3)

    assert running.cancelled()
    await until(lambda: small.link.open == 0)
    await until(lambda: len(asyncio.all_tasks()) == before)


async def test_a_login_that_hangs_half_way_leaves_nothing_behind(
    small: SmallStream, small_bot: XmppSettings, office: Office
) -> None:
    """A server that falls silent after the password is accepted leaves slixmpp waiting."""
    before = resources()
    small.server.ignores_binding = True
    small_bot = replace(small_bot, negotiation_seconds=0.3)

    async with listening(small_bot, office, retry=_never) as listener:
        await until(lambda: listener.problem == session.MUTE)
    await until(lambda: small.link.open == 0)

    await until(lambda: resources() == before)


async def test_an_event_that_comes_with_the_login_waits_for_the_reading_too(
    small: SmallStream, small_bot: XmppSettings, office: Office
) -> None:
    """The network may speak as soon as we are available, before we know that we are."""
    small.server.on_available = lambda jid: _say_now(small, jid)

    async with listening(small_bot, office):
        await until(lambda: len(office.told) == 3)

    assert office.told == ["reading", "read", STARTED]


async def test_an_event_of_a_session_that_never_began_is_left_to_the_next_reading(
    small: SmallStream, small_bot: XmppSettings, office: Office
) -> None:
    """It is older than that reading by a whole pause."""

    def say_and_drop(jid: str) -> None:
        small.server.on_available = lambda _: None
        _say_now(small, jid)
        small.server.drop_all()

    small.server.on_available = say_and_drop
    async with listening(small_bot, office):
        await until(lambda: office.readings == 1)
        await small.say(STATUS)
        await until(lambda: len(office.told) == 3)

    assert small.link.accepted == 2
    assert office.told == ["reading", "read", FREED]


async def test_one_way_to_log_in_that_fails_is_no_refusal_when_another_works(
    small: SmallStream,
    small_bot: XmppSettings,
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a dropped session would send the administrator after a password that is right."""
    monkeypatch.setitem(sasl.HASHES, "SCRAM-SHA-256", "md5")

    async with listening(small_bot, office, retry=_never) as listener:
        await until(lambda: office.readings == 1)
        assert small.server.logins == 2
        small.server.drop_all()
        await until(lambda: listener.problem == session.CLOSED)


async def test_a_server_that_sends_us_elsewhere_is_not_obeyed(
    small: SmallStream, small_bot: XmppSettings, office: Office
) -> None:
    """Slixmpp would follow it with our password, and go on living beside the next session."""
    elsewhere = (
        "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>"
        f"{LOOPBACK}:{small.link.port}</see-other-host></stream:error>"
    )
    async with listening(small_bot, office, retry=_never) as listener:
        await until(lambda: office.readings == 1)
        before = len(asyncio.all_tasks())
        small.server.stanza(elsewhere, to=BOT)
        await until(lambda: listener.problem == session.CLOSED)
        listener.refresh()
        await until(lambda: office.readings == 2)
        await until(lambda: len(asyncio.all_tasks()) == before)
        assert small.link.accepted == 2


def _say_now(small: SmallStream, jid: str) -> None:
    assert small.server.message(sender=FEED, to=jid, body=START) == 1


async def test_a_refresh_ends_the_pause_after_a_lost_session(
    small: SmallStream, small_bot: XmppSettings, office: Office
) -> None:
    """Somebody who has mended the network need not wait five minutes more."""
    async with listening(small_bot, office, retry=_never) as listener:
        await until(lambda: office.readings == 1)
        small.link.cut()
        await until(lambda: listener.problem == session.CLOSED)
        listener.refresh()
        await until(lambda: listener.connected)


async def test_a_session_that_answered_its_pings_starts_the_pauses_anew(
    small: SmallStream, small_bot: XmppSettings, office: Office
) -> None:
    """A server that throws us out at once must not be asked every second for ever."""
    pauses: list[int] = []

    def retry(lost: int) -> float:
        pauses.append(lost)
        return 0.0

    small_bot = replace(small_bot, ping_seconds=0.4)
    async with listening(small_bot, office, retry=retry) as listener:
        for lost in range(3):
            await until(lambda lost=lost: len(pauses) == lost and listener.connected)  # type: ignore[misc] # the loop's own number
            small.link.cut()
        await until(
            lambda: len(pauses) == 3 and bool(listener._session and listener._session.proven)
        )
        small.link.cut()
        await until(lambda: len(pauses) == 4)

    assert pauses == [0, 1, 2, 0]


async def test_nobody_there_is_named(office: Office, unused_tcp_port: int) -> None:
    """A firewall and a wrong port look like this."""
    async with listening(settings(unused_tcp_port), office) as listener:
        await until(lambda: listener.problem == session.UNREACHABLE)


async def test_what_was_kept_for_us_while_we_were_away_is_too_old(
    small: SmallStream, small_bot: XmppSettings, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """It is older than the reading that began the session, and would undo what that found."""
    delayed = (
        f"<message from='{FEED}' to='{BOT}' type='chat'><body>x</body>"
        "<delay xmlns='urn:xmpp:delay' stamp='2026-11-20T02:00:00Z'/></message>"
    )
    async with listening(small_bot, office):
        await until(lambda: office.readings == 1)
        small.server.stanza(delayed, to=BOT)
        await until(lambda: "reason='delayed'" in caplog.text)

    assert office.told == ["reading", "read"]


@pytest.mark.parametrize(
    "message",
    [
        f"<message from='{FEED}' type='groupchat'><body>{{}}</body></message>",
        f"<message from='{FEED}' type='error'><body>{{}}</body></message>",
        "<message from='@@@' type='chat'><body>{}</body></message>",
        "<message from='feed@localhost.evil.example' type='chat'><body>{}</body></message>",
        f"<message from='{FEED}'><subject>{{}}</subject></message>",
        "<message><body>{}</body></message>",
    ],
)
async def test_other_messages_are_no_events(
    small: SmallStream,
    small_bot: XmppSettings,
    office: Office,
    caplog: pytest.LogCaptureFixture,
    message: str,
) -> None:
    """Rooms, errors, look-alikes and our own account have nothing to say about ports."""
    content = STATUS.partition("?>")[2].replace("<![CDATA[", "").replace("]]>", "")
    escaped = content.replace("<", "&lt;")

    async with listening(small_bot, office):
        await until(lambda: office.readings == 1)
        small.server.stanza(message.format(escaped), to=BOT)
        await small.say(START)
        await until(lambda: len(office.told) == 3)

    assert office.told[2:] == [STARTED]
    assert caplog.text.count("stanza.ignored") == 1


async def test_a_broken_stream_is_a_fresh_session_and_nobody_reads_it_in_the_log(
    small: SmallStream, small_bot: XmppSettings, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """A stream that can't be parsed can't be trusted any more; whose car it was stays private."""
    async with listening(small_bot, office):
        await until(lambda: office.readings == 1)
        small.server.stanza("<message><body>700101</message>", to=BOT)
        await until(lambda: office.readings == 2)

    assert "session.lost" in caplog.text
    assert "700101" not in caplog.text


async def test_a_whole_domain_may_be_trusted(
    small: SmallStream, small_bot: XmppSettings, office: Office
) -> None:
    """The feed's own address is written nowhere; its domain is the default."""
    small_bot = replace(small_bot, senders=frozenset({"localhost"}))

    async with listening(small_bot, office):
        await until(lambda: office.readings == 1)
        await small.say(STATUS, sender="whoever@localhost/there")
        await small.say(START, sender="localhost")
        await until(lambda: office.told[2:] == [FREED, STARTED])


async def test_the_doctor_tries_the_login_for_real(stream: Stream, bot: XmppSettings) -> None:
    """`python -m bot check` says in a line whether it works, and leaves no session behind."""
    assert await log_in_once(bot) is None
    assert await log_in_once(replace(bot, password="wrong")) == session.REFUSED
    await until(lambda: stream.link.open == 0)


async def test_the_doctor_takes_no_event_and_no_place_from_the_bot(
    stream: Stream, bot: XmppSettings, office: Office
) -> None:
    """A second session that is available would get its share of the events, and lose them."""
    async with listening(bot, office):
        await until(lambda: office.readings == 1)
        visitor = Session(bot, office.told.append, unseen=True)
        assert await visitor.open()
        await stream.say(STATUS)
        await until(lambda: office.told[2:] == [FREED])
        assert await log_in_once(bot) is None
        await stream.say(START)
        await until(lambda: office.told[2:] == [FREED, STARTED])
        await visitor.close()

    assert office.readings == 1


async def test_a_host_that_does_not_exist_is_named(bot: XmppSettings) -> None:
    """A typing error in the host's name looks like this."""
    assert await log_in_once(replace(bot, host="nowhere.invalid")) == session.NO_SUCH_HOST


async def test_the_password_is_in_no_log_and_no_repr(
    small_bot: XmppSettings, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """At DEBUG, slixmpp would write down the login itself."""
    caplog.set_level(logging.DEBUG)

    async with listening(small_bot, office) as listener:
        await until(lambda: listener.connected)

    assert PASSWORD not in repr(small_bot) + str(small_bot) + caplog.text
    assert KEY not in caplog.text
    assert "<auth" not in caplog.text


@pytest.mark.parametrize("tls", ["starttls", "direct"])
async def test_the_stream_is_encrypted_and_the_server_has_to_be_who_it_says(
    office: Office, tls: Tls
) -> None:
    """The login is the SOAP password: it goes to ChargePoint, or nowhere."""
    async with small_stream(tls) as stream:
        bot = settings(stream.link.port, tls)
        problem = await log_in_once(replace(bot, ca_certs=None))
        assert str(problem).startswith(session.UNTRUSTED)
        assert stream.server.logins == 0
        async with listening(bot, office):
            await until(lambda: office.readings == 1)
            await stream.say(START)
            await until(lambda: office.told[2:] == [STARTED])
        await until(lambda: stream.link.open == 0)


@pytest.mark.parametrize(
    ("tls", "problem"), [("starttls", session.NO_LOGIN), ("direct", session.NO_TLS)]
)
async def test_a_server_without_tls_does_not_get_the_password(
    small: SmallStream, tls: Tls, problem: str
) -> None:
    """Whoever sits in between may take the offer of TLS away."""
    assert await log_in_once(settings(small.link.port, tls)) == problem
    assert small.server.logins == 0


def test_a_name_that_is_no_jid_is_refused_before_anything_starts() -> None:
    """It would otherwise fail in the middle of the night, at the first refresh."""
    with pytest.raises(ValueError, match="JID"):
        replace(settings(1), jid="a@b@c/@")


def test_pauses_double_up_to_five_minutes_and_are_spread() -> None:
    """A crowd of clients must not come back in the same second."""
    for lost in range(2000):
        ideal = min(300, 2**lost)
        assert ideal / 2 <= backoff(lost) <= ideal
    assert len({backoff(3) for _ in range(10)}) > 1


def _never(_: int) -> float:
    return 3600
