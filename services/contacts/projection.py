"""From events to the tables of contacts. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from libs.events.catalog.contacts import TraitsChanged
from libs.events.catalog.feedback import CommentPosted, IdeaSubmitted, VoteCast, VoteChanged, VoteWithdrawn
from libs.events.catalog.registry import Kind
from libs.events.fold import AppendFold, Fact, Projection, Row, RowFold, RowKey, SpanFold, TextRow
from libs.events.identifiers import normal
from libs.events.times import parse
from libs.events.topics import CONTACTS, FEEDBACK, IDENTITY, INTERACTIONS
from libs.events.uuids import uuid_of
from services.contacts.decider import REGISTRATION, TRUST
from services.contacts.tables import METADATA, seen, traits, undated

VERSION = 2
FINGERPRINT = "sha256:dc50a6bb59efe4c0081015290f9a5af6459b3611a6a0f1dec245e4262de5fdf2"

ACTS = (IdeaSubmitted, VoteCast, VoteChanged, VoteWithdrawn, CommentPosted)
"""What a customer does on a board, by themselves or through somebody of the company."""

_encode = msgspec.json.Encoder().encode


def trait_keys(fact: Fact) -> Sequence[RowKey]:
    """One row a field: of a change, or of a registration once it takes effect."""
    if isinstance(fact.data, TraitsChanged):
        return [(fact.key, uuid_of(fact.node), name) for name in fact.data.changes]
    if fact.ruling is not None and (registration := fact.ruling.registration) is not None:
        fields = {} if registration.traits is UNSET else registration.traits
        return [(fact.key, uuid_of(registration.contact), name) for name in fields]
    return ()


def fold_trait(row: Row | None, fact: Fact, key: RowKey) -> Row | None:
    """The greatest value that was given under this key."""
    value, origin, observed_at = _given(fact, key[2])
    given = {
        "key": key[0],
        "node": key[1],
        "field": key[2],
        "value": _encode(value).decode(),
        "trust": TRUST.get(origin, 0),
        "observed_at": observed_at,
        "recorded_at": parse(fact.recorded_at),
        "topic": fact.topic_number,
        "partition": fact.partition.number,
        "offset": fact.offset,
    }
    return given if row is None or _rank(given) > _rank(row) else row


def _given(fact: Fact, name: str) -> tuple[Any, str, Any]:
    if isinstance(fact.data, TraitsChanged):
        return fact.data.changes[name].to, fact.data.origin, fact.data.observed_at
    assert fact.ruling is not None and fact.ruling.registration is not None  # noqa: S101, PT018  trait_keys saw them
    registration = fact.ruling.registration
    values = {} if registration.traits is UNSET else registration.traits
    origin = REGISTRATION if registration.origin is UNSET else registration.origin
    return values[name], origin, parse(fact.recorded_at)


def _rank(row: Row) -> tuple[Any, ...]:
    return row["trust"], row["observed_at"], row["offset"]


def seen_row(fact: Fact) -> Row | None:
    """That a name was seen: what happened to somebody or what they did tells so, not what was decided about them."""
    if not (_is_observed(fact) or _acted(fact)):
        return None
    if fact.event.subject is None:
        raise ValueError("the event names nobody that it is about")
    happened_at, name = parse(fact.occurred_at), normal(fact.event.subject)
    return {
        "node": uuid_of(fact.node),
        "topic": fact.topic_number,
        "partition": fact.partition.number,
        "name": "" if name.startswith("contact:") else name,
        "first_seen": happened_at,
        "last_seen": happened_at,
    }


def _acted(fact: Fact) -> bool:
    """Whether a customer said or voted something, and not the company about them."""
    return isinstance(fact.data, ACTS) and fact.event.subject is not None


def _is_observed(fact: Fact) -> bool:
    return fact.kind in {None, Kind.OBSERVATION} and fact.partition.topic not in {IDENTITY.name, FEEDBACK.name}


def is_undated(fact: Fact) -> bool:
    """An observation that happened when it was recorded: coming again, it would seem to have happened again."""
    return fact.event.time is None and _is_observed(fact)


def undated_rows(fact: Fact) -> Sequence[TextRow]:
    place = str(fact.topic_number), str(fact.partition.number), str(fact.offset)
    return ((fact.name, fact.digest, *place),) if is_undated(fact) else ()


PROJECTION = Projection(
    service="contacts",
    version=VERSION,
    fingerprint=FINGERPRINT,
    topics=(IDENTITY.name, CONTACTS.name, INTERACTIONS.name, FEEDBACK.name),
    metadata=METADATA,
    memory=AppendFold(undated, undated_rows, order=0, remembers=is_undated),
    rows=(RowFold(traits, trait_keys, fold_trait),),
    spans=(SpanFold(seen, seen_row, least=("first_seen",), greatest=("last_seen", "name")),),
)
