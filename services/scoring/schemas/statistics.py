"""Published statistics, the grid of RFM and Pareto curves."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from libs.service.parameters import Happened, ListQuery, Moment
from services.scoring.reacting.publishing import MAX_NEXT_IN_H
from services.scoring.schemas.fields import InCurrency, Number


class NewStatistics(BaseModel):
    """Count everybody now, and how often from then on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"next_in_h": 24}})

    next_in_h: Annotated[
        int | None, Field(ge=1, le=MAX_NEXT_IN_H, strict=True, description="Publish again after each so many hours")
    ] = None
    time: Happened = None


class Cut(BaseModel):
    value: Number
    contact: str


class Measured(BaseModel):
    """How everybody stood in one measure."""

    measure: str
    kind: Literal["quintiles", "pareto"]
    currency: str | None = None
    people: int
    total: int | None = None
    cuts: Annotated[list[Cut | None], Field(description="The least of quintile 2 to 5, or the last of A and of B")]


class Statistics(BaseModel):
    """How everybody stood, up to a position."""

    version: int
    event_id: str
    as_of: datetime
    recorded_at: datetime
    people: int
    position: Annotated[str, Field(description="What was counted")]
    due_at: Annotated[datetime | None, Field(description="When the next ones are published")]
    measures: list[Measured]


class StatisticsPage(BaseModel):
    items: list[Statistics]
    next_cursor: str | None


class StatisticsQuery(ListQuery):
    """Newest first."""


class GridQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    currency: InCurrency = None


class Cell(BaseModel):
    r: int
    f: int
    m: int
    band: str
    people: int
    turnover_minor: int


class Grid(BaseModel):
    """Everybody who buys, by the 125 cells of recency, frequency and monetary; 5 is best."""

    currency: str
    statistics: Annotated[int, Field(description="Version of the statistics that the cells are cut by")]
    as_of: datetime
    people: int
    turnover_minor: int
    cells: list[Cell]


class CurveQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    currency: InCurrency = None
    begin: Annotated[Moment | None, Field(alias="from", description="Only what happened from then on")] = None
    end: Annotated[Moment | None, Field(alias="to", description="Only what happened before")] = None
    points: Annotated[int, Field(ge=1, le=1_000, description="How many points the curve has at most")] = 100


class Point(BaseModel):
    people: int
    people_share: float
    total: int
    share: Annotated[float, Field(description="Of the peak, where the curve is highest")]


class ClassSum(BaseModel):
    people: int
    total: int


class Curve(BaseModel):
    """Everybody by one measure, greatest first: so many people come to so much together."""

    measure: str
    currency: str | None
    as_of: datetime
    people: int
    total: int
    peak: int
    points: list[Point]
    classes: dict[str, ClassSum]
