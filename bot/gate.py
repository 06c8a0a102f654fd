"""What is let in of all that comes in Slack's name, without any I/O.

A body has to be readable and in the shape of a request, or it is Unfit; nobody behind the gate
has to wonder whether a field is there, or what it holds. It has to be about our workspace and
app, by somebody who belongs here, or it is a stranger's. And it has a name by which it is known
should it come again: Slack's own where there is one, else that of the delivery.
"""

from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import Meta, Struct

from bot.parsers import is_loopback

Fields = dict[str, Any]

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
MOST_FIELDS = 100
DEEPEST = 100
LONGEST_NAME = 150

PERSON = "a person of another workspace"

# msgspec's own errors are ValueErrors.
_BROKEN = (ValueError, RecursionError)

User = Annotated[str, Meta(pattern=r"^[UW][A-Z0-9]{1,20}\Z")]
Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]


class Unfit(Exception):
    """What came is no request of Slack's; `status` is what HTTP calls that."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


class Ours(Struct, frozen=True, kw_only=True):
    """The workspace that is served, and the app that serves it as far as that is known."""

    team: str
    app: str | None = None


class _Named(Struct):
    id: str | None = None


class _Person(Struct):
    id: User
    team_id: str | None = None
    is_stranger: bool | None = None


class _Option(Struct):
    value: str | None = None


class _Action(Struct):
    action_id: str
    value: str | None = None
    selected_option: _Option | None = None


class _Authorization(Struct):
    team_id: str | None = None
    enterprise_id: str | None = None
    is_enterprise_install: bool | None = None


class _Event(Struct):
    type: str
    user: User | Fields | None = None
    channel: str | Fields | None = None
    ts: str | None = None
    text: str | None = None
    subtype: str | None = None
    bot_id: str | None = None
    channel_type: str | None = None
    thread_ts: str | None = None
    team: str | None = None
    user_team: str | None = None
    source_team: str | None = None

    @property
    def is_said_by_a_person(self) -> bool:
        is_said = self.type in {"message", "app_mention"}
        return is_said and self.user is not None and not self.bot_id

    @property
    def is_whole(self) -> bool:
        return all(isinstance(part, str) for part in (self.user, self.channel, self.ts))


class _Payload(Struct):
    """Every field that we or Bolt look at; the others may be anything."""

    type: str | None = None
    ssl_check: str | None = None
    challenge: str | None = None
    command: str | None = None
    text: str | None = None
    user_id: User | None = None
    channel_id: str | None = None
    trigger_id: Name | None = None
    response_url: str | None = None
    api_app_id: str | None = None
    team_id: str | None = None
    team: _Named | None = None
    enterprise: _Named | None = None
    enterprise_id: str | None = None
    is_enterprise_install: bool | str | None = None
    is_ext_shared_channel: bool | None = None
    authorizations: list[_Authorization] | None = None
    user: _Person | None = None
    channel: _Named | None = None
    actions: Annotated[list[_Action], Meta(min_length=1)] | None = None
    event: _Event | None = None
    message: Fields | None = None
    previous_message: Fields | None = None
    item: Fields | None = None
    view: Fields | None = None
    function_data: Fields | None = None
    assistant_thread: Fields | None = None
    response_urls: list[Fields] | None = None

    @property
    def is_complete(self) -> bool:
        """Whether it has what its kind of request can't do without."""
        match self:
            case _Payload(command=str()):
                return None not in (self.user_id, self.channel_id)
            case _Payload(type="block_actions"):
                return None not in (self.user, self.actions)
            case _Payload(type="event_callback", event=_Event() as said):
                return not said.is_said_by_a_person or said.is_whole
            case _Payload(type="url_verification"):
                return self.challenge is not None
            case _:
                return self.ssl_check == "1"


