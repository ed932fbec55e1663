"""Contacts as they are posted: each checked here, and written in one way, from which its Idempotency-Key is made."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import msgspec

from libs.events import strict_json
from libs.events.catalog.contacts import MAX_NAMES
from libs.events.identifiers import BadIdentifier, parse
from libs.events.strict_json import NotJson, UnsafeJson, pointer
from services.cli.importing.contact_mapping import KINDS
from services.cli.importing.rows import Fault, Row, Source, ndjson_rows

LOOKED_AT = 100  # lines that are no JSON at the beginning of a file, before it is taken for one of events

_FIELDS = ("kind", "identifiers", "traits")
_encode = msgspec.json.Encoder(order="deterministic").encode


def contact_body(kind: str, identifiers: Sequence[str], traits: Mapping[str, Any]) -> bytes:
    """The same bytes for the same contact. The identifiers are in their normal form."""
    contact = {"kind": kind, "identifiers": list(dict.fromkeys(identifiers)), "traits": traits}
    return _encode({name: value for name, value in contact.items() if value})


def key_of(body: bytes) -> str:
    """An Idempotency-Key: what is sent again, by whatever run, takes effect once."""
    return f"rapport-{hashlib.sha256(body).hexdigest()}"


def ndjson(source: Source) -> tuple[bool, Iterator[Row]]:
    """Whether a file holds contacts, and its rows. The first line that is an object says it: an event has a version."""
    rows = ndjson_rows(source)
    looked_at: list[Row] = []
    for row in islice(rows, LOOKED_AT):
        looked_at.append(row)
        if row.fault is None and isinstance(document := _document(row), dict):
            is_of_contacts = "identifiers" in document and "specversion" not in document
            every_row = chain(looked_at, rows)
            return is_of_contacts, map(_contact, every_row) if is_of_contacts else every_row
    return False, chain(looked_at, rows)


def _document(row: Row) -> object:
    try:
        return strict_json.loads(row.body)
    except (NotJson, UnsafeJson):
        return None


def _contact(row: Row) -> Row:
    if row.fault is not None:
        return row
    try:
        document = strict_json.loads(row.body)
    except NotJson as reason:
        return row._replace(body=b"", fault=Fault("", "not_json", str(reason)))
    except UnsafeJson as reason:
        first = reason.problems[0]
        return row._replace(body=b"", fault=Fault(first.pointer, first.code, first.detail))
    if fault := next(_faults(document), None):
        return row._replace(body=b"", fault=fault)
    names = [str(parse(text)) for text in document["identifiers"]]
    return row._replace(body=contact_body(document.get("kind", KINDS[0]), names, document.get("traits", {})))


def _faults(document: Any) -> Iterator[Fault]:
    if not isinstance(document, dict):
        yield Fault("", "type", "a contact is a JSON object")
        return
    if "specversion" in document:
        yield Fault("/specversion", "unknown_field", "is of an event; a file holds either contacts or events")
    for name in document:
        if name not in _FIELDS:
            yield Fault(pointer("", name), "unknown_field", f"a contact has {', '.join(_FIELDS)}")
    yield from _faults_of_identifiers(document.get("identifiers"))
    if document.get("kind", KINDS[0]) not in KINDS:
        yield Fault("/kind", "not_allowed", f"must be {' or '.join(KINDS)}")
    if not isinstance(document.get("traits", {}), dict):
        yield Fault("/traits", "type", "must be an object")


def _faults_of_identifiers(identifiers: object) -> Iterator[Fault]:
    match identifiers:
        case None:
            yield Fault("/identifiers", "required", "a contact has at least one identifier")
        case list() if not 1 <= len(identifiers) <= MAX_NAMES:
            yield Fault("/identifiers", "range", f"a contact has 1 to {MAX_NAMES} identifiers")
        case list():
            for index, text in enumerate(identifiers):
                yield from _faults_of_identifier(text, f"/identifiers/{index}")
        case _:
            yield Fault("/identifiers", "type", "must be a list")


def _faults_of_identifier(text: object, at: str) -> Iterator[Fault]:
    if not isinstance(text, str):
        yield Fault(at, "type", "must be a string")
        return
    try:
        parse(text)
    except BadIdentifier as reason:
        yield Fault(at, reason.code, reason.detail)
