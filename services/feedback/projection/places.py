"""What rows of feedback share: where their event stands, when it happened, and who did it. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from libs.events.catalog.fields import Actor
from libs.events.fold import Fact, Row
from libs.events.identifiers import normal
from libs.events.times import parse

_encode = msgspec.json.Encoder().encode
_names = msgspec.json.Decoder(list[str]).decode
_decode = msgspec.json.Decoder(list[dict[str, Any]]).decode


def placed(fact: Fact) -> Row:
    return {
        "partition": fact.partition.number,
        "offset": fact.offset,
        "occurred_at": parse(fact.occurred_at),
        "recorded_at": parse(fact.recorded_at),
    }


def authored(fact: Fact, actor: Actor | UnsetType) -> Row:
    """Whom the event is about, if anybody, and who acted for them or for the company."""
    subject = fact.event.subject
    return {
        "node": None if subject is None else UUID(fact.node),
        "subject": None if subject is None else normal(subject),
        "actor": None if actor is UNSET else _encode(actor).decode(),
    }


def given(value: Any) -> Any:
    """None for a field that is absent."""
    return None if value is UNSET else value


def happened(fact: Fact) -> datetime:
    return parse(fact.occurred_at)


def noted(entries: str, fact: Fact, **fields: Any) -> str:
    """A JSON list with one entry more: what was decided, when it happened, and in which event."""
    said = {name: value for name, value in fields.items() if value is not None}
    entry = {**said, "at": fact.occurred_at, "event_id": fact.event.id}
    return _encode([*_decode(entries), entry]).decode()


def listed(names: Iterable[str], before: str = "[]") -> str:
    """A JSON list of what was in it and what is new, each once."""
    return _encode(list(dict.fromkeys([*_names(before), *names]))).decode()
