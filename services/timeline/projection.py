"""From events to entries. Pure; one row an event, which knows its name; of a claim, one for each whom it is about."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from libs.events.catalog.fields import Observation
from libs.events.catalog.registry import Kind
from libs.events.fold import AppendFold, Fact, Projection, TextRow
from libs.events.identifiers import normal
from libs.events.topics import CONTACTS, IDENTITY, INTERACTIONS
from services.timeline.tables import METADATA, entries
from services.timeline.titles import title

VERSION = 2
FINGERPRINT = "sha256:9ed1b4b4ea7f2b22fd68cc2f4b5ae70e688b9e65e1a500a719e9cf2ee8570f49"

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
    """The rows of an event. Raises ValueError for one that is about nobody: then its key is parked."""
    if fact.kind is Kind.CLAIM or fact.partition.topic == IDENTITY.name:
        return _claim_rows(fact)
    event, node = fact.event, fact.node
    if event.subject is None or len(node) != _NODE_CHARACTERS:
        raise ValueError("the event names nobody that it is about")
    return (_row(fact, node, normal(event.subject), fact.name, item(fact)),)


def _claim_rows(fact: Fact) -> list[TextRow]:
    """A claim stands in the story of everybody whom it is about."""
    if fact.ruling is None:
        return []
    entry, about = item(fact), fact.ruling.about
    return [_row(fact, str(each.node), each.text, None if n else fact.name, entry) for n, each in enumerate(about)]


def _row(fact: Fact, node: str, subject: str, name: str | None, entry: Item) -> TextRow:
    return (
        node,
        fact.occurred_at,
        str(fact.topic_number),
        str(fact.partition.number),
        str(fact.offset),
        name,
        fact.digest,
        fact.recorded_at,
        subject,
        fact.event.type,
        entry.channel,
        entry.touchpoint,
        entry.direction,
        _encode(entry).decode(),
    )


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
)
