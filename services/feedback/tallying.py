"""Who stands behind which idea: votes joined with who their voters are, and with what ideas were merged into.

    groups      an idea's root is where its merges lead; an idea that was merged into none is its own
    standings   a person counts once in a group while any of their names has a standing ballot on any idea of it: for
                or against as their last standing one has it, with the credits of all
    tallies     how many stand behind a root, and how

A batch says what it touched; only those pairs of root and person are looked at again, and tallies change by the
difference. All of it is a function of ballots, merges and identity, whatever order they came in.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Select,
    SmallInteger,
    Table,
    Uuid,
    bindparam,
    case,
    delete,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    union,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, distinct_on, insert
from sqlalchemy.sql.selectable import CompoundSelect

from libs.events.fold import Derived, Row, Statement, TextRow
from libs.events.identity.persons import canonical, nodes_of
from libs.events.identity.tables import members, registrations
from libs.events.precompiled import Precompiled
from services.feedback.tables import ballots, ideas, standings, tallies

_IDEA, _NODE = (list(ballots.c.keys()).index(name) for name in ("idea", "node"))


def due(kept: Mapping[Table, Sequence[Row]], appended: Mapping[Table, Sequence[TextRow]]) -> list[Statement]:
    """What must be counted again: groups whose ideas changed, people whose names moved, and who voted."""
    statements: list[Statement] = []
    if regrouped := [row["id"] for row in kept.get(ideas, ())]:
        statements += [(_REGROUP, {"ideas": regrouped}), (_COUNT_GROUPS, {})]
    if moved := {row["node"] for row in kept.get(members, ())}:
        statements.append((_COUNT_PEOPLE, {"nodes": sorted(moved)}))
    if voted := sorted({(row[_IDEA] or "", row[_NODE] or "") for row in appended.get(ballots, ())}):
        on, by = zip(*voted, strict=True)
        statements.append((_COUNT_VOTES, {"ideas": list(map(UUID, on)), "voters": list(map(UUID, by))}))
    return statements


def newest_ballot(idea: ColumnElement[Any], node: ColumnElement[Any]) -> Any:
    """What a name said last about an idea, as a lateral table: of however many ballots, one is looked at."""
    said = select(ballots.c.said, ballots.c.stance, ballots.c.credits, ballots.c.offset)
    mine = said.where(ballots.c.idea == idea, ballots.c.node == node).order_by(ballots.c.offset.desc()).limit(1)
    return mine.correlate_except(ballots).lateral("newest")


def _given(**columns: str) -> Any:
    """Rows from one array of uuids a column."""
    arrays = (bindparam(name, type_=ARRAY(Uuid)) for name in columns.values())
    return func.unnest(*arrays).table_valued(*columns, name="given").render_derived()


def _regroup() -> Precompiled:
    """Where the merges of the given ideas, and of all that were merged into them, lead now."""
    given = _given(id="ideas")
    below = select(ideas.c.id).where(ideas.c.id.in_(select(given.c.id))).cte("below", recursive=True)
    below = below.union(select(ideas.c.id).where(ideas.c.merged_into == below.c.id))
    above = select(below.c.id.label("idea"), below.c.id.label("reached")).cte("above", recursive=True)
    there = ideas.alias("there")
    step = select(above.c.idea, there.c.id).join(ideas, ideas.c.id == above.c.reached)
    above = above.union(step.join(there, there.c.id == ideas.c.merged_into))
    last, parent = ideas.alias("last"), ideas.alias("parent")
    there_is_more = exists().where(parent.c.id == last.c.merged_into)
    roots = (
        select(above.c.idea, above.c.reached.label("root"))
        .ext(distinct_on(above.c.idea))
        .select_from(above)
        .outerjoin(last, last.c.id == above.c.reached)
        .order_by(above.c.idea, there_is_more, above.c.reached)
        .cte("roots")
    )
    changed = (
        select(roots.c.idea, roots.c.root, tallies.c.root.label("before"))
        .outerjoin(tallies, tallies.c.idea == roots.c.idea)
        .where(tallies.c.root.is_distinct_from(roots.c.root))
        .cte("changed")
    )
    left = (
        update(tallies)
        .where(tallies.c.idea.in_(select(changed.c.before)), tallies.c.idea.not_in(select(changed.c.idea)))
        .values(is_stale=true())
        .cte("left")
    )
    submitted_s = func.extract("epoch", ideas.c.occurred_at)
    rows = select(changed.c.idea, changed.c.root, ideas.c.board, submitted_s, true()).join(
        ideas, ideas.c.id == changed.c.idea
    )
    added = insert(tallies).from_select(["idea", "root", "board", "submitted_s", "is_stale"], rows)
    moved = {"root": added.excluded.root, "is_stale": true()}
    return Precompiled(added.on_conflict_do_update(index_elements=["idea"], set_=moved).add_cte(left))


def _pairs(voted: Any) -> Select[Any]:
    """Root and person of what lies in a table of ideas and nodes."""
    return select(tallies.c.root, canonical(voted.c.node).label("person")).join(voted, voted.c.idea == tallies.c.idea)


def _touched_by_moves() -> CompoundSelect[Any]:
    """All that the given nodes have said, under everybody whose they are and ever were.

    Also where nothing stood: a ballot that has gone may have been what hid another one of the person's.
    """
    given = _given(node="nodes")
    ever = union(
        select(members.c.node, members.c.component.label("person")).where(members.c.node.in_(select(given.c.node))),
        select(given.c.node, given.c.node),
    ).cte("ever")
    before = select(standings.c.root, standings.c.person).where(standings.c.person.in_(select(ever.c.person)))
    said = select(tallies.c.root, ever.c.person).join(ballots, ballots.c.idea == tallies.c.idea)
    return union(before, said.join(ever, ever.c.node == ballots.c.node))


def _touched_by_merges() -> CompoundSelect[Any]:
    """Everybody in a group that an idea has come to or gone from."""
    stale = tallies.alias("stale")
    roots = union(
        select(stale.c.root).where(stale.c.is_stale),
        select(stale.c.idea).where(stale.c.is_stale),
    )
    before = select(standings.c.root, standings.c.person).where(standings.c.root.in_(roots))
    return union(before, _pairs(ballots).where(tallies.c.root.in_(roots)))


def _count(touched: Select[Any] | CompoundSelect[Any]) -> Precompiled:
    """Look at these pairs of root and person again, and change the tallies by the difference."""
    pairs = touched.cte("pairs")
    now = _standing(pairs)
    mine = tuple_(standings.c.root, standings.c.person)
    before = select(standings).where(mine.in_(select(pairs.c.root, pairs.c.person))).cte("before")
    gone = (
        delete(standings)
        .where(mine.in_(select(pairs.c.root, pairs.c.person)), mine.not_in(select(now.c.root, now.c.person)))
        .cte("gone")
    )
    names = [column.name for column in standings.columns]
    put = insert(standings).from_select(names, select(*(now.c[name] for name in names)))
    news = {name: put.excluded[name] for name in ("stance", "credits", "is_registered")}
    is_news = or_(*(standings.c[name] != value for name, value in news.items()))
    kept = put.on_conflict_do_update(index_elements=["root", "person"], set_=news, where=is_news).cte("kept")
    return Precompiled(_shift(before, now).add_cte(gone, kept))


def _standing(pairs: CTE) -> CTE:
    """What each pair comes to: of every idea the last ballot of the person's names, of those that stand the last."""
    nodes = nodes_of(pairs.c.person)
    newest = newest_ballot(tallies.c.idea, nodes.c.node)
    last = (
        select(pairs.c.root, pairs.c.person, newest.c.stance, newest.c.credits, newest.c.offset)
        .ext(distinct_on(pairs.c.root, pairs.c.person, tallies.c.idea))
        .select_from(pairs)
        .join(nodes, true())
        .join(tallies, tallies.c.root == pairs.c.root)
        .join(newest, true())
        .order_by(pairs.c.root, pairs.c.person, tallies.c.idea, newest.c.offset.desc())
        .cte("last")
    )
    stances = func.array_agg(aggregate_order_by(last.c.stance, last.c.offset.desc()), type_=ARRAY(SmallInteger))
    registered = exists().where(registrations.c.contact == last.c.person)
    return (
        select(
            last.c.root,
            last.c.person,
            stances[1].label("stance"),
            func.sum(last.c.credits).label("credits"),
            func.bool_or(registered.correlate(last)).label("is_registered"),
        )
        .where(last.c.stance != 0)
        .group_by(last.c.root, last.c.person)
        .cte("now")
    )


