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
    FromClause,
    Select,
    SmallInteger,
    Table,
    Uuid,
    bindparam,
    case,
    func,
    literal_column,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by as _by
from sqlalchemy.dialects.postgresql import array, distinct_on
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.events.identity.persons import canonical, holds, offset_at, was_claimed
from libs.events.identity.tables import members
from libs.events.topics import BY_NAME
from libs.service.batching import Batcher
from libs.service.cursors import Key
from services.timeline.schemas import TimelineQuery
from services.timeline.tables import entries, identity_entries

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
    """Rendered entries, at most one more than the limit, and the person: its canonical id, members and names.

    A node that nobody has claimed has no members; `subject` is what its events call it, by a name where any does, and
    None where there are none.
    """

    entries: str | None
    contact: UUID
    members: list[UUID] | None
    names: list[str] | None
    subject: str | None
    is_claimed: bool


SEPARATOR = "\x1e"
"""Between entries: a control character that JSON text cannot hold, so it never stands inside one."""

_FILTERS: dict[str, Callable[[Table, Any], ColumnElement[bool]]] = {
    "service": lambda table, value: table.c.topic == value,
    "type": lambda table, value: table.c.type == value,
    "channel": lambda table, value: table.c.channel == value,
    "touchpoint": lambda table, value: table.c.touchpoint == value,
    "direction": lambda table, value: table.c.direction == value,
    "from_": lambda table, value: table.c.occurred_at >= value,
    "to": lambda table, value: table.c.occurred_at < value,
    "as_of": lambda table, value: table.c.occurred_at <= value,
    "known_at": lambda table, value: table.c.recorded_at <= value,
}
_ORDER = ("occurred_at", "topic", "partition", "offset")


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
        return [Found(*row[1:]) for row in sorted(rows, key=lambda row: row.n)]


@lru_cache(512)
def _statement(filters: tuple[str, ...]) -> Select[Any]:
    offset = offset_at(bindparam("f_known_at")) if "known_at" in filters else None
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
    asked = select(given, canonical(given.c.node, offset).label("id")).subquery("asked")
    together = (
        select(
            func.coalesce(func.array_agg(members.c.node), array([asked.c.id])).label("nodes"),
            func.array_agg(_by(members.c.node, members.c.node)).filter(members.c.is_contact).label("members"),
            func.array_agg(_by(members.c.name, members.c.name)).label("names"),
        )
        .where(members.c.component == asked.c.id, holds(members, offset))
        .correlate(asked)
        .lateral("together")
    )  # fmt: skip
    page = _page(asked, together, filters)
    return (
        select(
            asked.c.n,
            select(func.string_agg(page.c.entry, literal_column(r"E'\x1e'"))).scalar_subquery().label("entries"),
            asked.c.id,
            together.c.members,
            together.c.names,
            _subject(asked, together).label("subject"),
            was_claimed(asked.c.node).label("is_claimed"),
        )
        .select_from(asked)
        .join(together, true())
    )


def _subject(asked: FromClause, together: FromClause) -> ColumnElement[Any]:
    """What any entry calls the node. A decision may call it by its id, so where nobody claimed a name one is sought."""
    called = select(entries.c.subject).where(entries.c.node == asked.c.node).limit(1)
    named = called.where(entries.c.subject.not_like("contact:%"))
    return func.coalesce(case((together.c.names.is_(None), named.scalar_subquery())), called.scalar_subquery())


def _page(asked: FromClause, together: FromClause, filters: tuple[str, ...]) -> FromClause:
    """The newest entries of all nodes together, each once: none can be among them that is not among its node's own."""
    newest = union_all(*(_newest(table, asked, together, filters) for table in (entries, identity_entries)))
    found = newest.lateral("found")
    order = [found.c[name] for name in _ORDER]
    return (
        select(found.c.entry)
        .ext(distinct_on(*order))
        .order_by(*(column.desc() for column in order))
        .limit(bindparam("most"))
        .correlate(asked, together)
        .lateral("page")
    )


def _newest(table: Table, asked: FromClause, together: FromClause, filters: tuple[str, ...]) -> Select[Any]:
    node = func.unnest(together.c.nodes).table_valued("node", name="each").render_derived()
    place = [table.c[name] for name in _ORDER]
    newest = (
        select(*place, table.c.entry)
        .where(table.c.node == node.c.node, tuple_(*place) < tuple_(*(asked.c[name] for name in _ORDER)))
        .where(*(_FILTERS[name](table, bindparam(f"f_{name}")) for name in filters))
        .order_by(*(column.desc() for column in place))
        .limit(bindparam("most"))
        .correlate(asked, node)
        .lateral("newest")
    )
    return select(newest).select_from(node.join(newest, true())).correlate(asked, together)
