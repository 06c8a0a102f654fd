"""On Elastic Beanstalk traces say of which deployment they are; elsewhere nobody misses that."""

import logging
from pathlib import Path

import pytest

from bot.beanstalk import deployment
from bot.xray import Deployment
from tests.bot.office import logged


def test_an_instance_knows_its_deployment(tmp_path: Path) -> None:
    """The file is in the form in which Elastic Beanstalk writes it for X-Ray's own libraries."""
    conf = tmp_path / "environment.conf"
    conf.write_text(
        '{"deployment_id":6,"version_label":"app-3a1f-221107","environment_name":"ev-concierge"}'
    )

    assert deployment(conf) == Deployment(
        environment_name="ev-concierge", version_label="app-3a1f-221107", deployment_id=6
    )


def test_elsewhere_there_is_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert deployment(tmp_path / "environment.conf") is None
    assert not caplog.records


@pytest.mark.parametrize("text", ["", "[]", '{"deployment_id": "6"}', "\x00"])
def test_what_cannot_be_read_is_told_and_does_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    caplog.set_level(logging.WARNING)
    conf = tmp_path / "environment.conf"
    conf.write_text(text)

    assert deployment(conf) is None
    assert logged(caplog, "beanstalk.unreadable")
