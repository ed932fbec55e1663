"""All event types by name, and their JSON Schemas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import msgspec

from libs.events import topics
from libs.events.catalog.fields import Data
from libs.events.catalog.operations import UUID_PATTERN
from libs.events.catalog.table import contacts, feedback, interactions, operations, scoring
from libs.events.catalog.table.row import Row
from libs.events.terms import portable

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_SUBJECT_PATTERN: Final = r"^[a-z][a-z0-9_-]{0,31}:[\s\S]"


class Kind(StrEnum):
    """What gives an event its force (DESIGN.md section 3). Other systems may send observations only."""

    OBSERVATION = "observation"
    DECISION = "decision"
    CLAIM = "claim"
    CONTROL = "control"


@dataclass(frozen=True, slots=True, eq=False)
class EventType:
    """`rule` says in words what the fields must keep together, and `example` is a whole CloudEvent.

    `decoder` reads the data alone, and tolerates fields that it does not know.
    """

    name: str
    owner: str
    kind: Kind
    data: type[Data]
    summary: str
    rule: str
    example: Mapping[str, Any]
    decoder: msgspec.json.Decoder[Data]
    topic: str
    needs_subject: bool


def _event_types(owner: str, kind: Kind, topic: str, rows: Sequence[Row]) -> dict[str, EventType]:
    names = {f"rapport.{owner}.{row.name}.v1": row for row in rows}
    return {
        name: EventType(
            name=name,
            owner=owner,
            kind=kind,
            data=row.data,
            summary=row.summary,
            rule=row.rule,
            example=_envelope(name, owner, kind, row) | {"data": dict(row.example)},
            decoder=msgspec.json.Decoder(row.data),
            topic=topic,
            needs_subject=row.needs_subject,
        )
        for name, row in names.items()
    }


def _envelope(name: str, owner: str, kind: Kind, row: Row) -> dict[str, Any]:
    attributes = {"specversion": "1.0", "type": name, "time": "2026-03-02T10:15:00Z"}
    sender_id = f"example-{name.removeprefix('rapport.interactions.')}"
    interaction = "0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1"
    command = "0198b1f3-77aa-7f10-a4c2-90b3d21e8f55"
    node = "3f1d2c4b-5a69-8788-9a0b-1c2d3e4f5061"
    about = {"subject": f"contact:{row.contact}" if row.contact else "crm:4711"} if row.needs_subject else {}
    match kind:
        case Kind.CONTROL:
            return attributes | {"id": command, "source": "/operations"}
        case Kind.OBSERVATION:
            return attributes | {"id": sender_id, "source": "urn:example:shop", **about}
        case Kind.CLAIM:
            return attributes | {"id": command, "source": "/identity", **about, "subjectnode": node}
        case Kind.DECISION:
            source = row.source or f"/{owner}/{interaction if owner == 'interactions' else command}"
            own = {"id": row.id or command, "source": source, **about, "sequence": f"{1:020}"}
            is_keyed_by_node = owner == "interactions" or row.contact or not about
            return attributes | (own if is_keyed_by_node else own | {"subjectnode": node})


CATALOG: Final[Mapping[str, EventType]] = MappingProxyType(
    _event_types("interactions", Kind.OBSERVATION, topics.INTERACTIONS.name, interactions.OBSERVATIONS)
    | _event_types("interactions", Kind.DECISION, topics.INTERACTIONS.name, interactions.DECISIONS)
    | _event_types("contacts", Kind.CLAIM, topics.IDENTITY.name, contacts.CLAIMS)
    | _event_types("contacts", Kind.DECISION, topics.CONTACTS.name, contacts.DECISIONS)
    | _event_types("feedback", Kind.DECISION, topics.FEEDBACK.name, feedback.DECISIONS)
    | _event_types("scoring", Kind.DECISION, topics.SCORING.name, scoring.DECISIONS)
    | _event_types("operations", Kind.CONTROL, topics.OPERATIONS.name, operations.CONTROLS)
)


def find(type_: str) -> EventType | None:
    return CATALOG.get(type_)


_NAMES: Final[Mapping[type[Data], str]] = {type_.data: type_.name for type_ in CATALOG.values()}


def type_of(data: Data) -> str:
    """The name of the type that this is the data of."""
    return _NAMES[type(data)]


def schemas() -> dict[str, dict[str, Any]]:
    return {name: schema(name) for name in CATALOG}


def schema(type_: str) -> dict[str, Any]:
    """JSON Schema 2020-12 of the whole CloudEvent as the edge takes it. Raises KeyError for a type not in the catalog.

    Rules over several fields (a score within its scale) have no place in it; `problem()` of the data has them.
    """
    event_type = CATALOG[type_]
    (data,), definitions = msgspec.json.schema_components([event_type.data], ref_template="#/$defs/{name}")
    own = _own_attributes(event_type.kind)
    subject = ["subject"] if event_type.needs_subject else []
    return {
        "$schema": DIALECT,
        "$id": f"urn:rapport:{type_}",
        "title": type_,
        "description": event_type.summary,
        "type": "object",
        "required": ["specversion", "id", "source", "type", *subject, *own, "data"],
        "properties": _attributes(type_) | own | {"data": data},
        # Extension attributes of CloudEvents: lower-case names, simple values, integers of 32 bits.
        "propertyNames": {"pattern": "^[a-z0-9]+$"},
        "additionalProperties": {
            "type": ["string", "boolean", "integer", "null"],
            "minimum": -(2**31),
            "maximum": 2**31 - 1,
        },
        "$defs": {name: _strict(definition) for name, definition in definitions.items()},
    }


def _attributes(type_: str) -> dict[str, Any]:
    # In CloudEvents an optional attribute that is null is one that is absent.
    optional = {"type": ["string", "null"], "minLength": 1}
    return {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1, "maxLength": 512},
        "source": {"type": "string", "format": "uri-reference", "minLength": 1, "maxLength": 2048},
        "type": {"const": type_},
        "subject": {"type": "string", "pattern": _SUBJECT_PATTERN, "description": "whom it is about: namespace:value"},
        "time": optional | {"format": "date-time", "description": "when it happened; else when it was recorded"},
        "datacontenttype": optional | {"description": "a JSON media type, such as application/json"},
        "dataschema": optional | {"format": "uri-reference", "maxLength": 2048},
    }


def _own_attributes(kind: Kind) -> dict[str, Any]:
    """The extension attributes that Rapport's own events of this kind always have."""
    match kind:
        case Kind.DECISION:
            return {"sequence": {"type": "string", "pattern": "^[0-9]{20}$", "description": "from 1, without a gap"}}
        case Kind.CLAIM:
            return {
                "subjectnode": {"type": "string", "pattern": portable(UUID_PATTERN), "description": "of the subject"}
            }
        case Kind.OBSERVATION | Kind.CONTROL:
            return {}


def _strict(definition: dict[str, Any]) -> dict[str, Any]:
    """Refuse unknown fields, as the edge does, and write patterns as every dialect reads them."""
    if "properties" in definition:
        definition = definition | {"additionalProperties": False}
    return {key: _portable(value) for key, value in definition.items()}


def _portable(node: Any) -> Any:
    match node:
        case {"pattern": str(pattern), **rest}:
            return {"pattern": portable(pattern), **{key: _portable(value) for key, value in rest.items()}}
        case dict():
            return {key: _portable(value) for key, value in node.items()}
        case list():
            return [_portable(value) for value in node]
        case _:
            return node
