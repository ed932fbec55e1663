"""Boards."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from libs.service.parameters import ListQuery
from services.feedback.schemas.fields import Credits, Ref, Text, Title, Words, Write

Namespace = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}\z")]


class NewBallot(BaseModel):
    """How the board is voted on. Credits come out of a budget of each person, at most `cap` of them on one idea."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["approval", "up_down", "credits"] = "approval"
    budget: Credits | None = None
    cap: Credits | None = None


class NewEligibility(BaseModel):
    """Who may vote; by any of their names."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["everyone", "registered", "namespace", "list"] = "everyone"
    namespace: Annotated[Namespace | None, Field(description="Whoever has a name in it")] = None
    voters: Annotated[list[Ref] | None, Field(min_length=1, max_length=1_000, description="Those who are listed")] = (
        None
    )


class NewBoard(Write):
    """A place for ideas, with its rules of voting."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "title": "What should our shop do better?",
                "ballot": {"kind": "credits", "budget": 10, "cap": 3},
                "eligibility": {"kind": "everyone"},
            }
        },
    )

    title: Title
    description: Text | None = None
    ballot: NewBallot = NewBallot()
    eligibility: NewEligibility = NewEligibility()


class BoardPatch(Write):
    """New values of fields, and why. A closed board takes no ideas, votes or comments."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"status": "closed", "reason": "the season is over"}}
    )

    title: Title | None = None
    description: Text | None = None
    status: Literal["open", "closed"] | None = None
    ballot: Annotated[
        Literal["approval", "up_down", "credits"] | None, Field(description="Can be named, and not changed")
    ] = None
    budget: Credits | None = None
    cap: Credits | None = None
    eligibility: NewEligibility | None = None
    reason: Words

    @model_validator(mode="after")
    def _changes_something(self) -> "BoardPatch":
        named = self.model_fields_set - {"reason", "time"}
        if not named:
            raise ValueError("names no field to change")
        if emptied := sorted(name for name in named - {"description", "cap"} if getattr(self, name) is None):
            raise ValueError(f"cannot be taken away: {', '.join(emptied)}")
        return self


class Ballot(BaseModel):
    kind: Literal["approval", "up_down", "credits"]
    budget: int | None
    cap: int | None


class Eligibility(BaseModel):
    kind: Literal["everyone", "registered", "namespace", "list"]
    namespace: str | None
    voters: Annotated[list[dict[str, Any]] | None, Field(description="Names with their nodes")]


class Board(BaseModel):
    """A place for ideas, as it is now."""

    id: str
    version: Annotated[int, Field(description="Counts what was decided about it; also its ETag")]
    status: Literal["open", "closed"]
    title: str
    description: str | None
    ballot: Ballot
    eligibility: Eligibility
    occurred_at: datetime
    recorded_at: datetime
    position: str


class BoardPage(BaseModel):
    items: list[Board]
    next_cursor: str | None


class BoardQuery(ListQuery):
    """Filters of a list; unknown parameters are refused, so that a misspelt filter is noticed."""

    status: Annotated[Literal["open", "closed"] | None, Field(description="Only these")] = None
