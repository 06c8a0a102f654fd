"""What Slack's refusals and silences mean for an administrator."""

from bot.check.finding import Finding, fail
from bot.errors import SlackError, SlackUnavailable
from bot.slack import MUTE, NO_SUCH_HOST, NO_TLS, NOBODY_THERE, UNTRUSTED

OAUTH_PAGE = "On the app's page OAuth & Permissions"
APP_TOKENS = "On the app's page Basic Information, App-Level Tokens"

COPY_BOT_TOKEN = f"{OAUTH_PAGE}, copy the Bot User OAuth Token into SLACK_BOT_TOKEN"
REINSTALL = f"{OAUTH_PAGE}, reinstall the app and copy its new token into SLACK_BOT_TOKEN"
BOT_TOKEN = {
    "account_inactive": ("the app was taken out of the workspace", REINSTALL),
    "invalid_auth": ("Slack does not know this token", COPY_BOT_TOKEN),
    "missing_scope": ("this takes a scope that was not granted", "See to Slack scopes first"),
    "not_allowed_token_type": ("this is no bot's token", COPY_BOT_TOKEN),
    "token_expired": ("this token has expired", f"Turn token rotation off. {REINSTALL}"),
    "token_revoked": ("this token was revoked", REINSTALL),
}

MAKE_APP_TOKEN = f"{APP_TOKENS}, make one with connections:write for SLACK_APP_TOKEN"
APP_TOKEN = {
    "invalid_auth": ("Slack does not know the app's token", MAKE_APP_TOKEN),
    "missing_scope": ("the app's token lacks connections:write", MAKE_APP_TOKEN),
    "not_allowed_token_type": ("SLACK_APP_TOKEN is no app's token", MAKE_APP_TOKEN),
    "token_revoked": ("the app's token was revoked", MAKE_APP_TOKEN),
}
SOCKET_MODE = "On the app's page Socket Mode, turn it on"

SILENCES = {
    MUTE: "See that the firewall lets this machine out to Slack by HTTPS",
    NOBODY_THERE: "See that the firewall lets this machine out, and that SLACK_API_URL is right",
    NO_SUCH_HOST: "See that this machine resolves names, and that SLACK_API_URL is right",
    NO_TLS: "See that SLACK_API_URL is right, and what proxy is in use",
    UNTRUSTED: "Ask who runs the network: a proxy may show a certificate of its own",
    "ratelimited": "Try again in a minute",
}
LATER = "Try again later; https://status.slack.com tells whether Slack is in trouble"


def of_bot_token(error: SlackError) -> Finding:
    """Explain what came of a call with the bot's token."""
    if error.reason in BOT_TOKEN:
        return fail(*BOT_TOKEN[error.reason])
    return _other(error, "Ask an administrator of the workspace what that is about")


def of_app_token(error: SlackError) -> Finding:
    """Explain what came of a call with the app's token."""
    if error.reason in APP_TOKEN:
        return fail(*APP_TOKEN[error.reason])
    return _other(error, SOCKET_MODE)


def _other(error: SlackError, remedy: str) -> Finding:
    if not isinstance(error, SlackUnavailable):
        return fail(f"Slack refuses {error.method} ({error.reason})", remedy)
    kind = UNTRUSTED if error.reason.startswith(UNTRUSTED) else error.reason
    return fail(f"Slack can't be asked: {error.reason}", SILENCES.get(kind, LATER))
