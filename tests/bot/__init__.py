"""The bot: its rules, its words and its wiring."""
