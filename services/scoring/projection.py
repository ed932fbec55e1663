"""From events to facts, figures, statistics and classes. Pure."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET

from libs.events.catalog.fields import INT64_MAX
from libs.events.catalog.registry import Kind
from libs.events.catalog.scoring import ClassChanged, StatisticsPublished
from libs.events.fold import AppendFold, Fact, Projection, Row, RowFold, RowKey, TextRow
from libs.events.identifiers import normal
from libs.events.times import parse
from libs.events.topics import FEEDBACK, IDENTITY, INTERACTIONS, SCORING
from libs.events.uuids import uuid_of
from services.scoring.numbers import decay
from services.scoring.numbers.measures import Noted, noted
from services.scoring.tables import METADATA, NO_MEASURE, NOBODY, classes, facts, figures, statistics

VERSION = 3
FINGERPRINT = "sha256:be1e0990894129ada43d22c1bc635c4f06381d6b0594402246a3627fa7b4197f"

REMEMBERED_NODES = 4_096  # about 1 MB: a batch is about the same people again and again
REMEMBERED_MOMENTS = 4_096  # much is told by the day

_encode = msgspec.json.Encoder().encode
_uuid = lru_cache(REMEMBERED_NODES)(uuid_of)

_NO_ALSO: Row = {each.name: None for each in figures.columns if each.name.startswith("also_")} | {"also_n": 0}


def fact_rows(fact: Fact) -> Sequence[TextRow]:
    """In the order of the table's columns. Of an observation that no number comes from only its name is kept."""
    kept = noted(fact)
    place = str(fact.topic_number), str(fact.partition.number), str(fact.offset)
    if kept is None:
        if fact.kind is Kind.DECISION or fact.partition.topic == IDENTITY.name:  # whose names are kept elsewhere
            return ()
        return ((fact.name, fact.digest, str(NOBODY), NO_MEASURE, fact.occurred_at, *place, "", "0", None, "", ""),)
    amounts = str(kept.amount), None if kept.also is None else str(kept.also)
    name = fact.name, fact.digest, fact.node, kept.measure, fact.occurred_at
    return ((*name, *place, kept.about, *amounts, fact.event.id, fact.event.source),)


def figure_keys(fact: Fact) -> Sequence[RowKey]:
    kept = noted(fact)
    if kept is None:
        return ()
    return ((_uuid(fact.node), kept.measure, kept.about, fact.topic_number, fact.partition.number),)


def fold_figure(row: Row | None, fact: Fact, key: RowKey) -> Row | None:
    """Raises ValueError where a sum no longer fits: then the events of that name are parked."""
    kept = noted(fact)
    assert kept is not None  # noqa: S101  it has keys
    amount, offset = kept.amount, fact.offset
    at, weight = _moment(fact.occurred_at)
    if row is None:
        node, measure, about, topic, partition = key
        row = {
            "node": node, "measure": measure, "about": about, "topic": topic, "partition": partition,
            "name": normal(fact.event.subject or ""), "n": 1, "total": amount, "first_at": at, "last_at": at,
            "last_offset": offset, "last_amount": amount, "weight": weight, **_NO_ALSO,
        }  # fmt: skip
    else:
        row = row.copy()
        row["n"] += 1
        row["total"] = _sum(row["total"], amount, kept)
        row["weight"] = decay.added(row["weight"], weight)
        if at >= row["last_at"]:  # of several at one time the one recorded later is the last
            row["last_at"], row["last_offset"], row["last_amount"] = at, offset, amount
        elif at < row["first_at"]:
            row["first_at"] = at
    if kept.also is not None:
        _add_also(row, kept, kept.also, fact)
    return row


def _add_also(row: Row, kept: Noted, also: int, fact: Fact) -> None:
    """To the figure of those facts that have a second amount."""
    amount, (at, weight) = kept.amount, _moment(fact.occurred_at)
    if not row["also_n"]:
        row["also_n"], row["also_base"], row["also_total"], row["also_weight"] = 1, amount, also, weight
        row["also_first_at"] = row["also_last_at"] = at
    else:
        row["also_n"] += 1
        row["also_base"] = _sum(row["also_base"], amount, kept)
        row["also_total"] = _sum(row["also_total"], also, kept)
        row["also_weight"] = decay.added(row["also_weight"], weight)
        row["also_first_at"] = min(at, row["also_first_at"])
    if at >= row["also_last_at"]:
        row["also_last_at"], row["also_last_offset"] = at, fact.offset
        row["also_last_base"], row["also_last_amount"] = amount, also


def _sum(total: int, amount: int, kept: Noted) -> int:
    if (found := total + amount) > INT64_MAX:
        raise ValueError(f"the sum of {kept.measure} {kept.about} no longer fits 64 bits")
    return found


@lru_cache(REMEMBERED_MOMENTS)
def _moment(text: str) -> tuple[datetime, float]:
    """A time, and the weight of what happened then."""
    at = parse(text)
    return at, decay.weight_at(at)


def statistics_rows(fact: Fact) -> Sequence[TextRow]:
    if not isinstance(data := fact.data, StatisticsPublished) or fact.partition.topic != SCORING.name:
        return ()
    place = fact.event.id, str(fact.partition.number), str(fact.offset), fact.occurred_at, fact.recorded_at
    due_at = None if data.due_at is UNSET else data.due_at.isoformat()
    return ((str(data.version), *place, str(data.people), data.covers, due_at, _encode(data.measures).decode()),)


def class_keys(fact: Fact) -> Sequence[RowKey]:
    if not isinstance(data := fact.data, ClassChanged) or fact.partition.topic != SCORING.name:
        return ()
    return [(_uuid(fact.node), data.definition, _given(data.currency) or "")]


def fold_class(row: Row | None, fact: Fact, key: RowKey) -> Row | None:
    data = fact.data
    assert isinstance(data, ClassChanged)  # noqa: S101  it has keys
    return {
        **dict(zip(("contact", "definition", "currency"), key, strict=True)),
        "band": _given(data.to),
        "head": 1 if row is None else row["head"] + 1,
        "version": data.version,
        "since": parse(fact.occurred_at),
        "event_id": fact.event.id,
        "partition": fact.partition.number,
        "offset": fact.offset,
    }


def _given(value: Any) -> Any:
    return None if value is UNSET else value


PROJECTION = Projection(
    service="scoring",
    version=VERSION,
    fingerprint=FINGERPRINT,
    topics=(IDENTITY.name, INTERACTIONS.name, FEEDBACK.name, SCORING.name),
    patient=(SCORING.name,),
    metadata=METADATA,
    memory=AppendFold(facts, fact_rows, order=2),
    appends=(AppendFold(statistics, statistics_rows, order=0),),
    rows=(RowFold(figures, figure_keys, fold_figure), RowFold(classes, class_keys, fold_class)),
)
