"""One fold transaction: rows and position move together, or neither does.

In order: the checkpoints advance by compare-and-set with this holder's epochs; repeated names and parked keys are
sorted out; rows are folded in memory and written with one statement a table; commit. A pure function that raises, or
an SQL error of class 22 or 23 that comes again when the record is folded alone, parks the record's key. Everything
else is the world's fault and is left to the caller, who tries again.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    Select,
    Table,
    Text,
    Uuid,
    bindparam,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.events.bookkeeping import checkpoints, duplicates, parked_keys, parked_records, quarantined
from libs.events.copying import DATABASE_ERRORS, TextRow, copy_rows, sqlstate_of
from libs.events.envelope import same_content
from libs.events.failpoints import pass_by
from libs.events.fold import Fact, Projection, Row, RowKey
from libs.events.leases import Epochs, LeaseLost
from libs.events.log import EventLog
from libs.events.position import Partition, Positions
from libs.events.progress import Progress
from libs.events.rowstore import load, write
from libs.events.sorting import First, ParkedKey, Sorter, TooManyParked, keys_by_fold, repeat_row
from libs.events.steps import Step, Unreadable, ends_of

_PERMANENT = ("22", "23")
_TIMED_OUT = "57014"


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
    ) -> None:
        self._projection = projection
        self._engine = engine
        self._log = log
        self._progress = progress
        self._limited = limited
        self._epochs: Epochs = {}
        self._parked: set[ParkedKey] = set()
        self._stopped_at: Positions = {}
        self._advancing = _advancing(projection.memory.table)

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

    async def fold(self, steps: Sequence[Step]) -> None:
        """Fold a batch, in halves where it must be. Raises LeaseLost, LogError and database errors to try again.

        After an error the batch may be given again whole: what was committed is left out.
        """
        steps = [s for s in steps if s.offset >= self._progress.reached[s.partition] and not self._stands(s)]
        if not steps:
            return
        try:
            await self._commit(steps)
        except TooManyParked as reason:
            self._stopped_at[reason.partition] = reason.offset
            self._progress.stopped[reason.partition] = str(reason)
            await self.fold(steps)
        except DATABASE_ERRORS as error:
            state = sqlstate_of(error)
            if len(steps) > 1 and (state.startswith(_PERMANENT) or state == _TIMED_OUT):
                await self.fold(steps[: len(steps) // 2])
                await self.fold(steps[len(steps) // 2 :])
            elif state.startswith(_PERMANENT) and isinstance(steps[0], Fact):
                await self.fold([_unstorable(steps[0], state)])
            else:
                raise

    def _stands(self, step: Step) -> bool:
        return step.offset >= self._stopped_at.get(step.partition, step.offset + 1)

    async def _commit(self, steps: list[Step]) -> None:
        pass_by("fold.before_transaction")
        parked = set(self._parked)
        moved = ends_of(steps)
        async with self._engine.begin() as connection:
            names = [step.name for step in steps if isinstance(step, Fact)]
            seen = await self._advance(connection, moved, names)
            sorter = await self._sort(connection, steps, seen, parked)
            suspects = await self._judge(sorter)
            await self._write(connection, sorter, suspects)
            pass_by("fold.before_commit")
        pass_by("fold.after_commit")
        self._parked = parked
        self._progress.folded += len(sorter.memory)
        self._progress.duplicates += len(sorter.duplicates)
        self._progress.quarantined += len(suspects)
        self._progress.parked_keys = len(parked)
        self._progress.advance({partition: next_offset for partition, (_, next_offset, _) in moved.items()})

    async def _advance(
        self, connection: AsyncConnection, moved: Mapping[Partition, tuple[int, int, str]], names: list[str]
    ) -> dict[str, First]:
        """Move the checkpoints, or raise LeaseLost; says which names were seen before. One statement for both."""
        arguments = {
            "topics": [p.topic for p in moved],
            "partitions": [p.number for p in moved],
            "firsts": [first for first, _, _ in moved.values()],
            "nexts": [next_ for _, next_, _ in moved.values()],
            "digests": [digest for _, _, digest in moved.values()],
            "epochs": [self._epochs[p] for p in moved],
            "names": names,
        }
        rows = (await connection.execute(self._advancing, arguments)).all()
        if rows[0].moved != len(moved):
            raise LeaseLost("a checkpoint was moved by another process")
        return {row.name.hex: First(row.digest.hex, row.offset) for row in rows if row.name is not None}

    async def _sort(
        self, connection: AsyncConnection, steps: list[Step], seen: dict[str, First], parked: set[ParkedKey]
    ) -> Sorter:
        states: dict[tuple[str, RowKey], Row | None] = {}
        for fold, keys in keys_by_fold(self._projection, steps).items():
            states |= {(fold.table.name, key): row for key, row in (await load(connection, fold, keys)).items()}
        sorter = Sorter(self._projection, seen, parked, states, limited=self._limited())
        for step in steps:
            sorter.take(step)
        return sorter

    async def _judge(self, sorter: Sorter) -> list[TextRow]:
        """Suspects that say the same in other bytes become duplicates; the rest is for the quarantine."""
        guilty: list[TextRow] = []
        for fact, first_offset in sorter.suspects:
            both = [await self._value(fact.partition, offset) for offset in (first_offset, fact.offset)]
            repeat = repeat_row(fact, first_offset)
            (sorter.duplicates if same_content(*both) else guilty).append(repeat)
        return guilty

    async def _value(self, partition: Partition, offset: int) -> bytes:
        slices = await self._log.read({partition: offset}, max_records=1, max_bytes=1)
        return slices[0].records[0].value

    async def _write(self, connection: AsyncConnection, sorter: Sorter, suspects: list[TextRow]) -> None:
        memory = self._projection.memory
        sorter.memory.sort(key=lambda row: row[memory.order] or "")
        await copy_rows(connection, memory.table, sorter.memory)
        await copy_rows(connection, duplicates, sorter.duplicates)
        await copy_rows(connection, quarantined, suspects)
        await copy_rows(connection, parked_records, sorter.held)
        for fold in self._projection.rows:
            changed = {key: sorter.states[table, key] for table, key in sorter.changed if table == fold.table.name}
            await write(connection, fold, changed)
        if sorter.newly_parked:
            rows = [
                {"topic": partition.topic, "partition": partition.number, "key": key, "since_offset": offset}
                for partition, key, offset in sorter.newly_parked
            ]
            await connection.execute(insert(parked_keys), rows)


_GIVEN = func.unnest(
    bindparam("topics", type_=ARRAY(Text)),
    bindparam("partitions", type_=ARRAY(Integer)),
    bindparam("firsts", type_=ARRAY(BigInteger)),
    bindparam("nexts", type_=ARRAY(BigInteger)),
    bindparam("digests", type_=ARRAY(Text)),
    bindparam("epochs", type_=ARRAY(BigInteger)),
)


def _advancing(memory: Table) -> Select[Any]:
    """Compare-and-set of checkpoints, and the names that the memory already holds."""
    given = _GIVEN.table_valued("topic", "partition", "first", "next", "digest", "epoch", name="given").render_derived()
    moved = (
        update(checkpoints)
        .where(
            checkpoints.c.topic == given.c.topic,
            checkpoints.c.partition == given.c.partition,
            checkpoints.c.next_offset == given.c.first,
            checkpoints.c.epoch == given.c.epoch,
        )
        .values(next_offset=given.c.next, last_digest=given.c.digest)
        .returning(checkpoints.c.partition)
        .cte("moved")
    )
    count = select(func.count().label("moved")).select_from(moved).subquery("counted")
    known = memory.c.name == func.any(bindparam("names", type_=ARRAY(Uuid)))
    return select(count.c.moved, memory.c.name, memory.c.digest, memory.c.offset).select_from(
        count.outerjoin(memory, known)
    )


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
