"""Folding a service again from offset 0: beside the live tables to compare them, or in their place.

Both work while the system runs and writes go on.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.events.background import running
from libs.events.copying import DATABASE_ERRORS, sqlstate_of
from libs.events.database import for_control, for_folds
from libs.events.digest import Difference, Digest, differences, digests_of, positions_of, snapshot
from libs.events.fold import Projection
from libs.events.generations import Generation, Generations
from libs.events.ids import new_id
from libs.events.leases import Leases
from libs.events.log import EventLog
from libs.events.position import Partition, Positions
from libs.events.progress import Progress
from libs.events.projector import Projector

Report = Callable[[int, int], None]
"""Told (records folded, records in all) a few times a second."""

REPORT_EVERY_S = 0.2
DROP_TRIES = 5
_BUSY = ("55P03", "40P01")  # a lock was not to be had in time, or a deadlock: readers are still at the old tables


class ReplayRefused(Exception):
    """There is nothing to compare or rebuild; the text says why."""


class _Served(Exception):
    """The service took these tables, has folded them and serves them: nothing is left to do."""


class TableDigests(NamedTuple):
    """One table, as it is served and as it was folded again."""

    name: str
    live: Digest
    rebuilt: Digest


class Verdict(NamedTuple):
    """What `verify` found, at `positions`."""

    positions: Positions
    tables: list[TableDigests]
    differences: list[Difference]

    @property
    def equal(self) -> bool:
        return all(table.live == table.rebuilt for table in self.tables)


async def digests(projection: Projection, database_url: str) -> dict[str, Digest]:
    """Digests of the tables that are served now. Raises ReplayRefused when none are."""
    async with _control(database_url) as control:
        live = await _live(Generations(control, projection))
        async with snapshot(control).connect() as connection:
            return await digests_of(connection, projection, live.schema)


async def verify(projection: Projection, log: EventLog, database_url: str, report: Report) -> Verdict:
    """Fold into scratch tables up to where the live ones stand at this moment, and compare. Raises ReplayRefused."""
    async with _control(database_url) as control:
        generations = Generations(control, projection)
        live = await _live(generations)
        await generations.drop_abandoned()
        async with snapshot(control).connect() as moment:
            positions = await positions_of(moment, live.schema)
            before = await digests_of(moment, projection, live.schema)
            async with rebuilt(projection, log, database_url, positions, report) as scratch, control.connect() as now:
                after = await digests_of(now, projection, scratch.schema)
                tables = [TableDigests(name, digest, after[name]) for name, digest in before.items()]
                verdict = Verdict(positions, tables, [])
                if not verdict.equal:
                    schemas = (live.schema, scratch.schema)
                    verdict.differences.extend(await differences(moment, now, projection, schemas))
    return verdict


@asynccontextmanager
async def rebuilt(
    projection: Projection, log: EventLog, database_url: str, until: Mapping[Partition, int], report: Report
) -> AsyncIterator[Generation]:
    """Tables beside the live ones, folded from offset 0 up to these positions; they are gone after the block."""
    async with _control(database_url) as control:
        generations = Generations(control, projection)
        scratch = await generations.make_scratch(log.log_id, list(until))
        try:
            await _fold(
                projection=projection,
                log=log,
                control=control,
                database_url=database_url,
                generation=scratch,
                until=until,
                report=report,
            )
            yield scratch
        finally:
            await asyncio.shield(generations.drop(scratch))


async def rebuild(projection: Projection, log: EventLog, database_url: str, report: Report) -> None:
    """Drop the service's tables and fold them again from offset 0; it answers `rebuilding` until they are whole.

    Interrupted, the service itself goes on where this stopped. Where the service takes the new tables first, it folds
    them, and this ends when it serves them.
    """
    async with _control(database_url) as control:
        generations = Generations(control, projection)
        ends = await log.ends(projection.topics)
        generation = await _start_over(generations, log.log_id, list(ends))
        await _fold(
            projection=projection,
            log=log,
            control=control,
            database_url=database_url,
            generation=generation,
            until=ends,
            report=report,
        )
        await generations.go_live(generation)


async def _start_over(generations: Generations, log_id: UUID, partitions: Sequence[Partition]) -> Generation:
    for _ in range(DROP_TRIES - 1):
        try:
            return await generations.start_over(log_id, partitions)
        except DBAPIError as error:
            if sqlstate_of(error) not in _BUSY:
                raise
    return await generations.start_over(log_id, partitions)


async def _fold(
    *,
    projection: Projection,
    log: EventLog,
    control: AsyncEngine,
    database_url: str,
    generation: Generation,
    until: Mapping[Partition, int],
    report: Report,
) -> None:
    engine = for_folds(database_url, generation.schema)
    leases = Leases(control, generation.schema, f"replay {generation.schema}", new_id())
    projector = Projector(projection, log, engine, leases, Progress(), partitions=list(until), limited=lambda: False)
    total = sum(until.values())
    try:
        async with running(_watch(control, Generations(control, projection), generation, total, report)):
            await projector.run(until)
    except _Served:
        pass
    finally:
        await engine.dispose()
    report(total, total)


async def _watch(
    control: AsyncEngine, generations: Generations, generation: Generation, total: int, report: Report
) -> None:  # fmt: skip
    """Tell how far these tables are, whoever folds them. Raises _Served."""
    while True:
        with suppress(*DATABASE_ERRORS):  # the projector waits for it, or says what has become of the tables
            async with control.connect() as connection:
                positions = await positions_of(connection, generation.schema)
            report(min(total, sum(positions.values())), total)
            if await generations.is_served(generation):
                raise _Served
        await asyncio.sleep(REPORT_EVERY_S)


async def _live(generations: Generations) -> Generation:
    found = await generations.find()
    if found is None or not found.is_live:
        raise ReplayRefused("this service serves no tables now: it is being built or rebuilt, or was never started")
    return found


@asynccontextmanager
async def _control(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = for_control(database_url)
    try:
        yield engine
    finally:
        await engine.dispose()
