"""Every page that is written for people: what it names exists, and it can be found."""

import configparser
import importlib.util
import re
from datetime import timedelta
from pathlib import Path

import pytest

from bot import __main__, directory, dispatch, relay
from bot.patience import Patience
from bot.rules import Rules
from bot.variables import SETTINGS
from tests import phrasebook
from tests.deployment.beanstalk import environment, options
from tests.deployment.test_beanstalk import paths_served
from tests.test_docs import SCOPES_OF_EVENTS, SETTINGS_OF_OTHERS, manifest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXTS = {str(page.relative_to(ROOT)): page.read_text() for page in PAGES}

CODE = [
    path for each in ("bot", "queue_store", "playground") for path in (ROOT / each).rglob("*.py")
]

# Words in capitals that look like settings and are none.
OTHER_NAMES = {
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "CREATE_APP",
    "SECURITY_GROUP",
    "STEPS",
    "WRITTEN",
}


@pytest.mark.parametrize("page", TEXTS)
class TestEveryPage:
    """One that leads astray costs an administrator more than one that is missing."""

    def test_its_links_lead_somewhere(self, page: str) -> None:
        for link in links(page):
            path, _, heading = link.partition("#")
            target = (ROOT / page).parent / path if path else ROOT / page
            assert target.exists(), link
            if heading:
                assert heading in headings(target.read_text()), link

    def test_its_links_are_relative_or_secure(self, page: str) -> None:
        assert not re.findall(r"\]\((http:|/)", TEXTS[page])

    def test_make_has_every_target_that_it_names(self, page: str) -> None:
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

        assert set(re.findall(r"(?:`|^ {4})make ([\w-]+)", TEXTS[page], re.MULTILINE)) <= set(
            targets
        )

    def test_python_has_every_module_that_it_runs(self, page: str) -> None:
        for module in re.findall(r"python3? -m ([\w.]+)", TEXTS[page]):
            assert importlib.util.find_spec(module), module

    def test_it_names_no_setting_that_does_not_exist(self, page: str) -> None:
        named = set(re.findall(r"\b(?:[A-Z]{3,}_)+[A-Z]+\b", TEXTS[page]))

        known = {setting.name for setting in SETTINGS} | SETTINGS_OF_OTHERS | OTHER_NAMES
        assert named <= known

    def test_it_names_no_place_of_whoever_wrote_it(self, page: str) -> None:
        assert not re.findall(r"/(?:tmp|home|root|work)\b", TEXTS[page])


def links(page: str) -> list[str]:
    """Answer where a page's links and pictures lead, as far as that is here."""
    found = re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", TEXTS[page])
    return [one or other for one, other in found if not (one or other).startswith("https://")]


def headings(text: str) -> set[str]:
    """Answer what headings are called in links, as GitHub does."""
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each).strip().lower().replace(" ", "-") for each in found}


