"""The stand-in for X-Ray's console shows what the daemon is sent, in words and as a picture."""

import asyncio
import re
import socket
import sys
from asyncio.subprocess import PIPE
from contextlib import suppress

from lxml import etree

from bot.datagrams import datagram
from bot.tracing import call, step, unit
from bot.xray import segment_document
from playground.bot_process import free_port
from playground.xray import MOST_UNFINISHED, Viewer
from playground.xray_picture import picture
from tests.tracing.gathering import Spans, documents

SVG = "{http://www.w3.org/2000/svg}"


def work() -> None:
    """Do a piece of work of which a step fails."""
    with unit("/ev", command="JoinRequested") as command:
        with step("load", revision=7):
            pass
        with suppress(TimeoutError), call("Slack", "users.info", url="https://slack.com"):
            raise TimeoutError("no answer")
        command.annotate(outcome="Joined")


def datagrams(spans: Spans) -> list[bytes]:
    """Answer what the daemon is sent."""
    return [datagram(segment_document(span)) for span in spans.get_finished_spans()]


def test_a_trace_is_shown_when_its_unit_has_come(spans: Spans) -> None:
    work()
    viewer = Viewer()

    *steps, command = [[*viewer.lines(each)] for each in datagrams(spans)]

    assert steps == [[], []]
    timed = r" +(?:[+-][\d.]+)? +[\d.]+ ms(?: *▏[ █]*▕)?"
    shown = [re.sub(timed, "", line) for line in command]
    assert shown[0].startswith("/ev  command=JoinRequested outcome=Joined  trace 1-")
    assert shown[1:] == [
        "  ├ load  revision=7",
        "  └ Slack users.info  ✗ fault, TimeoutError: no answer",
    ]


def test_what_is_not_for_the_daemon_is_said_to_be() -> None:
    assert [*Viewer().lines(b"hello")] == ["not for the daemon: b'hello'"]


def test_what_never_ends_is_forgotten(spans: Spans) -> None:
    viewer = Viewer()
    for _ in range(MOST_UNFINISHED + 10):
        with unit("tick"), step("look"):
            pass
    for each in datagrams(spans)[::2]:
        assert [*viewer.lines(each)] == []

    assert len(viewer._gathered) == MOST_UNFINISHED


def test_a_picture_has_a_bar_for_each_piece_of_work(spans: Spans) -> None:
    work()

    drawn = etree.fromstring(picture(documents(spans)).encode())

    texts = [text.text or "" for text in drawn.iter(f"{SVG}text")]
    assert {"/ev", "load", "Slack users.info"} <= {*texts}
    bars = [each for each in drawn.iter(f"{SVG}rect") if each.get("height") == "14"]
    assert len(bars) == 3
    assert [bar.get("fill") for bar in bars].count("#b91c1c") == 1


async def test_it_listens_where_the_daemon_would(spans: Spans) -> None:
    work()
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "playground.xray", "--port", str(port), stdout=PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            assert f"127.0.0.1:{port}" in (await process.stdout.readline()).decode()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
                for each in datagrams(spans):
                    daemon.sendto(each, ("127.0.0.1", port))
            assert (await process.stdout.readline()).decode().startswith("/ev")
    finally:
        process.kill()
        await process.wait()
