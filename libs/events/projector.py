"""The projector: reads the log after the checkpoint and folds it, for as long as it holds its partitions.

    take leases -> compare with the log -> read | decode -> sort -> write -> read | decode -> sort -> write ...

The next batch is read and decoded while PostgreSQL writes the last one, and sorted, too, where it does not depend on
what that one writes. When following, a batch is whatever
has news in all partitions; when catching up, up to 5,000 records or 8 MB.

Errors of the world (a database or a log that is away) are waited out with backoff. A log that is not the one it was
(LogBroken) ends the projector: no row may be touched until a person has looked.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.events.background import running
from libs.events.bookkeeping import checkpoints
from libs.events.clock import monotonic_s
from libs.events.copying import DATABASE_ERRORS, sqlstate_of, when_lost
from libs.events.envelope import digest_of
from libs.events.fold import Projection
from libs.events.folding import Folder
from libs.events.leases import RENEW_S, LeaseLost, Leases
from libs.events.log import DOORBELL_TIMEOUT_S, EventLog, LogBroken, LogUnavailable, Slice
from libs.events.position import Partition, Positions, covers
from libs.events.progress import Progress
from libs.events.steps import AT_A_STRETCH, Step, steps_of
from libs.events.writing import Changes

CATCH_UP_RECORDS = 5_000
CATCH_UP_BYTES = 8 << 20
# A small transaction costs as much as one of many events, and other services want the same cores. So small ones follow
# each other at this pace unless somebody waits; after a quiet moment, and for whoever waits, they begin at once.
FOLD_EVERY_S = 0.02
QUIET_EVERY_S = 0.1  # the same after a batch that had nothing for this projection: as often as waiters look
RETRY_FIRST_S, RETRY_MOST_S = 0.1, 1.0
STANDBY_S = 1.0

_GONE = ("42P01", "3F000")

logger = structlog.get_logger()


class GenerationGone(Exception):
    """The tables were dropped by a rebuild; there is another generation to fold."""


class Projector:
    """Folds some partitions of the log into one generation."""

    def __init__(
        self,
        projection: Projection,
        log: EventLog,
        engine: AsyncEngine,
        leases: Leases,
        progress: Progress,
        *,
        partitions: Collection[Partition],
        limited: Callable[[], bool],
        heard: Callable[[Changes], None] | None = None,
    ) -> None:
        self._projection = projection
        self._log = log
        self._engine = engine
        self._leases = leases
        self._progress = progress
        self._partitions = partitions
        self._folder = Folder(projection, engine, log, progress, limited=limited, heard=heard)

    async def run(self, until: Mapping[Partition, int] | None = None) -> None:
        """Fold for ever, or until the given positions are reached, as far as no partition had to be stopped.

        Raises LogBroken, GenerationGone, and LeaseLost where a newer process of this instance has taken over.
        """
        pause_s = RETRY_FIRST_S
        while True:
            try:
                if await self._hold_and_fold(until):
                    return
                pause_s = RETRY_FIRST_S
            except (*DATABASE_ERRORS, LogUnavailable, LeaseLost) as reason:
                if sqlstate_of(reason) in _GONE:
                    raise GenerationGone from reason
                if isinstance(reason, LeaseLost) and await self._leases.taken_over_by_twin():
                    raise
                logger.warning("fold_waits", service=self._projection.service, reason=_short(reason), retry_s=pause_s)
                await asyncio.sleep(pause_s)
                pause_s = min(RETRY_MOST_S, pause_s * 2)

    async def _hold_and_fold(self, until: Mapping[Partition, int] | None) -> bool:
        """One tenure; True when `until` was reached, False when nothing could be held."""
        held = await self._leases.take(self._partitions)
        if not held:
            await asyncio.sleep(STANDBY_S)
            return False
        try:
            await self._compare_with_log(held)
            async with self._engine.connect() as watched:
                lost = asyncio.Event()
                await when_lost(watched, partial(self._forget, lost))
                positions = await self._folder.begin(held)
                async with running(self._renew(held), _end(lost)):
                    await self._follow(positions, until)
        finally:
            await asyncio.shield(self._release(held))
        return True

    def _forget(self, lost: asyncio.Event) -> None:
        """A server that crashed lost its last commits: what was folded is not known until it is read again."""
        self._progress.reset()
        lost.set()

    async def _release(self, held: Collection[Partition]) -> None:
        try:
            await self._leases.release(held)
        except DATABASE_ERRORS as reason:
            logger.info("lease_runs_out", service=self._projection.service, reason=_short(reason))

    async def _renew(self, held: Mapping[Partition, int]) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            await self._leases.renew(held)

    async def _follow(self, positions: Positions, until: Mapping[Partition, int] | None) -> None:
        bell = self._log.doorbell()
        folding: asyncio.Task[None] | None = None
        next_s = 0.0
        try:
            while until is None or not covers(self._open(positions), until):
                await self._progress.until_wanted(next_s)
                everything = self._wanted(positions)
                wanted = self._urgent(everything) if monotonic_s() < next_s else everything
                slices = await self._log.read(
                    wanted,
                    max_records=CATCH_UP_RECORDS // len(wanted) if wanted else 0,
                    max_bytes=CATCH_UP_BYTES,
                    bell=bell,
                )
                if not slices and len(wanted) < len(everything):
                    next_s = 0.0  # the bell may have rung for the others
                    continue
                if not slices and folding is None:
                    await bell.wait(DOORBELL_TIMEOUT_S)
                    continue
                steps = await self._decode(slices, positions)
                if until is not None:
                    steps = [step for step in steps if step.offset < until.get(step.partition, 0)]
                began_s, is_small = monotonic_s(), len(steps) < AT_A_STRETCH
                before, folding = folding, None
                if steps:
                    folding = asyncio.create_task(self._folder.fold(steps, before))
                if before is not None:
                    await before
                if folding is not None and is_small:
                    await folding
                    folding = None
                if steps and len(wanted) == len(everything):
                    next_s = began_s + self._pace_s if is_small else 0.0
            if folding is not None:
                await folding
                folding = None
        finally:
            bell.close()
            if folding is not None:
                folding.cancel()
                await asyncio.wait([folding])

    @property
    def _pace_s(self) -> float:
        return FOLD_EVERY_S if self._folder.was_news else QUIET_EVERY_S

    def _open(self, positions: Positions) -> Positions:
        """Without partitions that were stopped."""
        return {p: offset for p, offset in positions.items() if p not in self._progress.stopped}

    def _urgent(self, wanted: Positions) -> Positions:
        """Without what may come later, unless somebody waits for it."""
        urgent = self._progress.urgent() if self._projection.patient else ()
        return {p: offset for p, offset in wanted.items() if p.topic not in self._projection.patient or p in urgent}

    def _wanted(self, positions: Positions) -> Positions:
        """What to read next: everything when following; those furthest behind, filling a batch, when catching up.

        A batch of few partitions is about few people, so their rows come to lie together.
        """
        open_ = self._open(positions)
        lags = {p: self._progress.ends.get(p, 0) - offset for p, offset in open_.items()}
        if sum(lag for lag in lags.values() if lag > 0) <= CATCH_UP_RECORDS:
            return open_
        chosen: Positions = {}
        filled = 0
        for partition in sorted(lags, key=lags.__getitem__, reverse=True):
            chosen[partition] = open_[partition]
            filled += lags[partition]
            if filled >= CATCH_UP_RECORDS:
                break
        return chosen

    async def _decode(self, slices: Sequence[Slice], positions: Positions) -> list[Step]:
        steps: list[Step] = []
        for piece in slices:
            decoded, again = steps_of([piece], positions)
            self._progress.redelivered += again
            steps += decoded
            if len(steps) % AT_A_STRETCH < len(decoded):
                await asyncio.sleep(0)
        return steps

    async def _compare_with_log(self, held: Collection[Partition]) -> None:
        """The log must still hold what was folded from it: the same log, and the same last record. Raises LogBroken."""
        async with self._engine.connect() as connection:
            rows = (await connection.execute(select(checkpoints))).mappings().all()
        last = {}
        for row in rows:
            partition = Partition(row["topic"], row["partition"])
            if row["log_id"] != self._log.log_id:
                raise LogBroken(f"log replaced: {self._projection.service} was folded from log {row['log_id']}")
            if partition in held and row["next_offset"] > 0:
                last[partition] = (row["next_offset"] - 1, row["last_digest"])
        await self._compare_last_records(last)

    async def _compare_last_records(self, last: Mapping[Partition, tuple[int, str]]) -> None:
        ends = await self._log.ends(self._projection.topics)
        self._progress.saw_ends(ends)
        for partition, (offset, _) in last.items():
            if (end := ends.get(partition, 0)) <= offset:
                raise LogBroken(f"log went backwards: {partition} ends at {end}, {offset + 1} records were folded")
        read = await self._log.read({p: offset for p, (offset, _) in last.items()}, max_records=1, max_bytes=1)
        found = {piece.partition: digest_of(piece.records[0].value) for piece in read}
        for partition, (offset, digest) in last.items():
            if found.get(partition) != digest:
                raise LogBroken(f"log replaced: record {offset} of {partition} is not the one that was folded")


async def _end(lost: asyncio.Event) -> None:
    await lost.wait()
    raise ConnectionResetError("the database's connection was lost")


def _short(reason: BaseException) -> str:
    state = sqlstate_of(reason) if isinstance(reason, Exception) else ""
    return f"{type(reason).__name__} {state}".strip() if state else (str(reason).splitlines() or [""])[0][:200]
