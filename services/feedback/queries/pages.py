"""Pages of ideas in the order of their rank. One query serves all pages of one shape that are asked for at once."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Double,
    Integer,
    Select,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    literal,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.events.identity.persons import canonical, nodes_of
from libs.events.precompiled import Precompiled
from libs.service.batching import Batcher
from services.feedback.queries.tallies import COUNTS
from services.feedback.schemas.ideas import IdeaQuery
from services.feedback.tables import ideas, tallies

FIRST = float("inf"), UUID(int=2**128 - 1)
"""Before the first entry of any list."""

_counted = tallies.alias("counted")


class Shape(NamedTuple):
    """What pages must have in common to share a query. `filters` are those of the idea's own columns."""

    sort: str
    limit: int
    merged: bool
    filters: tuple[tuple[str, Any], ...]


class Wanted(NamedTuple):
    """One page: of which board, whose, and what comes before it; None for any."""

    board: UUID | None
    node: UUID | None
    rank: float
    idea: UUID


class Found(NamedTuple):
    """Rendered entries with commas between them, and the rank and id of the last one where there are more."""

    entries: bytes
    last: tuple[float, UUID] | None


_FILTERS: dict[str, Callable[[Any], ColumnElement[bool]]] = {
    "status": lambda value: ideas.c.status == value,
    "not_status": lambda value: ideas.c.status != value,
    "kind": lambda value: ideas.c.kind == value,
    "touchpoint": lambda value: ideas.c.touchpoint == value,
    "tag": lambda value: cast(ideas.c.tags, JSONB).contains(func.jsonb_build_array(value)),
}


def shape_of(query: IdeaQuery) -> Shape:
    """Without a status, archived ideas are left out."""
    given = {name: getattr(query, name, None) for name in _FILTERS}
    given["not_status"] = "archived" if query.status is None else None
    chosen = tuple((name, value) for name, value in given.items() if value is not None)
    return Shape(query.sort, query.limit, query.merged, chosen)


class Pages:
    """Reads pages through the engine that `engine` gives at that moment."""

    def __init__(self, engine: Callable[[], AsyncEngine]) -> None:
        self._engine = engine
        self._batcher = Batcher(self._run)

    async def page(self, shape: Shape, wanted: Wanted) -> Found:
        """Ideas after a place, best first."""
        key = shape, wanted.board is not None, wanted.node is not None
        return await self._batcher.ask(key, wanted)

    async def _run(self, key: tuple[Shape, bool, bool], wanted: Sequence[Wanted]) -> list[Found]:
        shape, has_board, has_node = key
        asked = list(dict.fromkeys(wanted))  # everybody looks at the same first pages
        names = tuple(name for name, _ in shape.filters)
        statement = _statement(shape.sort, shape.merged, names, has_board=has_board, has_node=has_node)
        arguments = {
            "boards": [w.board for w in asked],
            "nodes": [w.node for w in asked],
            "ranks": [w.rank for w in asked],
            "ideas": [w.idea for w in asked],
            "most": shape.limit + 1,
            "shown": shape.limit,
            **{f"f_{name}": value for name, value in shape.filters},
        }
        async with self._engine().connect() as connection:
            rows = (await statement.execute(connection, arguments)).all()
        found = {asked[row.n - 1]: _found(row) for row in rows}
        return [found[each] for each in wanted]


def _found(row: Any) -> Found:
    return Found(row.entries or b"", (row.last_rank, row.last_idea) if row.has_more else None)


@lru_cache(256)
def _statement(sort: str, merged: bool, filters: tuple[str, ...], *, has_board: bool, has_node: bool) -> Precompiled:
    given = (
        func.unnest(
            bindparam("boards", type_=ARRAY(Uuid)),
            bindparam("nodes", type_=ARRAY(Uuid)),
            bindparam("ranks", type_=ARRAY(Double)),
            bindparam("ideas", type_=ARRAY(Uuid)),
        )
        .table_valued("board", "node", "rank", "idea", with_ordinality="n", name="given")
        .render_derived()
    )
    counted = _counted if merged else tallies  # an idea that was merged stands with those behind its whole group
    rank = tallies.c.submitted_s if sort == "new" else counted.c[sort]
    page = (
        select(
            tallies.c.idea,
            cast(rank, Double).label("rank"),
            (ideas.c.shown + _behind(counted)).label("entry"),
            func.row_number().over(order_by=(rank.desc(), tallies.c.idea.desc())).label("place"),
        )
        .select_from(tallies)
        .join(ideas, ideas.c.id == tallies.c.idea)
        .where(_is_after(rank, given), *(_FILTERS[name](bindparam(f"f_{name}", type_=Text)) for name in filters))
        .order_by(rank.desc(), tallies.c.idea.desc())
        .limit(bindparam("most", type_=Integer))
        .correlate(given)
    )
    if merged:
        page = page.join(counted, counted.c.idea == tallies.c.root)
    else:
        page = page.where(tallies.c.root == tallies.c.idea)
    if has_board:
        page = page.where(tallies.c.board == given.c.board)
    if has_node:
        page = page.where(ideas.c.node.in_(_nodes(given)))
    found = page.lateral("page")
    shown = bindparam("shown", type_=Integer)
    entries = func.string_agg(found.c.entry, ",").filter(found.c.place <= shown)
    together = (
        select(
            func.convert_to(entries, "UTF8").label("entries"),
            (func.count() > shown).label("has_more"),
            func.array_agg(found.c.rank, type_=ARRAY(Double))[shown].label("last_rank"),
            func.array_agg(found.c.idea, type_=ARRAY(Uuid))[shown].label("last_idea"),
        )
        .select_from(found)
        .lateral("together")
    )
    return Precompiled(select(given.c.n, together).select_from(given).join(together, true()))


def _nodes(given: Any) -> Select[Any]:
    """All nodes of whoever goes by the given one."""
    author = select(canonical(given.c.node).label("person")).correlate(given).lateral("author")
    inside = nodes_of(author.c.person)
    return select(inside.c.node).select_from(author).join(inside, true()).correlate(given)


def _is_after(rank: ColumnElement[Any], given: Any) -> ColumnElement[bool]:
    """Below the last one in rank, and among equals in id."""
    compared = rank if isinstance(rank.type, Double) else cast(rank, Double)  # credits are whole numbers
    return tuple_(compared, tallies.c.idea) < tuple_(given.c.rank, given.c.idea)


def _behind(counted: Any) -> ColumnElement[str]:
    """What comes behind an entry: the tally and the rank, as JSON, and the closing brace."""
    parts = [(f'{"," if n else ""}"{name}":', counted.c[name]) for n, name in enumerate(COUNTS)]
    ranks = [(f'{"," if n else ""}"{name}":', counted.c[name]) for n, name in enumerate(("top", "hot"))]
    text: Any = literal(',"tally":{')
    for label, value in parts:
        text = text + literal(label) + cast(value, Text)
    text = text + literal('},"rank":{')
    for label, value in ranks:
        text = text + literal(label) + cast(value, Text)
    return text + literal("}}")  # type: ignore[no-any-return]
