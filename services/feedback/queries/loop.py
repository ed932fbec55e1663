"""What the figures of the loop are made of: four statements over one snapshot, whatever the number of ideas."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Integer, Select, Uuid, case, cast, distinct, func, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.identity.persons import holds
from libs.events.identity.tables import members
from services.feedback.figures import DELIVERED, Counted, Harm, Measured, Place, Root
from services.feedback.tables import ballots, changes, comments, complaints, ideas, standings, tallies

# Of one answer's statements: they read whole tables, which an index scan makes slow, and sort them in memory.
PLANNING = {"enable_seqscan": "on", "work_mem": "64MB"}

_decode = msgspec.json.Decoder().decode


class Sought(NamedTuple):
    """What the figures are narrowed to."""

    board: UUID | None
    touchpoint: str | None


async def counted(connection: AsyncConnection, sought: Sought) -> Counted:
    """All of it as of one moment. The connection is not in a transaction yet."""
    await connection.execution_options(isolation_level="REPEATABLE READ")
    async with connection.begin():
        await connection.execute(select(*(func.set_config(name, value, True) for name, value in PLANNING.items())))
        return Counted(
            [_root(row) for row in await connection.execute(_roots(sought))],
            [_measured(row) for row in await connection.execute(_outcomes(sought))],
            {_place(row): row.people for row in await connection.execute(_people(sought))},
            None if sought.board is not None else await _harm(connection, sought.touchpoint),
        )


def _narrowed(statement: Select[Any], sought: Sought) -> Select[Any]:
    """To what is asked for, by the ideas in it, which are roots."""
    if sought.board is not None:
        statement = statement.where(ideas.c.board == sought.board)
    if sought.touchpoint is not None:
        statement = statement.where(ideas.c.touchpoint == sought.touchpoint)
    return statement


def _roots(sought: Sought) -> Select[Any]:
    """What a change delivers to one idea it delivers to all that are merged with it."""
    group, inside = tallies.alias("group"), ideas.alias("inside")
    talk = (
        select(
            group.c.root,
            func.sum(inside.c.comments).label("comments"),
            func.bool_or(inside.c.status.in_(sorted(DELIVERED))).label("is_delivered"),
        )
        .join(inside, inside.c.id == group.c.idea)
        .group_by(group.c.root)
        .subquery("talk")
    )
    history = case((ideas.c.promises != "[]", ideas.c.history)).label("history")
    status = case((talk.c.is_delivered, "shipped"), else_=ideas.c.status).label("status")
    columns = ideas.c.board, ideas.c.touchpoint, status, ideas.c.occurred_at, ideas.c.answered_at
    roots = (
        select(*columns, tallies.c.people, talk.c.comments, history)
        .join(tallies, tallies.c.idea == ideas.c.id)
        .join(talk, talk.c.root == ideas.c.id)
        .where(tallies.c.root == tallies.c.idea)
    )
    return _narrowed(roots, sought)


def _root(row: Any) -> Root:
    history = () if row.history is None else _decode(row.history)
    return Root(
        (row.board, row.touchpoint), row.status, row.people, row.comments, row.occurred_at, row.answered_at, history
    )


def _outcomes(sought: Sought) -> Select[Any]:
    """The last outcome of each change that was measured, with the place of the first idea that it answers."""
    first = cast(cast(changes.c.ideas, JSONB)[0].astext, Uuid)
    last = cast(cast(changes.c.outcomes, JSONB)[-1], JSONB)
    measured = (
        select(ideas.c.board, ideas.c.touchpoint, last.label("outcome"))
        .select_from(changes)
        .join(tallies, tallies.c.idea == first)
        .join(ideas, ideas.c.id == tallies.c.root)
        .where(changes.c.outcomes != "[]")
    )
    return _narrowed(measured, sought)


def _measured(row: Any) -> Measured:
    said = row.outcome
    amounts = said.get("value_minor", 0), said.get("cost_minor", 0)
    return Measured((row.board, row.touchpoint), said["is_met"], said.get("currency"), *amounts)


def _people(sought: Sought) -> Select[Any]:
    """How many persons were heard at each place, and in all.

    Whoever stands behind a group is there by their person already; all others who voted have withdrawn, or were found
    not to count, so that few of the ballots need be looked at. Places are numbered, since numbers are sorted sooner.
    """
    number = cast(func.dense_rank().over(order_by=(ideas.c.board, ideas.c.touchpoint)), Integer).label("number")
    places = select(tallies.c.idea, ideas.c.board, ideas.c.touchpoint, number).join(ideas, ideas.c.id == tallies.c.root)
    group = _narrowed(places, sought).cte("group")
    said = union_all(
        select(ballots.c.idea, ballots.c.node).where(ballots.c.stance == 0),
        select(ideas.c.id, ideas.c.node).where(ideas.c.node.is_not(None)),
        select(comments.c.idea, comments.c.node).where(comments.c.node.is_not(None)),
    ).subquery("said")
    stands = select(group.c.number, standings.c.person).join(standings, standings.c.root == group.c.idea)
    spoke = (
        select(group.c.number, _person(said.c.node))
        .join(said, said.c.idea == group.c.idea)
        .outerjoin(members, (members.c.node == said.c.node) & holds(members))
    )
    heard = union_all(stands, spoke).subquery("heard")
    people = (
        select(heard.c.number, func.count(distinct(heard.c.person)).label("people"))
        .group_by(func.grouping_sets(tuple_(heard.c.number), tuple_()))
        .subquery("people")
    )
    place = select(group.c.number, group.c.board, group.c.touchpoint).distinct().subquery("place")
    return select(place.c.board, place.c.touchpoint, people.c.people).outerjoin_from(
        people, place, place.c.number == people.c.number
    )


def _place(row: Any) -> Place | None:
    return None if row.board is None else (row.board, row.touchpoint)


async def _harm(connection: AsyncConnection, touchpoint: str | None) -> Mapping[str | None, Harm]:
    """By touchpoint, and of all together."""
    person = _person(complaints.c.node)
    counts = (
        func.count().label("complaints"),
        func.count(distinct(person)),
        func.coalesce(func.sum(complaints.c.severity), 0),
    )
    lodged = select(complaints.c.touchpoint, *counts).outerjoin(
        members, (members.c.node == complaints.c.node) & holds(members)
    )
    if touchpoint is not None:
        lodged = lodged.where(complaints.c.touchpoint == touchpoint)
    statement = lodged.group_by(func.grouping_sets(tuple_(complaints.c.touchpoint), tuple_()))
    rows = await connection.execute(statement)
    return {place: Harm(count, people, severity) for place, count, people, severity in rows}


def _person(node: Any) -> Any:
    """The canonical id of whoever goes by a node, of which the membership that holds was joined."""
    return func.coalesce(members.c.component, node)