def _shift(before: CTE, now: CTE) -> Any:
    """The update of the tallies by what has come less what has gone; none is stale after it."""
    counts = union_all(_counted(now, 1), _counted(before, -1)).subquery("counts")
    names = ("people", "unregistered", "up", "down", "credits")
    shifts = select(counts.c.root, *(func.sum(counts.c[name]).label(name) for name in names)).group_by(counts.c.root)
    shift = shifts.cte("shift")
    stale = tallies.alias("waiting")
    roots = union(select(shift.c.root), select(stale.c.idea).where(stale.c.is_stale)).cte("roots")
    shifted = select(roots.c.root, *(func.coalesce(shift.c[name], 0).label(name) for name in names)).outerjoin(
        shift, shift.c.root == roots.c.root
    ).cte("shifted")  # fmt: skip
    values: dict[str, Any] = {name: tallies.c[name] + shifted.c[name] for name in names}
    return update(tallies).where(tallies.c.idea == shifted.c.root).values(values | {"is_stale": false()})


def _counted(standing: CTE, sign: int) -> Select[Any]:
    one = literal(sign)
    counts = {
        "people": one,
        "unregistered": case((standing.c.is_registered, 0), else_=one),
        "up": case((standing.c.stance > 0, one), else_=0),
        "down": case((standing.c.stance < 0, one), else_=0),
        "credits": one * standing.c.credits,
    }
    return select(standing.c.root, *(value.label(name) for name, value in counts.items()))


_REGROUP = _regroup()
_COUNT_GROUPS = _count(_touched_by_merges())
_COUNT_PEOPLE = _count(_touched_by_moves())
_COUNT_VOTES = _count(_pairs(_given(idea="ideas", node="voters")).distinct())

DERIVED = Derived((_REGROUP, _COUNT_GROUPS, _COUNT_PEOPLE, _COUNT_VOTES), due)
