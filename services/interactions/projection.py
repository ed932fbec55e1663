"""From events to the tables of interactions. Pure."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from libs.events.arbitration import sequence_of
from libs.events.catalog.interactions import InteractionAmended, InteractionCompleted, InteractionRecorded
from libs.events.fold import AppendFold, Fact, Projection, Row, RowFold, RowKey, TextRow
from libs.events.identifiers import as_uuid8
from libs.events.times import parse
from libs.events.topics import IDENTITY, INTERACTIONS
from services.interactions.decider import amended
from services.interactions.tables import METADATA, events, interactions

VERSION = 2
FINGERPRINT = "sha256:ea92cbc210a676e5ca160b863ae3cbcd83fa0d24afb6aebe26954275c1134be2"

UNMATCHED = "unmatched"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def event_rows(fact: Fact) -> Sequence[TextRow]:
    """Where an event is, by its name; claims about identity are not among the events that were posted here."""
    if fact.partition.topic != INTERACTIONS.name:
        return ()
    place = str(fact.topic_number), str(fact.partition.number), str(fact.offset)
    sent = fact.event.id, fact.event.source, fact.event.type
    return ((fact.node, fact.name, fact.digest, *place, fact.recorded_at, *sent),)


def interaction_id(name: str) -> UUID:
    """The id of an interaction: made from the name of the event that recorded it, never from the sender's id alone."""
    return as_uuid8(bytes.fromhex(name))


def interaction_keys(fact: Fact) -> Sequence[RowKey]:
    match fact.data:
        case InteractionRecorded():
            return [(interaction_id(fact.name),)]
        case InteractionAmended() | InteractionCompleted():
            return [(UUID(fact.data.interaction),)]
        case _:
            return ()


def fold_interaction(row: Row | None, fact: Fact, key: RowKey) -> Row | None:
    """An interaction as it was recorded, and everything that was decided about it since."""
    match fact.data:
        case InteractionRecorded() as data:
            return row if row is not None and row["status"] != UNMATCHED else _recorded(row, fact, data)
        case InteractionAmended() as data:
            said = {"changes": data.changes, "reason": data.reason}
        case InteractionCompleted() as data:
            said = {} if data.resolution is UNSET else {"resolution": data.resolution}
            said = {"status": "completed"} | said
        case _:
            return row
    amendment = {
        "version": sequence_of(fact.event.sequence) + 1,
        **said,
        "event_id": fact.event.id,
        "recorded_at": fact.recorded_at,
        "position": f"{fact.partition}/{fact.offset}",
    }
    return _amended(row or _unmatched(key, fact), amendment)


def _recorded(amended_before: Row | None, fact: Fact, data: InteractionRecorded) -> Row:
    row = _placed(interaction_id(fact.name), fact) | {
        "version": 1,
        "event_id": fact.event.id,
        "source": fact.event.source,
        **_shown(msgspec.to_builtins(data) | {"status": data.status}),
        "amendments": "[]",
    }
    for amendment in [] if amended_before is None else _decode(amended_before["amendments"]):
        row = _amended(row, amendment)
    return row


def _unmatched(key: RowKey, fact: Fact) -> Row:
    """What is kept of an interaction that was amended, although nothing had recorded it."""
    empty = dict.fromkeys(("channel", "touchpoint", "direction", "event_id", "source"))
    return _placed(key[0], fact) | empty | {"version": 1, "status": UNMATCHED, "data": "{}", "amendments": "[]"}


def _placed(id_: UUID, fact: Fact) -> Row:
    return {
        "id": id_,
        "node": UUID(fact.node),
        "subject": fact.event.subject or "",
        "occurred_at": parse(fact.occurred_at),
        "topic": fact.topic_number,
        "partition": fact.partition.number,
        "offset": fact.offset,
        "recorded_at": parse(fact.recorded_at),
    }


def _amended(row: Row, amendment: dict[str, Any]) -> Row:
    amendments = _encode([*_decode(row["amendments"]), amendment]).decode()
    row = row | {"version": amendment["version"], "amendments": amendments}
    if row["status"] == UNMATCHED:
        return row
    fields = amended(_decode(row["data"]) | {"status": row["status"]}, amendment.get("changes", {}))
    return row | _shown(fields | {name: amendment[name] for name in ("status", "resolution") if name in amendment})


def _shown(fields: dict[str, Any]) -> Row:
    """The columns that lists are filtered by, and all fields."""
    columns = {name: fields.get(name) for name in ("channel", "touchpoint", "direction", "status")}
    return columns | {"data": _encode({name: value for name, value in fields.items() if name != "status"}).decode()}


PROJECTION = Projection(
    service="interactions",
    version=VERSION,
    fingerprint=FINGERPRINT,
    topics=(IDENTITY.name, INTERACTIONS.name),
    metadata=METADATA,
    memory=AppendFold(events, event_rows, order=1),
    rows=(RowFold(interactions, interaction_keys, fold_interaction),),
)
