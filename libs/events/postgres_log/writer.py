"""Group commit: one writer a process puts everything that waits into the next transaction.

There is no linger timer. While one commit flushes, the next group gathers; a lone append is committed at once, and
thirty-two callers share a flush. An append is answered when its commit is durable.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from libs.events.clock import monotonic_s
from libs.events.log import Appended, AppendRefused, AppendUnknown, LogOverloaded, Record, Span
from libs.events.position import Partition
from libs.events.postgres_log import batches
from libs.events.postgres_log.connection import CONNECTION_ERRORS, connect
from libs.events.postgres_log.doorbell import Doorbells

COMMIT_TIMEOUT_S = 5.0  # after this a caller is told "unknown"; a healthy flush takes milliseconds
MAX_BATCH_RECORDS = 1_000  # a row of log_batches; readers fetch whole rows
MAX_BATCH_BYTES = 1 << 20
MAX_COMMIT_BYTES = 8 << 20  # keeps one commit, and so everybody's wait, short
MAX_WAITING_BYTES = 64 << 20  # beyond this the process would rather refuse than grow
RETRY_S = 0.2
THREADS_FROM_BYTES = 512 << 10  # below this handing work to threads costs more than it saves

_APPEND = "SELECT first_offset FROM log_append($1, $2, $3, $4, $5)"

# SQLSTATE classes that may come after the commit took effect: connection, operator intervention, system, internal.
_UNCERTAIN = ("08", "57", "58", "XX")


@dataclass(slots=True)
class Waiting:
    """One caller's append, by partition; `starts` says where its records begin in the group's, one a partition."""

    topic: str
    groups: Mapping[Partition, Sequence[Record]]
    size: int
    done: asyncio.Future[Appended]
    since_s: float
    starts: list[int] = field(default_factory=list)


class Writer:
    """Takes appends from any task of this process; `run` commits them."""

    def __init__(self, url: str, doorbells: Doorbells) -> None:
        self._url = url
        self._doorbells = doorbells
        self._waiting: deque[Waiting] = deque()
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._connection: asyncpg.Connection | None = None
        self._append: PreparedStatement[asyncpg.Record]
        self._stopped = False

    def put(self, topic: str, groups: Mapping[Partition, Sequence[Record]], size: int) -> asyncio.Future[Appended]:
        """Queue an append; the future ends as `EventLog.append` does. Raises LogOverloaded at once when full."""
        if self._stopped:
            raise AppendRefused("the log is closed")
        if self._waiting_bytes + size > MAX_WAITING_BYTES:
            raise LogOverloaded("too much waits to be written")
        done: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(topic, groups, size, done, monotonic_s()))
        self._waiting_bytes += size
        self._arrived.set()
        return done

    async def run(self) -> None:
        """Commit group after group until cancelled; then tell whoever still waits."""
        group: list[Waiting] = []
        try:
            while True:
                await self._arrived.wait()
                await asyncio.sleep(0)  # whoever was just answered, or has just arrived, gets into this group too
                group = self._take()
                await self._commit(group)
        finally:
            self._stopped = True
            _fail(group, AppendUnknown("the writer stopped"))
            _fail(self._waiting, AppendRefused("the writer stopped"))
            self._drop_connection()

    def _take(self) -> list[Waiting]:
        group: list[Waiting] = []
        size = 0
        while self._waiting and (not group or size + self._waiting[0].size <= MAX_COMMIT_BYTES):
            size += self._waiting[0].size
            group.append(self._waiting.popleft())
        self._waiting_bytes -= size
        if not self._waiting:
            self._arrived.clear()
        return group

    async def _commit(self, group: list[Waiting]) -> None:
        left_s = max(COMMIT_TIMEOUT_S / 10, group[0].since_s + COMMIT_TIMEOUT_S - monotonic_s())
        try:
            await self._connect(left_s)
        except CONNECTION_ERRORS as reason:
            _fail(group, AppendRefused(f"the log's database cannot be reached ({type(reason).__name__})"))
            await asyncio.sleep(RETRY_S)
            return
        cut = _batches(_gather(group))
        columns = (
            [batch.partition.topic for batch in cut],
            [batch.partition.number for batch in cut],
            [len(batch.records) for batch in cut],
            [batch.size for batch in cut],
            await _bodies(cut),
        )
        try:
            firsts = await self._append.fetch(*columns, timeout=left_s)
        except CONNECTION_ERRORS as reason:
            outcome = _outcome(reason)
            self._drop_connection()
            if isinstance(outcome, AppendRefused) and len(group) > 1:
                await self._commit_each(group)
            else:
                _fail(group, outcome)
            return
        base: dict[Partition, int] = {}
        for batch, (first,) in zip(cut, firsts, strict=True):
            base.setdefault(batch.partition, first)
        self._doorbells.ring()
        _answer(group, base)

    async def _commit_each(self, group: list[Waiting]) -> None:
        """One append that is refused takes no other with it."""
        for waiting in group:
            waiting.starts.clear()
            await self._commit([waiting])

    async def _connect(self, timeout_s: float) -> None:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._url, timeout_s=timeout_s)
            self._append = await self._connection.prepare(_APPEND, timeout=timeout_s)
            self._doorbells.own_pid = self._connection.get_server_pid()

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
            self._doorbells.own_pid = None


class _Batch(NamedTuple):
    partition: Partition
    records: list[Record]
    size: int


def _gather(group: list[Waiting]) -> dict[Partition, list[Record]]:
    """All records by partition; each caller remembers where its own begin."""
    gathered: dict[Partition, list[Record]] = {}
    for waiting in group:
        for partition, records in waiting.groups.items():
            into = gathered.get(partition)
            if into is None:
                into = gathered[partition] = []
            waiting.starts.append(len(into))
            into.extend(records)
    return gathered


def _batches(gathered: Mapping[Partition, list[Record]]) -> list[_Batch]:
    """In the order in which every writer locks heads."""
    cut = []
    for partition, records in sorted(gathered.items()):
        start = 0
        while start < len(records):
            stop, size = start, 0
            while stop < len(records) and stop - start < MAX_BATCH_RECORDS and size < MAX_BATCH_BYTES:
                size += len(records[stop].value)
                stop += 1
            cut.append(_Batch(partition, records[start:stop], size))
            start = stop
    return cut


async def _bodies(cut: list[_Batch]) -> list[bytes]:
    """Each batch as its bytes; large ones are deflated side by side, which needs no lock of the interpreter."""
    if sum(batch.size for batch in cut) < THREADS_FROM_BYTES:
        return [batches.encode(batch.records) for batch in cut]
    return await asyncio.gather(*(asyncio.to_thread(batches.encode, batch.records) for batch in cut))


def _answer(group: list[Waiting], base: Mapping[Partition, int]) -> None:
    for waiting in group:
        if not waiting.done.done():
            placed = zip(waiting.groups.items(), waiting.starts, strict=True)
            spans = {p.number: Span(base[p] + start, len(records)) for (p, records), start in placed}
            waiting.done.set_result(Appended(waiting.topic, spans))


def _outcome(reason: Exception) -> AppendRefused | AppendUnknown:
    if isinstance(reason, asyncpg.PostgresError) and not (reason.sqlstate or "XX").startswith(_UNCERTAIN):
        return AppendRefused(f"the log's database refused it ({type(reason).__name__})")
    return AppendUnknown(f"the log's database did not answer ({type(reason).__name__})")


def _fail(group: Sequence[Waiting] | deque[Waiting], outcome: AppendRefused | AppendUnknown) -> None:
    for waiting in group:
        if not waiting.done.done():
            waiting.done.set_exception(outcome)
