"""What holds for every story of claims."""

from collections.abc import AsyncIterator, Iterator
from random import Random
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.events.database import for_control
from libs.events.fold import Fact
from libs.events.identity import ruling, tables
from libs.events.identity.graph import Graph, Link, Member, Merge
from libs.events.identity.judge import Ruling, Verdict, judge
from libs.events.identity.tests import said
from libs.events.identity.tests.moves import Move, Told, facts_of, moves, story_of
from libs.events.rowstore import put

Components = dict[UUID, UUID]
Holding = tuple[Components, set[tuple[UUID, UUID]], set[UUID]]


def judged(told: list[Told]) -> Iterator[tuple[Graph, Told, Ruling | None]]:
    """The graph after each record; None where its id had been used."""
    graph, used = Graph(), set[int]()
    for offset, each in enumerate(told, start=1):
        if each.number in used:
            yield graph, each, None
        else:
            used.add(each.number)
            yield graph, each, judge(graph, each.claim, said.at(each.number), offset)


def after(told: list[Told]) -> Graph:
    graph = Graph()
    for each in judged(told):
        graph = each[0]
    return graph


def components(graph: Graph) -> Components:
    return {node: member.component for node, member in graph.members.items()}


def holding(graph: Graph) -> Holding:
    links = {(name, owner) for name, owners in graph.links.items() for owner in owners}
    return components(graph), links, {merge.id for merge in graph.merges.values() if merge.until is None}


class TestTheGraph:
    @given(moves)
    @settings(max_examples=150)
    def test_keeps_its_shape(self, given_: list[Move]) -> None:
        for graph, _, _ in judged(story_of(given_)):
            homes = components(graph)
            edges = [(name, owner) for name, owners in graph.links.items() for owner in owners]
            joined = [node for merge in graph.merges.values() if merge.until is None for node in merge.members]
            assert set(homes) == {node for edge in edges for node in edge} | set(joined) | set(graph.registered)
            assert all(homes[component] == component for component in homes.values())
            unique = [link for owners in graph.links.values() for link in owners.values() if link.is_unique]
            assert len({link.identifier for link in unique}) == len(unique)
            assert all(homes[link.identifier] == homes[link.owner] for link in unique)
            for merge in graph.merges.values():
                assert merge.until is not None or len({homes[node] for node in merge.members}) == 1

    @given(moves)
    @settings(max_examples=120)
    def test_has_the_components_that_its_edges_give(self, given_: list[Move]) -> None:
        for graph, _, _ in judged(story_of(given_)):
            assert components(graph) == worked_out(graph)

    @given(moves)
    @settings(max_examples=120)
    def test_changes_by_effective_claims_only(self, given_: list[Move]) -> None:
        before: Holding = ({}, set(), set())
        for graph, _, ruled in judged(story_of(given_)):
            now = holding(graph)
            assert now == before or (ruled is not None and ruled.verdict is Verdict.EFFECTIVE)
            before = now

    @given(moves)
    @settings(max_examples=120)
    def test_of_an_earlier_time_is_read_from_the_rows(self, given_: list[Move]) -> None:
        told = story_of(given_)
        then = [holding(graph) for graph, _, _ in judged(told)]
        rows = list({id(each): each for each in after(told).changed}.values())
        places = [(row.node, row.since) for row in rows if isinstance(row, Member)]
        assert len(places) == len(set(places))
        assert all(row.until is None or row.since < row.until for row in rows)
        for offset, expected in enumerate(then, start=1):
            held = [row for row in rows if row.since <= offset and (row.until is None or row.until > offset)]
            assert {row.node: row.component for row in held if isinstance(row, Member)} == expected[0]
            assert sum(isinstance(row, Member) for row in held) == len(expected[0])
            assert {(row.identifier, row.owner) for row in held if isinstance(row, Link)} == expected[1]
            assert {row.id for row in held if isinstance(row, Merge)} == expected[2]

    @given(moves, st.integers(0, 14), st.integers(0, 14))
    @settings(max_examples=150)
    def test_is_as_before_when_a_merge_is_taken_back(self, given_: list[Move], one: int, two: int) -> None:
        *told, merged = story_of([*given_, Move("merge", one, two, 0, None)])
        number = len(told) + 1
        graph = after(told)
        before = holding(graph)
        ruled = judge(graph, merged.claim, said.at(number), number)
        undone = judge(graph, said.unmerge(number)(said.at(number + 1)), said.at(number + 1), number + 1)
        assert (undone.verdict is Verdict.EFFECTIVE) == (ruled.verdict is Verdict.EFFECTIVE)
        assert holding(graph) == before


