"""What the routes of contacts take and answer, as the OpenAPI document tells it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from libs.service.parameters import ListQuery

Kind = Literal["person", "organisation"]
Ref = Annotated[str, Field(min_length=1, max_length=600, description="A uuid, or an identifier such as crm:4711")]
Words = Annotated[str, Field(min_length=1, max_length=65_536)]
TraitName = Annotated[str, Field(min_length=1, max_length=100)]
Traits = Annotated[dict[TraitName, Any], Field(max_length=100)]


class NewContact(BaseModel):
    """A person or organisation, with the names that it goes by."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "kind": "person",
                "identifiers": ["crm:4711", "email:ada@example.org"],
                "traits": {"name": "Ada Lovelace", "country": "GB"},
            }
        },
    )

    kind: Kind = "person"
    identifiers: Annotated[list[Ref], Field(min_length=1, max_length=100)]
    traits: Traits | None = None


class TraitsPatch(BaseModel):
    """A JSON merge patch (RFC 7396) of the traits; null takes a field away."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"traits": {"name": "Ada Lovelace"}}})

    traits: Annotated[Traits, Field(min_length=1)]


class NewLink(BaseModel):
    """A name that belongs to the contact, and how that is known."""

    model_config = ConfigDict(extra="forbid")

    identifier: Ref
    evidence: Annotated[Words | dict[str, Any] | None, Field(description="How it is known; text or an object")] = None


class NewMerge(BaseModel):
    """Contacts that are one person or organisation."""

    model_config = ConfigDict(extra="forbid")

    members: Annotated[list[Ref], Field(min_length=2, max_length=100)]
    reason: Words


class NewResolution(BaseModel):
    """Who keeps what a conflict is about."""

    model_config = ConfigDict(extra="forbid")

    holder: Ref
    reason: Words


class Wanted(BaseModel):
    """An identifier that would not fit into a path, or should not stand in a log."""

    model_config = ConfigDict(extra="forbid")

    identifier: Ref


class Id(BaseModel):
    """Whom an identifier names."""

    id: str


class Contact(BaseModel):
    """A person or organisation under all of its names."""

    id: Annotated[str, Field(description="The canonical id; any member's id and any identifier lead here too")]
    registered: bool
    kind: Kind | None
    identifiers: list[str]
    members: Annotated[list[str], Field(description="The contacts that merges made one")]
    traits: dict[str, Any]
    first_seen: Annotated[datetime | None, Field(description="When the first of its events happened")]
    last_seen: datetime | None


class ContactPage(BaseModel):
    items: list[Contact]
    next_cursor: str | None


class ContactQuery(ListQuery):
    """Filters of a list; unknown parameters are refused, so that a misspelt filter is noticed."""

    q: Annotated[str | None, Field(max_length=600, description="Words that begin words of a name or identifier")] = None
    kind: Annotated[Kind | None, Field(description="Only registered ones of this kind")] = None
    registered: Annotated[bool | None, Field(description="Only registered ones, or only those that nobody has")] = None


class Link(BaseModel):
    """A name that a contact claims."""

    identifier: str
    contact: str
    unique: Annotated[bool, Field(description="False for names that several may share, such as a telephone")]
    claim: str
    evidence: Any
    recorded_at: datetime


class Merge(BaseModel):
    """Contacts that were found to be one."""

    id: str
    contact: Annotated[str, Field(description="The canonical id that they have now")]
    members: list[str]
    reason: str
    recorded_at: datetime
    active: Annotated[bool, Field(description="False once it was undone")]


class Disputed(BaseModel):
    """A name that somebody wanted and somebody else had."""

    identifier: str
    holder: str
    holder_evidence: Any
    holder_since: datetime | None


class Resolution(BaseModel):
    holder: str
    reason: str
    recorded_at: datetime


class Conflict(BaseModel):
    """A claim on a name that was another's; it waits for a person."""

    id: str
    status: Literal["open", "resolved"]
    kind: Literal["registration", "link"]
    claimant: Annotated[str, Field(description="The contact that claimed; of a registration, the one it would make")]
    identifiers: list[Disputed]
    evidence: Any
    recorded_at: datetime
    resolution: Resolution | None


class ConflictPage(BaseModel):
    items: list[Conflict]
    next_cursor: str | None


class ConflictQuery(ListQuery):
    status: Annotated[Literal["open", "resolved"] | None, Field(description="Only these")] = None


class Graph(BaseModel):
    """What holds a contact together, and why each of it holds."""

    contact: str
    members: list[str]
    identifiers: list[str]
    links: list[Link]
    merges: list[Merge]
    conflicts: list[Conflict]
