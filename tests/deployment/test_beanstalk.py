"""Elastic Beanstalk's configuration: nothing that AWS would refuse or misread is in it.

Nothing here asks AWS. What it allows is written down as far as we use it: a misspelt option fails
the creation of an environment, and a value that YAML reads as a number fails it too.
"""

import re
from pathlib import Path

import pytest

from bot.server import Server
from bot.setting import Secret
from bot.settings import read_settings
from bot.variables import SETTINGS
from queue_store import table
from queue_store.opening import DynamoDbTable
from tests.deployment.beanstalk import ENVIRONMENT, SECRETS, environment, options, read
from tests.deployment.bundle import ROOT

SHIPPED = sorted((ROOT / ".ebextensions").iterdir())
EXAMPLES = sorted((ROOT / "docs/beanstalk").iterdir())

PROCESS = "aws:elasticbeanstalk:environment:process:default"

TRUTH = "true|false"
NUMBER = "[0-9]+"
ARN = r"arn:aws:[a-z]+:[A-Za-z0-9-]+:[A-Za-z0-9]+:[\w/-]+"
# Every option that is used, and its values, as AWS's guide lists them.
OPTIONS = {
    "aws:autoscaling:asg": {"MinSize": NUMBER, "MaxSize": NUMBER},
    "aws:autoscaling:launchconfiguration": {"DisableIMDSv1": TRUTH},
    "aws:autoscaling:updatepolicy:rollingupdate": {
        "RollingUpdateEnabled": TRUTH,
        "RollingUpdateType": "Time|Health|Immutable",
    },
    "aws:elasticbeanstalk:application": {"Application Healthcheck URL": "/.*"},
    "aws:elasticbeanstalk:cloudwatch:logs": {
        "StreamLogs": TRUTH,
        "DeleteOnTerminate": TRUTH,
        "RetentionInDays": "1|3|5|7|14|30|60|90|120|150|180|365|400|545|731|1827|3653",
    },
    "aws:elasticbeanstalk:command": {
        "DeploymentPolicy": "AllAtOnce|Rolling|RollingWithAdditionalBatch|Immutable"
        "|TrafficSplitting"
    },
    "aws:elasticbeanstalk:environment": {
        "EnvironmentType": "SingleInstance|LoadBalanced",
        "LoadBalancerType": "classic|application|network",
    },
    "aws:elasticbeanstalk:healthreporting:system": {"SystemType": "basic|enhanced"},
    "aws:elasticbeanstalk:xray": {"XRayEnabled": TRUTH},
    "aws:elbv2:listener:443": {
        "ListenerEnabled": TRUTH,
        "Protocol": "HTTP|HTTPS",
        "SSLCertificateArns": ARN,
    },
    "aws:elbv2:listener:default": {"ListenerEnabled": TRUTH},
    PROCESS: {"HealthCheckPath": "/.*", "DeregistrationDelay": NUMBER},
}


def replaced(example: Path) -> list[Path]:
    """Answer the files of an environment in which this example stands in its namesake's place."""
    name = f"{example.name.split('.')[0]}.config"
    return [example, *(file for file in SHIPPED if file.name != name)]


REQUIRED = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "SLACK_CHANNEL": "C1",
    "CHARGEPOINT_API_KEY": "key",
    "CHARGEPOINT_API_PASSWORD": "password",
    "CHARGEPOINT_STATION_GROUP": "1",
    "SITE_TIMEZONE": "America/Los_Angeles",
}


@pytest.mark.parametrize("file", [*SHIPPED, *EXAMPLES], ids=lambda file: file.name)
class TestEveryFile:
    """One that AWS can't read stops an environment before it begins."""

    def test_it_is_a_configuration_file(self, file: Path) -> None:
        text = file.read_bytes()

        assert file.suffix == ".config"
        assert text.isascii()
        assert b"\r" not in text
        assert b"\t" not in text
        assert set(read(file)) <= {"option_settings", "Resources"}

    def test_every_option_exists_and_has_a_value_that_it_may_have(self, file: Path) -> None:
        for each in options(file):
            assert isinstance(each.value, str), f"{each.name} would be read as no text"
            if each.namespace not in {ENVIRONMENT, SECRETS}:
                assert re.fullmatch(OPTIONS[each.namespace][each.name], each.value), each

    def test_it_sets_nothing_but_settings(self, file: Path) -> None:
        known = {setting.name for setting in SETTINGS} | {"AWS_REGION"}

        for each in options(file):
            if each.namespace in {ENVIRONMENT, SECRETS}:
                assert each.name in known

    def test_it_refers_to_nothing_that_is_not_there(self, file: Path) -> None:
        made = dict.fromkeys(read(file).get("Resources", {}), "somewhere")

        for name, value in environment(file, **made).items():
            assert value, name


