"""The page, as a newcomer's browser sees it, and what it refuses to other pages."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import pytest_asyncio
from aiohttp import ClientSession, WSMsgType, web
from playwright.async_api import Browser, Page, async_playwright, expect
from slack_bolt.async_app import AsyncAck

from playground.garage import Garage
from playground.page import page_app
from playground.slack.options import Options
from playground.slack.simulation import SimulatedSlack
from playground.slack.workspace import ROOM
from tests.playground.office import Bot, Clock, Json, bot_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHROMIUM = shutil.which("chromium")
NOTES = ("An offer lasts one minute instead of ten.",)
LEAVE = {
    "type": "button",
    "text": {"type": "plain_text", "text": "Leave"},
    "action_id": "leave",
    "confirm": {
        "title": {"type": "plain_text", "text": "Really?"},
        "text": {"type": "mrkdwn", "text": "Your place is *gone* then."},
        "confirm": {"type": "plain_text", "text": "Yes"},
        "deny": {"type": "plain_text", "text": "No"},
    },
}
MENU = {
    "type": "static_select",
    "placeholder": {"type": "plain_text", "text": "How long?"},
    "action_id": "until",
    "options": [{"text": {"type": "plain_text", "text": "an hour"}, "value": "60"}],
}


@pytest.fixture
def garage(clock: Clock) -> Garage:
    """Build the four ports."""
    return Garage(clock=clock)


@pytest_asyncio.fixture(loop_scope="module")
async def slack(clock: Clock) -> AsyncIterator[SimulatedSlack]:
    """Open a workspace in the loop that the browser runs in."""
    async with SimulatedSlack(clock=clock, options=Options(retry_delays=())) as workspace:
        yield workspace


@pytest_asyncio.fixture(loop_scope="module")
async def bot(slack: SimulatedSlack) -> AsyncIterator[Bot]:
    """Run a bot in that workspace."""
    async with bot_of(slack) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def url(slack: SimulatedSlack, garage: Garage) -> AsyncIterator[str]:
    """Serve the page."""
    async with serving_page(slack, garage) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="module")
async def echo(bot: Bot) -> Bot:
    """Let the bot answer `add` before everybody, and anything else to the asker alone."""

    @bot.app.command("/ev")
    async def _(ack: AsyncAck, command: Json) -> None:
        public = command["text"] == "add"
        await ack(
            f"You said {command['text']}", response_type="in_channel" if public else "ephemeral"
        )

    return bot


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Start one browser for all."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine to look at the page with")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@asynccontextmanager
async def serving_page(
    slack: SimulatedSlack, garage: Garage, *, port: int = 0
) -> AsyncIterator[str]:
    """Serve the page until the block ends."""
    app = page_app(slack, garage, notes=NOTES)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def browsing(browser: Browser, url: str, *, calmly: bool = True) -> AsyncIterator[Page]:
    """Open the page in a browser; `calmly` means that it must not complain of anything."""
    complaints: list[str] = []
    page = await browser.new_page(viewport={"width": 1280, "height": 800})
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text))
    await page.goto(url)
    await expect(page.get_by_label("Message as Ada Lovelace")).to_be_visible()
    yield page
    await page.close()
    assert not (calmly and complaints)


async def test_a_newcomer_commands_and_talks(
    slack: SimulatedSlack, echo: Bot, url: str, browser: Browser
) -> None:
    """Typing, and the chips for those who would rather press."""
    async with browsing(browser, url) as page:
        await page.get_by_label("Message as Ada Lovelace").fill("/ev add")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("You said add")).to_be_visible()
        await expect(page.get_by_text("Ada Lovelace used /ev add")).to_be_visible()
        await page.get_by_role("button", name="/ev list").click()
        await expect(page.get_by_text("Only visible to you")).to_be_visible()
        await page.get_by_label("Message as Ada Lovelace").fill("hello <b>@Grace</b>")
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_text("hello <b>@Grace Hopper</b>")).to_be_visible()
        await expect(page.get_by_label("Message as Ada Lovelace")).to_have_value("")

        await page.get_by_label("Message as Ada Lovelace").fill("/dance")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("/dance is not a command here")
        await expect(page.get_by_label("Message as Ada Lovelace")).to_have_value("/dance")

    assert [m.text for m in slack.workspace.messages()] == [
        "You said add",
        "hello &lt;b&gt;<@U0GRACE>&lt;/b&gt;",
    ]
    await slack.workspace.until(
        lambda w: w.messages()[1].text in [body["event"]["text"] for body in echo.heard]
    )


async def test_a_called_driver_has_a_badge_until_somebody_looks_as_them(
    slack: SimulatedSlack, bot: Bot, url: str, browser: Browser
) -> None:
    """Whoever plays six people must see at a glance who was called."""
    async with browsing(browser, url) as page:
        await bot.client.chat_postMessage(channel=ROOM, text="<@U0GRACE> it's your turn")
        await bot.client.chat_postMessage(channel="U0GRACE", text="Your turn, and a secret")
        grace = page.locator("label", has_text="Grace Hopper")
        await expect(grace.get_by_label("2 new")).to_be_visible()
        await expect(page.get_by_text("Your turn, and a secret")).to_have_count(0)

        await grace.click()
        await expect(page.get_by_label("Message as Grace Hopper")).to_be_visible()
        await expect(page.locator(".mention.you")).to_have_text("@Grace Hopper")
        await expect(grace.get_by_label("1 new")).to_be_visible()
        await page.get_by_role("button", name="EV Concierge (private messages), 1 new").click()
        await expect(page.get_by_text("Your turn, and a secret")).to_be_visible()
        await expect(grace.locator(".badge")).to_have_count(0)

    assert slack.workspace.unread("U0GRACE", ROOM) == 0


async def test_buttons_ask_first_where_they_should_and_edits_show_live(
    bot: Bot, url: str, browser: Browser
) -> None:
    """The confirmation is Slack's own dialog; saying no presses nothing."""
    pressed: list[str] = []

    @bot.app.action("leave")
    async def _(ack: AsyncAck, body: Json) -> None:
        await ack()
        pressed.append(body["user"]["id"])
        await bot.client.chat_update(channel=ROOM, ts=body["message"]["ts"], text="You left")

    @bot.app.action("until")
    async def _(ack: AsyncAck, action: Json) -> None:
        await ack()
        pressed.append(action["selected_option"]["value"])

    async with browsing(browser, url) as page:
        await bot.client.chat_postMessage(
            channel=ROOM, text="?", blocks=[{"type": "actions", "elements": [LEAVE, MENU]}]
        )
        await page.get_by_label("How long?").select_option("an hour")
        await page.get_by_role("button", name="Leave").click()
        await expect(page.get_by_role("dialog", name="Really?")).to_contain_text("gone then")
        await page.get_by_role("button", name="No").click()
        await expect(page.get_by_role("dialog")).to_be_hidden()
        await page.get_by_role("button", name="Leave").press("Enter")
        await page.get_by_role("button", name="Yes").press("Enter")
        await expect(page.get_by_text("You left")).to_be_visible()
        await expect(page.get_by_text("(edited)")).to_be_visible()

    assert pressed == ["60", "U0ADA"]


