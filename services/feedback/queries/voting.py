"""What a vote is decided on: many at once in one statement, each with its idea, its board and its person."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, RowMapping, Select, Text, Uuid, bindparam, case, cast, exists, func, literal, select, true
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.bookkeeping import head_of
from libs.events.identity.persons import canonical, holds, nodes_of
from libs.events.identity.tables import members, registrations
from libs.events.precompiled import Precompiled
from services.feedback.decider.boards import Voter
from services.feedback.decider.votes import Vote, Voting
from services.feedback.queries.states import BOARDS, board_columns, board_of
from services.feedback.tables import boards, ideas, standings, tallies
from services.feedback.tallying import newest_ballot


class Loaded(NamedTuple):
    """The state of a vote, and the head of the voter's scope on the board."""

    state: Voting
    head: int

    @property
    def scope(self) -> str:
        """All votes of a person on a board have one, so that a budget holds; nobody else waits for it."""
        return f"{BOARDS}{self.state.board.id}/voters/{self.state.voter.person}"


class _Said(msgspec.Struct, gc=False):
    idea: UUID
    said: str
    stance: int
    credits: int


_votes = msgspec.json.Decoder(list[_Said]).decode


async def voting(connection: AsyncConnection, asked: Sequence[tuple[UUID, UUID]]) -> list[Loaded | None]:
    """For each idea and node; None where there is no such idea."""
    given, voters = zip(*asked, strict=True)
    rows = await _VOTING.execute(connection, {"ideas": list(given), "voters": list(voters)})
    found = {row["n"]: _loaded(row) for row in rows.mappings()}
    return [found.get(n) for n in range(1, len(asked) + 1)]


def _loaded(row: RowMapping) -> Loaded:
    votes = {
        said.idea: Vote(said.said, said.stance, said.credits)  # type: ignore[arg-type]
        for said in _votes(row["votes"] or "[]")
    }
    voter = Voter(row["person"], row["nodes"], row["names"] or (), row["is_registered"])
    state = Voting(row["idea"], row["status"], board_of(row), voter, votes, row["spent"] or 0)
    return Loaded(state, row["head"])


def _statement() -> Select[Any]:
    arrays = (bindparam(name, type_=ARRAY(Uuid)) for name in ("ideas", "voters"))
    given = func.unnest(*arrays).table_valued("idea", "node", with_ordinality="n", name="given").render_derived()
    asked = select(given, canonical(given.c.node).label("person")).cte("asked")
    inside = nodes_of(asked.c.person)
    nodes = select(func.array_agg(inside.c.node).label("nodes")).select_from(inside).lateral("inside")
    names = select(func.array_agg(members.c.name)).where(members.c.component == asked.c.person, holds(members))
    voters = literal(BOARDS) + cast(ideas.c.board, Text) + "/voters/" + cast(asked.c.person, Text)
    spends = case((boards.c.ballot == "credits", _spent(asked).scalar_subquery()), else_=0)
    return (
        select(
            asked.c.n,
            asked.c.idea,
            asked.c.person,
            ideas.c.status,
            *board_columns(),
            nodes.c.nodes,
            names.scalar_subquery().label("names"),
            exists().where(registrations.c.contact == asked.c.person).label("is_registered"),
            _said(nodes).scalar_subquery().label("votes"),
            spends.label("spent"),
            head_of(voters).label("head"),
        )
        .select_from(asked)
        .join(ideas, ideas.c.id == asked.c.idea)
        .join(boards, boards.c.id == ideas.c.board)
        .join(tallies, tallies.c.idea == ideas.c.id)
        .join(nodes, true())
    )


def _said(nodes: Any) -> Select[Any]:
    """Of each idea of the group, what the person said last."""
    group, node = tallies.alias("group"), func.unnest(nodes.c.nodes).table_valued("node", name="each").render_derived()
    newest = newest_ballot(group.c.idea, node.c.node)
    last = (
        select(group.c.idea, newest.c.said, newest.c.stance, newest.c.credits)
        .ext(distinct_on(group.c.idea))
        .select_from(group)
        .join(node, true())
        .join(newest, true())
        .where(group.c.root == tallies.c.root)
        .order_by(group.c.idea, newest.c.offset.desc())
        .correlate(tallies, nodes)
        .lateral("last")
    )
    fields = [part for name in ("idea", "said", "stance", "credits") for part in (name, last.c[name])]
    return select(cast(func.json_agg(func.json_build_object(*fields)), Text)).select_from(last)


def _spent(asked: Any) -> Select[Any]:
    """The credits that the person spends on the board."""
    other = tallies.alias("other")
    return (
        select(func.sum(standings.c.credits))
        .join(other, other.c.idea == standings.c.root)
        .where(standings.c.person == asked.c.person, other.c.board == ideas.c.board)
        .correlate(asked, ideas)
    )


_VOTING = Precompiled(_statement())
