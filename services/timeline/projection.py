"""From events to entries. Pure; one row an event, which knows its name; of a claim one for each name it is about.

What the company decides about its boards and changes, and statistics of everybody, are about no customer, and stand on
nobody's timeline.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from libs.events.catalog import feedback
from libs.events.catalog.fields import Observation
from libs.events.fold import AppendFold, Fact, Projection, TextRow
from libs.events.identifiers import normal
from libs.events.topics import CONTACTS, FEEDBACK, IDENTITY, INTERACTIONS, SCORING
from services.timeline.tables import METADATA, entries, identity_entries
from services.timeline.titles import title

VERSION = 4
FINGERPRINT = "sha256:0567108309dafa75268677f73322615c8518f875dd17e095bd85f5f58932eb21"

_encode = msgspec.json.Encoder().encode
_NODE_CHARACTERS = 36
_NOT_ALL_ABOUT_SOMEBODY = {FEEDBACK.name, SCORING.name}


class _Filed(NamedTuple):
    """What an event's data says of its circumstances."""

    actor: object = None
    channel: str | None = None
    direction: str | None = None
    touchpoint: str | None = None


class Item(msgspec.Struct, frozen=True, gc=False):
    """One entry of a page, as API.md names its fields."""

    event_id: str
    type: str
    service: str
    contact: str
    title: str
    actor: object
    channel: str | None
    direction: str | None
    touchpoint: str | None
    occurred_at: str
    recorded_at: str
    position: str
    source: str
    data: msgspec.Raw


def rows(fact: Fact) -> Sequence[TextRow]:
    """The row of an event. Raises ValueError for one that names nobody where it should: then its key is parked."""
    event, node, topic = fact.event, fact.node, fact.partition.topic
    if topic == IDENTITY.name or (event.subject is None and topic in _NOT_ALL_ABOUT_SOMEBODY):
        return ()
    if event.subject is None or len(node) != _NODE_CHARACTERS:
        raise ValueError("the event names nobody that it is about")
    return ((*_place(fact, node), fact.name, fact.digest, *_shown(fact, normal(event.subject), item(fact))),)


def claim_rows(fact: Fact) -> Sequence[TextRow]:
    """A claim stands in the story of everybody whom it is about."""
    if fact.ruling is None:
        return ()
    entry = item(fact)
    return [(*_place(fact, str(name.node)), *_shown(fact, name.text, entry)) for name in fact.ruling.about]


def _place(fact: Fact, node: str) -> TextRow:
    return node, fact.occurred_at, str(fact.topic_number), str(fact.partition.number), str(fact.offset)


def _shown(fact: Fact, subject: str, entry: Item) -> TextRow:
    filtered = entry.channel, entry.touchpoint, entry.direction
    return fact.recorded_at, subject, fact.event.type, *filtered, _encode(entry).decode()


def item(fact: Fact) -> Item:
    """The entry as it is answered."""
    event, filed = fact.event, _filed(fact.data)
    topic = fact.partition.topic
    ruling = None if fact.ruling is None else fact.ruling.verdict.value
    return Item(
        event_id=event.id,
        type=event.type,
        service=topic,
        contact=fact.node,
        title=title(event.type, fact.data, ruling=ruling),
        actor=filed.actor,
        channel=filed.channel,
        direction=filed.direction,
        touchpoint=filed.touchpoint,
        occurred_at=fact.occurred_at,
        recorded_at=fact.recorded_at,
        position=f"{topic}/{fact.partition.number}/{fact.offset}",
        source=event.source,
        data=event.data,
    )


def _filed(data: object) -> _Filed:
    match data:
        case Observation():
            return _Filed(_given(data.actor), _given(data.channel), _given(data.direction), _given(data.touchpoint))
        case feedback.VoteCast() | feedback.VoteChanged() | feedback.VoteWithdrawn():
            return _Filed(_given(data.proxy))
        case feedback.IdeaSubmitted() | feedback.ProposalPublished():
            return _Filed(_given(data.actor), touchpoint=data.touchpoint)
        case feedback.BeneficiaryNotified():
            return _Filed(_given(data.actor), data.channel, "outbound")
        case _:
            return _Filed(_given(getattr(data, "actor", UNSET)))


def _given(value: Any) -> Any:
    return None if value is UNSET else value


PROJECTION = Projection(
    service="timeline",
    version=VERSION,
    fingerprint=FINGERPRINT,
    topics=(IDENTITY.name, CONTACTS.name, INTERACTIONS.name, FEEDBACK.name, SCORING.name),
    patient=(SCORING.name,),
    metadata=METADATA,
    memory=AppendFold(entries, rows, order=0),
    appends=(AppendFold(identity_entries, claim_rows, order=0),),
)
