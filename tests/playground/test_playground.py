"""The playground as a newcomer starts, uses, breaks and stops it: processes and a browser."""

import asyncio
import os
import re
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession
from playwright.async_api import Locator, Page, async_playwright, expect

from playground.bot_process import STOP_SECONDS
from playground.dynamodb import ENGINE

CHROMIUM = shutil.which("chromium")
SPEED = "10"
SECONDS = 30
A_CALL = 20_000
OPEN = r"The office is open: (http://127\.0\.0\.1:\d+)"
BOT = r"The bot runs as process (\d+)"
LOGGED_PORT = r"bot\.started .*port=(\d+)"


class Playground:
    """`python -m playground`, in a terminal of its own."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def said(self, pattern: str) -> str:
        """Answer the pattern's first group, once a line that was not looked at yet has it."""
        assert self.process.stdout is not None
        async with asyncio.timeout(SECONDS):
            while line := (await self.process.stdout.readline()).decode():
                self.lines.append(line.rstrip())
                if found := re.search(pattern, line):
                    return found[1]
        raise AssertionError(f"no line has {pattern}: {self.lines}")

    async def opened(self) -> str:
        """Answer the page's address, once it is told."""
        return await self.said(OPEN)

    def press(self) -> None:
        """Press Ctrl-C, of which the terminal tells the whole process group."""
        os.killpg(self.process.pid, signal.SIGINT)

    async def ended(self) -> int:
        """Answer the exit code, once neither it nor anything that it started is there."""
        assert self.process.stdout is not None
        async with asyncio.timeout(SECONDS):
            # Whoever it started holds its output open.
            rest = await self.process.stdout.read()
            self.lines += rest.decode().splitlines()
            return await self.process.wait()

    @property
    def ports(self) -> set[int]:
        """Every port that it spoke of."""
        text = "\n".join(self.lines)
        told = re.findall(r"127\.0\.0\.1:(\d+)", text) + re.findall(LOGGED_PORT, text)
        return {int(each) for each in told}


@asynccontextmanager
async def started(folder: Path, *options: str) -> AsyncIterator[Playground]:
    """Start one with these options, and stop it at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "playground",
        f"--state={folder}",
        f"--speed={SPEED}",
        *options,
        stdout=PIPE,
        stderr=STDOUT,
        start_new_session=True,
        limit=2**20,
    )
    playground = Playground(process)
    try:
        yield playground
    finally:
        if process.returncode is None:
            playground.press()
            await playground.ended()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Name the folder that remembers the office."""
    return tmp_path / "office"


def spoil(file: Path) -> None:
    """Make it what nobody can read."""
    file.parent.mkdir()
    file.write_text("not at all " * 100)


async def is_open(port: int) -> bool:
    """Tell whether anybody takes connections there."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def test_ctrl_c_leaves_nothing_behind(folder: Path) -> None:
    """A newcomer who stops it must find the machine as it was."""
    async with started(folder, "--port=0", "--log") as playground:
        await playground.opened()
        assert len(playground.ports) == 5
        assert all([await is_open(port) for port in playground.ports])

        playground.press()

        assert await playground.ended() == 0
    assert not any([await is_open(port) for port in playground.ports])


async def test_a_calm_terminal_shows_the_parts_the_address_and_the_end(folder: Path) -> None:
    async with started(folder, "--port=0", "--socket-mode") as playground:
        bot = await playground.said(BOT)
        url = await playground.opened()
        playground.process.terminate()
        assert await playground.ended() == 0

    assert [re.sub(r"at .*", "at …", line) for line in playground.lines] == [
        "A simulated ChargePoint network: SOAP at …",
        "  XMPP at …",
        "A simulated Slack workspace: Web API at …",
        f"The bot runs as process {bot}.",
        "",
        f"The office is open: {url}   (Ctrl-C stops everything)",
        "",
        "Stopping …",
    ]


async def test_a_bot_that_hangs_is_not_waited_for_after_a_second_ctrl_c(folder: Path) -> None:
    async with started(folder, "--port=0") as playground:
        bot = int(await playground.said(BOT))
        await playground.opened()
        os.kill(bot, signal.SIGSTOP)

        playground.press()
        await playground.said("(Stopping)")
        playground.press()

        async with asyncio.timeout(STOP_SECONDS / 2):
            assert await playground.ended() == 0
        assert "The bot does not stop by itself, so it is killed." in playground.lines


async def test_ctrl_c_while_the_bot_is_being_started_again_is_heard(folder: Path) -> None:
    """A bot that dies over and over is when people press it."""
    async with started(folder, "--port=0") as playground:
        bot = int(await playground.said(BOT))
        os.kill(bot, signal.SIGKILL)
        await playground.said("(The bot was ended by SIGKILL)")

        playground.press()

        assert await playground.ended() == 0
    assert playground.lines[-1] == "Stopping …"


async def test_a_playground_that_is_killed_takes_its_bot_along(folder: Path) -> None:
    """A bot that nobody knows of would keep the queue's file, and the next start would fail."""
    async with started(folder, "--port=0") as playground:
        await playground.opened()

        playground.process.kill()

        assert await playground.ended() == -signal.SIGKILL
    async with started(folder, "--port=0") as again:
        await again.opened()


