"""Writes docs/events.md and docs/asyncapi.json from the catalog: `python -m libs.events.catalog.document [--check]`."""

import json
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Final, cast

from msgspec import inspect

from libs.events import terms
from libs.events.catalog import asyncapi
from libs.events.catalog.agreement import ARBITRATION, HEADINGS, JUDGING, KEYS, KINDS, NODES, rules_of
from libs.events.catalog.fields import INT64_MAX, INT64_MIN, Data, Observation
from libs.events.catalog.operations import UUID_PATTERN
from libs.events.catalog.registry import CATALOG, EventType, Kind
from libs.events.currencies import CURRENCIES
from libs.events.topics import TOPICS

DOCS: Final = Path(__file__).parents[3] / "docs"

_TERM_NAMES: Final = {
    terms.CHANNEL_PATTERN: "channel",
    terms.TOUCHPOINT_PATTERN: "touchpoint",
    terms.VALUE_FACTOR_PATTERN: "value factor",
    terms.ABOUT_PATTERN: "value factor or relationship driver",
}
_INTRODUCTION: Final = """\
# Event types

*Made from `libs/events/catalog` by `make docs`; a check fails when it drifts.*

An event is a [CloudEvent](https://cloudevents.io) 1.0, nearly always about somebody, its `subject`: an identifier such
as `crm:4711` or `email:ada@example.org`. Other systems send **observations**: something that happened, which needs
nobody's leave. They may also send any type of their own (`com.example.cart.abandoned`). **Decisions** and **claims**
come out of Rapport's commands and **control** records from its operators; sending one is refused.
`GET /v1/schemas/{type}` answers the JSON Schema of what may be sent. [asyncapi.json](asyncapi.json) says for machines
what this page says for people, and [consuming.md](consuming.md) how another system reads the log from Apache Kafka.

A field of an observation that is not known is left out; `null` is refused, and so is a field that the type does not
have. Whole numbers fit 64 bits. Money is in minor units: 1230 with `GBP` is 12.30 GBP, 1230 with `JPY` is 1230 JPY.
"""
_OWN_TERMS: Final = """\
Where a field takes a term, it takes one of these or a company's own with its prefix, such as `acme:loyalty_desk`. A
misspelt term is refused; a new one of your own needs nobody's leave.
"""


def render() -> str:
    parts = [_INTRODUCTION, *(_overview(kind) for kind in HEADINGS)]
    parts += ["## Topics and keys\n", _topics(), f"{NODES}\n"]
    parts += [f"## How decisions are arbitrated\n\n{ARBITRATION}\n", f"## How claims are judged\n\n{JUDGING}\n"]
    parts += ["## Terms\n", _OWN_TERMS, _terms()]
    parts += ["## Fields of every observation\n", _table(_rows(_fields(Observation), ""))]
    for kind, heading in HEADINGS.items():
        parts.append(f"## {heading} in full\n")
        parts += [_section(event_type) for event_type in _of(kind)]
    return "\n".join(parts)


def _of(kind: Kind) -> Iterator[EventType]:
    return (event_type for event_type in CATALOG.values() if event_type.kind is kind)


def _overview(kind: Kind) -> str:
    rows = [f"| [{each.name}](#{each.name.replace('.', '')}) | `{each.topic}` | {each.summary} |" for each in _of(kind)]
    head = [f"## {HEADINGS[kind]}\n", f"{KINDS[kind]}\n", "| type | topic | what it says |", "|---|---|---|"]
    return "\n".join([*head, *rows, ""])


def _topics() -> str:
    rows = [f"| `{topic.name}` | {KEYS[topic.name]} | {topic.partitions} | {topic.writer} |" for topic in TOPICS]
    return "\n".join(["| topic | key | partitions | written by |", "|---|---|---|---|", *rows, ""])


def _terms() -> str:
    rows = [
        ("channel", terms.CHANNELS),
        ("touchpoint", terms.TOUCHPOINTS),
        ("value factor", terms.VALUE_FACTORS),
        ("relationship driver", terms.RELATIONSHIP_DRIVERS),
    ]
    lines = [f"| {name} | {_codes(sorted(values))} |" for name, values in rows]
    return "\n".join(["| kind of term | terms |", "|---|---|", *lines, ""])


def _section(event_type: EventType) -> str:
    shared = {field.encode_name for field in _fields(Observation)} if event_type.kind is Kind.OBSERVATION else set()
    own = [field for field in _fields(event_type.data) if field.required or field.encode_name not in shared]
    example = json.dumps(dict(event_type.example), indent=2, ensure_ascii=False)
    beside = "Beside the [fields of every observation](#fields-of-every-observation):\n\n" if shared else ""
    rules = rules_of(event_type)
    said = f"\n{rules}\n" if rules else ""
    head = f"### {event_type.name}\n\n{event_type.summary}\n\n{beside}"
    return f"{head}{_table(_rows(own, ''))}{said}\n```json\n{example}\n```\n"


