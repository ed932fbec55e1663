"""The first statement of a fold transaction: move the checkpoints, and say what is known of the batch already."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    Select,
    SmallInteger,
    Table,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    literal,
    null,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.bookkeeping import checkpoints, counted, verdicts
from libs.events.catalog.registry import Kind
from libs.events.fold import Fact, Projection
from libs.events.leases import Epochs, LeaseLost
from libs.events.position import Partition
from libs.events.sorting import Known
from libs.events.steps import First, Step

Ends = Mapping[Partition, tuple[int, int, str]]

_MOVED, _SEEN, _DECIDED, _HEAD = range(4)


class Advance:
    """Moves checkpoints by compare-and-set with a holder's epochs."""

    def __init__(self, projection: Projection) -> None:
        self._memory = projection.memory

    async def __call__(self, connection: AsyncConnection, moved: Ends, epochs: Epochs, steps: Sequence[Step]) -> Known:
        """What the memory and the verdicts hold about these steps. Raises LeaseLost where another has taken over."""
        facts = [step for step in steps if isinstance(step, Fact)]
        decisions = [fact for fact in facts if fact.kind is Kind.DECISION]
        arguments = _checkpoints(moved, epochs)
        if (memory := self._memory) is not None:
            asked = (fact for fact in facts if fact.kind is not Kind.DECISION and memory.remembers(fact))
            arguments["names"] = [fact.name for fact in asked]
        if decisions:
            arguments["decided"] = [fact.name for fact in decisions]
            arguments["scopes"] = list({fact.event.source for fact in decisions})
        table = None if memory is None else memory.table
        statement = _statement(table, with_decisions=bool(decisions))
        return _known((await connection.execute(statement, arguments)).all(), len(moved))


def _checkpoints(moved: Ends, epochs: Epochs) -> dict[str, list[Any]]:
    return {
        "topics": [p.topic for p in moved],
        "partitions": [p.number for p in moved],
        "firsts": [first for first, _, _ in moved.values()],
        "nexts": [next_ for _, next_, _ in moved.values()],
        "digests": [digest for _, _, digest in moved.values()],
        "epochs": [epochs[p] for p in moved],
    }


def _known(rows: Sequence[Any], moved: int) -> Known:
    known = Known()
    for row in rows:
        match row.what:
            case n if n == _MOVED and row.number != moved:
                raise LeaseLost("a checkpoint was moved by another process")
            case n if n == _SEEN:
                known.seen[row.name.hex] = First(row.digest.hex, row.number)
            case n if n == _DECIDED:
                known.decided[row.name.hex] = First(row.digest.hex, row.number)
            case n if n == _HEAD:
                known.heads[row.scope] = row.number
    return known


@lru_cache(16)
def _statement(memory: Table | None, *, with_decisions: bool) -> Any:
    parts = [_moving()]
    if memory is not None:
        parts.append(_first(memory, _SEEN).where(memory.c.name == _any("names", Uuid)))
    if with_decisions:
        parts += [_first(verdicts, _DECIDED).where(verdicts.c.name == _any("decided", Uuid), counted), _heads()]
    return union_all(*parts)


def _any(name: str, type_: Any) -> Any:
    return func.any(bindparam(name, type_=ARRAY(type_)))


def _moving() -> Select[Any]:
    given = (
        func.unnest(
            bindparam("topics", type_=ARRAY(Text)),
            bindparam("partitions", type_=ARRAY(Integer)),
            bindparam("firsts", type_=ARRAY(BigInteger)),
            bindparam("nexts", type_=ARRAY(BigInteger)),
            bindparam("digests", type_=ARRAY(Text)),
            bindparam("epochs", type_=ARRAY(BigInteger)),
        )
        .table_valued("topic", "partition", "first", "next", "digest", "epoch", name="given")
        .render_derived()
    )
    moved = (
        update(checkpoints)
        .where(
            checkpoints.c.topic == given.c.topic,
            checkpoints.c.partition == given.c.partition,
            checkpoints.c.next_offset == given.c.first,
            checkpoints.c.epoch == given.c.epoch,
        )
        .values(next_offset=given.c.next, last_digest=given.c.digest)
        .returning(checkpoints.c.partition)
        .cte("moved")
    )
    return select(
        cast(literal(_MOVED), SmallInteger).label("what"),
        cast(null(), Uuid).label("name"),
        cast(null(), Uuid).label("digest"),
        func.count().label("number"),
        cast(null(), Text).label("scope"),
    ).select_from(moved)


def _first(table: Table, what: int) -> Select[Any]:
    return select(
        cast(literal(what), SmallInteger), table.c.name, table.c.digest, table.c.offset, cast(null(), Text)
    )  # fmt: skip


def _heads() -> Select[Any]:
    scopes = func.unnest(bindparam("scopes", type_=ARRAY(Text))).table_valued("scope", name="asked").render_derived()
    head = (
        select(verdicts.c.sequence)
        .where(verdicts.c.scope == scopes.c.scope, counted)
        .order_by(verdicts.c.sequence.desc())
        .limit(1)
        .correlate(scopes)
        .lateral("head")
    )
    what = cast(literal(_HEAD), SmallInteger)
    return (
        select(what, cast(null(), Uuid), cast(null(), Uuid), head.c.sequence, scopes.c.scope)
        .select_from(scopes)
        .join(head, true())
    )
