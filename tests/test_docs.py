"""What is written for people is as true as the code: commands, settings, manifests, versions."""

import ast
import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bot import __version__
from bot.commands import COMMANDS
from bot.opaque import opaque
from bot.setting import Setting
from bot.variables import SETTINGS
from playground.slack.methods import METHODS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
RUNNING = (ROOT / "docs/running.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

MANIFESTS = {"http": False, "socket": True}
# What hearing of each kind of event takes, by Slack's documentation.
SCOPES_OF_EVENTS = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
}

# What libraries read themselves, as everything else on the machine that uses them does.
SETTINGS_OF_OTHERS = {"OTEL_EXPORTER_OTLP_ENDPOINT"}


def setting_row(setting: Setting[Any]) -> str:
    """Answer the line of the README's table that describes the setting."""
    told = setting.example != setting.default and "<" not in setting.default
    default = setting.default if told else f"`{setting.default}`"
    return f"| `{setting.name}` | {default} | {setting.meaning} |"


def manifest(kind: str) -> dict[str, Any]:
    """Read a manifest."""
    read: dict[str, Any] = json.loads((ROOT / f"docs/slack-manifest.{kind}.json").read_text())
    return read


class TestReadme:
    """Administrators and drivers know only what stands there."""

    @pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.words[0])
    def test_every_command_is_in_its_table(self, command: Any) -> None:  # noqa: ANN401 # pytest's
        rows = [
            line for line in README.splitlines() if line.startswith(f"| `/ev {command.words[0]}")
        ]

        assert len(rows) == 1
        assert command.does in rows[0]
        for example in command.examples:
            assert f"`/ev {example}`" in rows[0]
        for word in command.words:
            assert f"`/ev {word}" in rows[0]

    def test_its_table_has_no_command_that_the_bot_does_not_know(self) -> None:
        named = re.findall(r"^\| `/ev (\w+)", README, re.MULTILINE)

        assert named == [command.words[0] for command in COMMANDS]

    def test_its_table_of_settings_is_the_settings(self) -> None:
        shown = re.findall(r"^\| `[A-Z_]+` \|.*$", README, re.MULTILINE)

        assert shown == [setting_row(setting) for setting in SETTINGS]

    def test_it_names_no_setting_that_does_not_exist(self) -> None:
        named = set(re.findall(r"\b[A-Z]{3,}(?:_[A-Z]+)+\b", README))

        assert named <= {setting.name for setting in SETTINGS} | SETTINGS_OF_OTHERS

    def test_its_example_sets_exactly_what_is_required_by_socket_mode(self) -> None:
        example = README.split("### Run it on one machine")[1].split("###")[0]
        required = {each.name for each in SETTINGS if each.default == "required"}

        assert set(re.findall(r"([A-Z_]{3,})=", example)) == required | {"SLACK_APP_TOKEN"}

    def test_it_computes_opaque_ids_as_the_bot_does(self) -> None:
        (command,) = re.findall(r"^ {4}(printf .*)$", RUNNING, re.MULTILINE)

        printed = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True)  # noqa: S603 # our own words

        assert printed.stdout.decode().strip() == opaque("C0EVROOM", "U0GRACE")

    def test_its_pictures_are_small(self) -> None:
        sizes = [path.stat().st_size for path in (ROOT / "docs/images").iterdir()]

        assert max(sizes) <= 200_000

    def test_it_tells_how_to_begin(self) -> None:
        named = set(re.findall(r"(?:`|^ {4})make (\w+)", README, re.MULTILINE))

        assert {"run", "test", "check"} <= named


@pytest.mark.parametrize(("kind", "by_socket"), MANIFESTS.items())
class TestManifests:
    """An administrator pastes one and expects Slack to take it, and the bot to work with it."""

    def test_it_is_within_slacks_limits(self, kind: str, *, by_socket: bool) -> None:
        shown = manifest(kind)["display_information"]
        (command,) = manifest(kind)["features"]["slash_commands"]

        assert len(shown["name"]) <= 35
        assert len(shown["description"]) <= 140
        assert 175 <= len(shown["long_description"]) <= 4000
        assert re.fullmatch(r"#[0-9a-f]{6}", shown["background_color"])
        assert len(manifest(kind)["features"]["bot_user"]["display_name"]) <= 80
        assert len(command["description"]) <= 2000
        assert len(command["usage_hint"]) <= 1000
        assert by_socket is manifest(kind)["settings"]["socket_mode_enabled"]

    def test_it_asks_for_the_scopes_that_the_bot_uses_and_no_others(
        self, kind: str, *, by_socket: bool
    ) -> None:
        events = manifest(kind)["settings"]["event_subscriptions"]["bot_events"]
        methods = (METHODS[method] for method in methods_called())
        called = {method.scope for method in methods if not method.app_token} - {None}

        assert set(manifest(kind)["oauth_config"]["scopes"]["bot"]) == (
            {"commands"} | called | {SCOPES_OF_EVENTS[event] for event in events}
        )
        assert set(events) == set(SCOPES_OF_EVENTS)
        assert by_socket is MANIFESTS[kind]

    def test_it_has_urls_exactly_where_slack_comes_to_the_bot(
        self, kind: str, *, by_socket: bool
    ) -> None:
        text = json.dumps(manifest(kind))

        assert text.count("https://ev-concierge.example.com/slack/events") == 3 * (not by_socket)
        assert text.count("http") == 3 * (not by_socket)

    def test_its_command_is_the_bots(self, kind: str, *, by_socket: bool) -> None:
        (command,) = manifest(kind)["features"]["slash_commands"]

        assert command["command"] == "/ev"
        assert command["should_escape"] is True
        assert {hint.split()[0] for hint in command["usage_hint"].split("|")} <= {
            command.words[0] for command in COMMANDS
        }
        assert by_socket is ("url" not in command)

    def test_people_can_write_to_the_bot_and_press_its_buttons(
        self, kind: str, *, by_socket: bool
    ) -> None:
        home = manifest(kind)["features"]["app_home"]
        interactivity = manifest(kind)["settings"]["interactivity"]

        assert home["messages_tab_enabled"] is True
        assert home["messages_tab_read_only_enabled"] is False
        assert interactivity["is_enabled"] is True
        assert by_socket is ("request_url" not in interactivity)


def test_both_manifests_differ_only_in_how_slack_reaches_the_bot() -> None:
    http, socket = (json.dumps(manifest(kind), sort_keys=True) for kind in MANIFESTS)
    address = r'("request_url"|"url"): "[^"]+"(, )?|, ("request_url"|"url"): "[^"]+"'

    assert re.sub(address, "", http) == re.sub("(socket_mode_enabled.: )true", r"\1false", socket)


def methods_called() -> set[str]:
    """Answer the methods of Slack's Web API that the bot's one caller of them names."""
    tree = ast.parse((ROOT / "bot/slack.py").read_text())
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return {text for text in texts if isinstance(text, str)} & set(METHODS)


def test_the_procfile_starts_the_bot() -> None:
    assert (ROOT / "Procfile").read_text() == "web: python -m bot\n"


def test_there_is_one_version() -> None:
    changed = re.findall(r"^## \[?([^\]\s]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert PROJECT["project"]["version"] == __version__ == changed[0]
