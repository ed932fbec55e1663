"""All that is known of a person, in one statement: so it is of one moment, and one round to the server.

Rows come as arrays of records. The driver gives those as tuples, which are named after the columns here.
"""

from collections import namedtuple
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from typing import cast as typed
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Text,
    Uuid,
    bindparam,
    exists,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.identity.persons import Person, names_inside, person_from, was_claimed
from libs.events.precompiled import Precompiled
from services.scoring.numbers.figures import Figures, counted, joined
from services.scoring.queries.statistics import last_published
from services.scoring.tables import facts, figures, statistics

_NODE = bindparam("node", type_=Uuid)
_AS_OF = bindparam("as_of", type_=DateTime(timezone=True))
_NAMES = names_inside(_NODE)


class Story(NamedTuple):
    """A person, by what names events speak of them, and what those come to.

    `newest` are rows of facts, newest first; `published` is the row of the last statistics, None where there are none.
    """

    person: Person
    identifiers: Sequence[str]
    figures: Figures
    newest: Sequence[Any]
    published: Any | None


async def story_of(
    connection: AsyncConnection, node: UUID, as_of: datetime | None, measures: Collection[str], most: int
) -> Story:  # fmt: skip
    """As it is now or was at a moment; with the newest facts of these measures, at most so many about one thing."""
    arguments = {"node": node, "as_of": as_of, "measures": list(measures), "most": most}
    row = (await _statement(is_now=as_of is None).execute(connection, arguments)).one()
    person = person_from(node, _named(_NAMES.selected_columns, row.names), is_claimed=row.is_claimed)
    if as_of is None:
        summed = joined(_named(figures.columns, row.summed))
    else:
        summed = counted(_named(facts.columns, row.summed))
    published = None if row.published is None else _named(statistics.columns, [row.published])[0]
    identifiers = person.identifiers if row.names or row.spelled is None else [row.spelled]
    return Story(person, identifiers, summed, _named(facts.columns, row.newest), published)


@lru_cache(2)
def _statement(*, is_now: bool) -> Precompiled:
    inside = _NAMES.cte("inside")
    alone = select(_NODE).where(~exists(select(literal(1)).select_from(inside)))
    nodes = union_all(select(inside.c.node), alone).cte("nodes")
    theirs = func.any(_array(select(nodes.c.node)))
    told = select(facts).where(facts.c.node == theirs, *(() if is_now else (facts.c.occurred_at <= _AS_OF,)))
    summed = select(figures).where(figures.c.node == theirs) if is_now else told
    spelled = select(figures.c.name).where(figures.c.node == _NODE).limit(1).scalar_subquery()
    return Precompiled(
        select(
            was_claimed(_NODE).label("is_claimed"),
            _array(_records(select(inside))).label("names"),
            spelled.label("spelled"),
            _array(_records(summed)).label("summed"),
            _array(_records(_newest(told))).label("newest"),
            _records(last_published(None if is_now else _AS_OF)).scalar_subquery().label("published"),
        )
    )


def _newest(told: Select[Any]) -> Select[Any]:
    """So many of each measure and what it is about, newest first."""
    place = func.row_number().over(
        partition_by=(facts.c.measure, facts.c.about, facts.c.also.is_not(None)), order_by=_newest_first(facts.columns)
    )
    is_read = facts.c.measure == func.any(bindparam("measures", type_=ARRAY(Text)))
    found = told.add_columns(place.label("place")).where(is_read).subquery("found")
    shown = select(*(found.c[column.name] for column in facts.columns))
    return shown.where(found.c.place <= bindparam("most", type_=Integer)).order_by(*_newest_first(found.columns))


def _newest_first(columns: Any) -> list[ColumnElement[Any]]:
    return [columns[name].desc() for name in ("occurred_at", "topic", "partition", "offset")]


def _records(found: Select[Any]) -> Select[Any]:
    """Each row as one value."""
    return found.with_only_columns(func.row(*found.selected_columns))


def _array(found: Any) -> ColumnElement[Any]:
    return func.array(found.scalar_subquery())


def _named(columns: Iterable[ColumnElement[Any]], records: Iterable[Any]) -> list[Any]:
    return list(map(_row_of(tuple(column.name for column in columns)), records))


@lru_cache(4)
def _row_of(names: tuple[str, ...]) -> Callable[[Any], Any]:
    made: Any = namedtuple("Row", names)  # type: ignore[misc]  # its types are those of the columns
    return typed(Callable[[Any], Any], made._make)
