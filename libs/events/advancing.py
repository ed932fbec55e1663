"""What is known of a batch before it is folded, and moving the checkpoints: by compare-and-set with a holder's epochs.

Reading comes first and needs no transaction: only the holder of a partition writes its rows, and if it is the holder no
longer, because somebody took over before or meanwhile, the compare-and-set finds another epoch and nothing is written.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    and_,
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
from libs.events.precompiled import Precompiled
from libs.events.sorting import Known
from libs.events.steps import First, Step

Ends = Mapping[Partition, tuple[int, int, str]]

_SEEN, _DECIDED, _HEAD = range(3)


def has_unique_names(table: Table) -> bool:
    """Whether no name can stand in this table twice."""
    named = (table.primary_key, *(each for each in table.constraints if isinstance(each, UniqueConstraint)))
    return any([column.name for column in each.columns] == ["name"] for each in named)


async def known_of(
    connection: AsyncConnection, projection: Projection, steps: Sequence[Step], *, names: bool = True
) -> Known:  # fmt: skip
    """What the memory, if it is asked for names, and the verdicts hold about these steps."""
    facts = [step for step in steps if isinstance(step, Fact)]
    decisions = [fact for fact in facts if fact.kind is Kind.DECISION]
    arguments: dict[str, list[Any]] = {}
    memory = projection.memory if names else None
    if memory is not None:
        observed = [fact.name for fact in facts if fact.kind is not Kind.DECISION and memory.remembers(fact)]
        if observed:
            arguments["names"] = observed
    if decisions:
        arguments["decided"] = [fact.name for fact in decisions]
        arguments["scopes"] = list({fact.event.source for fact in decisions})
    if not arguments:
        return Known()
    table = memory.table if memory is not None and "names" in arguments else None
    rows = await _asking(table, with_decisions=bool(decisions)).execute(connection, arguments)
    return _known(rows.all())


def _known(rows: Sequence[Any]) -> Known:
    known = Known()
    for row in rows:
        match row.what:
            case n if n == _SEEN:
                known.seen[row.name.hex] = First(row.digest.hex, row.number)
            case n if n == _DECIDED:
                known.decided[row.name.hex] = First(row.digest.hex, row.number)
            case _:
                known.heads[row.scope] = row.number
    return known


@lru_cache(16)
def _asking(memory: Table | None, *, with_decisions: bool) -> Precompiled:
    parts = [] if memory is None else [_first(memory, _SEEN).where(memory.c.name == _any("names", Uuid))]
    if with_decisions:
        parts += [_first(verdicts, _DECIDED).where(verdicts.c.name == _any("decided", Uuid), counted), _heads()]
    return Precompiled(union_all(*parts))


def _any(name: str, type_: Any) -> Any:
    return func.any(bindparam(name, type_=ARRAY(type_)))


def _first(table: Table, what: int) -> Select[Any]:
    return select(
        cast(literal(what), SmallInteger).label("what"),
        table.c.name.label("name"),
        table.c.digest.label("digest"),
        table.c.offset.label("number"),
        cast(null(), Text).label("scope"),
    )


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


async def advance(connection: AsyncConnection, moved: Ends, epochs: Epochs) -> None:
    """Move the checkpoints, inside a transaction. Raises LeaseLost where another has taken over."""
    done = await connection.execute(_ADVANCING, checkpoint_arguments(moved, epochs))
    if len(done.all()) != len(moved):
        raise taken_over()


def taken_over() -> LeaseLost:
    return LeaseLost("a checkpoint was moved by another process")


def checkpoint_arguments(moved: Ends, epochs: Epochs) -> dict[str, list[Any]]:
    """What `given_checkpoints` is made of."""
    return {
        "topics": [p.topic for p in moved],
        "partitions": [p.number for p in moved],
        "firsts": [first for first, _, _ in moved.values()],
        "nexts": [next_ for _, next_, _ in moved.values()],
        "digests": [digest for _, _, digest in moved.values()],
        "epochs": [epochs[p] for p in moved],
    }


def given_checkpoints() -> Any:
    """A row for each partition of the batch: where it began, where it ends, and whose it is."""
    return (
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


def is_held(given: Any) -> ColumnElement[bool]:
    """Whether a checkpoint stands where the batch began, in the tenure of who folds it."""
    return and_(
        checkpoints.c.topic == given.c.topic,
        checkpoints.c.partition == given.c.partition,
        checkpoints.c.next_offset == given.c.first,
        checkpoints.c.epoch == given.c.epoch,
    )


def moving(given: Any) -> Any:
    """The update that moves them."""
    return (
        update(checkpoints)
        .where(is_held(given))
        .values(next_offset=given.c.next, last_digest=given.c.digest)
        .returning(checkpoints.c.partition)
    )


_ADVANCING = moving(given_checkpoints())
