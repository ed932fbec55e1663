"""`append`: the log port with one partition against COPY of the same bytes into a bare table."""

import io
import struct
from statistics import median
from time import perf_counter

import asyncpg

from benchmarks.events import Events
from benchmarks.figures import Benchmark, Figure, Outcome
from benchmarks.library import LOG, NODES, connected, new_log, postgres
from benchmarks.system import run
from libs.events.log import EventLog, Record
from libs.events.topics import INTERACTIONS

TOGETHER = 1_000
ROUNDS = 7
_COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_COPY_END = struct.pack(">h", -1)


def append(size: int) -> Outcome:
    with postgres() as server:
        appended, copied, in_one = run(_measure(server.url(LOG), size))
    note = f"all {size:,} rows in one COPY and one commit: {in_one:,.0f} rows/s"
    return Outcome([Figure("append", appended, "events/s", copied, 1.5)], [note])


async def _measure(url: str, size: int) -> tuple[float, float, float]:
    appended, copied, in_one = [], [], []
    async with new_log(url) as log, connected(url) as connection:
        await connection.execute("CREATE TABLE bare (value bytea STORAGE EXTERNAL NOT NULL)")
        for seed in range(ROUNDS + 1):
            events = list(Events(seed).many(size))
            groups = [events[start : start + TOGETHER] for start in range(0, size, TOGETHER)]
            copied.append(size / await _copy(connection, groups))
            in_one.append(size / await _copy(connection, [events]))
            appended.append(size / await _append(log, groups, NODES.key("crm:1")))
    return median(appended[1:]), median(copied[1:]), median(in_one[1:])


async def _append(log: EventLog, groups: list[list[bytes]], key: bytes) -> float:
    batches = [[Record(key, event) for event in group] for group in groups]
    began_s = perf_counter()
    for records in batches:
        await log.append(INTERACTIONS.name, records)
    return perf_counter() - began_s


async def _copy(connection: asyncpg.Connection, groups: list[list[bytes]]) -> float:
    """Ready bytes in PostgreSQL's binary format, one durable commit a group."""
    await connection.execute("TRUNCATE bare")
    streams = [_COPY_HEAD + b"".join(map(_row, group)) + _COPY_END for group in groups]
    began_s = perf_counter()
    for stream in streams:
        await connection.copy_to_table("bare", source=io.BytesIO(stream), format="binary")
    return perf_counter() - began_s


def _row(value: bytes) -> bytes:
    return struct.pack(">hi", 1, len(value)) + value


BENCHMARKS = {"append": Benchmark(append, 100_000, "events a round")}
