"""Two processes, one that folds identity and one that folds boards, count as one does, however they fall together."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import literal, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events import folding, writing
from libs.events.catalog.contacts import ContactsMerged, Named
from libs.events.catalog.feedback import VoteCast
from libs.events.database import for_control, for_folds
from libs.events.fold import Statement
from libs.events.folding import Folder
from libs.events.generations import Generations
from libs.events.identifiers import parse
from libs.events.ids import new_id
from libs.events.leases import Leases
from libs.events.memory_log import MemoryLog
from libs.events.progress import Progress
from libs.events.steps import Step
from libs.events.tests.projection_contract import ProjectionContract
from libs.events.tests.rich_story import log_of
from libs.events.topics import FEEDBACK, IDENTITY
from services.feedback.projection import PROJECTION
from services.feedback.tables import standings, tallies
from services.feedback.tests.votes_story import NAMES, NODES, Told, VotesStory

pytestmark = pytest.mark.asyncio

DEADLINE_S = 20
ADA, BOB = NAMES[:2]
BLOCKED = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"


class Contract(ProjectionContract):
    projection = PROJECTION


class Holders:
    """One holds the partition of identity, the other those of the boards."""

    def __init__(self, identity: Folder, boards: Folder, connection: AsyncConnection) -> None:
        self.identity = identity
        self.boards = boards
        self._connection = connection

    def of(self, step: Step) -> Folder:
        return self.identity if step.partition.topic == IDENTITY.name else self.boards

    async def counted(self) -> list[Sequence[Any]]:
        counts = select(tallies.c.people, tallies.c.up, tallies.c.credits)
        people = select(standings.c.person, standings.c.stance, standings.c.credits).order_by(standings.c.person)
        return [(await self._connection.execute(statement)).all() for statement in (counts, people)]


@asynccontextmanager
async def holders(log: MemoryLog, url: str) -> AsyncIterator[Holders]:
    control, partitions = for_control(url), Contract().partitions
    generation = await Generations(control, PROJECTION).make_scratch(log.log_id, partitions)
    engine = for_folds(url, generation.schema)
    identity, boards = (Folder(PROJECTION, engine, log, Progress(), limited=lambda: False) for _ in range(2))
    for folder in (identity, boards):
        held = [each for each in partitions if (each.topic == IDENTITY.name) is (folder is identity)]
        await folder.begin(await Leases(control, generation.schema, f"{id(folder)}", new_id()).take(held))
    async with control.connect() as connection:
        await connection.execute(text(f"SET search_path TO {generation.schema}"))
        yield Holders(identity, boards, connection)
    await engine.dispose()
    await control.dispose()


async def told() -> tuple[MemoryLog, list[Step], Step, Step]:
    """A board with an idea that Ada voted for; then, at once, Bob votes for it and the two become one."""
    story = VotesStory(1)
    opened = story._decided(f"/feedback/boards/{story.board}", story._opened())
    log = await log_of([opened, story._submitted(0), vote_of(story, ADA, 2), vote_of(story, BOB, 3), merge_of(story)])
    steps = await Contract().steps(log)
    merge, vote = (max((step for step in steps if step.partition.topic == topic.name), key=lambda step: step.offset)
                   for topic in (IDENTITY, FEEDBACK))  # fmt: skip
    return log, [step for step in steps if step not in (merge, vote)], vote, merge


def vote_of(story: VotesStory, name: str, spends: int) -> Told:
    data = VoteCast(idea=story.idea(0), stance="up", credits=spends)
    return story._decided(f"/feedback/boards/{story.board}/voters/{NODES.of(parse(name))}", data, name)


def merge_of(story: VotesStory) -> Told:
    id_, members = str(UUID(int=9)), [Named(name=name, node=str(NODES.of(parse(name)))) for name in (ADA, BOB)]
    data = ContactsMerged(merge=id_, members=members, reason="the same")
    return IDENTITY.name, story._record(b"identity", id_, "/identity", data, ADA)


class Held:
    """Keeps the first fold that derives from going on to its commit."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.has_derived, self.may_commit = asyncio.Event(), asyncio.Event()
        monkeypatch.setattr(folding, "derive", self._hold)

    async def _hold(self, connection: AsyncConnection, due: Sequence[Statement]) -> None:
        await writing.derive(connection, due)
        if not self.has_derived.is_set():
            self.has_derived.set()
            await self.may_commit.wait()


async def at_once(pair: Holders, url: str, held: Held, first: Step, second: Step) -> None:
    """The second is folded once the first has derived, and until it waits for the first or has ended."""
    observer = await asyncpg.connect(url)
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        tasks.create_task(pair.of(first).fold([first]))
        await held.has_derived.wait()
        other = tasks.create_task(pair.of(second).fold([second]))
        while not (other.done() or await observer.fetchval(BLOCKED)):
            await asyncio.wait([other], timeout=0.01)
        held.may_commit.set()
    await observer.close()


async def one_after_another(database: str) -> list[Sequence[Any]]:
    log, before, vote, merge = await told()
    async with holders(log, database) as pair:
        for step in (*before, vote, merge):
            await pair.of(step).fold([step])
        return await pair.counted()


@pytest.mark.parametrize("identity_first", [True, False], ids=["identity first", "the vote first"])
@pytest.mark.parametrize("is_held", [True, False], ids=["identity held", "identity not held"])
async def test_a_vote_and_a_merge_of_voters_that_fall_together(
    database: str, monkeypatch: pytest.MonkeyPatch, identity_first: bool, is_held: bool
) -> None:
    """If whoever derives did not hold identity, neither would see the other's rows, and two would stand for one."""
    expected = await one_after_another(database)
    assert expected[0] == [(1, 1, 3)]
    log, before, vote, merge = await told()
    if not is_held:
        monkeypatch.setattr(writing, "_HOLD_IDENTITY", select(literal(1)))
    async with holders(log, database) as pair:
        for step in before:
            await pair.of(step).fold([step])
        held = Held(monkeypatch)
        first, second = (merge, vote) if identity_first else (vote, merge)
        await at_once(pair, database, held, first, second)
        assert (await pair.counted() == expected) is is_held
