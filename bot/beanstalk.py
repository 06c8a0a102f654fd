"""What Elastic Beanstalk tells an instance about itself."""

import logging
from pathlib import Path

import msgspec

from bot.log import facts
from bot.xray import Deployment

# It is written where an environment's X-Ray daemon is switched on.
DEPLOYMENT = Path("/var/elasticbeanstalk/xray/environment.conf")

log = logging.getLogger(__name__)


def deployment(conf: Path = DEPLOYMENT) -> Deployment | None:
    """Answer what runs here, unless this is no instance of Elastic Beanstalk's."""
    try:
        return msgspec.json.decode(conf.read_bytes(), type=Deployment)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        log.warning("beanstalk.unreadable", extra=facts(file=str(conf), why=str(error)))
        return None
