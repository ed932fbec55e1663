"""What the figures of the loop are made of, and who stands behind a change, are what the tables say, row by row."""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.database import for_reads
from libs.events.identity.tables import members, registrations
from libs.events.tests.projection_contract import ProjectionContract
from libs.events.tests.rich_story import log_of, rich_story
from services.feedback.figures import DELIVERED, Harm
from services.feedback.projection import PROJECTION
from services.feedback.queries import beneficiaries, loop
from services.feedback.queries.loop import Sought
from services.feedback.queries.votes import STANCES
from services.feedback.tables import ballots, changes, comments, complaints, ideas, notified, standings, tallies
from services.feedback.tests.votes_story import VotesStory

TABLES = (ballots, changes, comments, complaints, ideas, members, notified, registrations, standings, tallies)


class Counted:
    """The same, counted in plain Python from the rows that it comes from."""

    def __init__(self, rows: dict[Table, Sequence[Any]]) -> None:
        self.rows = rows
        self.people = {row["node"]: row["component"] for row in rows[members] if row["until"] is None}
        self.ideas = {row["id"]: row for row in rows[ideas]}
        self.root = {row["idea"]: row["root"] for row in rows[tallies]}

    def person(self, node: Any) -> Any:
        return self.people.get(node, node)

    def place(self, idea: Any) -> tuple[Any, str]:
        root = self.ideas[self.root[idea]]
        return root["board"], root["touchpoint"]

    def heard(self, sought: Sought) -> dict[Any, int]:
        heard: dict[Any, set[Any]] = defaultdict(set, {None: set()})
        said = [(row["id"], row["node"]) for row in self.rows[ideas]]
        said += [(row["idea"], row["node"]) for table in (ballots, comments) for row in self.rows[table]]
        for idea, node in said:
            if node is not None and idea in self.root and _is_in(self.place(idea), sought):
                for place in (None, self.place(idea)):
                    heard[place].add(self.person(node))
        return {place: len(people) for place, people in heard.items()}

    def harm(self, sought: Sought) -> dict[str | None, Harm] | None:
        found: dict[str | None, list[Any]] = defaultdict(list, {None: []})
        for row in self.rows[complaints]:
            for touchpoint in (None, row["touchpoint"]) if sought.touchpoint in {None, row["touchpoint"]} else ():
                found[touchpoint].append(row)
        if sought.board is not None:
            return None
        return {
            touchpoint: Harm(
                len(lodged), len({self.person(row["node"]) for row in lodged}), sum(row["severity"] for row in lodged)
            )
            for touchpoint, lodged in found.items()
        }

    def measured(self, sought: Sought) -> list[tuple[Any, str]]:
        """The places of all changes that were measured."""
        measured = [row for row in self.rows[changes] if row["outcomes"] != "[]"]
        places = [self.place(UUID(json.loads(row["ideas"])[0])) for row in measured]
        return [place for place in places if _is_in(place, sought)]

    def behind(self, change: Any) -> dict[Any, Any]:
        """Stance, credits and when they were told, by person."""
        roots = {self.root[idea] for idea in self.ideas if str(idea) in json.loads(change["ideas"])}
        found: dict[Any, list[Any]] = defaultdict(list)
        for row in self.rows[standings]:
            if row["root"] in roots:
                found[row["person"]].append(row)
        told: dict[Any, list[Any]] = defaultdict(list)
        for row in self.rows[notified]:
            if row["change"] == change["id"]:
                told[self.person(row["node"])].append(row["occurred_at"])
        return {
            person: (
                STANCES[max(row["stance"] for row in stood)],
                sum(row["credits"] for row in stood),
                min(told[person], default=None),
            )
            for person, stood in found.items()
        }


def _is_in(place: tuple[Any, str], sought: Sought) -> bool:
    return sought.board in {None, place[0]} and sought.touchpoint in {None, place[1]}


async def read(connection: AsyncConnection) -> Counted:
    return Counted({table: (await connection.execute(select(table))).mappings().all() for table in TABLES})


class Folded(ProjectionContract):
    projection = PROJECTION


@pytest.mark.asyncio
@pytest.mark.parametrize("story", [rich_story(3), rich_story(4), VotesStory(1).tell(200)], ids=["3", "4", "votes"])
async def test_queries_find_what_the_rows_say(database: str, story: Any) -> None:
    log, folded = await log_of(story), Folded()
    async with folded.generation(log, database) as (folder, _, schema):
        await folder.fold(await folded.steps(log))
        reads = for_reads(database, schema, 1)
        try:
            async with reads.connect() as connection:
                expected = await read(connection)
            for sought in _all_sought(expected):
                async with reads.connect() as connection:
                    _compare_figures(await loop.counted(connection, sought), expected, sought)
            async with reads.connect() as connection:
                isolation = await connection.scalar(select(func.current_setting("transaction_isolation")))
                assert isolation == "read committed", "a connection goes back as it came"
                await _compare_beneficiaries(connection, expected)
        finally:
            await reads.dispose()


def _all_sought(expected: Counted) -> list[Sought]:
    places = sorted({expected.place(idea) for idea in expected.ideas})
    boards, touchpoints = {board for board, _ in places}, {touchpoint for _, touchpoint in places}
    narrowed = [Sought(board, None) for board in sorted(boards)] + [Sought(None, each) for each in sorted(touchpoints)]
    return [Sought(None, None), *narrowed, Sought(*places[0]), Sought(None, "acme:nowhere")]


def _compare_figures(found: Any, expected: Counted, sought: Sought) -> None:
    roots = [row for row in expected.ideas.values() if expected.root[row["id"]] == row["id"]]
    inside = [row for row in roots if _is_in((row["board"], row["touchpoint"]), sought)]
    assert sorted(root.place for root in found.roots) == sorted((row["board"], row["touchpoint"]) for row in inside)
    within = [row for row in expected.ideas.values() if _is_in(expected.place(row["id"]), sought)]
    assert sum(root.comments for root in found.roots) == sum(row["comments"] for row in within)
    statuses = [root.status for root in found.roots]
    delivered = {expected.root[row["id"]] for row in within if row["status"] in DELIVERED}
    assert sum(status in DELIVERED for status in statuses) == len(delivered)
    others = sorted(row["status"] for row in inside if row["id"] not in delivered)
    assert sorted(status for status in statuses if status not in DELIVERED) == others
    assert sum(bool(root.history) for root in found.roots) == sum(row["promises"] != "[]" for row in inside)
    assert sorted(each.place for each in found.measured) == sorted(expected.measured(sought))
    assert found.people == expected.heard(sought)
    assert found.harm == expected.harm(sought)


async def _compare_beneficiaries(connection: AsyncConnection, expected: Counted) -> None:
    registered = {row["contact"] for row in expected.rows[registrations]}
    for change in expected.rows[changes]:
        found = await beneficiaries.page(connection, change["id"], json.loads(change["ideas"]), None, 500)
        said = {each["contact"]: (each["stance"], each["credits"], each["notified_at"]) for each in found}
        assert said == expected.behind(change)
        assert [each["contact"] for each in found] == sorted(said)
        assert all(each["registered"] == (each["contact"] in registered) for each in found)
