"""Ideas and proposals."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from libs.service.parameters import ListQuery, Moment
from libs.service.parameters import Touchpoint as OnlyTouchpoint
from services.feedback.schemas.fields import (
    Actor,
    Author,
    BoardId,
    Id,
    IdeaId,
    Ref,
    Status,
    Tag,
    Tags,
    Text,
    Title,
    Touchpoint,
    ValueFactor,
    Words,
    Write,
)

Sort = Literal["top", "hot", "new", "credits"]


class NewProposal(Write):
    """A change that the company considers, put to the vote."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"title": "Deliver on Saturdays, for 2 EUR", "touchpoint": "service"}},
    )

    title: Title
    text: Text | None = None
    touchpoint: Annotated[Touchpoint, Field(description="Which part of the company it is about")]
    value_factor: Annotated[ValueFactor | None, Field(description="What of value to the customer it is about")] = None
    tags: Tags | None = None
    actor: Actor | None = None


class NewIdea(NewProposal):
    """What a customer says should change. An agent who enters it on their behalf is the `actor`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "board": "0198b1f3-77aa-7f10-a4c2-90b3d21e8f55",
                "contact": "crm:4711",
                "title": "Show the delivery day before I pay",
                "text": "I want to be at home when it comes",
                "touchpoint": "website",
                "value_factor": "information",
                "tags": ["delivery"],
                "actor": {"kind": "staff", "id": "agent-7"},
                "interaction": "call-118",
            }
        },
    )

    board: BoardId
    contact: Annotated[Ref, Field(description="Whose idea it is: an identifier, or a contact's uuid")]
    interaction: Annotated[Id | None, Field(description="The interaction that it came from")] = None


class IdeaPatch(Write):
    """New values of what an idea says; null takes the text or the value factor away."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"title": "Show the delivery day"}})

    title: Title | None = None
    text: Text | None = None
    touchpoint: Touchpoint | None = None
    value_factor: ValueFactor | None = None
    reason: Words | None = None
    actor: Actor | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> "IdeaPatch":
        named = self.model_fields_set & {"title", "text", "touchpoint", "value_factor"}
        if not named:
            raise ValueError("names no field to change")
        if emptied := sorted(name for name in named - {"text", "value_factor"} if getattr(self, name) is None):
            raise ValueError(f"cannot be taken away: {', '.join(emptied)}")
        return self


class NewTags(Write):
    """All the tags that the idea has from now on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"tags": ["basket", "delivery"]}})

    tags: Tags
    actor: Actor | None = None


class NewStatus(Write):
    """Where the idea goes, why, and by when it is promised."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "status": "planned",
                "reason": "the carrier can tell us the day",
                "promised_for": "2027-06-30",
            }
        },
    )

    status: Status
    reason: Words
    promised_for: Annotated[date | None, Field(description="The day by whose end, in UTC, it will have shipped")] = None
    actor: Actor | None = None


class NewAnswer(Write):
    """The company's own word."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"text": "Thank you: we are asking the carriers"}}
    )

    text: Words
    actor: Actor | None = None


class NewMerge(Write):
    """The idea that this one is about the same as."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"into": "0198b1f6-2c3d-7e4f-9051-6b7c8d9e0f1a", "reason": "both want to know the day"}
        },
    )

    into: IdeaId
    reason: Words
    actor: Actor | None = None


class Tally(BaseModel):
    """Who stands behind it. A person counts once, however many names they voted by, over all that was merged."""

    people: int
    unregistered: Annotated[int, Field(description="Of the people, names that nobody has registered")]
    up: int
    down: int
    net: int
    credits: int


class Rank(BaseModel):
    top: Annotated[float, Field(description="Lower bound of Wilson's interval of the share of people for it")]
    hot: Annotated[float, Field(description="sign(net) log10(max(|net|, 1)) + time / 45000 s")]


class IdeaLine(BaseModel):
    """An idea as lists show it."""

    id: str
    board: str
    kind: Literal["idea", "proposal"]
    status: Status
    title: str
    touchpoint: str
    value_factor: str | None
    tags: list[str]
    author: Author | None
    actor: Annotated[Actor | None, Field(description="Who entered it on the author's behalf, or for the company")]
    interaction: str | None
    merged_into: Annotated[str | None, Field(description="Votes on both count together, there")]
    changes: Annotated[list[str], Field(description="The changes that answer it")]
    comments: int
    occurred_at: datetime
    recorded_at: datetime
    answered_at: datetime | None
    shipped_at: datetime | None
    position: str
    version: Annotated[int, Field(description="Counts what was decided about it; also its ETag")]
    tally: Tally
    rank: Rank


class Idea(IdeaLine):
    """An idea as it is now, with what was said and decided about it."""

    text: str | None
    root: Annotated[str, Field(description="Where its merges lead; itself where it was merged into none")]
    merged: Annotated[list[str], Field(description="The ideas that were merged into it, or into the same")]
    answers: list[dict[str, Any]]
    history: Annotated[list[dict[str, Any]], Field(description="Its statuses, each with its reason")]
    promises: Annotated[list[dict[str, Any]], Field(description="The dates that were promised")]


class IdeaPage(BaseModel):
    items: list[IdeaLine]
    next_cursor: str | None


class IdeaQuery(ListQuery):
    """Filters of a list; unknown parameters are refused, so that a misspelt filter is noticed."""

    board: Annotated[BoardId | None, Field(description="Only of this board")] = None
    sort: Annotated[Sort, Field(description="Best first: top, hot, new, or most credits")] = "top"
    status: Annotated[Status | None, Field(description="Only in this status; else all but archived ones")] = None
    kind: Annotated[Literal["idea", "proposal"] | None, Field(description="Only these")] = None
    touchpoint: OnlyTouchpoint = None
    tag: Annotated[Tag | None, Field(description="Only with this tag")] = None
    contact: Annotated[str | None, Field(description="Only of this customer, by a uuid or an identifier")] = None
    merged: Annotated[bool, Field(description="Also ideas that were merged into others")] = False


class Similar(BaseModel):
    """An idea whose title has words in common."""

    id: str
    board: str
    title: str
    status: Status
    similarity: Annotated[float, Field(description="How well the words fit; greater is better")]
    tally: Tally


class SimilarIdeas(BaseModel):
    items: list[Similar]


class SimilarQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(min_length=1, max_length=200, description="What has been typed so far")]
    board: Annotated[BoardId | None, Field(description="Only of this board")] = None
    limit: Annotated[int, Field(ge=1, le=50)] = 5


class TallyAt(BaseModel):
    """The tally as of a time: of the votes that had happened by then, by the people and groups that are known now."""

    idea: str
    as_of: datetime | None
    tally: Tally


class TallyQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    as_of: Annotated[Moment | None, Field(description="Of the votes that had happened by then; else of all")] = None
