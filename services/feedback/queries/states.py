"""What a command is decided on: the state and the head of its scope, in one snapshot of the database."""

from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping, Select, Text, Uuid, bindparam, cast, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.bookkeeping import head_of
from libs.events.catalog.ballots import Eligibility
from libs.events.catalog.contacts import Named
from services.feedback.decider.boards import Board
from services.feedback.decider.changes import Answer
from services.feedback.decider.comments import Comment
from services.feedback.decider.ideas import Idea
from services.feedback.tables import boards, changes, comments, ideas, tallies

BOARDS, IDEAS, COMMENTS, CHANGES = (f"/feedback/{kind}/" for kind in ("boards", "ideas", "comments", "changes"))

_decode = msgspec.json.Decoder().decode
_named = msgspec.json.Decoder(list[Named]).decode


class Loaded(NamedTuple):
    """A row with its head; `version` is its ETag."""

    row: RowMapping
    head: int

    @property
    def etag(self) -> str:
        return f'"{self.row["version"]}"'


def board_columns() -> list[Any]:
    """A board's columns beside another row's, under names of their own."""
    names = "id", "status", "title", "description", "ballot", "budget", "cap", "eligibility", "namespace", "voters"
    return [boards.c[name].label(f"board_{name}") for name in names]


def board_of(row: RowMapping) -> Board:
    voters = row["board_voters"]
    eligibility = {"kind": row["board_eligibility"], "namespace": row["board_namespace"]}
    eligibility = {name: value for name, value in eligibility.items() if value is not None}
    if voters is not None:
        eligibility["voters"] = _named(voters)
    names = "id", "status", "title", "description", "ballot", "budget", "cap"
    return Board(**{name: row[f"board_{name}"] for name in names}, eligibility=Eligibility(**eligibility))


async def board(connection: AsyncConnection, id_: UUID) -> Loaded | None:
    return await _loaded(connection, _BOARD, id_)


async def idea(connection: AsyncConnection, id_: UUID) -> Loaded | None:
    """An idea with its board and its root, and the head of its board's merges.

    All merges of a board have one scope, so that two made at once cannot close a circle.
    """
    return await _loaded(connection, _IDEA, id_)


async def comment(connection: AsyncConnection, id_: UUID) -> Loaded | None:
    """A comment, with the head of its thread."""
    return await _loaded(connection, _COMMENT, id_)


async def change(connection: AsyncConnection, id_: UUID) -> Loaded | None:
    return await _loaded(connection, _CHANGE, id_)


async def _loaded(connection: AsyncConnection, statement: Select[Any], id_: UUID) -> Loaded | None:
    row = (await connection.execute(statement, {"id": id_})).mappings().first()
    return None if row is None else Loaded(row, row["head"])


def idea_of(row: RowMapping) -> Idea:
    promises = _decode(row["promises"])
    names = "title", "text", "touchpoint", "value_factor"
    return Idea(
        id=row["id"],
        board=board_of(row),
        status=row["status"],
        fields={name: row[name] for name in names},
        tags=tuple(_decode(row["tags"])),
        promised_for=date.fromisoformat(promises[-1]["promised_for"]) if promises else None,
        merge=row["merge"],
        merged_into=row["merged_into"],
        root=row["root"],
    )


def comment_of(row: RowMapping) -> Comment:
    return Comment(row["id"], row["idea"], row["root"], is_removed=row["removed_at"] is not None)


def answer_of(row: RowMapping, voter: tuple[bool, bool] = (False, False)) -> Answer:
    outcomes = _decode(row["outcomes"])
    is_met = outcomes[-1]["is_met"] if outcomes else None
    return Answer(row["id"], row["status"], row["title"], _decode(row["ideas"]), is_met, voter)


_ID = bindparam("id", type_=Uuid)


def _head(prefix: str, id_: Any = _ID) -> Any:
    return head_of(literal(prefix) + cast(id_, Text)).label("head")


_BOARD = select(*board_columns(), boards.c.version, _head(BOARDS)).where(boards.c.id == _ID)
_MERGES_HEAD = head_of(literal(BOARDS) + cast(ideas.c.board, Text) + literal("/merges")).label("merges_head")
_ROOT = func.coalesce(tallies.c.root, ideas.c.id).label("root")
_IDEA = (
    select(ideas, *board_columns(), _ROOT, _head(IDEAS), _MERGES_HEAD)
    .join(boards, boards.c.id == ideas.c.board)
    .outerjoin(tallies, tallies.c.idea == ideas.c.id)
    .where(ideas.c.id == _ID)
)
_COMMENT = select(comments, literal(0).label("version"), _head(COMMENTS, comments.c.root)).where(comments.c.id == _ID)
_CHANGE = select(changes, _head(CHANGES)).where(changes.c.id == _ID)