async def test_a_second_playground_says_one_clear_line_and_leaves_the_first_alone(
    folder: Path, tmp_path: Path
) -> None:
    """Two terminals and a forgotten first one are how most of these begin."""
    async with started(folder, "--port=0") as first:
        url = await first.opened()
        port = url.rpartition(":")[2]
        async with (
            started(tmp_path / "other", f"--port={port}") as same_port,
            started(folder, "--port=0", "--fresh") as same_folder,
        ):
            codes = await same_port.ended(), await same_folder.ended()

        assert codes == (1, 1)
        assert same_port.lines == [
            f"Port {port} can't be had (Address already in use); --port 8081 takes another."
        ]
        assert same_folder.lines == [
            f"Another playground uses the folder {folder}; --state names another folder."
        ]
        async with ClientSession() as session, session.get(url) as page:
            assert page.status == 200
        assert (folder / "queue.db").exists()


@pytest.mark.parametrize("file", ["garage.json", "chat.json"])
async def test_what_cannot_be_read_is_named(folder: Path, file: str) -> None:
    spoil(folder / file)
    async with started(folder, "--port=0") as playground:
        assert await playground.ended() == 1
    assert playground.lines == [
        f"{folder / file} can't be read; --fresh forgets it and starts anew."
    ]


async def test_a_bot_that_refuses_to_run_says_why_and_fresh_starts_anew(folder: Path) -> None:
    """The bot's own words are shown, and it is not started again and again."""
    spoil(folder / "queue.db")
    async with started(folder, "--port=0") as playground:
        assert await playground.ended() == 1
    assert any("bot │ QUEUE_STORE: " in line for line in playground.lines)
    assert playground.lines[-1] == "The bot left with 2."

    async with started(folder, "--port=0", "--fresh") as fresh:
        await fresh.opened()


async def test_a_folder_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.touch()
    async with started(taken) as playground:
        assert await playground.ended() == 1
    assert playground.lines == [
        f"The folder {taken} can't be used (File exists); --state names another folder."
    ]


@asynccontextmanager
async def looking() -> AsyncIterator[Page]:
    """Open a browser that must not complain of anything."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine to look at the page with")
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1280, "height": 1000})
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        await browser.close()
    assert not complaints


def said(page: Page, words: str) -> Locator:
    """Find the messages that say so."""
    return page.locator(".message", has_text=words)


async def does(page: Page, step: int) -> None:
    """Press a step's button."""
    await page.get_by_role("button", name=f"Do step {step} for me").click()


async def speaks(page: Page, name: str, words: str = "") -> None:
    """Speak as somebody, and say the words, if any."""
    await page.get_by_role("radio", name=name).check(force=True)
    box = page.get_by_label(f"Message as {name}")
    await expect(box).to_be_visible()
    if words:
        await box.fill(words)
        await box.press("Enter")
        await expect(box).to_have_value("")


@pytest.mark.parametrize("store", ["sqlite", "dynamodb"])
async def test_the_story_of_the_steps(folder: Path, store: str) -> None:
    """Everything that the playground is there to show, with a bot that dies in the middle of it."""
    if store == "dynamodb" and not ENGINE.exists():
        pytest.skip("`make engine` installs the DynamoDB engine, where npm has it")
    kept = f"--store={store}"
    async with looking() as page:
        async with started(folder, "--port=0", kept) as playground:
            bot = int(await playground.said(BOT))
            await page.goto(await playground.opened())
            await two_drivers_queue_up_and_the_first_charges(page)
            await a_guest_takes_a_port_that_nobody_wants(page)
            await the_next_two_wait_and_one_is_called(page)
            await dies_and_comes_back(playground, bot)
            await nobody_reacts_until_the_charger_is_idle(page)
            await ada_is_asked_to_make_room(page)
            await grace_says_that_the_guest_is_her(page)
        async with started(folder, "--port=0", "--socket-mode", kept) as again:
            bot = int(await again.said(BOT))
            await page.goto(await again.opened())
            await everything_is_as_it_was(page)
            await dies_and_comes_back(again, bot)
            await every_word_is_heard(page)


async def dies_and_comes_back(playground: Playground, bot: int) -> None:
    os.kill(bot, signal.SIGKILL)
    assert await playground.said(r"The bot was ended by (SIG\w+)") == "SIGKILL"
    assert int(await playground.said(BOT)) != bot
    await playground.opened()


