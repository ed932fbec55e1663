"""Opaque keyset cursors: where a page of a list in (occurred_at, topic, partition, offset) order ended."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote, urlencode

import msgspec
from pydantic import BaseModel

from libs.events.times import parse
from libs.service.errors import HttpRefusal

MAX_CURSOR_CHARACTERS = 200

Small = Annotated[int, msgspec.Meta(ge=0, le=2**15 - 1)]


class Place(msgspec.Struct, array_like=True, frozen=True):
    """The sort key of one entry; lists run from the greatest down."""

    occurred_at: str
    topic: Small
    partition: Small
    offset: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]

    @property
    def moment(self) -> datetime:
        return parse(self.occurred_at)


class Key(msgspec.Struct, frozen=True):
    """A place as the database compares it."""

    occurred_at: datetime
    topic: int
    partition: int
    offset: int


BEGINNING = Key(datetime(9999, 12, 31, tzinfo=UTC), 2**15 - 1, 2**15 - 1, 2**63 - 1)
"""Before the first entry of any list."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Place)


def encode(place: Place) -> str:
    return base64.urlsafe_b64encode(_encoder.encode(place)).rstrip(b"=").decode()


def decode(cursor: str | None) -> Key:
    """Where to go on; the beginning for None. Raises 400 for anything that `encode` did not make."""
    if cursor is None:
        return BEGINNING
    try:
        packed = base64.b64decode(
            cursor[:MAX_CURSOR_CHARACTERS] + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        )
        place = _decoder.decode(packed)
        return Key(place.moment, place.topic, place.partition, place.offset)
    except (binascii.Error, ValueError, RecursionError):
        raise HttpRefusal(400, "bad_cursor", "this is not a cursor of this list; leave it out to begin anew") from None


def next_link(path: str, query: BaseModel, cursor: str) -> str:
    """The `Link` header that leads to the next page: the same parameters, from the cursor on."""
    return link(quote(path), parameters_of(query), cursor)


def parameters_of(query: BaseModel) -> str:
    """A list's parameters but the cursor, as they stand in a URL."""
    return urlencode(query.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"cursor"}))


def link(path: str, parameters: str, cursor: str) -> str:
    """The `Link` header of a path and parameters that are ready for a URL; a cursor always is."""
    return f'<{path}?{parameters}{"&" if parameters else ""}cursor={cursor}>; rel="next"'
