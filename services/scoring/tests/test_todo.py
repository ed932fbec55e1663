"""Who is to be looked at, and who was."""

import asyncio
from uuid import UUID

import pytest

from libs.events.catalog.scoring import Cause
from libs.events.fold import TextRow
from libs.events.identity.tables import members
from libs.events.writing import Changes
from services.scoring.queries.people import BEFORE_ALL
from services.scoring.reacting import todo
from services.scoring.reacting.todo import ToDo
from services.scoring.tables import NO_MEASURE, NOBODY, facts, statistics

ADA, BEN = UUID(int=1), UUID(int=2)
MERGED, RANKED = Cause(kind="identity"), Cause(kind="statistics")
PUBLISHED = Changes(appended={statistics: [("1",)]})
AT_ONCE_S = 0.0


def bought(node: UUID, event_id: str = "order-1", measure: str = "purchase") -> Changes:
    given = {
        "node": str(node),
        "measure": measure,
        "event_id": event_id,
        "source": "urn:shop",
        "topic": "2",
        "partition": "3",
        "offset": "7",
    }
    row: TextRow = tuple(given.get(column.name, "") for column in facts.columns)
    return Changes(appended={facts: [row]})


def begun() -> ToDo:
    """Everybody was looked at."""
    work = ToDo()
    work.begin()
    work.swept(work.sweeps_n, None)
    work.done(work.heard_n)
    work.news.clear()
    return work


def test_at_the_beginning_everybody_is_looked_at_for_no_known_cause() -> None:
    work = ToDo()
    work.hear(bought(ADA))
    work.begin()
    assert (work.sweep, work.sweeps_for, work.touched) == (BEFORE_ALL, None, {})
    assert work.news.is_set()


def test_whoever_bought_is_looked_at_for_that() -> None:
    work = begun()
    work.hear(bought(ADA))
    cause = Cause(kind="event", id="order-1", source="urn:shop", position="interactions/3/7")
    assert (work.touched, work.sweep) == ({ADA: cause}, None)
    assert work.news.is_set()


def test_whoever_was_joined_to_others_is_looked_at_with_whom_they_came_to_or_left() -> None:
    work = begun()
    work.hear(Changes(kept={members: [{"node": ADA, "component": BEN}]}))
    assert work.touched == {ADA: MERGED, BEN: MERGED}


def test_statistics_are_a_reason_to_look_at_everybody_and_to_begin_anew() -> None:
    work = begun()
    work.hear(PUBLISHED)
    first = work.sweeps_n
    work.swept(first, ADA)
    assert (work.sweep, work.sweeps_for) == (ADA, RANKED)
    work.hear(PUBLISHED)
    work.swept(first, None)
    assert work.sweep == BEFORE_ALL


def test_whoever_is_looked_at_first_is_looked_at_again_when_statistics_are_published_meanwhile() -> None:
    work = begun()
    work.hear(PUBLISHED)
    first, heard_n = work.sweeps_n, work.heard_n
    work.hear(PUBLISHED)
    work.swept(first, ADA)
    assert (work.sweep, work.heard_n) == (BEFORE_ALL, heard_n + 1)


@pytest.mark.parametrize("batch", [Changes(), bought(NOBODY, measure=NO_MEASURE)])
def test_a_batch_of_nothing_is_no_news(batch: Changes) -> None:
    work = begun()
    before = work.heard_n
    work.hear(batch)
    assert (work.heard_n, work.news.is_set()) == (before, False)


def test_beyond_a_bound_everybody_is_looked_at_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(todo, "MOST_TOUCHED", 1)
    work = begun()
    work.hear(bought(ADA))
    work.hear(bought(BEN))
    assert (work.touched, work.sweep, work.sweeps_for) == ({}, BEFORE_ALL, None)


def test_what_could_not_be_looked_at_comes_back_and_what_was_heard_since_counts() -> None:
    work = begun()
    work.hear(bought(ADA, "order-2"))
    work.put_back({ADA: MERGED, BEN: MERGED})
    assert {node: cause.id or cause.kind for node, cause in work.touched.items()} == {ADA: "order-2", BEN: "identity"}


@pytest.mark.asyncio
async def test_it_is_settled_when_all_that_was_heard_before_is_done() -> None:
    work = begun()
    assert await work.settled(AT_ONCE_S)
    work.hear(bought(ADA))
    waiting = asyncio.create_task(work.settled(10.0))
    await asyncio.wait_for(work.asked.wait(), 10.0)
    heard_n = work.heard_n
    work.hear(bought(BEN))
    work.done(heard_n)
    assert await waiting
    assert not await work.settled(AT_ONCE_S)
