"""A Slack workspace with one room, strict enough that what pleases it pleases the real one."""