def fields(body: str, content_type: str) -> Fields:
    """Read a body as Slack writes it.

    Raises:
        Unfit: it is neither a form nor JSON, or ambiguous, or nested beyond measure.
    """
    if content_type not in {FORM, JSON}:
        raise Unfit(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "neither a form nor JSON")
    try:
        read = _form(body) if content_type == FORM else msgspec.json.decode(body)
    except _BROKEN as error:
        raise Unfit(HTTPStatus.BAD_REQUEST, "not what it says it is") from error
    if not isinstance(read, dict) or _depth(read) > DEEPEST:
        raise Unfit(HTTPStatus.BAD_REQUEST, "not an object of a sensible depth")
    return read


def request(given: Fields, *, delivery: str) -> str:
    """Answer the request in JSON, with a name where Slack gave it none.

    Raises:
        Unfit: a field that matters is missing, or is not what it should be.
    """
    payload = _payload(given)
    if not payload.is_complete:
        raise Unfit(HTTPStatus.BAD_REQUEST, "not all that a request needs")
    if payload.response_url is not None and not _is_answerable(payload.response_url):
        raise Unfit(HTTPStatus.BAD_REQUEST, "answered at a URL that is not https")
    # What has no trigger would be done again with each copy of the same delivery.
    name = payload.trigger_id or f"delivery-{delivery}"[:LONGEST_NAME]
    try:
        return msgspec.json.encode({**given, "trigger_id": name}).decode()
    except _BROKEN as error:
        raise Unfit(HTTPStatus.BAD_REQUEST, "not Unicode text") from error


def stranger(given: Fields, ours: Ours) -> str | None:
    """Say why this is none of our business, or None."""
    payload = _payload(given)
    if ours.app is not None and payload.api_app_id not in {None, ours.app}:
        return "another app"
    if _is_organisations(payload) or _team(payload) != ours.team:
        return "another workspace"
    if payload.user is not None and _is_from_elsewhere(payload.user, ours):
        return PERSON
    if payload.event is not None and not _belongs_here(payload, payload.event, ours):
        return PERSON
    return None


def _form(body: str) -> object:
    pairs = parse_qsl(
        body,
        keep_blank_values=True,
        strict_parsing=True,
        errors="strict",
        max_num_fields=MOST_FIELDS,
    )
    read = dict(pairs)
    if len(read) < len(pairs):
        raise ValueError("a field is there twice")
    return msgspec.json.decode(read["payload"]) if "payload" in read else read


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level and depth <= DEEPEST:
        depth += 1
        level = [inner for each in level for inner in _inside(each)]
    return depth


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _payload(given: Fields) -> _Payload:
    try:
        return msgspec.convert(given, _Payload)
    except _BROKEN as error:
        raise Unfit(HTTPStatus.BAD_REQUEST, "not in the shape of a request") from error


def _is_answerable(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def _is_organisations(payload: _Payload) -> bool:
    # A slash command says so with a text, everything else with a truth value.
    said = [payload.is_enterprise_install]
    said += [each.is_enterprise_install for each in payload.authorizations or ()]
    return not {True, "true"}.isdisjoint(said)


def _team(payload: _Payload) -> str | None:
    # In a channel that workspaces share, an event's own team can be the other one's.
    if payload.event is not None and payload.authorizations:
        return payload.authorizations[0].team_id
    return payload.team_id or (payload.team.id if payload.team else None)


def _is_from_elsewhere(person: _Person, ours: Ours) -> bool:
    return bool(person.is_stranger) or person.team_id not in {None, ours.team}


def _belongs_here(payload: _Payload, said: _Event, ours: Ours) -> bool:
    """Whether it is said from our side of a channel that workspaces may share."""
    organisations = {each.enterprise_id for each in payload.authorizations or ()}
    told = [team for team in (said.team, said.user_team, said.source_team) if team is not None]
    if not told:
        return not (payload.is_ext_shared_channel and said.is_said_by_a_person)
    return all(team == ours.team or team in organisations for team in told)