async def test_cars_come_and_go(garage: Garage, url: str, browser: Browser) -> None:
    """The garage is where a newcomer makes things happen."""
    async with browsing(browser, url) as page:
        await expect(page.get_by_text(NOTES[0])).to_be_visible()
        await page.get_by_label("Who plugs in at EAST 1").select_option("Grace Hopper (700102)")
        await page.get_by_role("button", name="Plug in at EAST 1").click()
        east = page.get_by_label("EAST 1, Charging")
        await expect(east).to_contain_text("Grace Hopper")
        assert garage.ports[0].car
        assert garage.ports[0].car.user == "700102"

        await page.get_by_label("Who plugs in at EAST 2").select_option(
            "A guest unknown to ChargePoint"
        )
        await page.get_by_role("button", name="Plug in at EAST 2").click()
        await expect(page.get_by_label("EAST 2, Charging")).to_contain_text("A guest")
        await page.get_by_role("button", name="Plug out at EAST 1").click()
        await expect(page.get_by_label("EAST 1, Free")).to_be_visible()

    assert [port.car is not None for port in garage.ports] == [False, True, False, False]


async def test_the_five_steps_do_what_they_say(
    slack: SimulatedSlack, echo: Bot, garage: Garage, url: str, browser: Browser
) -> None:
    """Somebody who reads nothing else has seen it all after five presses and a little waiting."""
    for port, user in zip(garage.ports, ("700103", "700104", "700105", None), strict=True):
        garage.plug_in(port.station, port.number, user=user)

    async with browsing(browser, url) as page:
        for step in range(1, 6):
            await page.get_by_role("button", name=f"Do step {step} for me").click()
            await expect(page.locator("#steps li").nth(step - 1)).to_have_class("done")
        await expect(page.get_by_label("Message as Grace Hopper")).to_be_visible()
        await expect(page.get_by_role("button", name="Do step")).to_have_count(5)
        await expect(page.locator("#steps li")).to_have_count(6)

    assert [port.car.user if port.car else "nobody" for port in garage.ports] == [
        "700101",
        None,
        "700105",
        None,
    ]
    assert [m.asker for m in slack.workspace.messages()] == ["U0ADA", "U0GRACE", "U0NIKOLA"]
    assert slack.workspace.seen_by("U0ADA")[2].text == "You said register 700101"
    assert echo.client


