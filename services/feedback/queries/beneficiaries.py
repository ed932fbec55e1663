"""Who stands behind the ideas that a change answers, and who of them was told what came of it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Select, Uuid, bindparam, func, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.identity.persons import holds, nodes_of
from libs.events.identity.tables import members
from services.feedback.queries.changes import roots_of
from services.feedback.queries.votes import STANCES
from services.feedback.tables import ballots, notified, standings

NOBODY = UUID(int=0)
"""Before the first person of any list."""


async def page(
    connection: AsyncConnection, change: UUID, answered: Sequence[str], after: UUID | None, limit: int
) -> list[dict[str, Any]]:
    """People in the order of their ids, each once whatever ideas they voted on; at most one more than the limit."""
    arguments = {"id": change, "ideas": list(map(UUID, answered)), "after": after or NOBODY, "most": limit + 1}
    return [_document(row) for row in (await connection.execute(_PAGE, arguments)).mappings()]


def _document(row: Any) -> dict[str, Any]:
    names = row["names"] or ([] if row["subject"] is None else [row["subject"]])
    return {
        "contact": row["person"],
        "names": [name for name in names if not name.startswith("contact:")],
        "stance": STANCES[row["stance"]],
        "credits": row["credits"],
        "registered": row["registered"],
        "notified_at": row["notified_at"],
    }


def _page() -> Select[Any]:
    behind = (
        select(
            standings.c.person,
            func.max(standings.c.stance).label("stance"),
            func.sum(standings.c.credits).label("credits"),
            func.bool_or(standings.c.is_registered).label("registered"),
        )
        .where(
            standings.c.root.in_(roots_of(bindparam("ideas", type_=ARRAY(Uuid)))),
            standings.c.person > bindparam("after", type_=Uuid),
        )
        .group_by(standings.c.person)
        .order_by(standings.c.person)
        .limit(bindparam("most", type_=Integer))
        .cte("behind")
    )
    inside = nodes_of(behind.c.person)
    told = (
        select(behind.c.person, func.min(notified.c.occurred_at).label("notified_at"))
        .select_from(behind)
        .join(inside, true())
        .join(notified, notified.c.node == inside.c.node)
        .where(notified.c.change == bindparam("id", type_=Uuid))
        .group_by(behind.c.person)
        .cte("told")
    )
    names = select(func.array_agg(aggregate_order_by(members.c.name, members.c.name))).where(
        members.c.component == behind.c.person, holds(members)
    )
    subject = select(ballots.c.subject).where(ballots.c.node == behind.c.person).limit(1)
    return (
        select(
            behind,
            told.c.notified_at,
            names.correlate(behind).scalar_subquery().label("names"),
            subject.correlate(behind).scalar_subquery().label("subject"),
        )
        .outerjoin(told, told.c.person == behind.c.person)
        .order_by(behind.c.person)
    )


_PAGE = _page()
