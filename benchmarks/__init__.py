"""How fast the bot is, measured on the whole of it."""
