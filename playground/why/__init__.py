"""Three days of an office, each with somebody who asks why they weren't called.

`python -m playground.why` writes what the real bot logged on them, and the questions. Slack, the
network, the clock and the people are simulated; whatever decides, keeps and logs is real.
"""
