"""What a hostile network can say on the event stream: it bores us, and the next event is heard."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slixmpp import Message

from chargepoint import listener, session
from chargepoint.errors import Malformed
from chargepoint.events import StationEvent
from chargepoint.listener import log_in_once
from chargepoint.session import LARGEST_STANZA, _event, _Ignored
from chargepoint.stanzas import parse_event
from tests.chargepoint.fixtures import recorded
from tests.chargepoint.streams import (
    BOT,
    FEED,
    STRANGER,
    Office,
    SmallStream,
    listening,
    settings,
    small_stream,
    until,
)

STATUS = recorded("status.xml")
EVIL = f"{FEED}.evil.example"


def said(inside: str, *, sender: str = FEED, more: str = "type='chat'") -> str:
    """Write a message as somebody sends it."""
    return f"<message from='{sender}' to='{BOT}' {more}>{inside}</message>"


def asked(kind: str, inside: str) -> str:
    """Write a stanza that wants an answer, or is one."""
    return f"<iq from='{STRANGER}' to='{BOT}' type='{kind}' id='1'>{inside}</iq>"


BORING = {
    "nothing": said(""),
    "an empty body": said("<body/>"),
    "two bodies": said("<body>x</body><body>y</body>"),
    "elements in the body": said("<body><event><stationID>1</stationID></event></body>"),
    "another language": said("<body xml:lang='tlh'>Qapla</body>"),
    "no event": said("<body>&lt;event&gt;</body>"),
    "attributes without end": said("", more=" ".join(f"a{n}='{n}'" for n in range(9000))),
    "a tag without end": said(f"<{'a' * 100_000}/>"),
    "depth": said("<a>" * 20_000 + "</a>" * 20_000),
    "width": said("<a/>" * 50_000),
    "a kind without end": said("<body>x</body>", more=f"type='{'x' * 50_000}'"),
    "a sender without end": said("<body>x</body>", sender="x" * 50_000),
    "a sender that is no name": said("<body>x</body>", sender="@@/@"),
    "an error": said("<error/>", more="type='error'"),
    "a stranger": said("<body>x</body>", sender=STRANGER),
    "somebody like a sender": said("<body>x</body>", sender=EVIL),
    "a question": asked("get", "<query xmlns='urn:x'/>"),
    "an order": asked("set", "<query xmlns='jabber:iq:roster'/>"),
    "an answer to nothing": asked("result", ""),
    "no stanza": "<nonsense xmlns='urn:x'/>",
}


@pytest.fixture
async def stream() -> AsyncIterator[SmallStream]:
    async with small_stream() as small:
        yield small


@pytest.mark.parametrize("what", BORING)
async def test_what_is_no_event_changes_nothing_and_costs_nothing(
    stream: SmallStream, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    office = Office()
    async with listening(settings(stream.link.port), office):
        await until(lambda: office.readings == 1)

        stream.server.stanza(BORING[what], to=BOT)

        await stream.say(STATUS)
        await until(lambda: len(office.told) > 2)
    assert office.told[2:] == [parse_event(STATUS)]
    assert stream.link.accepted == 1
    assert all(len(record.getMessage()) < 300 for record in caplog.records)
    assert not [record for record in caplog.records if record.exc_info]


async def test_strangers_who_say_that_they_are_there_are_not_remembered(
    stream: SmallStream,
) -> None:
    """There is no end of strangers."""
    office = Office()
    async with listening(settings(stream.link.port), office) as ears:
        await until(lambda: office.readings == 1)
        assert ears._session is not None
        roster = ears._session._client.client_roster
        for number in range(50):
            for kind in ("", "type='subscribe'", "type='unavailable'"):
                there = f"<presence from='u{number}@evil.example' to='{BOT}' {kind}/>"
                stream.server.stanza(there, to=BOT)

        await stream.say(STATUS)
        await until(lambda: len(office.told) > 2)
        assert [who for who in roster if "evil" in who] == []
    assert stream.link.accepted == 1


async def test_a_stanza_without_end_ends_the_session_and_not_the_memory(
    stream: SmallStream,
) -> None:
    problems: list[str | None] = []
    office = Office()

    def retry(_: int) -> float:
        problems.append(ears.problem)
        return 0.01

    async with listening(settings(stream.link.port), office, retry=retry) as ears:
        await until(lambda: office.readings == 1)

        stream.server.stanza(
            said("<body>" + "x" * LARGEST_STANZA).removesuffix("</message>"), to=BOT
        )

        await until(lambda: office.readings == 2)
        await stream.say(STATUS)
        await until(lambda: parse_event(STATUS) in office.told)
    assert problems == [session.HOSTILE]


OPENING = (
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
    " version='1.0' id='1' from='localhost'>"
)


async def test_more_events_than_can_be_handled_end_the_session_and_are_read_instead(
    stream: SmallStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can send events could otherwise fill the memory with them."""
    monkeypatch.setattr(listener, "LARGEST_BACKLOG", 5)
    problems: list[str | None] = []
    office = Office()

    def retry(_: int) -> float:
        problems.append(ears.problem)
        return 0.01

    async with listening(settings(stream.link.port), office, retry=retry) as ears:
        await until(lambda: office.readings == 1)
        office.may_read.clear()
        ears.refresh()
        await until(lambda: office.told[-1] == "reading")
        await until(lambda: bool(stream.server.available))
        for _ in range(7):
            await stream.say(STATUS)
        await until(lambda: problems == [listener.OVERRUN])
        office.may_read.set()


