"""Opaque keyset cursors: where a page of a list in (occurred_at, topic, partition, offset) order ended."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode
from uuid import UUID

import msgspec
from pydantic import BaseModel

from libs.events.times import parse, utc_text
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
_places = msgspec.msgpack.Decoder(Place)
_numbers = msgspec.msgpack.Decoder(Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)])
_ids = msgspec.msgpack.Decoder(UUID)
_pairs = msgspec.msgpack.Decoder(tuple[UUID, UUID])
_moments = msgspec.msgpack.Decoder(tuple[str, UUID])
_ranks = msgspec.msgpack.Decoder(tuple[float, UUID])


def encode(place: Place) -> str:
    return _written(place)


def decode(cursor: str | None) -> Key:
    """Where to go on; the beginning for None. Raises 400 for anything that `encode` did not make."""
    if cursor is None:
        return BEGINNING
    place: Place = _read(cursor, _places)
    try:
        return Key(place.moment, place.topic, place.partition, place.offset)
    except ValueError:
        raise _bad_cursor() from None


def encode_id(id_: UUID) -> str:
    """The cursor of a list in the order of ids."""
    return _written(id_)


def decode_id(cursor: str | None) -> UUID | None:
    """Raises 400."""
    found: UUID | None = None if cursor is None else _read(cursor, _ids)
    return found


def encode_number(number: int) -> str:
    """The cursor of a list in the order of one number."""
    return _written(number)


def decode_number(cursor: str | None) -> int | None:
    """Raises 400."""
    found: int | None = None if cursor is None else _read(cursor, _numbers)
    return found


def encode_pair(first: UUID, second: UUID) -> str:
    """The cursor of a list in the order of two ids."""
    return _written((first, second))


def decode_pair(cursor: str | None) -> tuple[UUID, UUID] | None:
    """Raises 400."""
    found: tuple[UUID, UUID] | None = None if cursor is None else _read(cursor, _pairs)
    return found


def encode_moment(moment: datetime, id_: UUID) -> str:
    """The cursor of a list in the order of time, and of ids among what happened at once."""
    return _written((utc_text(moment), id_))


def decode_moment(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Raises 400."""
    if cursor is None:
        return None
    moment, id_ = _read(cursor, _moments)
    try:
        return parse(moment), id_
    except ValueError:
        raise _bad_cursor() from None


def encode_rank(rank: float, id_: UUID) -> str:
    """The cursor of a list in the order of a rank, and of ids among equals."""
    return _written((rank, id_))


def decode_rank(cursor: str) -> tuple[float, UUID]:
    """Raises 400."""
    found: tuple[float, UUID] = _read(cursor, _ranks)
    return found


def _written(value: object) -> str:
    return base64.urlsafe_b64encode(_encoder.encode(value)).rstrip(b"=").decode()


def _read(cursor: str, decoder: "msgspec.msgpack.Decoder[Any]") -> Any:
    try:
        padded = cursor[:MAX_CURSOR_CHARACTERS] + "=" * (-len(cursor) % 4)
        return decoder.decode(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise _bad_cursor() from None


def _bad_cursor() -> HttpRefusal:
    return HttpRefusal(400, "bad_cursor", "this is not a cursor of this list; leave it out to begin anew")


def next_link(path: str, query: BaseModel, cursor: str) -> str:
    """The `Link` header that leads to the next page: the same parameters, from the cursor on."""
    return link(quote(path), parameters_of(query), cursor)


def parameters_of(query: BaseModel) -> str:
    """A list's parameters but the cursor, as they stand in a URL."""
    return urlencode(query.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"cursor"}))


def link(path: str, parameters: str, cursor: str) -> str:
    """The `Link` header of a path and parameters that are ready for a URL; a cursor always is."""
    return f'<{path}?{parameters}{"&" if parameters else ""}cursor={cursor}>; rel="next"'
