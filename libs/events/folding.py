"""One fold transaction: rows and position move together, or neither does.

In order: what is known of the batch is read; the judge rules on claims; repeated names, superseded decisions and parked
keys are sorted out; rows are folded in memory; they are written together with the checkpoints, which move by
compare-and-set with this holder's epochs. A pure function that raises, or an SQL error of class 22 or 23 that comes
again when the record is folded alone, parks the record's key. Everything else is the world's fault and is left to the
caller, who tries again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.events.advancing import Ends, has_unique_names, known_of
from libs.events.bookkeeping import checkpoints, duplicates, parked_keys, parked_records, quarantined, verdicts
from libs.events.catalog.registry import Kind
from libs.events.copying import DATABASE_ERRORS, sqlstate_of
from libs.events.envelope import same_content
from libs.events.failpoints import pass_by
from libs.events.fold import Fact, Projection, TextRow, request_of
from libs.events.identity import ruling
from libs.events.identity.ruling import Docket, claims_of, is_claim
from libs.events.leases import Epochs
from libs.events.log import EventLog, Record
from libs.events.position import Partition, Positions
from libs.events.progress import Progress
from libs.events.rowstore import load
from libs.events.sorting import Known, ParkedKey, Sorter, TooManyParked, keys_by_fold, repeat_row
from libs.events.steps import AT_A_STRETCH, Step, Unreadable, ends_of
from libs.events.topics import BY_NAME
from libs.events.writing import Changes, derive, write, write_at_once

logger = structlog.get_logger()

_PERMANENT = ("22", "23")
_TIMED_OUT = "57014"
_NOT_UNIQUE = "23505"
DOUBTFUL_FOLDS = 100  # for which names are asked after, once one was not new: where one came again, more will


class Folder:
    """Folds batches into one generation for one holder of partitions."""

    def __init__(
        self,
        projection: Projection,
        engine: AsyncEngine,
        log: EventLog,
        progress: Progress,
        *,
        limited: Callable[[], bool],
        heard: Callable[[Changes], None] | None = None,
    ) -> None:
        """`heard` is told of every batch that was committed, before the progress is."""
        self._projection = projection
        # Reading, and writing at once, are one statement each: a transaction around them would be two rounds more.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._transactions = engine
        self._log = log
        self._progress = progress
        self._limited = limited
        self._heard = heard
        self._epochs: Epochs = {}
        self._parked: set[ParkedKey] = set()
        self._stopped_at: Positions = {}
        self._names_are_unique = projection.memory is not None and has_unique_names(projection.memory.table)
        self._doubtful_folds = 0
        self.was_news = True
        """Whether the last batch had anything in it for this projection."""

    async def begin(self, epochs: Epochs) -> Positions:
        """Take up the given partitions where their checkpoints stand."""
        self._epochs = epochs
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(checkpoints.c.topic, checkpoints.c.partition, checkpoints.c.next_offset)
            )
            reached = {Partition(topic, number): offset for topic, number, offset in rows}
            parked = await connection.execute(select(parked_keys.c.topic, parked_keys.c.partition, parked_keys.c.key))
            self._parked = {(Partition(topic, number), key) for topic, number, key in parked}
        self._progress.parked_keys = len(self._parked)
        self._progress.start(self._log.log_id, reached)
        return {partition: reached[partition] for partition in epochs}

    async def fold(self, steps: Sequence[Step], before: Awaitable[None] | None = None) -> None:
        """Fold a batch, in halves where it must be. Raises LeaseLost, LogError and database errors to try again.

        After an error the batch may be given again whole: what was committed is left out. `before` is a fold that is
        under way, of what comes before in the log.
        """
        ahead = None
        if before is not None:
            ahead = await self._sort_ahead(self._left(steps))
            await before
        if not (steps := self._left(steps)):
            return
        try:
            await self._commit(steps, ahead)
        except TooManyParked as reason:
            self._stop(reason.partition, reason.offset, str(reason))
            await self.fold(steps)
        except DATABASE_ERRORS as error:
            state = sqlstate_of(error)
            if len(steps) > 1 and (state.startswith(_PERMANENT) or state == _TIMED_OUT):
                await self.fold(steps[: len(steps) // 2])
                await self.fold(steps[len(steps) // 2 :])
            elif state.startswith(_PERMANENT) and is_claim(steps[0]):
                self._stop(steps[0].partition, steps[0].offset, f"identity cannot be stored (SQLSTATE {state})")
            elif state.startswith(_PERMANENT) and isinstance(steps[0], Fact):
                await self.fold([_unstorable(steps[0], state)])
            else:
                raise

    def _left(self, steps: Sequence[Step]) -> list[Step]:
        """Without what was folded before, and what stands behind a stop."""
        reached = self._progress.reached
        return [step for step in steps if step.offset >= reached[step.partition] and not self._stands(step)]

    def _stop(self, partition: Partition, offset: int, reason: str) -> None:
        """Fold nothing of this partition from this offset on, and say so."""
        logger.error("partition_stopped", service=self._projection.service, partition=str(partition), offset=offset,
                     reason=reason)  # fmt: skip
        self._stopped_at[partition] = offset
        self._progress.stopped[partition] = reason

    def _stands(self, step: Step) -> bool:
        return step.offset >= self._stopped_at.get(step.partition, step.offset + 1)

    async def _sort_ahead(self, steps: list[Step]) -> "_Ahead | None":
        """While the batch before is written, where nothing that it may write can make a difference; else nothing."""
        if self._asks or self._projection.rows or any(map(_is_ruled_on, steps)):
            return None
        sorter = Sorter(self._projection, Known(), set(self._parked), Docket(), limited=self._limited())
        ahead = _Ahead(sorter, steps, len(self._parked))
        try:
            await _take(sorter, steps)
        except TooManyParked:
            return None
        return None if sorter.suspects else ahead

    @property
    def _asks(self) -> bool:
        """Whether the memory is asked for names before anything is written."""
        return self._doubtful_folds > 0 or not self._names_are_unique

    async def _commit(self, steps: list[Step], ahead: "_Ahead | None") -> None:
        """Where names are unique in the memory's table, they are taken for new: one that is not aborts the writing."""
        if self._asks:
            self._doubtful_folds = max(0, self._doubtful_folds - 1)
            await self._try(steps, ask=True)
            return
        try:
            still = ahead if ahead is not None and ahead[1:] == (steps, len(self._parked)) else None
            await self._try(steps, ask=False, ahead=still)
        except DATABASE_ERRORS as error:
            if sqlstate_of(error) != _NOT_UNIQUE:
                raise
            self._doubtful_folds = DOUBTFUL_FOLDS
            await self._try(steps, ask=True)

    async def _try(self, steps: list[Step], *, ask: bool, ahead: "_Ahead | None" = None) -> None:
        pass_by("fold.before_transaction")
        moved = ends_of(steps)
        async with self._engine.connect() as connection:
            sorter = await self._sort(connection, steps, ask=ask) if ahead is None else ahead.sorter
            guilty = await self._judge(sorter)
            changes = self._changes(sorter, guilty)
            if is_one_statement := changes.is_small and not changes.due:
                pass_by("fold.before_commit")
                await write_at_once(connection, moved, self._epochs, changes)
        if not is_one_statement:
            await self._write(moved, changes)
        pass_by("fold.after_commit")
        self.was_news = changes.is_news
        if self._heard is not None and self.was_news:
            self._heard(changes)
        self._parked = sorter.parked
        self._progress.folded += sorter.folded
        self._progress.duplicates += len(sorter.duplicates)
        self._progress.quarantined += len(guilty)
        self._progress.parked_keys = len(self._parked)
        mine = {place: told for place, told in sorter.told.items() if self._is_mine(place[0])}
        self._progress.advance({partition: next_offset for partition, (_, next_offset, _) in moved.items()}, mine)

    def _is_mine(self, partition: Partition) -> bool:
        return BY_NAME[partition.topic].writer == self._projection.service

    async def _sort(self, connection: AsyncConnection, steps: list[Step], *, ask: bool) -> Sorter:
        known = await known_of(connection, self._projection, steps, names=ask)
        docket = await ruling.rule(connection, claims_of(steps))
        for fold, keys in keys_by_fold(self._projection, steps, docket).items():
            known.states[fold.table.name].update(await load(connection, fold.table, keys))
        sorter = Sorter(self._projection, known, set(self._parked), docket, limited=self._limited())
        await _take(sorter, steps)
        return sorter

    async def _judge(self, sorter: Sorter) -> list[TextRow]:
        """Suspects that say the same in other bytes become duplicates; the rest is for the quarantine."""
        guilty: list[TextRow] = []
        for fact, first_offset in sorter.suspects:
            both = [await self._record(fact.partition, offset) for offset in (first_offset, fact.offset)]
            is_same = _says_same(*both)
            (sorter.duplicates if is_same else guilty).append(repeat_row(fact, first_offset))
            sorter.told[fact.partition, fact.offset] = "duplicate" if is_same else "quarantined"
        return guilty

    async def _record(self, partition: Partition, offset: int) -> Record:
        slices = await self._log.read({partition: offset}, max_records=1, max_bytes=1)
        return slices[0].records[0]

    async def _write(self, moved: Ends, changes: Changes) -> None:
        async with self._transactions.begin() as connection:
            await (write_at_once if changes.is_small else write)(connection, moved, self._epochs, changes)
            await derive(connection, changes.due)
            pass_by("fold.before_commit")

    def _changes(self, sorter: Sorter, guilty: list[TextRow]) -> Changes:
        changes = Changes(kept={verdicts: sorter.verdicts, **ruling.changes(sorter.docket)})
        if (memory := self._projection.memory) is not None:
            changes.appended[memory.table] = sorted(sorter.memory, key=lambda row: row[memory.order] or "")
        changes.appended |= {f.table: sorter.appended.get(f.table.name, ()) for f in self._projection.appends}
        changes.appended |= {duplicates: sorter.duplicates, quarantined: guilty, parked_records: sorter.held}
        changes.appended[parked_keys] = [
            (partition.topic, str(partition.number), key, str(offset)) for partition, key, offset in sorter.newly_parked
        ]
        for fold in self._projection.rows:
            states = sorter.changed[fold.table.name]
            changes.kept[fold.table] = [row for row in states.values() if row is not None]
            changes.removed[fold.table] = [key for key, row in states.items() if row is None]
        for span in self._projection.spans:
            rows = {key: row for (name, key), row in sorter.spans.items() if name == span.table.name}
            changes.spans[span] = rows
        if (derived := self._projection.derived) is not None:
            changes.due = derived.due(changes.kept, changes.appended)
        return changes


