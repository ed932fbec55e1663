"""Pages of entries. One query serves all pages of one shape that are asked for at the same time."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Select,
    SmallInteger,
    Uuid,
    bindparam,
    func,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.events.topics import BY_NAME
from libs.service.batching import Batcher
from libs.service.cursors import Key
from services.timeline.schemas import TimelineQuery
from services.timeline.tables import entries

Filters = tuple[tuple[str, Any], ...]


class Shape(NamedTuple):
    """What pages must have in common to share a query."""

    limit: int
    filters: Filters


class Wanted(NamedTuple):
    """One page: whose, and what comes before it."""

    node: UUID
    after: Key


class Found(NamedTuple):
    """Rendered entries, at most one more than the limit, and the person's name; None for one never heard of."""

    entries: str | None
    subject: str | None


SEPARATOR = "\x1e"
"""Between entries: a control character that JSON text cannot hold, so it never stands inside one."""

_FILTERS: dict[str, Callable[[Any], ColumnElement[bool]]] = {
    "service": lambda value: entries.c.topic == value,
    "type": lambda value: entries.c.type == value,
    "channel": lambda value: entries.c.channel == value,
    "touchpoint": lambda value: entries.c.touchpoint == value,
    "direction": lambda value: entries.c.direction == value,
    "from_": lambda value: entries.c.occurred_at >= value,
    "to": lambda value: entries.c.occurred_at < value,
    "as_of": lambda value: entries.c.occurred_at <= value,
    "known_at": lambda value: entries.c.recorded_at <= value,
}
_ORDER = (entries.c.occurred_at, entries.c.topic, entries.c.partition, entries.c.offset)


def shape_of(query: TimelineQuery) -> Shape:
    """The filters that are set, with the service as its topic's number."""
    given = {name: getattr(query, name) for name in _FILTERS}
    if query.service is not None:
        given["service"] = BY_NAME[query.service].number
    return Shape(query.limit, tuple((name, value) for name, value in given.items() if value is not None))


class Pages:
    """Reads pages through the engine that `engine` gives at that moment."""

    def __init__(self, engine: Callable[[], AsyncEngine]) -> None:
        self._engine = engine
        self._batcher = Batcher(self._run)

    async def page(self, shape: Shape, wanted: Wanted) -> Found:
        """Entries after a place, newest first."""
        return await self._batcher.ask(shape, wanted)

    async def _run(self, shape: Shape, wanted: Sequence[Wanted]) -> list[Found]:
        statement = _statement(tuple(name for name, _ in shape.filters))
        arguments = {
            "nodes": [w.node for w in wanted],
            "moments": [w.after.occurred_at for w in wanted],
            "topics": [w.after.topic for w in wanted],
            "partitions": [w.after.partition for w in wanted],
            "offsets": [w.after.offset for w in wanted],
            "most": shape.limit + 1,
            **{f"f_{name}": value for name, value in shape.filters},
        }
        async with self._engine().connect() as connection:
            rows = (await connection.execute(statement, arguments)).all()
        return [Found(row.entries, row.subject) for row in sorted(rows, key=lambda row: row.n)]


@lru_cache(512)
def _statement(filters: tuple[str, ...]) -> Select[Any]:
    given = (
        func.unnest(
            bindparam("nodes", type_=ARRAY(Uuid)),
            bindparam("moments", type_=ARRAY(DateTime(timezone=True))),
            bindparam("topics", type_=ARRAY(SmallInteger)),
            bindparam("partitions", type_=ARRAY(SmallInteger)),
            bindparam("offsets", type_=ARRAY(BigInteger)),
        )
        .table_valued("node", "occurred_at", "topic", "partition", "offset", with_ordinality="n", name="given")
        .render_derived()
    )
    after = tuple_(given.c.occurred_at, given.c.topic, given.c.partition, given.c.offset)
    page = (
        select(entries.c.entry)
        .where(entries.c.node == given.c.node, tuple_(*_ORDER) < after)
        .where(*(_FILTERS[name](bindparam(f"f_{name}")) for name in filters))
        .order_by(*(column.desc() for column in _ORDER))
        .limit(bindparam("most"))
        .correlate(given)
    )
    joined = select(func.string_agg(page.lateral("page").c.entry, literal_column(r"E'\x1e'")))
    subject = select(entries.c.subject).where(entries.c.node == given.c.node).limit(1)
    return select(given.c.n, joined.scalar_subquery().label("entries"), subject.scalar_subquery().label("subject"))
