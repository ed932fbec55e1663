"""An event as it stands in the log: CloudEvents 1.0, structured JSON, and what names it."""

import hashlib
from typing import Any

import msgspec

from libs.events import strict_json
from libs.events.strict_json import NotJson, UnsafeJson
from libs.events.times import BadTime, canonical

_UUID_CHARACTERS = 36
_UUID7_MARK = "7"
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


_NO_DATA = msgspec.Raw(b"null")


class Undecodable(ValueError):
    """The bytes are no event. Permanent: the same bytes never become one."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """The attributes a fold may need, read leniently: unknown ones are kept in the log and passed over here."""

    id: str
    source: str
    type: str
    subject: str | None = None
    time: str | None = None
    data: msgspec.Raw = _NO_DATA
    subjectnode: str | None = None
    sequence: str | None = None
    correlationid: str | None = None
    causationid: str | None = None


_decoder = msgspec.json.Decoder(Event)


def decode(value: bytes) -> Event:
    """Read a record's value. Raises Undecodable."""
    try:
        return _decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as reason:
        raise Undecodable(str(reason)) from None


def name_of(topic: str, key: str, source: str, id_: str) -> str:
    """An observation's name as 32 hexadecimal digits: a hash of topic, key, source and id.

    Where the id is a uuid7 its 48 bits of time lead, which keeps an index over names local.
    """
    digest = hashlib.sha256(f"{topic}\0{key}\0{source}\0{id_}".encode()).hexdigest()
    if len(id_) == _UUID_CHARACTERS and id_[14] == _UUID7_MARK and _is_hex(leading := id_[:8] + id_[9:13]):
        return leading.lower() + digest[:20]
    return digest[:32]


def _is_hex(text: str) -> bool:
    return _HEXADECIMAL.issuperset(text)


def digest_of(value: bytes) -> str:
    """What is remembered of a value, so that its repetition is recognised: 32 hexadecimal digits of SHA-256."""
    return hashlib.sha256(value).hexdigest()[:32]


def same_content(one: bytes, other: bytes) -> bool:
    """Whether two values say the same: equal parsed attributes and data, however they are spelled.

    Bytes that a strict reader refuses are the same as nothing but themselves.
    """
    try:
        return one == other or _content(one) == _content(other)
    except (NotJson, UnsafeJson, BadTime):
        return False


def _content(value: bytes) -> bytes:
    read = strict_json.loads(value)
    if isinstance(read, dict) and isinstance(read.get("time"), str):
        read["time"] = canonical(read["time"])
    return msgspec.json.encode(_plain(read), order="deterministic")


def _plain(value: Any) -> Any:
    """Numbers in one spelling: 1.0 is 1 (as RFC 8785 writes it)."""
    match value:
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case _:
            return value
