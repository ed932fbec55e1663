"""What the routes of interactions take and answer, as the OpenAPI document tells it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from libs.service.parameters import Channel, Direction, ListQuery, Moment, Touchpoint

Status = Literal["opened", "in_progress", "completed"]
Words = Annotated[str, Field(min_length=1, max_length=65_536)]
Id = Annotated[str, Field(min_length=1, max_length=512)]

_ATTRIBUTE: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 512}
SENT_EVENT: dict[str, Any] = {
    "type": "object",
    "title": "CloudEvent",
    "description": "CloudEvents 1.0; extension attributes are kept. GET /v1/schemas lists what `data` may hold",
    "required": ["specversion", "id", "source", "type", "subject"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": _ATTRIBUTE,
        "source": {"type": "string", "format": "uri-reference", "minLength": 1, "maxLength": 2_048},
        "type": _ATTRIBUTE,
        "subject": {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,31}:", "description": "Whom it is about"},
        "time": {"type": "string", "format": "date-time", "description": "When it happened; else when it is recorded"},
        "datacontenttype": {"const": "application/json"},
        "data": {},
    },
}


class Actor(BaseModel):
    """Who did it."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["customer", "staff", "system"]
    id: Id | None = None


class InteractionItem(BaseModel):
    """One of the matters that an interaction was about."""

    model_config = ConfigDict(extra="forbid")

    reason: Words
    item: Id | None = None
    resolution: Words | None = None


class NewInteraction(BaseModel):
    """A conversation with a customer, as it is recorded."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "contact": "crm:4711",
                "channel": "telephone",
                "direction": "inbound",
                "touchpoint": "billing",
                "reason": "Asks why the invoice is higher than last month",
                "summary": "Explained the new tariff; wants to think about it",
                "status": "completed",
            }
        },
    )

    contact: Annotated[str, Field(description="Whom it was with: an identifier, or a contact's uuid")]
    time: Annotated[Moment | None, Field(description="When it happened; else now")] = None
    channel: Id
    direction: Literal["inbound", "outbound"]
    touchpoint: Id | None = None
    reason: Words | None = None
    summary: Words | None = None
    status: Status | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    purpose: Id | None = None
    topic: Id | None = None
    handed_over_to: Id | None = None
    items: Annotated[list[InteractionItem] | None, Field(max_length=1_000)] = None
    actor: Actor | None = None
    value_factor: Id | None = None
    interaction: Annotated[Id | None, Field(description="The interaction that it happened in")] = None
    text: Annotated[str | None, Field(max_length=65_536)] = None


class Amendment(BaseModel):
    """Fields of an interaction with their new values, and why; null takes a field away."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"changes": {"reason": "parcel lost"}, "reason": "the carrier called"}},
    )

    changes: Annotated[dict[Id, Any], Field(min_length=1, max_length=100)]
    reason: Words


class Completion(BaseModel):
    """How an interaction ended."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"resolution": "sent again by courier"}})

    resolution: Words | None = None


class Decided(BaseModel):
    """What was decided about an interaction after it was recorded."""

    model_config = ConfigDict(extra="allow")

    version: int
    event_id: str
    recorded_at: datetime
    position: str
    changes: dict[str, Any] | None = None
    reason: str | None = None


class Interaction(BaseModel):
    """A recorded interaction: its own fields beside those that were recorded."""

    model_config = ConfigDict(extra="allow")

    id: str
    version: Annotated[int, Field(description="Counts what has been decided about it; also its ETag")]
    contact: Annotated[str, Field(description="The node under which it was recorded")]
    occurred_at: datetime
    recorded_at: datetime
    event_id: str | None
    source: str | None
    position: str
    channel: str | None = None
    direction: str | None = None
    status: Annotated[Status | Literal["unmatched"], Field(description="Unmatched: amended, but never recorded")]
    amendments: list[Decided]


class InteractionPage(BaseModel):
    """A page of interactions, newest first."""

    items: list[Interaction]
    next_cursor: str | None


class InteractionQuery(ListQuery):
    """Filters of a list; unknown parameters are refused, so that a misspelt filter is noticed."""

    contact: Annotated[str | None, Field(description="Only with this contact: a uuid or an identifier")] = None
    channel: Channel = None
    touchpoint: Touchpoint = None
    direction: Direction = None
    status: Annotated[Status | Literal["unmatched"] | None, Field(description="Only in this status")] = None
    from_: Annotated[Moment | None, Field(alias="from", description="Happened then or later")] = None
    to: Annotated[Moment | None, Field(description="Happened before then")] = None


class FoundEvent(BaseModel):
    """Where an event stands in the log, and what became of it."""

    id: str
    source: str | None
    type: str | None
    contact: str | None
    position: str
    recorded_at: datetime | None
    outcome: Literal["recorded", "duplicate", "quarantined", "parked"]
    reason: str | None = None


class FoundEvents(BaseModel):
    """Every record of that id; twins are several."""

    items: list[FoundEvent]


class Accepted(BaseModel):
    """What was taken in."""

    accepted: int
    position: Annotated[str | None, Field(description="Token for `min_position`; null for a dry run")]
    rejected: list[dict[str, Any]] | None = None


class SchemaLine(BaseModel):
    """A type that may be sent."""

    type: str
    summary: str
    schema_: Annotated[str, Field(alias="schema", description="Path of its JSON Schema")]


class Schemas(BaseModel):
    """All types that may be sent, beside any of the sender's own."""

    items: list[SchemaLine]
