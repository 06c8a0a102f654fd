"""Every request gets an answer, also when something of ours goes wrong."""

import pytest

from bot.events import Asker
from tests.bot.office import ADA, Bot, logged
from tests.tracing.setting import traced_to


async def test_a_fault_of_ours_is_an_apology_with_a_reference_that_is_in_the_log(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """People get plain words, an administrator gets the traceback."""
    traced_to("none")

    def stumble(*_: object) -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr("bot.messages.answer", stumble)

    answer = await bot.neighbours.slack.command(ADA, "list")

    assert answer is not None
    assert "something went wrong on my side" in answer.text
    assert "reference 1-" in answer.text
    assert "fault of ours" not in answer.text
    (failed,) = logged(caplog, "answer.failed")
    assert failed == {"command": "ListRequested", "by": ADA}


async def test_a_button_that_is_none_of_ours_is_told_to_the_log_alone(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    asker = Asker(driver=ADA)
    for action, value in (("offer.explode", "1"), ("nothing.leave", "1"), ("offer.leave", "one")):
        answer = await bot.office._conversation.pressed(action, value, asker, key=None)
        assert answer.message is None

    assert len(logged(caplog, "button.unknown")) == 3


async def test_only_an_admin_may_pass_over_a_driver_who_was_just_called(bot: Bot) -> None:
    """Slack says who is one; in a request anybody could."""
    slack = bot.neighbours.slack
    await slack.command("U0HEDY", "add")
    bot.neighbours.leave()
    await bot.neighbours.hears("<@U0HEDY>")

    refused = await slack.command("U0GRACE", "next")
    assert refused is not None
    assert "only just now" in refused.text
    taken = await slack.command(ADA, "next")
    assert taken is not None
    assert "lets the next driver go ahead" in taken.text
