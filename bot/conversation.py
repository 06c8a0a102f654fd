"""What a person says becomes a request, and the request's outcome becomes an answer.

Every request gets one, whatever happens: the reply that was decided, plain words if the queue
can't be reached, and, when something of ours went wrong, an apology with a reference.
"""

import asyncio
import logging
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from bot import messages
from bot.blocks import Message
from bot.clock import Clock
from bot.commands import parse, pressed
from bot.directory import Directory
from bot.dispatch import Dispatcher, Outcome
from bot.effects import drivers_in
from bot.events import (
    Asker,
    ClaimUndone,
    DisputeDecided,
    NextRequested,
    PauseRequested,
    RemoveRequested,
    Request,
    UnpauseRequested,
)
from bot.log import facts
from bot.messages import Reader
from bot.patience import Patience
from bot.replies import AdminsOnly
from bot.rules import Rules
from bot.tracing import Step, origin, step, trace_reference, unit
from queue_store.errors import OutcomeUnknown, StoreError

log = logging.getLogger(__name__)

# Only for these it matters who is an admin, which takes asking Slack.
_FOR_ADMINS = (
    ClaimUndone,
    DisputeDecided,
    NextRequested,
    PauseRequested,
    RemoveRequested,
    UnpauseRequested,
)


class Answer(Struct, frozen=True, kw_only=True):
    """What to tell, whether the whole room may hear it, and whether it was told before.

    `origin` is of the unit of work that found it.
    """

    message: Message | None = None
    public: bool = False
    repeated: bool = False
    origin: str | None = None


class Conversation:
    """Answers people."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        directory: Directory,
        *,
        clock: Clock,
        zone: ZoneInfo,
        rules: Rules,
        patience: Patience | None = None,
    ) -> None:
        self._dispatcher = dispatcher
        self._directory = directory
        self._clock = clock
        self._zone = zone
        self._rules = rules
        self._patience = patience or Patience()

    async def in_time(self, answering: "asyncio.Task[Answer]", text: str) -> Answer:
        """Answer within Slack's patience, if only that the outcome is not known yet.

        What was begun goes on: taking it back half-way is worse than being late.
        """
        done, _ = await asyncio.wait({answering}, timeout=self._patience.answer)
        if done:
            return answering.result()
        return Answer(message=messages.unconfirmed(_command(text)))

    async def said(self, text: str, asker: Asker, *, via: str, key: str | None) -> Answer:
        """Answer words; `key` names the delivery, should it come twice."""
        return await self._answer(parse(text, asker), _command(text), via=via, key=key)

    async def pressed(self, action: str, value: str, asker: Asker, *, key: str | None) -> Answer:
        """Answer a button."""
        request = pressed(action, value, asker)
        if request is None:
            log.warning("button.unknown", extra=facts(action=action[:100]))
            return Answer()
        return await self._answer(request, label_of(action), via="button", key=key)

    async def _answer(self, request: Request, words: str, *, via: str, key: str | None) -> Answer:
        name = type(request).__name__
        with unit(via, command=name) as work:
            try:
                admin = await self._is_admin(request)
                asker = replace(request.asker, admin=admin is True)
                outcome = await self._dispatcher.handle(replace(request, asker=asker), request=key)
                return await self._put(outcome, work, told=admin is not None)
            except OutcomeUnknown as error:
                work.fail(error)
                told = messages.unconfirmed(words)
                return self._apology(told, "store.unknown", request, error)
            except StoreError as error:
                work.fail(error)
                told = messages.store_unavailable(trace_reference() or "unknown")
                return self._apology(told, "store.unavailable", request, error)
            except Exception as error:
                work.fail(error)
                log.exception("answer.failed", extra=facts(command=name, by=request.asker.driver))
                message = messages.trouble(trace_reference() or "unknown")
                return Answer(message=message, origin=origin())

    async def _is_admin(self, request: Request) -> bool | None:
        """Whether the asker is an admin, where that matters; None where Slack doesn't tell."""
        if not isinstance(request, _FOR_ADMINS):
            return False
        return await self._directory.is_admin(request.asker.driver)

    async def _put(self, outcome: Outcome, work: Step, *, told: bool) -> Answer:
        reply = outcome.reply
        if reply is None:
            return Answer(repeated=outcome.repeated)
        work.annotate(outcome=type(reply).__name__)
        if isinstance(reply, AdminsOnly) and not told:
            return Answer(message=messages.admins_unknown(), repeated=outcome.repeated)
        with step("names"):
            names = await self._directory.names(drivers_in(reply))
        reader = Reader(now=self._clock.now(), zone=self._zone, rules=self._rules, names=names)
        with step("render"):
            message = messages.answer(reply, reader)
        return Answer(
            message=message,
            public=reply.PUBLIC,
            repeated=outcome.repeated,
            origin=origin(),
        )

    def _apology(self, message: Message, event: str, request: Request, error: StoreError) -> Answer:
        told = facts(command=type(request).__name__, by=request.asker.driver, why=str(error))
        log.warning(event, extra=told)
        return Answer(message=message, origin=origin())


def label_of(action: str) -> str:
    """Answer what a button says, as it is repeated to whoever pressed it."""
    return action.partition(".")[2].replace("_", " ")


def _command(text: str) -> str:
    """Answer what was typed after `ev`, as it is repeated to whoever typed it."""
    words = text.split()
    return " ".join(words[1:] if words and words[0].lower() in {"ev", "/ev"} else words) or "help"
