"""From events to entries. Pure; one row an event, which knows its name; of a claim one for each name it is about."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from libs.events.catalog.fields import Observation
from libs.events.fold import AppendFold, Fact, Projection, TextRow
from libs.events.identifiers import normal
from libs.events.topics import CONTACTS, IDENTITY, INTERACTIONS
from services.timeline.tables import METADATA, entries, identity_entries
from services.timeline.titles import title

VERSION = 2
FINGERPRINT = "sha256:f8a8601d27c3327cca66e7d48645e204136aa479cc3d70cd3baa60d5529a62a0"

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


def rows(fact: Fact) -> Sequence[TextRow]:
    """The row of an event. Raises ValueError for one that is about nobody: then its key is parked."""
    if fact.partition.topic == IDENTITY.name:
        return ()
    event, node = fact.event, fact.node
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
    event, data = fact.event, fact.data
    actor: object = None
    channel = direction = touchpoint = None
    if isinstance(data, Observation):
        actor = None if data.actor is UNSET else data.actor
        channel = None if data.channel is UNSET else data.channel
        direction = None if data.direction is UNSET else data.direction
        touchpoint = None if data.touchpoint is UNSET else data.touchpoint
    topic = fact.partition.topic
    ruling = None if fact.ruling is None else fact.ruling.verdict.value
    return Item(
        event_id=event.id,
        type=event.type,
        service=topic,
        contact=fact.node,
        title=title(event.type, data, ruling=ruling),
        actor=actor,
        channel=channel,
        direction=direction,
        touchpoint=touchpoint,
        occurred_at=fact.occurred_at,
        recorded_at=fact.recorded_at,
        position=f"{topic}/{fact.partition.number}/{fact.offset}",
        source=event.source,
        data=event.data,
    )


PROJECTION = Projection(
    service="timeline",
    version=VERSION,
    fingerprint=FINGERPRINT,
    topics=(IDENTITY.name, CONTACTS.name, INTERACTIONS.name),
    metadata=METADATA,
    memory=AppendFold(entries, rows, order=0),
    appends=(AppendFold(identity_entries, claim_rows, order=0),),
)