def test_whatever_stands_under_docs_can_be_found() -> None:
    """A page that nothing leads to is read by nobody."""
    found, waiting = set[str](), ["README.md"]
    while waiting:
        page = waiting.pop()
        for link in links(page):
            path = ((ROOT / page).parent / link.partition("#")[0]).resolve()
            name = str(path.relative_to(ROOT))
            if name not in found:
                found.add(name)
                waiting += [name] if name in TEXTS else []
    there = {str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*") if path.is_file()}

    assert there <= found


def test_every_scope_that_is_asked_for_is_explained() -> None:
    table = TEXTS["README.md"].split("| Scope | Why |")[1].split("\n\n")[0]
    rows = re.findall(r"^\|([^|]+)\|", table, re.MULTILINE)
    explained = set(re.findall(r"`([a-z:_]+)`", "".join(rows)))

    assert explained == set(manifest("socket")["oauth_config"]["scopes"]["bot"])
    assert set(SCOPES_OF_EVENTS.values()) <= explained


async def test_every_path_that_is_served_is_explained() -> None:
    for path in await paths_served():
        assert f"{path}`" in TEXTS["README.md"]


def test_the_page_of_messages_is_what_the_bot_says() -> None:
    assert TEXTS["docs/messages.md"] == phrasebook.page(), "`make messages` writes it anew"


class TestPrivacy:
    """Whoever is asked what is kept has to be able to rely on the page."""

    def test_it_says_for_how_long(self) -> None:
        assert kept("what each request was answered") == days(dispatch.ANSWER_KEPT)
        assert kept("where a message stands") == days(relay.CARD_KEPT)
        assert kept("what Slack refused for good") == days(relay.CARD_KEPT)
        assert f"can be undone for {Rules().undo / timedelta(hours=1):.0f} hours" in told()
        assert f"for {directory.REMEMBERED_SECONDS / 60:.0f} minutes" in told()

    def test_the_logs_are_kept_as_long_as_it_says(self) -> None:
        (retention,) = [
            each.value
            for each in options(ROOT / ".ebextensions/bot.config")
            if each.name == "RetentionInDays"
        ]

        assert f"Beanstalk they are kept for {retention} days" in told()


def told() -> str:
    return " ".join(TEXTS["docs/privacy.md"].split())


def kept(what: str) -> str:
    """Answer what the table says about how long something is kept."""
    (row,) = [
        line for line in TEXTS["docs/privacy.md"].splitlines() if line.startswith(f"| {what}")
    ]
    return row.split("|")[-2].strip()


def days(span: timedelta) -> str:
    return f"{span.days} days"


class TestGuide:
    """Whoever follows it word by word has a bot that starts."""

    GUIDE = TEXTS["docs/elastic-beanstalk.md"]

    def test_what_it_sets_is_all_that_is_required(self) -> None:
        (named,) = re.findall(r"--envvars (\S+=\S+)", self.GUIDE)
        typed = {each.partition("=")[0] for each in named.split(",")}
        secrets = {each.name for each in options(ROOT / "docs/beanstalk/secrets.config")}
        shipped = set(environment(*(ROOT / ".ebextensions").iterdir()))
        required = {each.name for each in SETTINGS if each.default == "required"}

        assert required | {"SLACK_APP_TOKEN"} == typed | secrets
        assert not shipped & (typed | secrets)

    def test_the_secrets_that_it_stores_are_those_that_are_fetched(self) -> None:
        (stored,) = re.findall(r"for name in ([A-Z_ ]+); do", self.GUIDE)
        fetched = {each.name for each in options(ROOT / "docs/beanstalk/secrets.config")}

        assert set(stored.split()) == fetched

    def test_the_table_that_it_makes_is_the_one_that_is_used(self) -> None:
        store = environment(*(ROOT / ".ebextensions").iterdir())["QUEUE_STORE"]

        assert f"python -m queue_store create {store}\n" in self.GUIDE

    @pytest.mark.parametrize("page", ["docs/elastic-beanstalk.md", "docs/running.md"])
    def test_whatever_needs_an_account_is_marked(self, page: str) -> None:
        """Whoever only wants to look may do everything else."""
        sections = re.split("^## ", TEXTS[page], flags=re.MULTILINE)[1:]
        asking = [each for each in sections if re.search(r"^ {4,}(aws|eb) ", each, re.MULTILINE)]

        assert asking
        assert [each for each in asking if "🔑" not in each.partition("\n")[0]] == []

    def test_the_files_that_it_names_are_there(self) -> None:
        for name in re.findall(r"file://(\S+)|(docs/\S+\.config)", self.GUIDE):
            assert (ROOT / "".join(name)).is_file(), name


def test_systemd_starts_and_stops_the_bot_as_it_wants_to_be() -> None:
    service, patience = unit()["Service"], Patience()

    assert service["ExecStart"].endswith("/python -m bot")
    assert int(service["RestartPreventExitStatus"]) == __main__.WRONG_SETTINGS
    assert patience.requests + patience.finish + patience.flush < int(service["TimeoutStopSec"])
    setting, _, store = service["Environment"].partition("=")
    assert (setting, store) == ("QUEUE_STORE", "sqlite:/var/lib/ev-concierge/queue.db")
    assert service["StateDirectory"] == "ev-concierge"
    assert (service["StateDirectoryMode"], service["UMask"]) == ("0700", "0077")


def test_under_systemd_the_doctor_is_asked_with_what_the_bot_is_given() -> None:
    """Whatever he finds wrong is wrong for the bot, too."""
    service = unit()["Service"]
    asked = joined(TEXTS["docs/running.md"].split("## Under systemd")[1])
    properties = ("EnvironmentFile", "StateDirectory", "StateDirectoryMode")

    (line,) = [each for each in asked if "systemd-run" in each]
    for each in properties:
        assert f" --property={each}={service[each]} " in line
    assert f" --setenv={service['Environment']} " in line
    assert f" --uid={service['User']} " in line
    assert f" --working-directory={service['WorkingDirectory']} " in line
    assert line.endswith(f" {service['ExecStart']} check")


def unit() -> configparser.ConfigParser:
    """Read the unit for systemd, which minds the case."""
    read = configparser.ConfigParser()
    read.optionxform = str  # type: ignore[method-assign,assignment] # mypy knows the default alone
    read.read(ROOT / "docs/systemd/ev-concierge.service")
    return read


def joined(text: str) -> list[str]:
    """Answer the lines, with those made one that a shell reads as one."""
    return [line.strip() for line in re.sub(r" *\\\n *", " ", text).splitlines()]


def troubles() -> list[str]:
    """Answer what an administrator may see, as the table of troubles quotes it."""
    table = TEXTS["docs/running.md"].split("| What you see |")[1].split("\n\n")[0]
    seen = [row.split("|")[1] for row in table.splitlines()[2:]]
    quoted = [quote for cell in seen for quote in re.findall(r"`([^`]+)`|\*([^*]+)\*", cell)]
    return [(code or words) for code, words in quoted]


@pytest.mark.parametrize("seen", troubles())
def test_every_trouble_is_quoted_as_the_bot_tells_it(seen: str) -> None:
    """Whoever has it will look for these very words."""
    said = "\n".join(path.read_text() for path in CODE) + TEXTS["docs/messages.md"]
    parts = [part.strip(" :") for part in seen.split("…")]

    assert all(part in re.sub(r'"\s*\n\s*f?"', "", said) for part in parts if part)