PROLOGS = {
    "a document type": "<!DOCTYPE x>",
    "entities": "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;'>]>",
    "somebody's file": "<!DOCTYPE x SYSTEM 'file:///etc/passwd'>",
    "a comment": "<!-- hello -->",
    "no end": "<?xml " + " " * (LARGEST_STANZA + 1),
}


@pytest.mark.parametrize("what", PROLOGS)
async def test_before_the_stream_there_is_nothing_but_xml_itself(what: str) -> None:
    """Whoever stands between could say it before anything is encrypted."""
    async with saying(f"<?xml version='1.0'?>{PROLOGS[what]}") as port:
        assert await log_in_once(settings(port)) == session.HOSTILE


def _holding(name: str, text: str, inside: list[ET.Element]) -> ET.Element:
    element = ET.Element(f"{{jabber:client}}{name}")
    element.text = text
    element.extend(inside)
    return element


BOTS = settings(1)
names = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
words = st.text(max_size=80) | st.sampled_from([STATUS, FEED, BOT, "chat", "error", "2026-99"])
elements: st.SearchStrategy[ET.Element] = st.recursive(
    st.builds(ET.Element, names, st.dictionaries(names, words, max_size=4)),
    lambda inner: st.builds(_holding, names, words, st.lists(inner, max_size=4)),
    max_leaves=12,
)


@given(
    attributes=st.dictionaries(st.sampled_from(["from", "to", "type", "id"]), words),
    inside=st.lists(elements | words.map(lambda text: _holding("body", text, [])), max_size=4),
)
def test_no_message_whatever_does_more_than_be_ignored(
    attributes: dict[str, str], inside: list[ET.Element]
) -> None:
    """What got through the parser may still be anything."""
    xml = ET.Element("{jabber:client}message", attributes)
    xml.extend(inside)
    try:
        event = _event(Message(xml=xml), BOTS)  # type: ignore[no-untyped-call] # slixmpp's own
    except (_Ignored, Malformed) as why:
        assert len(str(why)) < 1200  # noqa: PT017 - either outcome is right, nothing else is
    else:
        assert event is None or isinstance(event, StationEvent)


@asynccontextmanager
async def saying(prolog: str) -> AsyncIterator[int]:
    """Let a server begin a stream in its own way, and tell its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(prolog[:20].encode())
        await writer.drain()
        writer.write(f"{prolog[20:]}{OPENING}".encode())
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
