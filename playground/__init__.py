"""A simulated office: Slack, ChargePoint, and the real bot between them.

Never imported by production.
"""