def worked_out(graph: Graph) -> Components:
    """The rule of components applied to all edges at once, without any of the graph's own ways."""
    links = [link for owners in graph.links.values() for link in owners.values()]
    merges = [merge for merge in graph.merges.values() if merge.until is None]
    own = {link.owner for link in links} | {node for merge in merges for node in merge.members} | set(graph.registered)
    weak = {link.identifier for link in links if not link.is_unique} - own
    weak -= {link.identifier for link in links if link.is_unique}
    together = {node: {node} for link in links for node in (link.identifier, link.owner) if node not in weak}
    together |= {node: {node} for node in own}
    pairs = [(link.identifier, link.owner) for link in links if link.is_unique]
    for one, other in [*pairs, *((merge.members[0], node) for merge in merges for node in merge.members)]:
        if together[one] is not together[other]:
            together[one] |= together[other]
            for node in together[other]:
                together[node] = together[one]
    homes = {}
    for node, group in together.items():
        since = [(graph.registered[each], each) for each in group if each in graph.registered]
        named = [(link.since, link.owner) for link in links if link.is_unique and link.owner in group]
        named += [(merge.since, merge.members[0]) for merge in merges if merge.members[0] in group]
        homes[node] = min(since or named or [(0, min(group))])[1]
    for name in weak:
        claimed = {homes[link.owner] for link in links if link.identifier == name}
        homes[name] = claimed.pop() if len(claimed) == 1 else name
    return homes


@pytest_asyncio.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    made = for_control(database)
    async with made.begin() as connection:
        await connection.run_sync(tables.METADATA.create_all)
    yield made
    await made.dispose()


Rows = dict[str, list[dict[str, Any]]]
RULINGS = "rulings"


async def folded(engine: AsyncEngine, batches: Iterator[list[Fact]]) -> Rows:
    """All tables of identity after these batches, and the rulings; nothing is left behind."""
    rulings = []
    async with engine.connect() as connection:
        for batch in batches:
            docket = await ruling.rule(connection, batch)
            await put(connection, ruling.changes(docket))
            rulings += [{"offset": offset, "ruling": each} for offset, each in docket.rulings.items()]
        rows = {
            table.name: sorted((dict(row) for row in (await connection.execute(select(table))).mappings()), key=str)
            for table in tables.METADATA.sorted_tables
        }
        await connection.rollback()
    return rows | {RULINGS: rulings}


def cut(facts: list[Fact], random: Random, most: int) -> Iterator[list[Fact]]:
    while facts:
        size = random.randint(1, most)
        yield facts[:size]
        facts = facts[size:]


@pytest.mark.asyncio
class TestTheTables:
    @given(moves, st.integers(0, 1000))
    @settings(
        max_examples=25,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking over a database takes minutes
    )
    async def test_are_the_same_however_the_claims_are_cut(
        self, engine: AsyncEngine, given_: list[Move], seed: int
    ) -> None:
        told = story_of(given_)
        facts = facts_of(told)
        at_once = await folded(engine, iter([facts]))
        one_by_one = await folded(engine, cut(facts, Random(seed), 1))
        assert one_by_one == at_once
        assert await folded(engine, cut(facts, Random(seed), 5)) == at_once
        assert held_in(at_once) == holding(after(told))


def held_in(rows: Rows) -> Holding:
    now = {name: [row for row in each if row.get("until") is None] for name, each in rows.items()}
    members = {row["node"]: row["component"] for row in now["members"]}
    links = {(row["identifier"], row["owner"]) for row in now["links"]}
    return members, links, {row["id"] for row in now["merges"]}
