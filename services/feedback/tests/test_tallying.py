"""Tallies are what ballots, merges of ideas and merges of people come to, in whatever pieces they are folded."""

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.identity.tables import members, registrations
from libs.events.memory_log import MemoryLog
from libs.events.steps import Step
from libs.events.tests.projection_contract import ProjectionContract, cut, in_turn
from libs.events.tests.rich_story import log_of
from services.feedback import ranking
from services.feedback.projection import PROJECTION
from services.feedback.tables import ballots, ideas, standings, tallies
from services.feedback.tests.votes_story import VotesStory


async def rows(connection: AsyncConnection, statement: Any) -> Sequence[Any]:
    return (await connection.execute(statement)).mappings().all()


class Counted:
    """The same, counted in plain Python from the rows that it comes from."""

    def __init__(self, voted: Sequence[Any], about: Sequence[Any], inside: Sequence[Any], known: set[Any]) -> None:
        people = {row["node"]: row["component"] for row in inside}
        links = {row["id"]: row["merged_into"] for row in about}
        last: dict[Any, Any] = {}
        for row in sorted(voted, key=lambda row: row["offset"]):
            last[people.get(row["node"], row["node"]), row["idea"]] = row
        self.standings: dict[Any, Any] = {}
        for (person, idea), row in sorted(last.items(), key=lambda item: item[1]["offset"]):
            if row["stance"] and idea in links:
                root = self.root(links, idea)
                before = self.standings.get((root, person), (0, 0, 0))
                self.standings[root, person] = row["stance"], before[1] + row["credits"], person in known
        self.tallies = {idea: (self.root(links, idea), *self.tally(idea)) for idea in links}

    @staticmethod
    def root(links: dict[Any, Any], idea: Any) -> Any:
        while links.get(idea) in links:
            idea = links[idea]
        return idea

    def tally(self, idea: Any) -> tuple[int, ...]:
        mine = [standing for (root, _), standing in self.standings.items() if root == idea]
        stances = Counter(stance for stance, _, _ in mine)
        unregistered = sum(not is_registered for *_, is_registered in mine)
        return len(mine), unregistered, stances[1], stances[-1], sum(spent for _, spent, _ in mine)


class Folded(ProjectionContract):
    projection = PROJECTION

    async def story(self, seed: int, votes: int) -> tuple[MemoryLog, list[Step]]:
        log = await log_of(VotesStory(seed).tell(votes))
        return log, await self.steps(log)


@pytest.mark.asyncio
@pytest.mark.parametrize("seed", [0, 1, 2, 100, 132])  # in the last two a name takes a withdrawal along
@pytest.mark.parametrize("most", [2, 500])
async def test_tallies_are_the_votes_of_people_over_groups(database: str, seed: int, most: int) -> None:
    folded = Folded()
    log, steps = await folded.story(seed, 150)
    random = Random(seed)
    async with folded.generation(log, database) as (folder, control, schema):
        for batch in cut(in_turn(steps, random), random, most):
            await folder.fold(batch)
        async with control.connect() as connection:
            await connection.execute(text(f"SET search_path TO {schema}"))
            counted = Counted(
                await rows(connection, select(ballots)),
                await rows(connection, select(ideas)),
                await rows(connection, select(members).where(members.c.until.is_(None))),
                set((await connection.scalars(select(registrations.c.contact))).all()),
            )
            found = await rows(connection, select(tallies))
            stand = await rows(connection, select(standings))
    names = "root", "people", "unregistered", "up", "down", "credits"
    assert {row["idea"]: tuple(row[name] for name in names) for row in found} == counted.tallies
    assert {
        (row["root"], row["person"]): (row["stance"], row["credits"], row["is_registered"]) for row in stand
    } == counted.standings
    assert not any(row["is_stale"] for row in found)
    assert any(row["people"] > 1 for row in found)
    for row in found:
        assert row["net"] == row["up"] - row["down"]
        assert row["top"] == pytest.approx(ranking.wilson(row["up"], row["down"]), abs=1e-12)
        assert row["hot"] == pytest.approx(ranking.hot(row["net"], row["submitted_s"]), abs=1e-9)
