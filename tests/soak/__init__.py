"""A month of an office in minutes: the real bot, simulated neighbours, and all kinds of weather."""