def _fields(data: type[Data]) -> tuple[inspect.Field, ...]:
    return cast(inspect.StructType, inspect.type_info(data)).fields


def _table(rows: Iterable[str]) -> str:
    return "\n".join(["| field | | type | must be |", "|---|---|---|---|", *rows, ""])


def _rows(fields: Iterable[inspect.Field], prefix: str) -> Iterator[str]:
    for field in fields:
        name = prefix + field.encode_name
        kind, rule = _describe(field.type)
        if isinstance(field.default, str):
            rule += f"; `{field.default}` where absent"
        yield f"| `{name}` | {'required' if field.required else ''} | {kind} | {rule} |"
        for path, inside in _inside(field.type):
            yield from _rows(inside.fields, f"{name}{path}.")


def _inside(kind: inspect.Type) -> Iterator[tuple[str, inspect.StructType]]:
    """The objects of a field, with the path to them."""
    match kind:
        case inspect.StructType():
            yield "", kind
        case inspect.ListType():
            yield from ((f"[]{path}", inside) for path, inside in _inside(kind.item_type))
        case inspect.DictType():
            yield from ((f".*{path}", inside) for path, inside in _inside(kind.value_type))
        case inspect.UnionType():
            yield from (found for each in kind.types for found in _inside(each))


def _describe(kind: inspect.Type) -> tuple[str, str]:
    match kind:
        case inspect.StrType(pattern=str(pattern)) if pattern in _TERM_NAMES:
            return "term", f"a {_TERM_NAMES[pattern]}"
        case inspect.StrType(pattern=str(pattern)) if pattern == UUID_PATTERN:
            return "string", "a uuid"
        case inspect.StrType(pattern=str(pattern)):
            return "string", f"`{terms.portable(pattern)}`"
        case inspect.StrType():
            return "string", _between(kind.min_length, kind.max_length, " characters")
        case inspect.LiteralType() if set(kind.values) == set(CURRENCIES):
            return "string", "an ISO 4217 currency"
        case inspect.LiteralType():
            return "string", _codes([str(value) for value in kind.values])
        case inspect.IntType():
            low, high = (None if bound in {INT64_MIN, INT64_MAX} else bound for bound in (kind.ge, kind.le))
            return "integer", _between(low, high, "")
        case inspect.FloatType():
            return "number", ""
        case inspect.BoolType():
            return "boolean", ""
        case inspect.DateTimeType():
            return "time", "RFC 3339 with an offset"
        case inspect.DateType():
            return "date", "RFC 3339, such as `2026-06-30`"
        case inspect.ListType(item_type=inspect.StrType() as item):
            return "list", f"{_between(kind.min_length, kind.max_length, ' entries')}, each {_describe(item)[1]}"
        case inspect.ListType(item_type=inspect.UnionType() as item):
            return "list", f"{_between(kind.min_length, kind.max_length, ' entries')}, each {_describe(item)[0]}"
        case inspect.ListType():
            return "list", _between(kind.min_length, kind.max_length, " entries")
        case inspect.DictType():
            return "object", _between(kind.min_length, kind.max_length, " entries")
        case inspect.UnionType():
            names, rules = zip(*map(_describe, kind.types), strict=True)
            return " or ".join(names), "; ".join(filter(None, rules))
        case inspect.AnyType():
            return "anything", ""
        case inspect.NoneType():
            return "null", ""
        case _:
            return "object", ""


def _between(low: int | None, high: int | None, unit: str) -> str:
    match low, high:
        case None, None:
            return ""
        case _, None:
            return f"at least {low}{unit}"
        case None, _:
            return f"at most {high:,}{unit}"
        case _:
            return f"{low:,} to {high:,}{unit}"


def _codes(values: Collection[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def main(arguments: list[str]) -> int:
    pages = {DOCS / "events.md": render(), DOCS / "asyncapi.json": asyncapi.render()}
    if "--check" not in arguments:
        DOCS.mkdir(exist_ok=True)
        for path, page in pages.items():
            path.write_text(page, encoding="utf-8")
        return 0
    drifted = [p.name for p, page in pages.items() if not p.exists() or p.read_text(encoding="utf-8") != page]
    for name in drifted:
        print(f"docs/{name} is not what the catalog says: run `make docs`", file=sys.stderr)
    return 1 if drifted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
