"""The AsyncAPI 3.0 document of the log: its topics, keys and messages, and how readers rule on them."""

import json
from collections.abc import Mapping
from typing import Any, Final

from libs.events.catalog.agreement import ARBITRATION, HEADINGS, JUDGING, KEYS, KINDS, NODES
from libs.events.catalog.registry import CATALOG, EventType, Kind, schema
from libs.events.topics import TOPICS, Topic

_KAFKA_BINDING: Final = "0.5.0"
_LOCAL, _SHARED = "#/$defs/", "#/components/schemas/"
_CONTENT_TYPE: Final = "application/cloudevents+json"
_RECORDS: Final = """\
Every record of the log is a CloudEvent 1.0 in structured JSON, stored byte for byte. The first record of every
partition is a `log.created`. Topics are kept for ever and never compacted."""
_HEADERS: Final = {
    "type": "object",
    "required": ["content-type"],
    "properties": {
        "content-type": {"const": _CONTENT_TYPE},
        "authid": {"type": "string", "description": "who sent it, as an opaque id"},
        "traceparent": {"type": "string", "description": "W3C trace context of the request"},
        "request": {
            "type": "string",
            "description": "a keyed hash of the request, so that a repeated one is recognised",
        },
        "recordedtime": {"type": "string", "description": "on a copied log: when the record was first recorded"},
    },
}


def render() -> str:
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def document() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    messages = {event_type.name: _message(event_type, schemas) for event_type in CATALOG.values()}
    used = [topic for topic in TOPICS if topic.name in KEYS]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Rapport: the log",
            "version": "1.0.0",
            "description": _description(),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": _CONTENT_TYPE,
        "channels": {topic.name: _channel(topic) for topic in used},
        "operations": {f"append_to_{topic.name}": _operation(topic) for topic in used},
        "components": {"messages": messages, "schemas": {"Headers": _HEADERS} | dict(sorted(schemas.items()))},
    }


def _description() -> str:
    kinds = [f"- **{HEADINGS[kind]}**: {' '.join(text.split())}" for kind, text in KINDS.items()]
    parts = [
        _RECORDS,
        "\n".join(kinds),
        NODES,
        f"## How decisions are arbitrated\n\n{ARBITRATION}",
        f"## How claims are judged\n\n{JUDGING}",
    ]
    return "\n\n".join(parts)


def _channel(topic: Topic) -> dict[str, Any]:
    own = [name for name, event_type in CATALOG.items() if topic.name == event_type.topic]
    in_every_topic = [name for name, event_type in CATALOG.items() if event_type.kind is Kind.CONTROL]
    return {
        "address": topic.name,
        "description": f"Written by {topic.writer}. Key: {KEYS[topic.name]}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in dict.fromkeys(own + in_every_topic)},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": -1, "retention.bytes": -1},
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _operation(topic: Topic) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": f"{topic.writer} appends to {topic.name}.",
    }


def _message(event_type: EventType, schemas: dict[str, Any]) -> dict[str, Any]:
    """The message of a type; what its payload refers to is added to `schemas`."""
    payload = schema(event_type.name)
    schemas |= {name: _shared(definition) for name, definition in payload.pop("$defs").items()}
    # In this document a schema has neither a dialect nor an id: references are to the document's own components.
    del payload["$schema"], payload["$id"]
    rule = f" {event_type.rule}" if event_type.rule else ""
    return {
        "name": event_type.name,
        "title": event_type.name,
        "summary": event_type.summary + rule,
        "tags": [{"name": str(event_type.kind)}],
        "contentType": _CONTENT_TYPE,
        "headers": {"$ref": f"{_SHARED}Headers"},
        "payload": _shared(payload),
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": KEYS[event_type.topic]},
                "bindingVersion": _KAFKA_BINDING,
            }
        },
        "examples": [{"payload": dict(event_type.example)}],
    }


def _shared(node: Any) -> Any:
    match node:
        case {"$ref": str(reference), **rest}:
            return {"$ref": reference.replace(_LOCAL, _SHARED), **_shared(rest)}
        case Mapping():
            return {key: _shared(value) for key, value in node.items()}
        case list():
            return [_shared(value) for value in node]
        case _:
            return node
