"""The bot and its neighbours, as the bot's own tests have them."""

from tests.bot.conftest import bolts_logger, bot, by_socket, clock, neighbours, new_slack

__all__ = ["bolts_logger", "bot", "by_socket", "clock", "neighbours", "new_slack"]
