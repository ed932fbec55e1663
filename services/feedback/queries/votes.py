"""Votes that stand, and the ballots that they come from."""

from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, RowMapping, Select, Uuid, case, func, literal, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.identity.persons import canonical, nodes_of
from services.feedback.queries.boards import position_of
from services.feedback.tables import ballots, boards, standings, tallies

STANCES = {1: "up", -1: "down", 0: None}

_decode = msgspec.json.Decoder().decode


class Sought(NamedTuple):
    """What a list is narrowed to; `after` is the root and person of the last one shown."""

    idea: UUID | None
    voter: UUID | None
    board: UUID | None
    after: tuple[UUID, UUID] | None
    limit: int


async def page(connection: AsyncConnection, sought: Sought) -> list[dict[str, Any]]:
    """Votes that stand, in the order of roots and people; at most one more than the limit."""
    root = tallies.alias("asked")
    statement = _standing().order_by(standings.c.root, standings.c.person).limit(sought.limit + 1)
    if sought.idea is not None:
        mine = select(root.c.root).where(root.c.idea == sought.idea).scalar_subquery()
        statement = statement.where(standings.c.root == mine)
    if sought.voter is not None:
        statement = statement.where(standings.c.person == select(_person(sought.voter)).scalar_subquery())
    if sought.board is not None:
        statement = statement.where(tallies.c.board == sought.board)
    if sought.after is not None:
        statement = statement.where(tuple_(standings.c.root, standings.c.person) > tuple_(*sought.after))
    return [_vote(row) for row in (await connection.execute(statement)).mappings()]


async def history(connection: AsyncConnection, idea: UUID, node: UUID) -> list[dict[str, Any]]:
    """All ballots of a person on an idea and those that it was merged with, oldest first."""
    own, group = tallies.alias("own"), tallies.alias("group")
    inside = select(group.c.idea).join(own, own.c.root == group.c.root).where(own.c.idea == idea)
    statement = (
        select(ballots)
        .where(ballots.c.idea.in_(inside), ballots.c.node.in_(_nodes(node)))
        .order_by(ballots.c.partition, ballots.c.offset)
    )
    return [_ballot(row) for row in (await connection.execute(statement)).mappings()]


async def person(connection: AsyncConnection, node: UUID) -> UUID:
    """The canonical id of whoever goes by a node."""
    found: UUID = await connection.scalar(select(_person(node))) or node
    return found


async def standing(connection: AsyncConnection, idea: UUID, person: UUID) -> tuple[int, int]:
    """Stance and credits of a person over the group of an idea; zeros where nothing stands."""
    own = tallies.alias("own")
    statement = (
        select(standings.c.stance, standings.c.credits)
        .join(own, own.c.root == standings.c.root)
        .where(own.c.idea == idea, standings.c.person == person)
    )
    row = (await connection.execute(statement)).first()
    return (0, 0) if row is None else (row.stance, row.credits)


def _person(node: UUID) -> ColumnElement[Any]:
    return canonical(literal(node, Uuid))


def _nodes(node: UUID) -> Select[Any]:
    """All nodes of whoever goes by a node."""
    asked = select(_person(node).label("person")).subquery("asked")
    nodes = nodes_of(asked.c.person)
    return select(nodes.c.node).select_from(asked).join(nodes, true())


def _standing() -> Select[Any]:
    return (
        select(standings, tallies.c.board, _name().label("name"), _is_over().label("over_budget"))
        .join(tallies, tallies.c.idea == standings.c.root)
        .join(boards, boards.c.id == tallies.c.board)
    )


def _name() -> ColumnElement[str]:
    """The name that the last ballot was cast by."""
    nodes, group = nodes_of(standings.c.person), tallies.alias("group")
    last = (
        select(ballots.c.subject)
        .select_from(nodes)
        .join(ballots, ballots.c.node == nodes.c.node)
        .join(group, group.c.idea == ballots.c.idea)
        .where(group.c.root == standings.c.root, ballots.c.stance != 0)
        .order_by(ballots.c.offset.desc())
        .limit(1)
        .correlate(standings)
    )
    return last.scalar_subquery()


def _is_over() -> ColumnElement[bool]:
    """Whether the person spends more on the board than its budget: names or ideas were merged after they voted."""
    mine, other = standings.alias("mine"), tallies.alias("other")
    spent = (
        select(func.sum(mine.c.credits))
        .join(other, other.c.idea == mine.c.root)
        .where(mine.c.person == standings.c.person, other.c.board == tallies.c.board)
        .correlate(standings, tallies)
        .scalar_subquery()
    )
    return case((boards.c.ballot == "credits", spent > boards.c.budget), else_=False)


def _vote(row: RowMapping) -> dict[str, Any]:
    return {
        "idea": str(row["root"]),
        "board": str(row["board"]),
        "voter": str(row["person"]),
        "name": row["name"],
        "registered": row["is_registered"],
        "stance": STANCES[row["stance"]],
        "credits": row["credits"],
        "over_budget": row["over_budget"],
    }


def _ballot(row: RowMapping) -> dict[str, Any]:
    return {
        "idea": str(row["idea"]),
        "name": row["subject"],
        "said": row["said"],
        "stance": STANCES[row["stance"]],
        "credits": row["credits"],
        "proxy": None if row["actor"] is None else _decode(row["actor"]),
        "occurred_at": row["occurred_at"],
        "recorded_at": row["recorded_at"],
        "position": position_of(row),
    }
