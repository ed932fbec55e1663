"""What the timeline's routes take and answer, as the OpenAPI document tells it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from libs.service.parameters import Channel, Direction, ListQuery, Moment, Touchpoint

ServiceName = Literal["identity", "contacts", "interactions", "feedback", "scoring"]


class TimelineQuery(ListQuery):
    """Filters of a page; unknown parameters are refused, so that a misspelt filter is noticed."""

    service: Annotated[ServiceName | None, Field(description="Only events of this service")] = None
    type: Annotated[str | None, Field(max_length=512, description="Only events of this type")] = None
    channel: Channel = None
    touchpoint: Touchpoint = None
    direction: Direction = None
    from_: Annotated[Moment | None, Field(alias="from", description="Happened then or later")] = None
    to: Annotated[Moment | None, Field(description="Happened before then")] = None
    as_of: Annotated[Moment | None, Field(description="What had happened by then")] = None
    known_at: Annotated[Moment | None, Field(description="What had been recorded by then")] = None


class TimelineItem(BaseModel):
    """One event."""

    event_id: str
    type: str
    service: str
    contact: Annotated[str, Field(description="The node under which it was recorded")]
    title: Annotated[str, Field(description="One readable line")]
    actor: dict[str, Any] | None
    channel: str | None
    direction: str | None
    touchpoint: str | None
    occurred_at: datetime
    recorded_at: datetime
    position: Annotated[str, Field(description="topic/partition/offset in the log")]
    source: str
    data: Annotated[Any, Field(description="The event's own data, as it was sent")]


class TimelinePage(BaseModel):
    """A page of a person's timeline, newest first."""

    contact: Annotated[str, Field(description="The person's canonical id")]
    members: list[str]
    identifiers: list[str]
    items: list[TimelineItem]
    next_cursor: str | None
