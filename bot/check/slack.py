"""Slack: the token, what it may do, the room, the admins, and how requests come in.

Nothing is posted, and no connection is opened: Slack would bring some of the bot's requests there.
"""

import re
from collections.abc import Mapping

from bot.check.clocks import Clocks
from bot.check.finding import Check, Finding, fail, ok, warn
from bot.check.slack_trouble import OAUTH_PAGE, of_app_token, of_bot_token
from bot.errors import SlackError, SlackRefused
from bot.settings import SlackSettings
from bot.slack import Greeting, Slack

TOKEN = "Slack token"  # noqa: S105 - the name of a part

# What each is for. Without one of these the bot is of no use.
NEEDED = {
    "chat:write": "to say anything",
    "commands": "for /ev",
    "users:read": "for people's names, and to know who is an admin",
}
# What is lost without it. An administrator may decline it all the same.
OPTIONAL = {
    "app_mentions:read": "no @-mention is heard",
    "channels:history": "in a public room no message is heard, and its own may come twice",
    "groups:history": "in a private room no message is heard, and its own may come twice",
    "im:history": "no private message to it is heard, and its own may come twice",
    "im:write": "a private message of its own may come twice",
}
# Their form is not documented, but has always been this.
APP_OF_TOKEN = re.compile(r"xapp-\d+-(A[A-Z0-9]+)-")
SIGNING_SECRET = re.compile("[0-9a-f]{32}")


class SlackChecks:
    """Looks at one thing after another; what the token's owner is and may do is kept for later."""

    def __init__(self, settings: SlackSettings, slack: Slack, clocks: Clocks) -> None:
        self._settings = settings
        self._slack = slack
        self._clocks = clocks
        self._known: Greeting | None = None

    @property
    def checks(self) -> tuple[Check, ...]:
        """All of them, in the order of their lines."""
        return (
            Check(TOKEN, self._token),
            Check("Slack team", self._team, needs=TOKEN),
            Check("Slack scopes", self._scopes, needs=TOKEN),
            Check("Slack room", self._room, needs=TOKEN),
            Check("Slack admins", self._admins, needs=TOKEN),
            Check("Slack socket", self._socket)
            if self._settings.app_token
            else Check("Slack HTTP", self._signature),
        )

    @property
    def _greeting(self) -> Greeting:
        if self._known is None:
            raise AssertionError("whatever needs the token comes after it")
        return self._known

    async def _token(self) -> Finding:
        try:
            self._known = await self._slack.greet()
        except SlackError as error:
            return of_bot_token(error)
        self._clocks.note("Slack", self._greeting.told_at)
        return ok(f"speaks as {self._greeting.name} in {self._greeting.workspace}")

    async def _team(self) -> Finding:
        found, wanted = self._greeting.identity.team, self._settings.team
        if wanted in {None, found}:
            return ok(found)
        remedy = "Set SLACK_TEAM to that, or take the token of the other workspace"
        return fail(f"SLACK_TEAM is not {found}, of which the token is", remedy)

    async def _scopes(self) -> Finding:
        granted = self._greeting.scopes
        if granted is None:
            remedy = "Compare the app's scopes with the manifest's"
            return warn("Slack does not say which were granted", remedy)
        if needed := _missing(NEEDED, granted):
            return fail(f"without {needed}", f"{OAUTH_PAGE}, add them and reinstall the app")
        if lost := _missing(OPTIONAL, granted):
            return warn(f"without {lost}", f"{OAUTH_PAGE}, add what you want, and reinstall")
        return ok(f"all {len(NEEDED | OPTIONAL)} are granted")

    async def _room(self) -> Finding:
        room = self._settings.channel
        try:
            await self._slack.look_into(room)
        except SlackError as error:
            return self._barred(error, room)
        return ok(f"the bot is in {room} (an archived room looks the same from here)")

    def _barred(self, error: SlackError, room: str) -> Finding:
        match error.reason:
            case "not_in_channel":
                remedy = "In that room, type /invite and this name"
                return fail(f"@{self._greeting.name} is not in {room}", remedy)
            case "channel_not_found":
                remedy = "Copy the ID at the end of the room's details into SLACK_CHANNEL"
                also = "a private room shows itself only to a bot that was invited"
                return fail(f"the bot sees no room {room}", f"{remedy}; {also}")
            case "missing_scope":
                remedy = "Look into the room's list of members yourself"
                return warn("whether the bot is in it can't be seen with these scopes", remedy)
        return of_bot_token(error)

    async def _admins(self) -> Finding:
        named = sorted(self._settings.admins)
        if not named:
            return ok("nobody is named; what is for them is said in the room")
        try:
            doubts = {each: await self._doubt(each) for each in named}
        except SlackError as error:
            return of_bot_token(error)
        if not any(doubts.values()):
            return ok(f"{len(named)} named, all of them here")
        return _of_admins({each: doubt for each, doubt in doubts.items() if doubt}, len(named))

    async def _doubt(self, admin: str) -> str | None:
        """Answer why this one can't do what an admin is asked to, if so."""
        try:
            profile = await self._slack.profile(admin)
        except SlackRefused:
            return "unknown here"
        if not profile.is_active:
            return "has left"
        return "a bot" if profile.is_bot else None

    async def _signature(self) -> Finding:
        secret = self._settings.signing_secret
        if secret is None or not SIGNING_SECRET.fullmatch(secret.reveal()):
            remedy = "Copy it anew from the app's page Basic Information, App Credentials"
            return warn("the signing secret is not one of Slack's 32 hexadecimal digits", remedy)
        return ok("the signing secret is proven once Slack shows the Request URL as verified")

    async def _socket(self) -> Finding:
        if self._settings.app_token is None:
            raise AssertionError("without that token there is no Socket Mode")
        token = self._settings.app_token.reveal()
        try:
            await self._slack.try_socket(token)
        except SlackError as error:
            return of_app_token(error)
        return self._of_apps(APP_OF_TOKEN.match(token))

    def _of_apps(self, named: re.Match[str] | None) -> Finding:
        """Compare the app that the app's token names with the bot's own."""
        ours = self._known.identity.app if self._known else None
        if named and ours and named[1] != ours:
            seen = f"SLACK_APP_TOKEN is of app {named[1]}, SLACK_BOT_TOKEN of app {ours}"
            return fail(seen, "Take both from the pages of the same app")
        return ok("Slack would open a connection")


def _missing(wanted: Mapping[str, str], granted: frozenset[str]) -> str:
    return ", ".join(f"{each} ({why})" for each, why in wanted.items() if each not in granted)


def _of_admins(doubts: Mapping[str, str], named: int) -> Finding:
    seen = ", ".join(f"{each} ({doubt})" for each, doubt in doubts.items())
    remedy = "Set SLACK_ADMINS to members' IDs: on their profile, Copy member ID"
    return fail(seen, remedy) if len(doubts) == named else warn(seen, remedy)
