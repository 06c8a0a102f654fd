"""`python -m bot check`, the doctor: tries every setting for real, and says how each one is.

It changes nothing and takes nothing from a bot that runs: no message is sent, no feed registered,
no event heard, no request of Slack's taken, no file made.
"""
