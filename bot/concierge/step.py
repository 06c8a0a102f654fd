"""What a rule answers: the site as it is now, and what is to be said about it."""

from msgspec import Struct

from bot.effects import Effect
from queue_store.site import Site


class Step(Struct, frozen=True):
    """A site and the effects of having got there."""

    site: Site
    effects: tuple[Effect, ...] = ()

    def and_then(self, later: "Step") -> "Step":
        """Answer the later step with what both of them say."""
        return Step(later.site, self.effects + later.effects)

    def saying(self, *effects: Effect) -> "Step":
        """Answer the step with this said as well."""
        return Step(self.site, (*self.effects, *effects))
