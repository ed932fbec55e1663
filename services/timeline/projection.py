"""From events to entries. Pure; one row an event, and the row knows the event's name."""

from functools import lru_cache

import msgspec
from msgspec import UNSET

from libs.events.catalog.fields import Observation
from libs.events.fold import AppendFold, Fact, Projection
from libs.events.identifiers import CACHED_NODES, parse
from libs.events.topics import INTERACTIONS
from services.timeline.tables import METADATA, entries
from services.timeline.titles import title

VERSION = 1
FINGERPRINT = "sha256:dc8bf4773729ce24dad957ff77bc6a332830da23065d8b309de59c8bc3fd6601"

_encode = msgspec.json.Encoder().encode
_NODE_CHARACTERS = 36


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


def row(fact: Fact) -> tuple[str | None, ...]:
    """The row of an event. Raises ValueError for one that is about nobody: then its key is parked."""
    event, data = fact.event, fact.data
    node = event.subjectnode or fact.key
    if event.subject is None or len(node) != _NODE_CHARACTERS:
        raise ValueError("the event names nobody that it is about")
    actor: object = None
    channel = direction = touchpoint = None
    if isinstance(data, Observation):
        actor = None if data.actor is UNSET else data.actor
        channel = None if data.channel is UNSET else data.channel
        direction = None if data.direction is UNSET else data.direction
        touchpoint = None if data.touchpoint is UNSET else data.touchpoint
    topic, partition, offset = fact.partition.topic, str(fact.partition.number), str(fact.offset)
    item = Item(
        event_id=event.id,
        type=event.type,
        service=topic,
        contact=node,
        title=title(event.type, data),
        actor=actor,
        channel=channel,
        direction=direction,
        touchpoint=touchpoint,
        occurred_at=fact.occurred_at,
        recorded_at=fact.recorded_at,
        position=f"{topic}/{partition}/{offset}",
        source=event.source,
        data=event.data,
    )
    return (
        node,
        fact.occurred_at,
        str(fact.topic_number),
        partition,
        offset,
        fact.name,
        fact.digest,
        fact.recorded_at,
        normal_subject(event.subject),
        event.type,
        channel,
        touchpoint,
        direction,
        _encode(item).decode(),
    )


@lru_cache(CACHED_NODES)
def normal_subject(subject: str) -> str:
    """The subject in its normal form; equal for all spellings of one name. Raises BadIdentifier, a ValueError."""
    return str(parse(subject))


PROJECTION = Projection(
    service="timeline",
    version=VERSION,
    fingerprint=FINGERPRINT,
    topics=(INTERACTIONS.name,),
    metadata=METADATA,
    memory=AppendFold(entries, row, order=0),
)
