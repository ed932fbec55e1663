"""Votes."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from libs.service.parameters import ListQuery
from services.feedback.schemas.fields import Actor, BoardId, Credits, IdeaId, Ref, Words, Write

Stance = Literal["up", "down"]


class NewVote(Write):
    """A vote, or what it is from now on."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"idea": "0198b1f6-1b2c-7d3e-8f40-5a6b7c8d9e0f", "voter": "crm:4711", "stance": "up"}
        },
    )

    idea: IdeaId
    voter: Annotated[Ref, Field(description="Who votes: an identifier, or a contact's uuid")]
    stance: Annotated[Stance, Field(description="Down only where the board's ballot is up_down")] = "up"
    credits: Annotated[Credits | None, Field(description="How many, where the board's ballot is credits")] = None
    proxy: Annotated[Actor | None, Field(description="Who casts it for the voter")] = None


class Invalidation(Write):
    """Why a vote does not count."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reason": "cast by a script"}})

    reason: Words
    actor: Actor | None = None


class Vote(BaseModel):
    """What a person says about an idea, once however many names they have."""

    idea: str
    voter: Annotated[str, Field(description="The person's canonical id")]
    name: Annotated[str, Field(description="The name that was used")]
    stance: Stance
    credits: int


class Ballot(BaseModel):
    """One ballot; the last of a person's names counts."""

    idea: str
    name: str
    said: Literal["cast", "changed", "withdrawn", "invalidated"]
    stance: Stance | None
    credits: int
    proxy: Actor | None
    occurred_at: datetime
    recorded_at: datetime
    position: str


class VoteHistory(BaseModel):
    """What stands, and all ballots that led there, on the idea and those that it was merged with."""

    idea: str
    voter: str
    stance: Annotated[Stance | None, Field(description="Over all merged ideas; null where nothing stands")]
    credits: int
    ballots: list[Ballot]


class StandingVote(BaseModel):
    """What a person says about an idea and all that was merged with it."""

    idea: Annotated[str, Field(description="The idea that its merges lead to")]
    board: str
    voter: str
    name: Annotated[str, Field(description="The name of the last ballot")]
    registered: bool
    stance: Stance
    credits: int
    over_budget: Annotated[bool, Field(description="A merge brought the person over the board's budget; it stands")]


class VotePage(BaseModel):
    items: list[StandingVote]
    next_cursor: str | None


class VoteQuery(ListQuery):
    """Of an idea, of a voter, or both; unknown parameters are refused, so that a misspelt filter is noticed."""

    idea: Annotated[IdeaId | None, Field(description="On this idea and all that was merged with it")] = None
    voter: Annotated[str | None, Field(description="Of this person: a uuid or an identifier")] = None
    board: Annotated[BoardId | None, Field(description="Only on this board")] = None
