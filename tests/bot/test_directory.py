"""Names are asked for once in a while, and nobody waits long for them."""

import asyncio

import pytest
from msgspec import Struct

from bot.directory import (
    FORGOTTEN_SECONDS,
    MOST_PEOPLE,
    REMEMBERED_SECONDS,
    Directory,
)
from bot.errors import SlackUnavailable
from bot.slack import Profile
from tests.bot.office import ADA, GRACE, HEDY, Clock


class Workspace(Struct):
    """Tells who people are, as long as it is up, and counts how often it was asked."""

    known: dict[str, Profile]
    is_up: bool = True
    hangs: bool = False
    asked: int = 0

    async def profile(self, user: str) -> Profile:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if not self.is_up:
            raise SlackUnavailable("users.info", "down")
        return self.known[user]


@pytest.fixture
def workspace() -> Workspace:
    return Workspace(
        known={
            ADA: Profile(name="Ada", is_admin=True),
            GRACE: Profile(name="Grace", is_admin=False),
            HEDY: Profile(name="Hedy", is_admin=False),
        }
    )


@pytest.fixture
def directory(workspace: Workspace, clock: Clock) -> Directory:
    return Directory(workspace, admins=frozenset({HEDY}), clock=clock, seconds=0.05)


async def test_a_name_is_asked_for_once_in_a_while(
    directory: Directory, workspace: Workspace, clock: Clock
) -> None:
    for _ in range(3):
        assert await directory.names([ADA, GRACE, ADA]) == {ADA: "Ada", GRACE: "Grace"}
    assert workspace.asked == 2

    clock.turn(seconds=REMEMBERED_SECONDS + 1)
    workspace.known[ADA] = Profile(name="Lady Lovelace", is_admin=True)
    assert await directory.names([ADA]) == {ADA: "Lady Lovelace"}


async def test_an_old_name_is_better_than_none(
    directory: Directory, workspace: Workspace, clock: Clock
) -> None:
    await directory.names([ADA])
    clock.turn(seconds=REMEMBERED_SECONDS + 1)
    workspace.is_up = False

    assert await directory.names([ADA, GRACE]) == {ADA: "Ada"}


async def test_a_slack_in_trouble_is_not_asked_again_at_once(
    directory: Directory, workspace: Workspace, clock: Clock
) -> None:
    workspace.is_up = False
    for _ in range(3):
        assert await directory.names([ADA]) == {}
    assert workspace.asked == 1

    workspace.is_up = True
    clock.turn(seconds=FORGOTTEN_SECONDS + 1)
    assert await directory.names([ADA]) == {ADA: "Ada"}


async def test_nobody_waits_for_names_one_after_the_other(
    directory: Directory, workspace: Workspace
) -> None:
    workspace.hangs = True
    loop = asyncio.get_running_loop()
    begun = loop.time()

    assert await directory.names(f"U{number}" for number in range(100)) == {}
    assert loop.time() - begun < 2


async def test_admins_are_the_settings_and_the_workspaces_own(directory: Directory) -> None:
    assert await directory.is_admin(ADA)
    assert await directory.is_admin(HEDY)
    assert await directory.is_admin(GRACE) is False


async def test_whose_rights_slack_does_not_tell_has_none(
    directory: Directory, workspace: Workspace, clock: Clock
) -> None:
    """Who was an admin a while ago may be none any more, and only the settings are sure."""
    assert await directory.is_admin(ADA)
    workspace.is_up = False
    clock.turn(seconds=REMEMBERED_SECONDS + 1)

    assert await directory.is_admin(ADA) is None
    assert await directory.is_admin("U0NEW") is None
    assert await directory.is_admin(HEDY)
    assert await directory.names([ADA]) == {ADA: "Ada"}


async def test_it_does_not_grow_for_ever(directory: Directory, workspace: Workspace) -> None:
    workspace.is_up = False

    await directory.names(f"U{number}" for number in range(MOST_PEOPLE + 50))

    assert len(directory._known) == MOST_PEOPLE
