"""What votes are decided on, and tallies of a time, are what ballots and merges of ideas and people come to."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.bookkeeping import verdicts
from libs.events.identifiers import parse
from libs.events.identity.tables import members, registrations
from libs.events.tests.projection_contract import ProjectionContract, cut, in_turn
from libs.events.tests.rich_story import log_of
from services.feedback.decider.votes import Vote
from services.feedback.projection import PROJECTION
from services.feedback.queries.people import is_known
from services.feedback.queries.tallies import COUNTS, tally_at, tally_of
from services.feedback.queries.voting import voting
from services.feedback.tables import ballots, ideas, standings, tallies
from services.feedback.tests.votes_story import IDEAS, NAMES, NODES, VotesStory

pytestmark = pytest.mark.asyncio

NOBODY = UUID(int=77)
ASKED = [(UUID(int=100 + n), NODES.of(parse(name))) for n in range(IDEAS) for name in NAMES]


class Contract(ProjectionContract):
    projection = PROJECTION


@asynccontextmanager
async def folded(url: str, seed: int, votes: int = 120) -> AsyncIterator[AsyncConnection]:
    """Tables of a story, to be read."""
    contract, random = Contract(), Random(seed)
    log = await log_of(VotesStory(seed).tell(votes))
    async with contract.generation(log, url) as (folder, control, schema):
        for batch in cut(in_turn(await contract.steps(log), random), random, 60):
            await folder.fold(batch)
        async with control.connect() as connection:
            await connection.execute(text(f"SET search_path TO {schema}"))
            yield connection


async def rows(connection: AsyncConnection, statement: Any) -> Sequence[Any]:
    return (await connection.execute(statement)).mappings().all()


class Known:
    """The rows that answers come from, joined in plain Python."""

    def __init__(self, people: Mapping[UUID, UUID], roots: Mapping[UUID, UUID], said: Sequence[Any]) -> None:
        self.people, self.roots = people, roots
        self.said = sorted(said, key=lambda row: row["offset"])

    @classmethod
    async def read(cls, connection: AsyncConnection) -> "Known":
        own = await rows(connection, select(members.c.node, members.c.component).where(members.c.until.is_(None)))
        groups = await rows(connection, select(tallies.c.idea, tallies.c.root))
        return cls(
            {row["node"]: row["component"] for row in own},
            {row["idea"]: row["root"] for row in groups},
            await rows(connection, select(ballots)),
        )

    def person(self, node: UUID) -> UUID:
        return self.people.get(node, node)

    def votes(self, idea: UUID, person: UUID) -> dict[UUID, Vote]:
        """The last of a person on each idea of a group."""
        group = {each for each, root in self.roots.items() if root == self.roots[idea]}
        mine = [row for row in self.said if row["idea"] in group and self.person(row["node"]) == person]
        return {row["idea"]: Vote(row["said"], row["stance"], row["credits"]) for row in mine}


@pytest.mark.parametrize("seed", range(3))
async def test_a_vote_is_decided_on_all_that_its_person_said(database: str, seed: int) -> None:
    async with folded(database, seed) as connection:
        known = await Known.read(connection)
        registered = set((await connection.scalars(select(registrations.c.contact))).all())
        spent = await rows(connection, select(standings.c.person, standings.c.credits))
        heads = await rows(connection, select(verdicts.c.scope, verdicts.c.sequence))
        found = await voting(connection, [*ASKED, (NOBODY, ASKED[0][1])])
    assert found.pop() is None
    for (idea, node), loaded in zip(ASKED, found, strict=True):
        assert loaded is not None
        state, person = loaded.state, known.person(node)
        inside = {each for each, component in known.people.items() if component == person} or {node}
        assert (state.idea, state.voter.person, set(state.voter.nodes)) == (idea, person, inside)
        assert state.voter.is_registered is (person in registered)
        assert state.votes == known.votes(idea, person)
        assert state.spent == sum(row["credits"] for row in spent if row["person"] == person)
        mine = [row["sequence"] or 0 for row in heads if row["scope"] == loaded.scope]
        assert loaded.head == max(mine, default=0)


@pytest.mark.parametrize("seed", range(3))
async def test_a_tally_as_of_the_end_is_the_one_that_is_kept(database: str, seed: int) -> None:
    async with folded(database, seed) as connection:
        kept = {row["idea"]: row for row in await rows(connection, select(tallies))}
        latest = datetime.fromisoformat("2999-01-01T00:00:00Z")
        for idea, row in kept.items():
            assert await tally_at(connection, row["root"], latest) == tally_of(kept[row["root"]]), idea
        first = min(row["occurred_at"] for row in await rows(connection, select(ideas.c.occurred_at)))
        before = first.replace(year=2025)
        assert await tally_at(connection, next(iter(kept)), before) == dict.fromkeys(COUNTS, 0)


async def test_who_did_anything_is_known(database: str) -> None:
    async with folded(database, 1) as connection:
        assert all([await is_known(connection, NODES.of(parse(name))) for name in NAMES])
        assert not await is_known(connection, NOBODY)
