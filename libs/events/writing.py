"""What a batch writes, in one transaction with its checkpoints.

A large batch is a transaction of several statements, its new rows by COPY. A small one is a single statement, which is
a transaction by itself: it locks the checkpoints, and writes only if all of them stand where the batch began, in the
tenure of who folds it. Begin, compare, write and commit are then one round to the server instead of four or more, and
the rounds are what a small batch costs.

Where derived tables are due, either way is a transaction, and what joins identity with other rows begins once identity
stands still: the checkpoint of its topic is locked, shared by all who derive. Whoever moves it waits for them, and then
sees their rows (docs/decisions/0016).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, Integer, Table, Text, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.advancing import Ends, advance, checkpoint_arguments, given_checkpoints, is_held, moving, taken_over
from libs.events.bookkeeping import checkpoints
from libs.events.copying import copy_rows
from libs.events.fold import Row, RowKey, SpanFold, Statement, TextRow
from libs.events.leases import Epochs
from libs.events.precompiled import Precompiled
from libs.events.rowstore import columns_of, put, remove, unnested, upserting
from libs.events.spanstore import in_order, widen, widening
from libs.events.topics import IDENTITY

SMALL_ROWS = 500  # that are new, in all tables; beyond it COPY is quicker than arrays


@dataclass(slots=True)
class Changes:
    """By table: new rows, rows to insert or replace, rows to widen, and keys of rows that go; then what is derived."""

    appended: dict[Table, Sequence[TextRow]] = field(default_factory=dict)
    kept: dict[Table, Sequence[Row]] = field(default_factory=dict)
    spans: dict[SpanFold, Mapping[RowKey, Row]] = field(default_factory=dict)
    removed: dict[Table, Sequence[RowKey]] = field(default_factory=dict)
    due: Sequence[Statement] = ()

    @property
    def is_news(self) -> bool:
        """Whether there is anything to write but the checkpoints."""
        return any(rows for each in (self.appended, self.kept, self.spans, self.removed) for rows in each.values())

    @property
    def is_small(self) -> bool:
        """Whether one statement can write it."""
        return not any(self.removed.values()) and sum(map(len, self.appended.values())) <= SMALL_ROWS


async def write(connection: AsyncConnection, moved: Ends, epochs: Epochs, changes: Changes) -> None:
    """Checkpoints and changes, inside a transaction. Raises LeaseLost."""
    await advance(connection, moved, epochs)
    for table, new in changes.appended.items():
        await copy_rows(connection, table, new)
    for table, keys in changes.removed.items():
        await remove(connection, table, keys)
    await put(connection, changes.kept)
    for span, wider in changes.spans.items():
        await widen(connection, span, wider)


async def write_at_once(connection: AsyncConnection, moved: Ends, epochs: Epochs, changes: Changes) -> None:
    """The same for small changes, without a transaction around it. Raises LeaseLost."""
    appended = {table: rows for table, rows in changes.appended.items() if rows}
    kept = {table: rows for table, rows in changes.kept.items() if rows}
    spans = {span: rows for span, rows in changes.spans.items() if rows}
    arguments: dict[str, Any] = {**checkpoint_arguments(moved, epochs), "expected": len(moved)}
    for table, new in appended.items():
        columns = zip(*new, strict=True)
        arguments |= {f"{table.name}_{c.name}": values for c, values in zip(table.columns, columns, strict=True)}
    for table, rows in kept.items():
        arguments |= columns_of(list(table.columns), rows, table.name)
    for span, wider in spans.items():
        arguments |= columns_of(list(span.table.columns), in_order(wider), span.table.name)
    done = await _at_once(tuple(appended), tuple(kept), tuple(spans)).execute(connection, arguments)
    if done.scalar_one() != len(moved):
        raise taken_over()


async def derive(connection: AsyncConnection, due: Sequence[Statement]) -> None:
    """Bring derived tables up to date, inside the transaction that wrote what they come from."""
    if due:
        await connection.execute(_HOLD_IDENTITY)
    for statement, arguments in due:
        await statement.execute(connection, arguments)


_HOLD_IDENTITY = (
    select(checkpoints.c.next_offset).where(checkpoints.c.topic == IDENTITY.name).with_for_update(read=True)
)


@lru_cache(256)
def _at_once(appended: tuple[Table, ...], kept: tuple[Table, ...], spans: tuple[SpanFold, ...]) -> Precompiled:
    given = given_checkpoints()
    held = (
        select(checkpoints.c.partition)
        .select_from(checkpoints)
        .join(given, is_held(given))
        .with_for_update(of=checkpoints)
        .cte("held")
    )
    all_held = (
        select((func.count() == bindparam("expected", type_=Integer)).label("all_held"))
        .select_from(held)
        .cte("all_held")
    )
    guard = select(all_held.c.all_held).scalar_subquery()
    moved = moving(given_checkpoints()).where(guard).cte("moved")
    writes = [
        *(_appending(table, guard) for table in appended),
        *(upserting(table, unnested(list(table.columns), table.name).where(guard)) for table in kept),
        *(widening(span, unnested(list(span.table.columns), span.table.name).where(guard)) for span in spans),
    ]
    named = [write_.cte(f"write_{n}") for n, write_ in enumerate(writes)]
    return Precompiled(select(func.count()).select_from(moved).add_cte(*named))


def _appending(table: Table, guard: Any) -> Any:
    """Rows of text, which PostgreSQL parses as COPY would."""
    columns = list(table.columns)
    given = (
        func.unnest(*(bindparam(f"{table.name}_{c.name}", type_=ARRAY(Text)) for c in columns))
        .table_valued(*(c.name for c in columns), name="given")
        .render_derived()
    )
    values = [given.c[c.name] if isinstance(c.type, Text) else cast(given.c[c.name], c.type) for c in columns]
    return insert(table).from_select([c.name for c in columns], select(*values).where(guard))
