"""Comments."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.service.parameters import ListQuery
from services.feedback.schemas.fields import Actor, Author, Id, IdeaId, Ref, Words, Write


class NewComment(Write):
    """What a customer says about an idea, or the company: then an actor of kind staff or system says whose it is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "idea": "0198b1f6-1b2c-7d3e-8f40-5a6b7c8d9e0f",
                "contact": "crm:4711",
                "text": "The hour would be better still",
            }
        },
    )

    idea: IdeaId
    text: Words
    contact: Annotated[
        Ref | None, Field(description="Whose comment it is: an identifier, or a contact's uuid; none for the company's")
    ] = None
    actor: Annotated[
        Actor | None, Field(description="Who entered it for the customer, or whose of the company it is")
    ] = None
    reply_to: Annotated[UUID | None, Field(description="The comment that it replies to, about the same idea")] = None
    interaction: Annotated[Id | None, Field(description="The interaction that it came from")] = None


class Removed(BaseModel):
    """Why a comment is not shown any more."""

    reason: str
    at: datetime


class Comment(BaseModel):
    """A comment; one that was removed has no text."""

    id: str
    idea: str
    reply_to: str | None
    thread: Annotated[str, Field(description="The first comment of its thread; itself where it is no reply")]
    author: Annotated[Author | None, Field(description="The customer; null where it is the company's")]
    actor: Actor | None
    text: str | None
    interaction: str | None
    removed: Removed | None
    occurred_at: datetime
    recorded_at: datetime
    position: str


class CommentPage(BaseModel):
    items: list[Comment]
    next_cursor: str | None


class CommentQuery(ListQuery):
    """Of an idea, of a customer, or both; unknown parameters are refused, so that a misspelt filter is noticed."""

    idea: Annotated[IdeaId | None, Field(description="On this idea; not on those that were merged with it")] = None
    contact: Annotated[str | None, Field(description="Of this person: a uuid or an identifier")] = None
