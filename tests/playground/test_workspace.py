"""Who sees what, who is alerted by what, and what is there after a restart."""

import json

import pytest

from playground.slack.errors import NotThere, UnreadableChat
from playground.slack.workspace import BOT_USER, ROOM, Content, Message, Workspace
from tests.playground.office import Clock

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "<@U0GRACE> it's your turn"}}


@pytest.fixture
def workspace(clock: Clock) -> Workspace:
    """Open an empty workspace."""
    return Workspace(clock=clock)


def said(workspace: Workspace, text: str, *blocks: object, channel: str = ROOM) -> Message:
    content = Content(text=text, blocks=tuple(blocks))  # type: ignore[arg-type]  # tests say any shape
    return workspace.post(Message(ts="", channel=channel, user=BOT_USER, content=content))


def test_a_mention_alerts_in_a_new_message_and_never_in_an_edit(workspace: Workspace) -> None:
    """Hence turns are new messages, and boards are edited."""
    board = said(workspace, "nobody waits")
    workspace.edit(board.ts, Content(text="<@U0ADA> waits"))
    call = said(workspace, "<@U0GRACE> it's your turn")

    assert workspace.notified("U0ADA") == ()
    assert workspace.notified("U0GRACE") == (call,)
    assert (workspace.unread("U0ADA", ROOM), workspace.unread("U0GRACE", ROOM)) == (0, 1)


def test_looking_clears_the_badge_of_that_conversation_only(workspace: Workspace) -> None:
    """Badges show who was called and has not seen it."""
    said(workspace, "<@U0GRACE> it's your turn")
    said(workspace, "it's your turn", channel="D0GRACE")

    workspace.read("U0GRACE", ROOM)

    assert (workspace.unread("U0GRACE", ROOM), workspace.unread("U0GRACE", "D0GRACE")) == (0, 1)


def test_what_is_shown_alerts_and_not_the_fallback(workspace: Workspace) -> None:
    """A call whose mention stands only in the fallback text would be missed."""
    shown = said(workspace, "your turn", SECTION)
    said(workspace, "<@U0ALAN> your turn", {"type": "divider"})
    said(workspace, "x", {"type": "header", "text": {"type": "plain_text", "text": "<@U0ALAN>"}})

    assert workspace.notified("U0GRACE") == (shown,)
    assert workspace.notified("U0ALAN") == ()


def test_a_ping_to_all_is_marked_and_wakes_everybody(workspace: Workspace) -> None:
    """So that a test can say that the bot never does."""
    loud = said(workspace, "<!channel> a charger is free")
    quiet = said(workspace, "&lt;!channel&gt; a charger is free")

    assert (loud.pings_all, quiet.pings_all) == (True, False)
    assert len(loud.notifies) == 6
    assert quiet.notifies == ()


def test_only_the_asker_sees_a_private_answer(workspace: Workspace) -> None:
    """And nobody is alerted by it."""
    content = Content(text="<@U0GRACE> is ahead of you")
    whisper = workspace.post(
        Message(ts="", channel=ROOM, user=BOT_USER, content=content, only="U0ADA")
    )

    assert workspace.seen_by("U0ADA") == (whisper,)
    assert workspace.seen_by("U0GRACE") == workspace.messages() == ()
    assert workspace.notified("U0GRACE") == ()


def test_the_chat_is_there_after_a_restart(workspace: Workspace, clock: Clock) -> None:
    """All but what Slack forgets too: the messages only for one person."""
    said(workspace, "<@U0GRACE> it's your turn", SECTION)
    workspace.publish("U0ADA", {"type": "home", "blocks": [{"type": "divider"}]})
    workspace.post(
        Message(ts="", channel=ROOM, user=BOT_USER, content=Content(text="psst"), only="U0ADA")
    )

    again = Workspace(clock=clock)
    again.restore(workspace.dump())

    assert again.messages() == workspace.messages()
    assert again.unread("U0GRACE", ROOM) == 1
    assert again.homes == workspace.homes
    assert again.seen_by("U0ADA") == workspace.messages()
    assert said(again, "next").ts > workspace.seen_by("U0ADA")[-1].ts


@pytest.mark.parametrize("dumped", [b"", b"{}", b"[1]", b'{"schema": 99}', b"\xff"])
def test_a_damaged_chat_is_refused_and_changes_nothing(workspace: Workspace, dumped: bytes) -> None:
    """Starting afresh must be a choice."""
    said(workspace, "hello")

    with pytest.raises(UnreadableChat):
        workspace.restore(dumped)

    assert len(workspace.messages()) == 1


def test_a_chat_of_a_later_version_is_refused(workspace: Workspace) -> None:
    """Rather than read wrongly."""
    later = {**json.loads(workspace.dump()), "schema": 2}

    with pytest.raises(UnreadableChat, match="version 2"):
        workspace.restore(json.dumps(later).encode())


def test_nobody_takes_part_in_another_persons_messages(workspace: Workspace) -> None:
    """Private is private."""
    with pytest.raises(NotThere):
        workspace.place("U0ADA", "D0GRACE")
    with pytest.raises(NotThere):
        workspace.place("U0NOBODY", ROOM)
