"""`rapport events`: the catalog, for people who send events."""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

from libs.events.catalog.agreement import HEADINGS, KEYS
from libs.events.catalog.operations import UUID_PATTERN
from libs.events.catalog.registry import CATALOG, EventType, Kind, schema
from libs.events.clock import now
from libs.events.ids import new_id
from libs.events.terms import portable
from libs.events.times import utc_text
from services.cli.errors import Failure
from services.cli.tables import console, say, table
from services.cli.words import short_type

_SENDABLE: Final = "other systems send these, and any type of their own that has a subject"


def list_types() -> None:
    """Every type by kind: those that other systems send, and those that only Rapport writes."""
    for kind, heading in HEADINGS.items():
        writers = _SENDABLE if kind is Kind.OBSERVATION else "only Rapport writes these"
        made = table("type", "what it says", title=f"{heading}: {writers}")
        for each in CATALOG.values():
            if each.kind is kind:
                made.add_row(each.name, each.summary)
        console.print(made)


def show(type_: str, *, as_json: bool) -> None:
    """A type's fields, or its JSON Schema. Raises Failure."""
    found = find_type(type_)
    document = schema(found.name)
    if as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    say(f"{found.name} ({found.kind}, topic {found.topic})", style="bold")
    say(f"{found.summary} {found.rule}".strip())
    made = table("field of data", "", "takes")
    definitions = document["$defs"]
    data = definitions[found.data.__name__]
    for name, field in data["properties"].items():
        made.add_row(name, "required" if name in data.get("required", ()) else "", _takes(field, definitions))
    console.print(made)
    if found.kind is Kind.OBSERVATION:
        say(f"`rapport events example {short_type(found.name)}` prints one to post.")
    else:
        say(f"Only Rapport writes it, nobody posts one. The record's key: {KEYS[found.topic]}.")


def example(type_: str) -> None:
    """A whole event with a fresh id and a time now. Raises Failure for a type that only Rapport writes."""
    found = find_type(type_)
    if found.kind is not Kind.OBSERVATION:
        raise Failure(f"{found.name} is a {found.kind}: only Rapport writes it, nobody posts one")
    event = dict(found.example) | {"id": str(new_id()), "time": utc_text(now().replace(microsecond=0))}
    print(json.dumps(event, indent=2, ensure_ascii=False))


def find_type(name: str) -> EventType:
    """By its whole name or without prefix and version. Raises Failure that says what comes close."""
    by_short_name = {short_type(each): each for each in CATALOG}
    found = CATALOG.get(by_short_name.get(name, name))
    if found is None:
        close = get_close_matches(name, [*CATALOG, *by_short_name], n=1)
        hint = f"did you mean {close[0]}?" if close else "`rapport events list` lists them"
        raise Failure(f"there is no type {name}; {hint}")
    return found


def _takes(field: dict[str, Any], definitions: Mapping[str, Any]) -> str:
    match field:
        case {"enum": [*values]} if len(values) <= 12:
            return " or ".join(map(str, values))
        case {"$ref": str(reference)}:
            return f"object with {', '.join(definitions[reference.rpartition('/')[2]]['properties'])}"
        case {"anyOf": [*choices]}:
            return " or ".join(_takes(choice, definitions) for choice in choices)
        case {"type": "array", "items": items}:
            return f"list of {_takes(items, definitions)}"
        case {"type": "object", "additionalProperties": {"$ref": _} as value}:
            return f"object; each field an {_takes(value, definitions)}"
        case {"enum": _}:
            return "code, such as GBP"
        case {"type": str(type_), **limits}:
            least, most = limits.get("minimum"), limits.get("maximum")
            bounds = [f">= {least}" if least is not None else "", f"<= {most}" if most and most < 2**31 else ""]
            return " ".join(filter(None, (type_, _form(limits), *bounds)))
        case _:
            return "see --json"


def _form(limits: Mapping[str, Any]) -> str:
    match limits:
        case {"format": str(form)}:
            return form
        case {"pattern": pattern}:
            return "uuid" if pattern == portable(UUID_PATTERN) else "term"
        case _:
            return ""