class _Ahead(NamedTuple):
    """A batch that was sorted while the one before was written, and what was known then of that one."""

    sorter: Sorter
    steps: list[Step]
    parked_n: int


def _is_ruled_on(step: Step) -> bool:
    """Whether what becomes of it depends on what was folded before, whatever its name."""
    return is_claim(step) or (isinstance(step, Fact) and step.kind is Kind.DECISION)


async def _take(sorter: Sorter, steps: Sequence[Step]) -> None:
    for n, step in enumerate(steps, 1):
        sorter.take(step)
        if n % AT_A_STRETCH == 0:
            await asyncio.sleep(0)


def _says_same(one: Record, other: Record) -> bool:
    """A command that was tried again says the same, whatever the clock said meanwhile."""
    requests = request_of(one.headers), request_of(other.headers)
    return requests[0] == requests[1] if any(requests) else same_content(one.value, other.value)


def _unstorable(fact: Fact, state: str) -> Unreadable:
    detail = f"the database refused its row (SQLSTATE {state})"
    return Unreadable(
        key=fact.key,
        partition=fact.partition,
        offset=fact.offset,
        recorded_at=fact.recorded_at,
        digest=fact.digest,
        code="unstorable",
        detail=detail,
        name=fact.name,
        event_id=fact.event.id,
    )
