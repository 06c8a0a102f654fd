"""A month of an office in seconds, with the bot's rules and without: `python -m playground.month`.

Nothing runs but the rules themselves, on a clock of their own.
"""
