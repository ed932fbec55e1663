"""Samples of every event type, and what the tests of the catalog ask of them."""

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec

from libs.events.catalog.registry import CATALOG, EventType, Kind, schema

GOLDEN = {path.stem: path for path in (Path(__file__).parents[3] / "tests" / "golden").glob("*.json")}
OBSERVATIONS = [each for each in CATALOG.values() if each.kind is Kind.OBSERVATION]
RULED = [each for each in CATALOG.values() if each.kind in {Kind.DECISION, Kind.CLAIM}]


def interactions(name: str) -> EventType:
    return CATALOG[f"rapport.interactions.{name}.v1"]


def example(name: str, **changes: object) -> dict[str, Any]:
    return {**deepcopy(interactions(name).example["data"]), **changes}


def golden(event_type: EventType) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(GOLDEN[event_type.name].read_bytes())
    return event


@cache
def validator(type_: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema(type_), validate_formats=True)


def decodes(event_type: EventType, data: object) -> bool:
    try:
        event_type.decoder.decode(msgspec.json.encode(data))
    except msgspec.ValidationError:
        return False
    return True