async def test_the_home_tab_opens_and_its_buttons_work(
    slack: SimulatedSlack, bot: Bot, url: str, browser: Browser
) -> None:
    """The bot hears that somebody looks, publishes, and is pressed there."""
    pressed: list[str] = []

    @bot.app.action("until")
    async def _(ack: AsyncAck, action: Json) -> None:
        await ack()
        pressed.append(action["selected_option"]["value"])
        slack.workspace.touch()

    view = {"type": "home", "blocks": [{"type": "actions", "elements": [MENU]}]}
    async with browsing(browser, url) as page:
        await page.get_by_role("button", name="EV Concierge (Home tab)").click()
        await expect(page.get_by_text("has not published anything here yet")).to_be_visible()
        await bot.client.views_publish(user_id="U0ADA", view=view)
        await page.get_by_label("How long?").select_option("an hour")
        await page.get_by_role("button", name="EV Concierge (private messages)").click()
        await expect(page.get_by_text("Nothing has been said here yet")).to_be_visible()

    await slack.workspace.until(lambda _: pressed and len(bot.heard) == 2)
    assert pressed == ["60"]
    assert [body["event"]["tab"] for body in bot.heard] == ["home", "messages"]


async def test_a_step_that_cannot_be_done_says_why(url: str, browser: Browser) -> None:
    """Steps may be taken out of order; nothing may look done that was not."""
    async with browsing(browser, url) as page:
        await page.get_by_role("button", name="Do step 2 for me").click()
        await expect(page.get_by_role("alert")).to_contain_text("Nobody is there to drive off")
        await expect(page.locator("#steps li.done")).to_have_count(0)


async def test_a_lost_connection_comes_back_by_itself(
    slack: SimulatedSlack, garage: Garage, bot: Bot, browser: Browser
) -> None:
    """Restarting the playground must not need a reload in every tab."""
    async with AsyncExitStack() as stack:
        async with serving_page(slack, garage) as url:
            page = await stack.enter_async_context(browsing(browser, url, calmly=False))
            await expect(page.get_by_role("status")).to_have_text("Playground, live")
        await expect(page.get_by_role("status")).to_have_text("Connection lost, trying again …")
        async with serving_page(slack, garage, port=int(url.rpartition(":")[2])):
            await bot.client.chat_postMessage(channel=ROOM, text="back again")
            await expect(page.get_by_text("back again")).to_be_visible(timeout=10_000)


