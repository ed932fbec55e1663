"""The figures of the loop."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from libs.service.parameters import Moment, Touchpoint
from services.feedback.schemas.fields import BoardId


class Votes(BaseModel):
    """People behind ideas, a person once in a group of merged ideas. Declined and archived ideas count on no side."""

    delivered: Annotated[int, Field(description="On ideas that have shipped")]
    open: Annotated[int, Field(description="On ideas that may come")]
    share_delivered: Annotated[float | None, Field(description="delivered / (delivered + open)")]


class Answers(BaseModel):
    """The company's own word to ideas and proposals."""

    ideas: int
    answered: int
    median_days_to_first_answer: float | None


class Promises(BaseModel):
    """Days by whose end, in UTC, ideas were to have shipped; the same day promised twice of an idea is one promise."""

    kept: Annotated[int, Field(description="It shipped in time")]
    broken: Annotated[int, Field(description="It shipped later, or has not, and the day has passed")]
    open: Annotated[int, Field(description="The day has not passed")]
    share_kept: Annotated[float | None, Field(description="kept / (kept + broken)")]


class Value(BaseModel):
    """What changes were worth and cost by their last outcomes, in minor units of one currency; never converted."""

    currency: str
    value_minor: int
    cost_minor: int
    value_per_delivered_idea_minor: Annotated[
        int | None, Field(description="(value - cost) / delivered ideas, rounded half to even; null without any")
    ]


class Outcomes(BaseModel):
    """Whether it helped. A change counts once, at the board and touchpoint of the first idea that it answers."""

    delivered_ideas: int
    measured: Annotated[int, Field(description="Changes that were measured")]
    met: Annotated[int, Field(description="Of them those whose last outcome met its target")]
    value: list[Value]


class Voice(BaseModel):
    """What was heard: more is a good sign. Never added to harm."""

    people: Annotated[int, Field(description="Distinct persons who had an idea, ever voted, or ever commented")]
    ideas: Annotated[int, Field(description="Ideas and proposals; what was merged into others is not counted itself")]
    comments: Annotated[int, Field(description="Comments that are shown, also on ideas that were merged into others")]


class Harm(BaseModel):
    """What customers complained of at a touchpoint. Never added to voice."""

    complaints: int
    people: Annotated[int, Field(description="Distinct persons")]
    mean_severity: Annotated[float | None, Field(description="Of 1 to 5")]


HARM = "Complaints belong to a touchpoint and to no board: null where a board is asked for"


class LoopTotal(BaseModel):
    """The figures of the loop over several groups of ideas."""

    votes: Votes
    answers: Answers
    promises: Promises
    outcomes: Outcomes
    voice: Voice
    harm: Annotated[
        Harm | None, Field(description=f"{HARM}; else of all touchpoints that are asked for, also without ideas")
    ]


class LoopItem(LoopTotal):
    """The figures of one touchpoint on one board. Merged ideas stand where the idea stands that they lead to."""

    board: str
    touchpoint: str
    harm: Annotated[Harm | None, Field(description=f"{HARM}; else of the touchpoint, the same on all boards")]


class LoopFigures(BaseModel):
    """Were votes delivered, answers given and promises kept, and did it help? A view of what is known now."""

    as_of: datetime
    items: Annotated[list[LoopItem], Field(description="One of each board and touchpoint that has ideas")]
    total: Annotated[LoopTotal, Field(description="The same over all that is asked for; a person counts once")]


class LoopQuery(BaseModel):
    """Filters; unknown parameters are refused, so that a misspelt filter is noticed."""

    model_config = ConfigDict(extra="forbid")

    board: Annotated[BoardId | None, Field(description="Only this board")] = None
    touchpoint: Touchpoint = None
    as_of: Annotated[
        Moment | None, Field(description="The time by which a promised day has passed, or has not; else now")
    ] = None
