"""Who works in the simulated office. Names and IDs are invented, in the shape of real ones."""

from msgspec import Struct


class Person(Struct, frozen=True, kw_only=True):
    """Somebody to speak as; `chargepoint_user` is the ID printed in their ChargePoint app."""

    slack_id: str
    name: str
    chargepoint_user: str
    is_admin: bool = False
    has_left: bool = False


OFFICE = (
    Person(slack_id="U0ADA", name="Ada Lovelace", chargepoint_user="700101", is_admin=True),
    Person(slack_id="U0GRACE", name="Grace Hopper", chargepoint_user="700102"),
    Person(slack_id="U0ALAN", name="Alan Turing", chargepoint_user="700103"),
    Person(slack_id="U0HEDY", name="Hedy Lamarr", chargepoint_user="700104"),
    Person(slack_id="U0LISE", name="Lise Meitner", chargepoint_user="700105"),
    Person(slack_id="U0NIKOLA", name="Nikola Tesla", chargepoint_user="700106"),
)
