"""From events to the tables of interactions. Pure."""

from uuid import UUID

import msgspec
from msgspec import UNSET

from libs.events.catalog.interactions import InteractionRecorded
from libs.events.fold import AppendFold, Fact, Projection, Row, RowFold
from libs.events.identifiers import as_uuid8
from libs.events.times import parse
from libs.events.topics import INTERACTIONS
from services.interactions.tables import METADATA, events, interactions

VERSION = 1
FINGERPRINT = "sha256:4307f8c3703e4ec9736897acdb8ce73afdb6fb50f9b28a7ac6c1cc997943af84"

_encode = msgspec.json.Encoder().encode


def event_row(fact: Fact) -> tuple[str | None, ...]:
    """Where an event is, by its name."""
    return (
        fact.key,
        fact.name,
        fact.digest,
        str(fact.topic_number),
        str(fact.partition.number),
        str(fact.offset),
        fact.recorded_at,
        fact.event.id,
        fact.event.source,
        fact.event.type,
    )


def interaction_id(name: str) -> UUID:
    """The id of an interaction: made from the name of the event that recorded it, never from the sender's id alone."""
    return as_uuid8(bytes.fromhex(name))


def interaction_key(fact: Fact) -> tuple[UUID] | None:
    return (interaction_id(fact.name),) if isinstance(fact.data, InteractionRecorded) else None


def fold_interaction(row: Row | None, fact: Fact) -> Row | None:
    """An interaction as it was recorded; what is decided about it later will count its version up."""
    data = fact.data
    if row is not None or not isinstance(data, InteractionRecorded):
        return row
    return {
        "id": interaction_id(fact.name),
        "version": 1,
        "node": UUID(fact.key),
        "occurred_at": parse(fact.occurred_at),
        "topic": fact.topic_number,
        "partition": fact.partition.number,
        "offset": fact.offset,
        "recorded_at": parse(fact.recorded_at),
        "channel": data.channel,
        "touchpoint": None if data.touchpoint is UNSET else data.touchpoint,
        "direction": data.direction,
        "status": data.status,
        "event_id": fact.event.id,
        "source": fact.event.source,
        "data": _encode(data).decode(),
    }


PROJECTION = Projection(
    service="interactions",
    version=VERSION,
    fingerprint=FINGERPRINT,
    topics=(INTERACTIONS.name,),
    metadata=METADATA,
    memory=AppendFold(events, event_row, order=1),
    rows=(RowFold(interactions, interaction_key, fold_interaction),),
)
