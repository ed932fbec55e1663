"""Scores, their receipts, and lists of whoever belongs to a class."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from libs.service.parameters import ListQuery, Moment
from services.scoring.schemas.fields import InCurrency, Number
from services.scoring.schemas.statistics import Measured


class Definition(BaseModel):
    """One kind of score."""

    id: str
    version: int
    title: str
    unit: str
    formula: str
    inputs: Annotated[list[str], Field(description="The measures that it reads")]
    bands: Annotated[dict[str, str], Field(description="Best first, each with whom it is for")]
    by_currency: Annotated[bool, Field(description="Whether there is one in each currency")]
    statistics: Annotated[list[str], Field(description="The measures of published statistics that it needs")]


class DefinitionList(BaseModel):
    items: list[Definition]


class ReceiptQuery(BaseModel):
    """Unknown parameters are refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid")

    currency: InCurrency = None
    as_of: Annotated[Moment | None, Field(description="As it was at this moment; else now")] = None
    events: Annotated[int, Field(ge=0, le=1_000, description="How many events a contribution shows at most")] = 50


class Event(BaseModel):
    event_id: str
    source: str
    position: Annotated[str, Field(description="Topic, partition and offset, as on the timeline")]
    occurred_at: datetime
    measure: str
    about: str
    amount: int
    also: Annotated[int | None, Field(description="The cost of a purchase, the importance of an expectation")]


class Contribution(BaseModel):
    name: str
    value: Number
    events_total: int
    events: Annotated[list[Event], Field(description="Newest first")]


class Input(BaseModel):
    """One of the person's figures."""

    measure: str
    about: str
    n: int
    total: int
    first_at: datetime
    last_at: datetime
    last_amount: int
    weight: Annotated[float, Field(description="Base 2 logarithm of how many, each fading from 2020-01-01 on")]


class Missing(BaseModel):
    code: str
    detail: str


class Used(BaseModel):
    """The statistics that a score was computed with."""

    version: int
    as_of: datetime
    position: str
    measures: list[Measured]


class Score(BaseModel):
    """A score with its receipt: `value` is the sum of the contributions."""

    definition: str
    version: int
    currency: str | None
    unit: str
    value: Number | None
    band: str | None
    coverage: float | None
    missing: Annotated[Missing | None, Field(description="Why there is no value")]
    contributions: list[Contribution]
    details: dict[str, Any]
    inputs: list[Input]
    statistics: Used | None


class Whose(BaseModel):
    contact: Annotated[str, Field(description="Canonical id")]
    members: list[str]
    identifiers: list[str]
    as_of: datetime
    position: Annotated[str, Field(description="What is covered")]


class Scores(Whose):
    items: list[Score]


class OneScore(Score, Whose):
    """One score of one person."""


class ClassFilter(BaseModel):
    """Whose classes. Unknown parameters are refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid")

    definition: Annotated[str, Field(min_length=1, max_length=100, description="Its id")] = "rfm"
    band: Annotated[str | None, Field(min_length=1, max_length=100, description="Only this one")] = None
    currency: InCurrency = None


class ClassQuery(ListQuery, ClassFilter):
    """Filters of a list."""


class Classed(BaseModel):
    """A person who belongs to a class, with the score as it is now."""

    contact: str
    identifiers: list[str]
    definition: str
    version: int
    currency: str | None
    value: Number | None
    band: str | None
    since: Annotated[datetime, Field(description="When the class was announced")]


class ClassPage(BaseModel):
    items: list[Classed]
    as_of: datetime
    complete: Annotated[bool, Field(description="Whether everybody whose numbers have changed was looked at")]
    next_cursor: str | None
