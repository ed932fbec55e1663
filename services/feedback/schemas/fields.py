"""The kinds of field that bodies and answers are made of."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.events.terms import CHANNEL_PATTERN, TOUCHPOINT_PATTERN, VALUE_FACTOR_PATTERN
from libs.service.parameters import Happened, term

Ref = Annotated[str, Field(min_length=1, max_length=600, description="A uuid, or an identifier such as crm:4711")]
Words = Annotated[str, Field(min_length=1, max_length=65_536)]
Text = Annotated[str, Field(max_length=65_536)]
Id = Annotated[str, Field(min_length=1, max_length=512)]
Title = Annotated[str, Field(min_length=1, max_length=200)]
Tag = Annotated[str, Field(min_length=1, max_length=50)]
Tags = Annotated[list[Tag], Field(max_length=20)]
Credits = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
Channel = Annotated[str, term(CHANNEL_PATTERN, "channel")]
Touchpoint = Annotated[str, term(TOUCHPOINT_PATTERN, "touchpoint")]
ValueFactor = Annotated[str, term(VALUE_FACTOR_PATTERN, "value_factor")]
Status = Literal[
    "submitted", "under_review", "planned", "in_progress", "shipped", "measured", "declined", "archived"
]  # fmt: skip
Reason = Annotated[Words, Field(description="Why")]
BoardId = Annotated[UUID, Field(description="A board's id")]
IdeaId = Annotated[UUID, Field(description="An idea's id")]


class Actor(BaseModel):
    """Who did it, where that is not the customer."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["customer", "staff", "system"]
    id: Id | None = None


class Write(BaseModel):
    """What every write may say."""

    model_config = ConfigDict(extra="forbid")

    time: Happened = None


class Author(BaseModel):
    """A customer, under the name that they used."""

    contact: Annotated[str, Field(description="The node of the name")]
    name: str
