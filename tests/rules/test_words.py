"""What people type is understood, and what they read is harmless."""

import pytest

from bot.commands import COMMANDS, parse
from bot.effects import AnnounceFree, CallDriver, SayInRoom
from bot.events import Asker, JoinRequested, NotUnderstood, SmallTalk
from bot.messages import Reader, answer
from bot.replies import (
    HelpText,
    Joined,
    Listing,
    Puzzled,
    SmallTalkReply,
    Why,
    board,
)
from tests.story import ADA, EAST, GRACE, NINE, RULES, WEST, ZONE, Story, name

ASKER = Asker(driver=ADA)
NAMES = {ADA: "Ada <!channel>", GRACE: "<@U0HEDY>"}


def told(story: Story) -> str:
    """Answer the last reply in words."""
    reply = story.reply()
    assert reply is not None
    return answer(reply, Reader(now=story.now, zone=ZONE, rules=RULES, names=NAMES)).text


@pytest.mark.parametrize("words", ["add", "ADD", "ev add", "  Ev   aDD  ", "/ev add"])
def test_c1_case_spaces_and_a_leading_ev_do_not_matter(words: str) -> None:
    assert parse(words, ASKER) == JoinRequested(asker=ASKER)


def test_c2_an_unknown_word_gets_a_suggestion_and_help(story: Story) -> None:
    assert story.asks(ADA, "remov") == Puzzled(words="remov", suggestion="remove")

    assert "Did you mean `ev remove`?" in told(story)
    assert "`ev help`" in told(story)


def test_c2_a_word_that_resembles_nothing_gets_help(story: Story) -> None:
    assert story.asks(ADA, "lunch") == Puzzled(words="lunch")
    assert "`ev help`" in told(story)


def test_c5_a_listing_pings_nobody_whatever_people_call_themselves(story: Story) -> None:
    story.joins(ADA, GRACE)

    story.asks(ADA, "list")

    assert "<@" not in told(story)
    assert "<!channel>" not in told(story)
    assert "&lt;!channel&gt;" in told(story)


def test_c6_what_is_for_the_room_is_heard_there_wherever_it_was_asked(story: Story) -> None:
    effects = story.says(ADA, "add", in_room=False)

    assert effects == (SayInRoom(reply=Joined(driver=ADA, board=board(story.site))),)


def test_c6_what_was_said_in_the_room_is_not_said_twice(story: Story) -> None:
    assert story.says(ADA, "add") == ()
    assert isinstance(story.reply(), Joined)


def test_c6_what_is_for_the_asker_stays_with_the_asker(story: Story) -> None:
    assert story.says(ADA, "list", in_room=False) == ()
    assert isinstance(story.reply(), Listing)


def test_c6_the_room_hears_what_was_asked_before_what_follows() -> None:
    story = Story()

    effects = story.says(ADA, "add", in_room=False)

    assert [type(effect) for effect in effects] == [SayInRoom, CallDriver]


def test_c33_help_shows_every_command_with_an_example_that_works(story: Story) -> None:
    assert story.asks(ADA, "help") == HelpText()

    for command in COMMANDS:
        for example in command.examples:
            assert f"`/ev {example}`" in told(story)
            typed = example.replace("@driver", "<@U0GRACE>")
            assert not isinstance(parse(typed, ASKER), NotUnderstood)


def test_c34_other_words_get_a_short_friendly_answer(story: Story) -> None:
    assert isinstance(story.asks(ADA, "am I next?"), Why)
    assert story.asks(ADA, "thanks!") == SmallTalkReply(talk=SmallTalk.THANKS)
    assert story.asks(ADA, "Hello") == SmallTalkReply(talk=SmallTalk.HELLO)
    assert story.asks(ADA, "   ") == HelpText()


def test_c34_words_change_nothing(story: Story) -> None:
    before = story.site

    for words in ("thanks!", "hello", "help", "why", "list", "status", "lunch", ""):
        assert story.says(ADA, words) == ()
        assert told(story)

    assert story.site == before


def test_c5_names_of_chargers_are_text_too() -> None:
    """A charger's name comes from outside as well."""
    message = answer(
        Listing(asker=ADA, board=board(Story(stations=("<!here>",)).site)),
        Reader(now=NINE, zone=ZONE, rules=RULES, names={}),
    )

    assert "<!here>" not in message.text


def test_c7_an_answer_shows_what_has_followed_from_it() -> None:
    story = Story(stations=(EAST,))

    reply = story.asks(ADA, "add")

    assert isinstance(reply, Joined)
    assert [offer.driver for offer in reply.board.offers] == [ADA]


def test_1e_a_notice_in_words_names_the_port(story: Story) -> None:
    assert story.plugs_out(WEST) == (AnnounceFree(port=name(WEST)),)
