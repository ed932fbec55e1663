"""`append`: the log port with one partition against COPY of the same bytes into a bare table.

The port is driven as its callers drive it: a few appends of 1,000 records wait at any time, and the writer commits what
has gathered. COPY gets its rows ready in PostgreSQL's text format, as everywhere in these benchmarks, one row a record,
no index, and may commit them all at once. Binary COPY, which saves PostgreSQL the parsing of bytes, is a note.
"""

import asyncio
import io
import struct
from collections.abc import Iterable
from statistics import median
from time import perf_counter
from typing import Literal

import asyncpg

from benchmarks.events import Events
from benchmarks.figures import Benchmark, Figure, Outcome
from benchmarks.library import LOG, NODES, connected, new_log, postgres
from benchmarks.system import run
from libs.events.log import EventLog, Record
from libs.events.topics import INTERACTIONS

TOGETHER = 1_000
CALLERS = 4
ROUNDS = 7
_COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_COPY_END = struct.pack(">h", -1)


def append(size: int) -> Outcome:
    with postgres() as server:
        rates = run(_measure(server.url(LOG), size))
    notes = [
        f"one caller that waits for each answer: {rates['alone']:,.0f} events/s",
        f"COPY in binary format: {rates['binary']:,.0f} rows/s",
    ]
    return Outcome([Figure("append", rates["append"], "events/s", rates["text"], 1.5)], notes)


async def _measure(url: str, size: int) -> dict[str, float]:
    seconds: dict[str, list[float]] = {"append": [], "alone": [], "text": [], "binary": []}
    async with new_log(url) as log, connected(url) as connection:
        await connection.execute("CREATE TABLE bare (value bytea STORAGE EXTERNAL NOT NULL)")
        for seed in range(ROUNDS + 1):
            events = list(Events(seed).many(size))
            text = "".join(f"\\\\x{event.hex()}\n" for event in events).encode()
            binary = _COPY_HEAD + b"".join(map(_row, events)) + _COPY_END
            seconds["text"].append(await _copy(connection, text, "text"))
            seconds["binary"].append(await _copy(connection, binary, "binary"))
            key = NODES.key("crm:1")
            groups = [[Record(key, event) for event in events[n : n + TOGETHER]] for n in range(0, size, TOGETHER)]
            seconds["append"].append(await _append(log, groups, CALLERS))
            seconds["alone"].append(await _append(log, groups, 1))
    return {name: size / median(taken[1:]) for name, taken in seconds.items()}


async def _append(log: EventLog, groups: list[list[Record]], callers: int) -> float:
    waiting = iter(groups)
    began_s = perf_counter()
    await asyncio.gather(*(_append_each(log, waiting) for _ in range(callers)))
    return perf_counter() - began_s


async def _append_each(log: EventLog, waiting: Iterable[list[Record]]) -> None:
    for records in waiting:
        await log.append(INTERACTIONS.name, records)


async def _copy(connection: asyncpg.Connection, stream: bytes, form: Literal["text", "binary"]) -> float:
    """One COPY of ready bytes, durable at its end."""
    await connection.execute("TRUNCATE bare")
    began_s = perf_counter()
    await connection.copy_to_table("bare", source=io.BytesIO(stream), format=form)
    return perf_counter() - began_s


def _row(value: bytes) -> bytes:
    return struct.pack(">hi", 1, len(value)) + value


BENCHMARKS = {"append": Benchmark(append, 100_000, "events a round")}
