"""What is to be said is kept, and a later version must still know how to say it."""

import msgspec

from bot.effects import AskWhoPluggedIn, Effect, UpdateAskWho


def test_what_a_row_of_an_earlier_version_says_beside_is_passed_over() -> None:
    """The question once named the car's ChargePoint user, which nobody ever read."""
    for kind in (AskWhoPluggedIn, UpdateAskWho):
        row = {"type": kind.__name__, "session": 7, "port": "EAST", "user": "700101"}

        effect = msgspec.json.decode(msgspec.json.encode(row), type=Effect)

        assert effect == kind(session=7, port="EAST")