async def two_drivers_queue_up_and_the_first_charges(page: Page) -> None:
    await does(page, 1)
    await expect(said(page, "Ada Lovelace joined the queue")).to_be_visible()
    await expect(said(page, "Grace Hopper joined the queue")).to_be_visible()
    await does(page, 2)
    await expect(said(page, "@Ada Lovelace, HQ GARAGE / EAST 1 is free")).to_be_visible()
    await page.get_by_role("button", name="On my way").click()
    await expect(said(page, "@Ada Lovelace is on the way to HQ GARAGE / EAST 1")).to_be_visible()
    private = page.get_by_role("button", name="EV Concierge (private messages), 1 new")
    await private.click()
    await expect(said(page, "It's your turn!")).to_be_visible()
    await page.get_by_role("button", name="ev-charging").click()
    await does(page, 3)
    await expect(said(page, "ChargePoint ID 700101 is yours")).to_be_visible()
    await expect(said(page, "@Ada Lovelace plugged in at HQ GARAGE / EAST 1")).to_be_visible()


async def a_guest_takes_a_port_that_nobody_wants(page: Page) -> None:
    await speaks(page, "Grace Hopper", "/ev suspend")
    await expect(said(page, "Grace Hopper keeps place 1 and lets others go ahead")).to_be_visible()
    await page.get_by_role("button", name="Plug out at EAST 2").click()
    await expect(said(page, "HQ GARAGE / EAST 2 is free, and nobody is waiting")).to_be_visible()
    guest = "A guest unknown to ChargePoint"
    await page.get_by_label("Who plugs in at EAST 2").select_option(guest)
    await page.get_by_role("button", name="Plug in at EAST 2").click()
    await speaks(page, "Grace Hopper", "/ev resume")
    await expect(said(page, "Grace Hopper is back in the running, at place 1")).to_be_visible()


async def the_next_two_wait_and_one_is_called(page: Page) -> None:
    await speaks(page, "Nikola Tesla", "/ev add")
    await expect(said(page, "Nikola Tesla joined the queue")).to_be_visible()
    await page.get_by_role("button", name="Plug out at WEST 1").click()
    await expect(said(page, "@Grace Hopper, HQ GARAGE / WEST 1 is free")).to_be_visible()


async def nobody_reacts_until_the_charger_is_idle(page: Page) -> None:
    missed = said(page, "@Grace Hopper, HQ GARAGE / WEST 1: couldn't make it in time")
    await expect(missed).to_be_visible(timeout=A_CALL)
    await expect(said(page, "@Nikola Tesla, HQ GARAGE / WEST 1")).to_have_count(1)
    free = said(page, "HQ GARAGE / WEST 1 is free, and nobody is waiting")
    await expect(free).to_be_visible(timeout=A_CALL)
    idle = said(page, "Precious charging time is being wasted!")
    await expect(idle).to_be_visible(timeout=A_CALL)


async def grace_says_that_the_guest_is_her(page: Page) -> None:
    await speaks(page, "Grace Hopper")
    who = said(page, "Somebody I don't know plugged in at HQ GARAGE / EAST 2")
    await expect(who).to_be_visible(timeout=A_CALL)
    await who.get_by_role("button", name="That's me").click()
    await page.get_by_role("dialog").get_by_role("button", name="That's me").click()
    await expect(said(page, "The car on HQ GARAGE / EAST 2 is Grace Hopper's")).to_be_visible()
    # Her call ran out only a moment ago, so it shows that she came after all.
    await expect(said(page, "@Grace Hopper plugged in at HQ GARAGE / EAST 2")).to_be_visible()


async def ada_is_asked_to_make_room(page: Page) -> None:
    asked = said(page, "@Ada Lovelace, your car has been on HQ GARAGE / EAST 1")
    await expect(asked).to_be_visible(timeout=A_CALL)
    await speaks(page, "Ada Lovelace")
    await asked.get_by_role("button", name="15 more minutes").click()
    await expect(said(page, "Ada Lovelace on HQ GARAGE / EAST 1: not before")).to_be_visible()


async def everything_is_as_it_was(page: Page) -> None:
    await expect(said(page, "Precious charging time is being wasted!")).to_be_visible()
    await expect(page.get_by_label("EAST 1, Charging")).to_contain_text("Ada Lovelace")
    await expect(page.get_by_label("WEST 1, Free")).to_be_visible()
    await speaks(page, "Nikola Tesla", "/ev list")
    await expect(said(page, "You are at place 1.")).to_have_count(1)


async def every_word_is_heard(page: Page) -> None:
    """Nothing may still be sent to where the dead bot was."""
    for heard in (2, 3):
        await speaks(page, "Nikola Tesla", "/ev list")
        await expect(said(page, "You are at place 1.")).to_have_count(heard)