async def test_outside_text_is_never_markup(
    slack: SimulatedSlack, bot: Bot, url: str, browser: Browser
) -> None:
    """A name or a station may come from anybody."""
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script> &amp;lt;b <javascript:alert(3)|x>"
    async with browsing(browser, url) as page:
        await bot.client.chat_postMessage(channel=ROOM, text=evil)
        slack.say("U0ADA", evil)
        await expect(page.locator(".message")).to_have_count(2)
        assert await page.locator("#log img, #log script, #log a").count() == 0
        assert await page.locator("#log").get_by_text("&lt;b").count() == 1


async def test_the_page_fits_a_phone(bot: Bot, url: str, browser: Browser) -> None:
    """Nothing may be out of reach sideways."""
    async with browsing(browser, url) as page:
        await bot.client.chat_postMessage(channel=ROOM, text="x" * 500)
        for width in (360, 800, 1280):
            await page.set_viewport_size({"width": width, "height": 800})
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            garage = await page.evaluate("document.querySelector('.garage').scrollWidth")
            assert garage <= await page.evaluate("document.querySelector('.garage').clientWidth")


class TestStrangers:
    """Another site's page in the same browser must not speak for anybody."""

    async def test_another_origin_gives_no_orders(self, slack: SimulatedSlack, url: str) -> None:
        sent = {"person": "U0ADA", "channel": ROOM, "text": "hi"}
        async with ClientSession() as session:
            for origin in (None, "http://evil.example", "null", url.replace("http", "https")):
                headers = {"Origin": origin} if origin else {}
                answer = await session.post(f"{url}/do/send", json=sent, headers=headers)
                assert answer.status == 403
                live = await session.get(f"{url}/live", headers=headers)
                assert live.status == 403
            own = await session.post(f"{url}/do/send", json=sent, headers={"Origin": url})

        assert own.status == 200
        assert [m.text for m in slack.workspace.messages()] == ["hi"]

    async def test_another_name_for_this_machine_is_refused(self, url: str) -> None:
        async with ClientSession() as session:
            answers = [
                (await session.get(url, headers={"Host": host})).status
                for host in ("evil.example", "127.0.0.1.evil.example:80", "localhost:1", "[::1]:80")
            ]

        assert answers == [421, 421, 200, 200]

    async def test_the_page_may_load_nothing_from_elsewhere(self, url: str) -> None:
        async with ClientSession() as session:
            answer = await session.get(url)

        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy

    @pytest.mark.parametrize(
        ("deed", "body", "status"),
        [
            ("send", {"person": "U0ADA", "channel": ROOM, "text": "x" * 4001}, 200),
            ("send", {"person": "U0ADA", "channel": ROOM, "text": "   "}, 200),
            ("send", {"person": "U0ADA", "channel": "D0GRACE", "text": "x"}, 200),
            ("send", {"person": "U0NOBODY", "channel": ROOM, "text": "x"}, 200),
            ("send", {"person": 7, "channel": ROOM, "text": "x"}, 400),
            ("send", [], 400),
            ("look", {"person": "U0ADA", "channel": "C0ELSE"}, 200),
            ("press", {"person": "U0ADA", "on": "1.2", "action": "x"}, 200),
            ("plug-in", {"station": "1:330001", "number": "1", "user": "999"}, 200),
            ("plug-in", {"station": "nowhere", "number": "1"}, 200),
            ("plug-out", {"station": "1:330001", "number": "1"}, 200),
            ("explode", {}, 404),
        ],
    )
    async def test_odd_orders_get_plain_words(
        self, slack: SimulatedSlack, url: str, deed: str, body: object, status: int
    ) -> None:
        async with ClientSession() as session:
            answer = await session.post(f"{url}/do/{deed}", json=body, headers={"Origin": url})
            said = await answer.json()

        assert answer.status == status
        assert said["problem"].endswith(".")
        assert slack.workspace.messages() == ()


async def test_a_tab_left_open_does_not_hold_up_the_end(
    slack: SimulatedSlack, garage: Garage
) -> None:
    """Ctrl-C must end the playground at once."""
    async with asyncio.timeout(5), ClientSession() as session:
        async with serving_page(slack, garage) as url:
            live = await session.ws_connect(f"{url}/live", headers={"Origin": url})
            assert (await live.receive_json())["me"] == "U0ADA"
        assert (await live.receive()).type is WSMsgType.CLOSE
