"""The thorough road of the edge: every rule about an event, and every reason to refuse one.

Each rule speaks of the place it is about (a JSON pointer) and has a code that stays. Nothing that was sent is repeated
in an explanation.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from libs.events import strict_json
from libs.events.catalog.explain import explain
from libs.events.catalog.registry import Kind, find
from libs.events.identifiers import BadIdentifier, parse
from libs.events.problems import Problem
from libs.events.strict_json import NotJson, UnsafeJson, pointer
from libs.events.times import BadTime
from libs.events.times import parse as parse_time

MAX_EVENT_BYTES = 256 * 1024
MAX_ID_CHARACTERS = 512
MAX_SOURCE_CHARACTERS = 2_048
OUR_PREFIX = "rapport."
OUR_PATHS = frozenset({"identity", "contacts", "interactions", "feedback", "scoring", "operations", "timeline"})

_URI_REFERENCE = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
_STEP = re.compile(r"[/?#]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ATTRIBUTE = re.compile(r"[a-z0-9]+")
_JSON_TYPE = re.compile(r"application/(?:[A-Za-z0-9.!#$&^_-]+\+)?json(?:\s*;.*)?", re.IGNORECASE)
_REQUIRED = ("specversion", "id", "source", "type", "subject")
_KNOWN = frozenset({*_REQUIRED, "time", "data", "data_base64", "datacontenttype", "dataschema"})
# Attributes that our own services write; a sender that set them would speak for us.
_RESERVED = frozenset({"sequence", "subjectnode", "recordedtime"})
_INT32_MIN, _INT32_MAX = -(2**31), 2**31 - 1


class EventRefused(ValueError):
    """An event that is not taken; `status` is the HTTP status of its kind, `problems` all that is wrong."""

    def __init__(self, status: int, problems: list[Problem]) -> None:
        super().__init__(problems[0].detail)
        self.status = status
        self.problems = problems

    @classmethod
    def too_large(cls) -> "EventRefused":
        return cls(413, [Problem("", "event_too_large", f"an event is at most {MAX_EVENT_BYTES // 1024} KiB")])


@lru_cache(4_096)
def is_uri_reference(text: str) -> bool:
    """Whether a source may be a URI reference (RFC 3986): its characters and length are checked."""
    return len(text) <= MAX_SOURCE_CHARACTERS and _URI_REFERENCE.fullmatch(text) is not None


@lru_cache(4_096)
def is_foreign_source(text: str) -> bool:
    """Whether a source is not one of our own paths, which only our services write."""
    if not text.startswith("/"):
        return True
    steps = (step for step in _STEP.split(unquote(text)) if step not in {"", ".", ".."})
    return next(steps, "") not in OUR_PATHS


def examine(raw: bytes, latest: datetime, *, own: bool = False) -> str:
    """The subject of an event that passes every rule. Raises EventRefused: 400 for no JSON, else 422.

    `own` is for events that our services write themselves: their sources are our paths.
    """
    try:
        event = strict_json.loads(raw)
    except NotJson as reason:
        raise EventRefused(400, [Problem("", "not_json", str(reason))]) from None
    except UnsafeJson as reason:
        raise EventRefused(422, reason.problems) from None
    if not isinstance(event, dict):
        raise EventRefused(422, [Problem("", "type", "an event is a JSON object")])
    problems = [*_attributes(event, latest), *_data(event)]
    if problems := [problem for problem in problems if not (own and problem.code == "reserved_source")]:
        raise EventRefused(422, problems)
    subject: str = event["subject"]
    return subject


def _attributes(event: dict[str, Any], latest: datetime) -> Iterator[Problem]:
    for name in _REQUIRED:
        if name not in event:
            yield Problem(f"/{name}", "required", f"the attribute {name} is required")
    for name, value in event.items():
        at = pointer("", name)
        if name in {"data", "data_base64"} or (value is None and name not in _REQUIRED):
            continue
        if name not in _KNOWN:
            yield from _extension(name, value, at)
        elif not isinstance(value, str):
            yield Problem(at, "type", "must be a string")
        elif not value:
            yield Problem(at, "empty", "must not be empty")
        elif _CONTROL.search(value):
            yield Problem(at, "control_character", "an attribute has no control characters")
        else:
            yield from _attribute(name, value, at, latest)


def _attribute(name: str, value: str, at: str, latest: datetime) -> Iterator[Problem]:
    match name:
        case "specversion" if value != "1.0":
            yield Problem(at, "not_allowed", "must be 1.0")
        case "id" | "type" if len(value) > MAX_ID_CHARACTERS:
            yield Problem(at, "too_long", f"must have at most {MAX_ID_CHARACTERS} characters")
        case "type":
            yield from _type(value, at)
        case "source" if not is_foreign_source(value):
            yield Problem(at, "reserved_source", "this path belongs to Rapport's own services")
        case "source" | "dataschema" if not is_uri_reference(value):
            yield Problem(at, "format", f"must be a URI reference of at most {MAX_SOURCE_CHARACTERS} characters")
        case "subject":
            yield from _subject(value, at)
        case "time":
            yield from _time(value, at, latest)
        case "datacontenttype" if not _JSON_TYPE.fullmatch(value):
            yield Problem(at, "not_allowed", "the data of an event is JSON: application/json")


def _type(value: str, at: str) -> Iterator[Problem]:
    event_type = find(value)
    if event_type is None:
        if value.startswith(OUR_PREFIX):
            yield Problem(at, "unknown_type", "no such type; GET /v1/schemas lists those that may be sent")
    elif event_type.kind is not Kind.OBSERVATION:
        yield Problem(at, "not_an_observation", "only Rapport writes this type; other systems send observations")
    elif event_type.owner != "interactions":
        yield Problem(at, "other_service", "this type belongs to another service")


def _subject(value: str, at: str) -> Iterator[Problem]:
    try:
        parse(value)
    except BadIdentifier as reason:
        yield Problem(at, reason.code, reason.detail)


def _time(value: str, at: str, latest: datetime) -> Iterator[Problem]:
    try:
        moment = parse_time(value)
    except BadTime as reason:
        yield Problem(at, "bad_time", str(reason))
        return
    if moment > latest:
        yield Problem(at, "time_ahead", "lies more than 5 minutes ahead of this service's clock")


def _extension(name: str, value: object, at: str) -> Iterator[Problem]:
    if not _ATTRIBUTE.fullmatch(name):
        yield Problem(at, "attribute_name", "an attribute's name has lower-case letters and digits only")
    elif name in _RESERVED:
        yield Problem(at, "reserved_attribute", "only Rapport writes this attribute")
    elif not isinstance(value, str | bool | int):
        yield Problem(at, "type", "an extension attribute is a string, a boolean or an integer")
    elif isinstance(value, str) and _CONTROL.search(value):
        yield Problem(at, "control_character", "an attribute has no control characters")
    elif isinstance(value, int) and not _INT32_MIN <= value <= _INT32_MAX:
        yield Problem(at, "range", "an integer attribute fits 32 bits")


def _data(event: dict[str, Any]) -> Iterator[Problem]:
    if "data_base64" in event:
        yield Problem("/data_base64", "binary_data", "binary data is not taken; send JSON as data")
    name = event.get("type")
    event_type = find(name) if isinstance(name, str) else None
    if event_type is None or event_type.kind is not Kind.OBSERVATION:
        return
    if "data" not in event:
        yield Problem("/data", "required", "this type needs data")
        return
    for found in explain(event_type, event["data"]):
        yield Problem(f"/data{found.pointer}", found.code, found.detail)
