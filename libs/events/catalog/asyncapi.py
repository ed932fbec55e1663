"""The AsyncAPI 3.0 document of the log: its topics, keys and messages, and how readers rule on them."""

import json
from collections.abc import Mapping
from typing import Any, Final

from libs.events.catalog.agreement import (
    ARBITRATION,
    FIRST_RECORDS,
    HEADINGS,
    JUDGING,
    KEYS,
    KINDS,
    NAMES,
    NODES,
    RECORDED,
    rules_of,
)
from libs.events.catalog.registry import CATALOG, EventType, schema
from libs.events.topics import INTERACTIONS, TOPICS, Topic

FOREIGN: Final = "foreign"
LOG_CREATED: Final = "rapport.operations.log.created.v1"
REPLICAS: Final = 3
TOPIC_CONFIGURATION: Final = {
    "cleanup.policy": ["delete"],
    "retention.ms": -1,
    "retention.bytes": -1,
    "message.timestamp.type": "LogAppendTime",
    "min.insync.replicas": 2,
    "unclean.leader.election.enable": False,
}

_KAFKA_BINDING: Final = "0.5.0"
_LOCAL, _SHARED = "#/$defs/", "#/components/schemas/"
_CONTENT_TYPE: Final = "application/cloudevents+json"
_RECORDS: Final = """\
Every record of the log is a CloudEvent 1.0 in structured JSON, stored byte for byte. The first record of every
partition is a `log.created`. Topics are kept for ever and never compacted; nothing is written in transactions. Only
Rapport's services append: other systems send observations to interactions, over HTTP. Any system may read. Readers pass
over types, attributes and fields that they do not know, since new ones come without notice, so no schema here refuses
a field. All records of one key lie in one partition (murmur2 over the key's bytes, as Kafka's Java clients have it) and
so have one order; there is none between partitions."""
_READING: Final = """\
Assign all partitions by hand, begin at offset 0 and keep the next offset beside what you make of the records: no
consumer group, no automatic commit, no automatic reset of an offset. Compare the first records, drop what repeats a
name, and arbitrate decisions before anything takes effect."""
_PREFIX: Final = {
    "description": "RAPPORT_PREFIX of the installation, which stands before each topic's name; empty where it has none",
    "default": "",
    "examples": ["acme-"],
}
_BOOTSTRAP: Final = {
    "description": "host and port of any broker; the client learns the others from it",
    "default": "localhost:9092",
    "examples": ["localhost:9092", "kafka-1.example.org:9093"],
}
_SECURITY: Final = {
    "plain": {"type": "plain", "description": "SASL/PLAIN through TLS: a user name and a password"},
    "scram": {"type": "scramSha512", "description": "SASL/SCRAM-SHA-512: a user name and a password"},
    "certificate": {"type": "X509", "description": "TLS with a certificate of the client"},
}
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
        "recordedtime": {
            "type": "string",
            "format": "date-time",
            "description": "on a copied log: when the record was first recorded",
        },
    },
}


def render() -> str:
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def document() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    messages = {event_type.name: _message(event_type, schemas) for event_type in CATALOG.values()}
    append = {f"append_to_{topic.name}": _append(topic) for topic in TOPICS}
    read = {f"read_{topic.name}": _read(topic) for topic in TOPICS}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Rapport: the log",
            "version": "1.0.0",
            "description": _description(),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": _CONTENT_TYPE,
        "servers": _servers(),
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": append | read,
        "components": {
            "serverVariables": {"bootstrap": _BOOTSTRAP},
            "securitySchemes": _SECURITY,
            "parameters": {"prefix": _PREFIX},
            "messages": messages | {FOREIGN: _foreign()},
            "schemas": {"Headers": _HEADERS} | dict(sorted(schemas.items())),
        },
    }


def _description() -> str:
    kinds = [f"- **{HEADINGS[kind]}**: {' '.join(text.split())}" for kind, text in KINDS.items()]
    parts = [
        _RECORDS,
        "\n".join(kinds),
        NODES,
        RECORDED,
        f"## The first record of every partition\n\n{FIRST_RECORDS}",
        f"## Names, duplicates and the quarantine\n\n{NAMES}",
        f"## How decisions are arbitrated\n\n{ARBITRATION}",
        f"## How claims are judged\n\n{JUDGING}",
    ]
    return "\n\n".join(parts)


