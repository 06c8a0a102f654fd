"""What people say and press reaches the queue, and each gets one answer, over HTTP or a socket."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from playground.slack.deliveries import Retry
from playground.slack.faults import Break, Fault, Limit, Refuse, Reset
from playground.slack.options import Options
from playground.slack.simulation import SimulatedSlack
from playground.slack.workspace import ROOM, dm_of
from tests.bot.conftest import NewSlack
from tests.bot.office import (
    ADA,
    ALAN,
    GRACE,
    QUICK,
    Bot,
    Clock,
    Neighbours,
    at_work,
    logged,
    neighbours_of,
    until,
)
from tests.bot.troubled import Opening

JOINED = "Ada Lovelace joined"


async def test_a_command_in_the_room_is_answered_there_for_everybody(either: Bot) -> None:
    answer = await either.neighbours.slack.command(ADA, "add")

    assert answer is not None
    assert (answer.only, answer.channel) == (None, ROOM)
    assert JOINED in answer.text
    await either.quiet()
    assert len(either.neighbours.room(JOINED)) == 1
    assert await either.queue() == [ADA]
    assert not either.neighbours.slack.web_api.refused


async def test_a_question_is_answered_for_the_asker_alone(either: Bot) -> None:
    answer = await either.neighbours.slack.command(ADA, "list")

    assert answer is not None
    assert answer.only == ADA
    assert "Queue" in answer.text


async def test_a_command_from_elsewhere_is_heard_in_the_room_too(either: Bot) -> None:
    """Who joins from their own desk must not look as if they had jumped the queue."""
    answer = await either.neighbours.slack.command(ADA, "add", channel=dm_of(ADA))

    assert answer is not None
    assert answer.only == ADA
    assert JOINED in answer.text
    await either.neighbours.hears(JOINED)
    await either.quiet()
    assert len(either.neighbours.room(JOINED)) == 1


async def test_a_plain_message_in_the_room_counts_and_is_answered_there(either: Bot) -> None:
    either.neighbours.slack.say(ADA, "  EV   Add ")

    await either.neighbours.hears(JOINED)
    await either.quiet()
    assert len(either.neighbours.room(JOINED)) == 1
    assert await either.queue() == [ADA]


async def test_talk_in_the_room_that_does_not_begin_with_ev_is_none_of_its_business(
    bot: Bot,
) -> None:
    for words in ("add", "every day", "evening all", "did you say ev add?", "ev"):
        bot.neighbours.slack.say(ADA, words)

    await bot.quiet()
    assert await bot.queue() == []
    assert bot.neighbours.room() == []
    assert bot.neighbours.told(ADA) == []


async def test_every_line_of_a_message_that_begins_with_ev_counts(bot: Bot) -> None:
    bot.neighbours.slack.say(ADA, "Good morning!\nev add\nev suspend\nsee you\nev list")

    await bot.neighbours.tells(ADA, "*Queue*")
    await bot.quiet()
    (entry,) = (await bot.site()).queue
    assert entry.suspended
    assert len(bot.neighbours.room(JOINED)) == 1
    assert len(bot.neighbours.room("lets others go ahead")) == 1
    assert len(bot.neighbours.told(ADA)) == 1


async def test_a_private_message_needs_no_ev_and_is_heard_in_the_room(either: Bot) -> None:
    either.neighbours.slack.say(ADA, "add", channel=dm_of(ADA))

    await either.neighbours.hears(JOINED)
    await either.quiet()
    assert len(either.neighbours.private(dm_of(ADA))) == 1
    assert len(either.neighbours.room(JOINED)) == 1


async def test_several_lines_in_private_count_as_in_the_room(bot: Bot) -> None:
    bot.neighbours.slack.say(ADA, "ev add\nev suspend", channel=dm_of(ADA))

    await bot.neighbours.hears("lets others go ahead")
    await bot.quiet()
    assert len(bot.neighbours.private(dm_of(ADA))) == 2


async def test_a_mention_of_the_bot_is_a_way_to_speak_to_it(either: Bot) -> None:
    either.neighbours.slack.say(ADA, "@EV Concierge add")

    await either.neighbours.hears(JOINED)
    await either.quiet()
    assert len(either.neighbours.room(JOINED)) == 1


@pytest.mark.parametrize(
    "words",
    ["ev add @EV Concierge", "@EV Concierge ev add", "ev add\n@EV Concierge ev list"],
)
async def test_a_message_that_arrives_as_two_kinds_of_event_counts_once(
    either: Bot, words: str
) -> None:
    """Slack tells of it as a message and as a mention, in either order."""
    either.neighbours.slack.say(ADA, words)

    await either.neighbours.hears(JOINED)
    await either.quiet()
    lines = len(words.splitlines())
    assert len(either.neighbours.room()) + len(either.neighbours.told(ADA)) == lines
    assert either.neighbours.told(ADA, "already") == []
    assert either.neighbours.told(ADA, "I don't know “") == []
    assert await either.queue() == [ADA]


async def test_a_mention_counts_alike_where_messages_may_not_be_read(bot: Bot) -> None:
    """An administrator may decline the right to read the room, and mentions remain."""
    slack = bot.neighbours.slack
    slack.options = replace(slack.options, scopes=slack.options.scopes - {"channels:history"})

    slack.say(ADA, "ev add\n@EV Concierge ev list")

    await bot.neighbours.tells(ADA, "*Queue*")
    await bot.quiet()
    assert len(bot.neighbours.room(JOINED)) == 1
    assert await bot.queue() == [ADA]


async def test_other_words_get_a_short_friendly_answer_never_silence(bot: Bot) -> None:
    bot.neighbours.slack.say(ADA, "@EV Concierge thanks!")
    bot.neighbours.slack.say(GRACE, "am I next?", channel=dm_of(GRACE))

    bot.neighbours.slack.say(ALAN, "what's for lunch?", channel=dm_of(ALAN))

    await bot.neighbours.tells(ADA, "Any time")
    await bot.neighbours.tells(GRACE, "You are not in the queue")
    await bot.neighbours.tells(ALAN, "ev help")
    await bot.quiet()
    for person in (ADA, GRACE, ALAN):
        assert len(bot.neighbours.told(person)) == 1


async def test_what_slack_escaped_is_shown_as_it_was_typed(bot: Bot) -> None:
    answer = await bot.neighbours.slack.command(ADA, "R&D <!channel> *x*")
    bot.neighbours.slack.say(GRACE, "ev R&D <!channel>")

    whispered = await bot.neighbours.tells(GRACE, "R&amp;D &lt;!channel&gt;")
    assert answer is not None
    assert "R&amp;D &lt;!channel&gt;" in answer.text
    assert "amp;amp" not in answer.text + whispered.text
    assert not any(m.pings_all for m in bot.neighbours.slack.workspace.seen_by(ADA))


async def test_a_button_changes_the_card_and_says_nothing_more(either: Bot) -> None:
    await either.neighbours.slack.command(ADA, "add")
    either.neighbours.leave()
    card = await either.neighbours.hears("<@U0ADA>")
    await either.quiet()
    told = len(either.neighbours.told(ADA))

    await either.neighbours.press(ADA, card, "offer.on_my_way")

    await either.neighbours.hears("is on the way")
    await either.quiet()
    assert len(either.neighbours.told(ADA)) == told
    assert either.neighbours.slack.workspace.message(card.ts).edited


async def test_somebody_elses_button_is_explained_in_private_and_changes_nothing(
    either: Bot,
) -> None:
    await either.neighbours.slack.command(ADA, "add")
    either.neighbours.leave()
    card = await either.neighbours.hears("<@U0ADA>")
    await either.quiet()
    before = await either.site()

    await either.neighbours.press(GRACE, card, "offer.leave")

    told = await either.neighbours.tells(GRACE, "That button is for Ada Lovelace")
    assert told.only == GRACE
    assert await either.site() == before


async def test_a_button_pressed_too_late_is_explained(bot: Bot) -> None:
    await bot.neighbours.slack.command(ADA, "add")
    bot.neighbours.leave()
    card = await bot.neighbours.hears("<@U0ADA>")
    await bot.neighbours.press(ADA, card, "offer.leave")
    await bot.quiet()

    bot.neighbours.slack.workspace.edit(card.ts, card.content)
    await bot.neighbours.press(ADA, card, "offer.on_my_way")

    await bot.neighbours.tells(ADA, "over already")
    assert await bot.queue() == []


async def test_an_event_that_slack_brings_again_is_not_answered_again(
    bot: Bot,
) -> None:
    slack = bot.neighbours.slack
    slack.options = replace(slack.options, copies=3)

    slack.say(ADA, "ev add")

    await bot.neighbours.hears(JOINED)
    await bot.quiet()
    assert len(bot.neighbours.room()) == 1
    assert bot.neighbours.told(ADA) == []


@pytest.mark.parametrize("fault", [Limit(0), Break(500), Reset()], ids=str)
async def test_an_answer_that_slack_does_not_take_is_brought_again(bot: Bot, fault: Fault) -> None:
    """Silence would look as if the bot had not listened."""
    faults = bot.neighbours.slack.web_api.faults
    faults.add("chat.postMessage", fault, times=2)
    faults.add("chat.postEphemeral", fault, times=2)

    bot.neighbours.slack.say(ADA, "ev add\nev list")

    await bot.neighbours.tells(ADA, "*Queue*")
    await bot.quiet()
    assert len(bot.neighbours.room(JOINED)) == 1
    assert len(bot.neighbours.told(ADA)) == 1


async def test_an_answer_that_slack_refuses_is_reported(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    faults = bot.neighbours.slack.web_api.faults
    faults.add("chat.postMessage", Refuse("restricted_action"))

    bot.neighbours.slack.say(ADA, "ev why\nev list", channel=dm_of(ADA))

    await bot.neighbours.tells(ADA, "*Queue*")
    (lost,) = logged(caplog, "reply.lost")
    assert "restricted_action" in lost["why"]


async def test_a_message_is_acknowledged_only_once_it_is_kept(
    tmp_path: Path, clock: Clock, new_slack: NewSlack
) -> None:
    """A process that dies between the two would have lost it; Slack brings it again instead."""
    slack, opening = new_slack(Options(retry_delays=(0.0, 0.1, 0.1))), Opening()
    patience = replace(QUICK, answer=0.2)
    async with (
        neighbours_of(tmp_path / "queue.db", slack, clock) as neighbours,
        at_work(neighbours, open_store=opening, patience=patience) as bot,
    ):
        brought = _deliveries(slack)
        opening.store.flowing.clear()
        slack.say(ADA, "ev add")
        await until(lambda: _at_least(brought, 2))
        opening.store.flowing.set()

        await neighbours.hears(JOINED)
        await bot.quiet()
        assert len(neighbours.room(JOINED)) == 1
        assert await bot.queue() == [ADA]


async def test_a_press_that_takes_long_is_said_to_be_unconfirmed_and_then_what_came_of_it(
    neighbours: Neighbours,
) -> None:
    opening = Opening()
    async with at_work(neighbours, open_store=opening, patience=replace(QUICK, answer=0.2)) as bot:
        await neighbours.slack.command(ADA, "add")
        neighbours.leave()
        card = await neighbours.hears("<@U0ADA>")
        await neighbours.tells(ADA, "It's your turn")
        opening.store.flowing.clear()

        await neighbours.press(ALAN, card, "offer.leave")

        await neighbours.tells(ALAN, "couldn't confirm")
        opening.store.flowing.set()
        await neighbours.tells(ALAN, "That button")
        await bot.quiet()


@pytest.mark.parametrize("status", [500, 429])
async def test_an_answer_to_a_button_is_given_again_where_slack_stumbles(
    bot: Bot, status: int
) -> None:
    await bot.neighbours.slack.command(ADA, "add")
    bot.neighbours.leave()
    card = await bot.neighbours.hears("<@U0ADA>")
    bot.neighbours.slack.web_api.faults.add("response_url", Break(status), times=2)

    await bot.neighbours.press(ALAN, card, "offer.leave")

    await bot.neighbours.tells(ALAN, "That button")
    await bot.quiet()
    assert len(bot.neighbours.told(ALAN)) == 1


async def test_an_answer_to_a_button_that_slack_never_takes_ends_nothing_else(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    await bot.neighbours.slack.command(ADA, "add")
    bot.neighbours.leave()
    card = await bot.neighbours.hears("<@U0ADA>")
    bot.neighbours.slack.web_api.faults.add("response_url", Reset(), times=100)

    await bot.neighbours.press(ALAN, card, "offer.leave")

    await until(bot.is_idle)
    assert len(logged(caplog, "reply.waits")) == 3
    assert "/commands/" not in caplog.text
    assert await bot.neighbours.slack.command(ADA, "list") is not None


async def test_a_fault_of_ours_in_an_answer_to_a_button_ends_nothing_else(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """All that was begun ends together; one answer must not be the end of the bot."""
    await bot.neighbours.slack.command(ADA, "add")
    bot.neighbours.leave()
    card = await bot.neighbours.hears("<@U0ADA>")

    def stumble(*_: object) -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr("bot.app._responded", stumble)
    await bot.neighbours.press(ALAN, card, "offer.leave")

    await until(bot.is_idle)
    assert len(logged(caplog, "answer.failed")) == 1
    assert await bot.neighbours.slack.command(ADA, "list") is not None


async def test_what_comes_by_http_while_it_stops_is_left_to_another_one(bot: Bot) -> None:
    """What comes by a socket comes once; how that ends stands in test_office."""
    assert bot.office._app is not None
    bot.office._app.drain()

    answer = await bot.neighbours.slack.command(ADA, "add")

    assert answer is not None
    assert "failed with the error" in answer.text
    assert await bot.queue() == []


@pytest.mark.parametrize("kind", ["file_share", "me_message", "thread_broadcast"])
async def test_words_beside_a_picture_or_from_a_thread_count_too(bot: Bot, kind: str) -> None:
    slack = bot.neighbours.slack
    first = slack.say(ADA, "look at my car")

    slack._send_event({**_message(first.ts), "text": "ev add", "subtype": kind})

    await bot.neighbours.hears(JOINED)
    await bot.quiet()
    assert await bot.queue() == [ADA]


async def test_only_people_are_listened_to(bot: Bot) -> None:
    """A bot that answers bots, or itself, never stops."""
    neighbours = bot.neighbours
    first = neighbours.slack.say(ADA, "good morning")
    for inner in (
        {"bot_id": "B0OTHER", "subtype": "bot_message"},
        {"bot_id": "B0OTHER"},
        {"user": "U0BOT"},
        {"subtype": "channel_topic"},
        {"subtype": "message_changed", "user": None},
        {"user": None},
    ):
        neighbours.slack._send_event({**_message(first.ts), "text": "ev add", **inner})
    neighbours.slack.workspace.edit(first.ts, type(first.content)(text="ev add"))

    await bot.quiet()
    assert await bot.queue() == []
    assert neighbours.room() == []


async def test_the_same_press_brought_twice_is_answered_once(bot: Bot) -> None:
    await bot.neighbours.slack.command(ADA, "add")
    bot.neighbours.leave()
    card = await bot.neighbours.hears("<@U0ADA>")
    triggers = bot.neighbours.slack.backend.triggers
    triggers.issue = lambda: "1.2.same"  # type: ignore[method-assign] # Slack brings it twice

    for _ in range(2):
        await bot.neighbours.press(ALAN, card, "offer.leave")
    await bot.neighbours.tells(ALAN, "That button")
    await until(bot.is_idle)

    assert len(bot.neighbours.told(ALAN)) == 1


async def test_the_same_command_brought_twice_changes_nothing_and_is_answered_the_same(
    either: Bot,
) -> None:
    slack = either.neighbours.slack
    slack.backend.triggers.issue = lambda: "1.2.same"  # type: ignore[method-assign] # as above

    first = await slack.command(ADA, "add")
    again = await slack.command(ADA, "add")

    assert first is not None
    assert again is not None
    assert first.text == again.text


def _deliveries(slack: SimulatedSlack) -> list[str]:
    """Answer a list that grows with everything that is brought to the bot."""
    brought: list[str] = []
    carry = slack.http.carry

    async def counted(kind: str, payload: dict[str, Any], retry: Retry | None = None) -> str:
        brought.append(kind)
        return await carry(kind, payload, retry)

    slack.http.carry = counted  # type: ignore[method-assign] # only counts
    return brought


async def _at_least(brought: list[str], times: int) -> bool:
    return len(brought) >= times


def _message(ts: str) -> dict[str, Any]:
    return {
        "type": "message",
        "channel": ROOM,
        "channel_type": "channel",
        "user": ADA,
        "ts": ts,
        "event_ts": ts,
    }
