"""A trace's reference: what people are given when something goes wrong, and what logs carry."""


def reference(trace_id: int) -> str:
    """Answer a trace's ID as X-Ray writes it."""
    digits = f"{trace_id:032x}"
    return f"1-{digits[:8]}-{digits[8:]}"