def _servers() -> dict[str, Any]:
    common = {"host": "{bootstrap}", "variables": {"bootstrap": {"$ref": "#/components/serverVariables/bootstrap"}}}
    schemes = [{"$ref": f"#/components/securitySchemes/{name}"} for name in _SECURITY]
    return {
        "kafka": common | {"protocol": "kafka", "description": "Apache Kafka in a network that is trusted."},
        "kafka-secure": common
        | {"protocol": "kafka-secure", "description": "Apache Kafka through TLS.", "security": schemes},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    own = [name for name, event_type in CATALOG.items() if topic.name == event_type.topic]
    foreign = [FOREIGN] if topic == INTERACTIONS else []
    empty = "" if own else " Nothing but `log.created` stands in it yet."
    return {
        "address": f"{{prefix}}{topic.name}",
        "description": f"Written by {topic.writer}. Key: {KEYS[topic.name]}.{empty}",
        "parameters": {"prefix": {"$ref": "#/components/parameters/prefix"}},
        "messages": {
            name: {"$ref": f"#/components/messages/{name}"} for name in dict.fromkeys([*own, *foreign, LOG_CREATED])
        },
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "replicas": REPLICAS,
                "topicConfiguration": TOPIC_CONFIGURATION,
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _append(topic: Topic) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": f"{topic.writer} appends to {topic.name}.",
    }


def _read(topic: Topic) -> dict[str, Any]:
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": f"Rapport's services and other systems read {topic.name}.",
        "description": _READING,
    }


def _message(event_type: EventType, schemas: dict[str, Any]) -> dict[str, Any]:
    """The message of a type; what its payload refers to is added to `schemas`."""
    payload = schema(event_type.name)
    schemas |= {name: _shared(definition) for name, definition in payload.pop("$defs").items()}
    key = "the word `log`" if event_type.name == LOG_CREATED else KEYS[event_type.topic]
    return {
        "name": event_type.name,
        "title": event_type.name,
        "summary": " ".join(filter(None, (event_type.summary, rules_of(event_type)))),
        "tags": [{"name": str(event_type.kind)}],
        **_record(payload, key, event_type.example),
    }


def _foreign() -> dict[str, Any]:
    """An observation of a type that is the sender's own."""
    payload = schema(next(name for name, event_type in CATALOG.items() if event_type.topic == INTERACTIONS.name))
    payload |= {
        "title": FOREIGN,
        "description": "A sender's own type: its name does not begin with `rapport.`, its data is any JSON or absent.",
        "required": [name for name in payload["required"] if name != "data"],
    }
    payload["properties"] |= {"type": {"type": "string", "not": {"pattern": r"^rapport\."}}, "data": {}}
    del payload["$defs"]
    example = {
        "specversion": "1.0",
        "id": "cart-77",
        "source": "urn:example:shop",
        "type": "com.example.cart.abandoned",
        "subject": "crm:4711",
        "time": "2026-03-02T10:15:00Z",
        "data": {"cart": "K-3"},
    }
    return {
        "name": FOREIGN,
        "title": "An event of a sender's own type",
        "summary": "Something happened for which the sender has a type of its own.",
        "tags": [{"name": "observation"}],
        **_record(payload, KEYS[INTERACTIONS.name], example),
    }


def _record(payload: dict[str, Any], key: str, example: Mapping[str, Any]) -> dict[str, Any]:
    # In this document a schema has neither a dialect nor an id: references are to the document's own components.
    shared = {name: value for name, value in payload.items() if name not in {"$schema", "$id"}}
    return {
        "contentType": _CONTENT_TYPE,
        "headers": {"$ref": f"{_SHARED}Headers"},
        "payload": _shared(shared),
        "bindings": {
            "kafka": {"key": {"type": "string", "description": key}, "bindingVersion": _KAFKA_BINDING},
        },
        "examples": [{"headers": {"content-type": _CONTENT_TYPE}, "payload": dict(example)}],
    }


def _shared(node: Any) -> Any:
    """A schema with references to the shared ones, as a reader takes it: fields that it does not know are no fault."""
    match node:
        case {"$ref": str(reference), **rest}:
            return {"$ref": reference.replace(_LOCAL, _SHARED), **_shared(rest)}
        case {"additionalProperties": False, **rest}:
            return _shared(rest)
        case Mapping():
            return {key: _shared(value) for key, value in node.items()}
        case list():
            return [_shared(value) for value in node]
        case _:
            return node