class TestWhatIsShipped:
    """Whoever follows the guide changes none of it."""

    def test_nothing_is_set_twice(self) -> None:
        """Which of two files would win is nobody's to guess."""
        named = [(each.namespace, each.name) for each in options(*SHIPPED)]

        assert len(named) == len(set(named))

    def test_it_has_no_name_of_anybodys(self) -> None:
        """An ARN that leads nowhere would stop every deployment."""
        assert not any("arn:" in file.read_text() for file in SHIPPED)

    def test_with_what_is_required_the_bot_starts_on_elastic_beanstalk(
        self, tmp_path: Path
    ) -> None:
        """There it refuses the embedded store."""
        settings = read_settings({**environment(*SHIPPED), **REQUIRED}, beanstalk=tmp_path)

        assert settings.store == DynamoDbTable("ev-concierge")
        assert settings.trace.exporter == "xray"
        assert settings.port == 8000
        assert settings.warnings == ()

    def test_x_rays_daemon_runs_where_traces_are_sent_to_it(self) -> None:
        (daemon,) = [each.value for each in options(*SHIPPED) if each.name == "XRayEnabled"]

        assert (daemon == "true") is (environment(*SHIPPED)["TRACE_EXPORTER"] == "xray")

    def test_by_default_there_is_one_instance_that_is_replaced_at_once(self) -> None:
        chosen = {each.name: each.value for each in options(*SHIPPED)}

        assert chosen["EnvironmentType"] == "SingleInstance"
        assert chosen["DeploymentPolicy"] == "AllAtOnce"


async def paths_served() -> set[str]:
    """Answer the paths that the bot answers."""

    async def no_problems() -> dict[str, str]:
        return {}

    server = Server(no_problems, clock=None, seconds=0)  # type: ignore[arg-type] # nobody asks
    await server.start(0)
    assert server._runner is not None
    app = server._runner.app
    assert app is not None
    try:
        return {resource.canonical for resource in app.router.resources()}
    finally:
        await server.stop()


@pytest.mark.parametrize("name", ["Application Healthcheck URL", "HealthCheckPath"])
async def test_health_is_asked_for_where_the_bot_tells_it(name: str) -> None:
    asked = {each.value for each in options(*SHIPPED, *EXAMPLES) if each.name == name}

    assert asked == {"/healthz"} <= await paths_served()


class TestExamples:
    """What an administrator copies in the place of a file, or beside the others."""

    @pytest.mark.parametrize("example", EXAMPLES, ids=lambda file: file.name)
    def test_nothing_is_set_twice_where_it_is_in_place(self, example: Path) -> None:
        named = [(each.namespace, each.name) for each in options(*replaced(example))]

        assert len(named) == len(set(named))

    def test_every_example_that_replaces_a_file_has_one_to_replace(self) -> None:
        names = {file.name for file in SHIPPED}
        replacing = [file for file in EXAMPLES if file.name.count(".") > 1]

        assert replacing
        assert all(f"{file.name.split('.')[0]}.config" in names for file in replacing)

    def test_the_secrets_are_those_that_must_be_set(self) -> None:
        example = ROOT / "docs/beanstalk/secrets.config"
        secret = {
            setting.name
            for setting in SETTINGS
            if setting.name in REQUIRED
            and isinstance(setting.parse(REQUIRED[setting.name]), Secret)
        }

        assert {each.name for each in options(example)} == secret
        for each in options(example):
            assert re.fullmatch(ARN, each.value)
            assert each.value.endswith(f"/ev-concierge/{each.name}")

    def test_the_load_balancer_takes_https_alone_and_keeps_somebody_answering(self) -> None:
        example = ROOT / "docs/beanstalk/instances.load-balanced.config"
        chosen = {(each.namespace, each.name): each.value for each in options(example)}

        assert chosen["aws:elbv2:listener:default", "ListenerEnabled"] == "false"
        assert chosen["aws:elbv2:listener:443", "Protocol"] == "HTTPS"
        assert chosen["aws:elasticbeanstalk:command", "DeploymentPolicy"] == "Rolling"
        assert int(chosen["aws:autoscaling:asg", "MinSize"]) > 1

    def test_the_table_is_as_the_store_makes_it_and_outlives_its_environment(self) -> None:
        example = ROOT / "docs/beanstalk/queue.table.config"
        ((name, made),) = read(example)["Resources"].items()
        properties = made["Properties"]

        assert made["Type"] == "AWS::DynamoDB::Table"
        assert made["DeletionPolicy"] == made["UpdateReplacePolicy"] == "Retain"
        assert properties.pop("TimeToLiveSpecification") == table._EXPIRY
        assert properties.pop("PointInTimeRecoverySpecification") == {
            "PointInTimeRecoveryEnabled": True
        }
        assert properties == table._DESIGN
        store = environment(example, **{name: "ev-QueueTable-1"})["QUEUE_STORE"]
        assert store == "dynamodb:ev-QueueTable-1"
