"""Changes that answer ideas, and what came of them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.events.currencies import Currency
from libs.service.parameters import ListQuery
from services.feedback.schemas.fields import Actor, BoardId, Channel, Id, IdeaId, Text, Title, Words, Write

INT64_MAX = 2**63 - 1

Status = Literal["linked", "shipped", "measured", "closed", "reopened"]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
AmountMinor = Annotated[int, Field(ge=0, le=INT64_MAX, strict=True, description="In minor units of the currency")]
Ideas = Annotated[list[UUID], Field(min_length=1, max_length=200, description="Ids of ideas, all of one board")]


class NewChange(Write):
    """What is done about ideas."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "title": "The delivery day in the basket",
                "description": "From the carrier's calendar",
                "ideas": ["0198b1f6-1b2c-7d3e-8f40-5a6b7c8d9e0f"],
            }
        },
    )

    title: Title
    description: Text | None = None
    ideas: Ideas


class NewIdeas(Write):
    """More ideas that the change answers."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"ideas": ["0198b1f6-2c3d-7e4f-9051-6b7c8d9e0f1a"]}}
    )

    ideas: Ideas


class NewShipment(Write):
    """Customers have it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"note": "on the website; the app follows"}}
    )

    note: Words | None = None


class Measure(BaseModel):
    """By which measure it helped, from where, to where, how that was found, and among how many.

    The target is a rise or a fall from the baseline; it is met where `actual` has come as far.
    """

    metric: Id
    baseline: Number
    target: Number
    actual: Number
    unit: Id | None = None
    method: Annotated[Words, Field(description="How it was found")]
    n: Annotated[int, Field(ge=0, le=INT64_MAX, strict=True, description="Among how many")]
    for_whom: Literal["customer", "company"]
    value_minor: AmountMinor | None = None
    cost_minor: AmountMinor | None = None
    currency: Annotated[Currency | None, Field(description="Stands beside amounts, and only there")] = None


class NewOutcome(Write, Measure):
    """What came of a change that has shipped. The last one counts."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "metric": "calls_about_delivery",
                "baseline": 120,
                "target": 80,
                "actual": 74,
                "unit": "calls a week",
                "method": "the four weeks before and after",
                "n": 4210,
                "for_whom": "customer",
                "value_minor": 184000,
                "cost_minor": 52000,
                "currency": "EUR",
            }
        },
    )


class NewClosing(Write):
    """What those are told who asked for it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"text": "You see the delivery day before you pay"}}
    )

    text: Words


class NewReopening(Write):
    """Why it did not help enough."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"reason": "the calls are as many as before"}}
    )

    reason: Words


class NewNotification(Write):
    """How one who voted is told what came of it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"channel": "email", "text": "You asked for it: here it is"}}
    )

    channel: Channel
    text: Words | None = None
    actor: Actor | None = None


class Outcome(Measure):
    """What was measured."""

    is_met: Annotated[bool, Field(description="Whether it came as far as its target")]
    at: datetime
    event_id: str


class Turn(BaseModel):
    """A status of a change, and what was said of it."""

    status: Status
    at: datetime
    event_id: str
    note: str | None = None
    is_met: Annotated[bool | None, Field(description="Of an outcome that was measured")] = None
    text: str | None = None
    reason: str | None = None


class Change(BaseModel):
    """A change as it is now."""

    id: str
    board: str
    version: Annotated[int, Field(description="Counts what was decided about it; also its ETag")]
    status: Status
    title: str
    description: str | None
    ideas: list[str]
    shipped_at: Annotated[datetime | None, Field(description="The last time that it shipped")]
    outcomes: Annotated[list[Outcome], Field(description="All that was measured; the last one counts")]
    history: Annotated[list[Turn], Field(description="Its statuses")]
    occurred_at: datetime
    recorded_at: datetime
    position: str


class ChangePage(BaseModel):
    items: list[Change]
    next_cursor: str | None


class ChangeQuery(ListQuery):
    """Filters of a list; unknown parameters are refused, so that a misspelt filter is noticed."""

    board: Annotated[BoardId | None, Field(description="Only of this board")] = None
    status: Annotated[Status | None, Field(description="Only in this status")] = None
    idea: Annotated[IdeaId | None, Field(description="Only those that answer this idea")] = None


class Beneficiary(BaseModel):
    """A person who stands behind an idea that the change answers, or behind one that was merged with it."""

    contact: Annotated[str, Field(description="The person's canonical id")]
    names: list[str]
    stance: Annotated[Literal["up", "down"], Field(description="Up where they are for any of the ideas")]
    credits: Annotated[int, Field(description="On all of the ideas")]
    registered: bool
    notified_at: Annotated[datetime | None, Field(description="When they were told, by any of their names")]


class BeneficiaryPage(BaseModel):
    items: list[Beneficiary]
    next_cursor: str | None


class BeneficiaryQuery(ListQuery):
    """A page of them."""


class Notification(BaseModel):
    """How a person was told what came of a change; once."""

    change: str
    contact: Annotated[str, Field(description="The person's canonical id")]
    channel: str
    notified_at: datetime
    recorded_at: datetime
    position: str
