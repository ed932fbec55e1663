"""Where events come in: bytes from outside become records, checked once and stored as they were sent.

Two roads lead to the same verdict. The plain road costs about 4 us: typed decoding, and a count of the pairs in the
text against the fields that were understood, which differs as soon as a field is unknown or comes twice. Whatever is
not plain (escapes, odd spacing, extension attributes, anything wrong) takes the thorough road in `examine.py`, which
is exact and explains.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from libs.events import strict_json
from libs.events.catalog.fields import Data
from libs.events.catalog.registry import EventType, Kind, find
from libs.events.examine import (
    MAX_EVENT_BYTES,
    MAX_ID_CHARACTERS,
    OUR_PREFIX,
    EventRefused,
    examine,
    is_foreign_source,
    is_uri_reference,
)
from libs.events.identifiers import BadIdentifier, Nodes
from libs.events.log import Record
from libs.events.times import FIRST_YEAR, LAST_YEAR

_PAIR = b'":'


class _Plain(msgspec.Struct, frozen=True, gc=False):
    id: Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARACTERS)]
    source: str
    specversion: Literal["1.0"]
    type: Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARACTERS)]
    subject: str
    data: msgspec.Raw
    time: Annotated[datetime, Meta(tz=True)] | UnsetType = UNSET
    datacontenttype: Literal["application/json"] | UnsetType = UNSET


_plain_decoder = msgspec.json.Decoder(_Plain)
_any_decoder = msgspec.json.Decoder()
_encode = msgspec.json.Encoder().encode
_MANDATORY = 6


class NotPlain(Exception):
    """This event takes the thorough road; it says nothing about the event."""


def looks_plain(body: bytes) -> bool:
    """Whether a body may take the plain road: UTF-8, no unicode escapes, no space before a colon, one line."""
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError:
            return False
    return b"\\u" not in body and b" :" not in body and not (b"\n" in body or b"\t" in body or b"\r" in body)


class Edge:
    """Checks events for one log."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def check(self, raw: bytes, latest: datetime, *, plain: bool) -> Record:
        """The record of one event, keyed by its subject's node; `latest` is the greatest `time` that is believed.

        Raises EventRefused with everything that is wrong.
        """
        if len(raw) > MAX_EVENT_BYTES:
            raise EventRefused.too_large()
        if plain:
            try:
                return Record(self._plain(raw, latest), raw)
            except (msgspec.MsgspecError, RecursionError, NotPlain, BadIdentifier):
                pass
        return Record(self._nodes.key(examine(raw, latest)), raw)

    def _plain(self, raw: bytes, latest: datetime) -> bytes:
        event = _plain_decoder.decode(raw)
        if not (event.id.isprintable() and event.type.isprintable()):
            raise NotPlain
        pairs = _MANDATORY
        if event.time is not UNSET:
            pairs += 1
            if event.time > latest or not FIRST_YEAR <= event.time.year <= LAST_YEAR:
                raise NotPlain
        if event.datacontenttype is not UNSET:
            pairs += 1
        pairs += _data_pairs(find(event.type), event)
        if raw.count(_PAIR) != pairs or not is_uri_reference(event.source) or not is_foreign_source(event.source):
            raise NotPlain
        return self._nodes.key(event.subject)


def _data_pairs(event_type: EventType | None, event: _Plain) -> int:
    """How many pairs stand in the data, of those that were understood."""
    if event_type is None:
        if event.type.startswith(OUR_PREFIX):
            raise NotPlain
        return _pairs(_any_decoder.decode(event.data), 2)
    if event_type.kind is not Kind.OBSERVATION or event_type.owner != "interactions":
        raise NotPlain
    data: Data = event_type.decoder.decode(event.data)
    if data.problem() is not None:
        raise NotPlain
    return _encode(data).count(_PAIR)


def _pairs(value: Any, depth: int) -> int:
    if depth > strict_json.MAX_DEPTH:
        raise NotPlain
    match value:
        case dict():
            return len(value) + sum(_pairs(item, depth + 1) for item in value.values())
        case list():
            return sum(_pairs(item, depth + 1) for item in value)
        case int() if not strict_json.INT64_MIN <= value <= strict_json.INT64_MAX:
            raise NotPlain
        case _:
            return 0
