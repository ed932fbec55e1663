"""One idea as it stands, and those whose titles have words in common."""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping, Uuid, bindparam, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.service.words import wanted, words_of
from services.feedback.queries.tallies import COUNTS, tally_of
from services.feedback.tables import ideas, tallies

_decode = msgspec.json.Decoder().decode

_own, _group = tallies.alias("own"), tallies.alias("group")
_MERGED = (
    select(func.array_agg(aggregate_order_by(_group.c.idea, _group.c.idea)))
    .where(_group.c.root == _own.c.root, _group.c.idea != _own.c.root)
    .correlate(_own)
    .scalar_subquery()
)
_IDEA = (
    select(ideas, _own.c.root, *(tallies.c[name] for name in (*COUNTS, "top", "hot")), _MERGED.label("merged"))
    .join(_own, _own.c.idea == ideas.c.id)
    .join(tallies, tallies.c.idea == _own.c.root)
    .where(ideas.c.id == bindparam("id", type_=Uuid))
)


async def idea(connection: AsyncConnection, id_: UUID) -> RowMapping | None:
    """With the tally of its group."""
    return (await connection.execute(_IDEA, {"id": id_})).mappings().first()


async def idea_now(connection: AsyncConnection, id_: UUID) -> dict[str, Any] | None:
    """As it is answered."""
    row = await idea(connection, id_)
    return None if row is None else document(row)


async def similar(connection: AsyncConnection, title: str, board: UUID | None, limit: int) -> list[dict[str, Any]]:
    """Ideas that have words of the title, each word also as the beginning of one; the most alike first."""
    words, query = words_of(ideas.c.title), wanted(title, together=False)
    similarity = func.ts_rank(words, query).label("similarity")
    statement = (
        select(ideas.c.id, ideas.c.board, ideas.c.title, ideas.c.status, similarity, *(tallies.c[n] for n in COUNTS))
        .join(tallies, tallies.c.idea == ideas.c.id)
        .where(words.op("@@")(query), tallies.c.root == tallies.c.idea, ideas.c.status != "archived")
        .order_by(similarity.desc(), tallies.c.people.desc(), ideas.c.id)
        .limit(limit)
    )
    if board is not None:
        statement = statement.where(ideas.c.board == board)
    rows = (await connection.execute(statement)).mappings()
    names = "id", "board", "title", "status", "similarity"
    return [{name: row[name] for name in names} | {"tally": tally_of(row)} for row in rows]


def document(row: RowMapping, tally: dict[str, int] | None = None) -> dict[str, Any]:
    """An idea as it is answered; with another tally than that of now."""
    line: dict[str, Any] = _decode(row["shown"] + "}")
    lists = {name: _decode(row[name]) for name in ("answers", "history", "promises")}
    rank = {name: row[name] for name in ("top", "hot")}
    more = {"text": row["text"], "root": row["root"], "merged": row["merged"] or [], **lists}
    return line | more | {"tally": tally_of(row) if tally is None else tally, "rank": rank}
