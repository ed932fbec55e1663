"""How far every service is, read from its database and the log; nothing is written."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
from sqlalchemy import MetaData, RowMapping, Table, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events import bookkeeping
from libs.events.clock import monotonic_s
from libs.events.copying import DATABASE_ERRORS
from libs.events.database import for_control
from libs.events.generations import LIVE, SCRATCH
from libs.events.log import EventLog
from libs.events.position import Partition, Positions
from services.cli.system import Place, System

SAMPLE_S = 0.5  # long enough for a rate, short enough for whoever waits
HEALTH_TIMEOUT_S = 2.0

_generations = bookkeeping.generations


class GenerationFigures(msgspec.Struct, frozen=True):
    schema: str
    version: int
    state: str


class PartitionFigures(msgspec.Struct, frozen=True):
    """`rate` is in records a second, 0 where nothing is behind."""

    topic: str
    partition: int
    position: int
    end: int
    lag: int
    rate: float
    parked_keys: int


class ServiceFigures(msgspec.Struct, frozen=True):
    """`state` is `ready`, `not_ready` or `down`, with its reason."""

    name: str
    url: str
    state: str
    reason: str
    generation: GenerationFigures | None
    lag: int
    rate: float
    parked_keys: int
    partitions: list[PartitionFigures]


class SystemFigures(msgspec.Struct, frozen=True):
    log: str
    services: list[ServiceFigures]


@dataclass(slots=True)
class Folded:
    """What a service's database says; `problem` where it cannot be asked."""

    generation: GenerationFigures | None = None
    reached: Positions = field(default_factory=dict)
    parked: dict[Partition, int] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Sample:
    then: Folded
    now: Folded
    seconds: float

    def rate(self, partition: Partition) -> float:
        """0 where the tables were exchanged in between."""
        if self.then.generation != self.now.generation:
            return 0.0
        now = self.now.reached[partition]
        return round((now - self.then.reached.get(partition, now)) / self.seconds, 1)


async def figures(system: System, log: EventLog) -> SystemFigures:
    """Ask everything once, and once more after a moment where something is behind."""
    places = list(system.places.values())
    asked_s = monotonic_s()
    folded = {place.name: await folded_of(place) for place in places}
    async with asking_health() as client:
        found = await asyncio.gather(*(health(client, place) for place in places))
    states = dict(zip(system.places, found, strict=True))
    ends = await log.ends([topic for place in places for topic in place.entry.projection.topics])
    later = folded
    seconds = 1.0
    if any(ends.get(p, 0) > offset for each in folded.values() for p, offset in each.reached.items()):
        await asyncio.sleep(SAMPLE_S)
        seconds = max(SAMPLE_S, monotonic_s() - asked_s)
        later = {place.name: await folded_of(place) for place in places}
    services = [
        _service(place, states[place.name], _Sample(folded[place.name], later[place.name], seconds), ends)
        for place in places
    ]
    return SystemFigures(str(log.log_id), services)


def _service(place: Place, health: tuple[str, str], sample: "_Sample", ends: Mapping[Partition, int]) -> ServiceFigures:
    now = sample.now
    partitions = [
        PartitionFigures(
            topic=partition.topic,
            partition=partition.number,
            position=reached,
            end=max(reached, ends.get(partition, 0)),
            lag=max(0, ends.get(partition, 0) - reached),
            rate=sample.rate(partition),
            parked_keys=now.parked.get(partition, 0),
        )
        for partition, reached in sorted(now.reached.items())
    ]
    state, reason = health
    return ServiceFigures(
        name=place.name,
        url=place.url,
        state=state,
        reason="; ".join(filter(None, (reason, now.problem))),
        generation=now.generation,
        lag=sum(each.lag for each in partitions),
        rate=round(sum(each.rate for each in partitions), 1),
        parked_keys=sum(now.parked.values()),
        partitions=partitions,
    )


def asking_health() -> httpx.AsyncClient:
    """To be made once for many questions: it reads all certificates of this machine."""
    return httpx.AsyncClient(timeout=HEALTH_TIMEOUT_S, trust_env=False)


async def health(client: httpx.AsyncClient, place: Place) -> tuple[str, str]:
    """`ready`, `not_ready` or `down`, and why."""
    try:
        answer = await client.get(f"{place.url}/readyz")
        checks: dict[str, dict[str, Any]] = answer.json()["checks"]
    except httpx.HTTPError as reason:
        return "down", f"no answer at {place.url} ({type(reason).__name__})"
    except (ValueError, KeyError):
        return "down", f"what answers at {place.url} is no service of Rapport"
    if answer.status_code == httpx.codes.OK:
        return "ready", ""
    return "not_ready", "; ".join(filter(None, (_fault(name, check) for name, check in checks.items())))


def _fault(name: str, check: dict[str, Any]) -> str:
    match check:
        case {"ok": True}:
            return ""
        case {"reason": str(reason)}:
            return f"{name}: {reason}"
        case {"stopped": {**stopped}} if stopped:
            return "; ".join(f"{partition} stopped: {reason}" for partition, reason in stopped.items())
        case {"records": int(records)}:
            return f"{records} records behind"
        case _:
            return f"{name} is not ready"


async def folded_of(place: Place) -> Folded:
    """Where the tables of a service stand."""
    if place.database_url is None:
        return Folded(problem=f"DATABASE_URL_{place.name.upper()} is not set")
    try:
        async with reading(place) as connection:
            row = await current_generation(connection)
            if row is None:
                return Folded(problem="no tables yet")
            reached = await _by_partition(connection, row["schema_name"])
            parked = await _parked(connection, row["schema_name"])
    except DATABASE_ERRORS as reason:
        return Folded(problem=f"its database cannot be read ({type(reason).__name__})")
    return Folded(GenerationFigures(row["schema_name"], row["version"], row["state"]), reached, parked)


@asynccontextmanager
async def reading(place: Place) -> AsyncIterator[AsyncConnection]:
    """A connection to a service's database."""
    engine = for_control(place.database)
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


async def current_generation(connection: AsyncConnection) -> RowMapping | None:
    """The live generation; else the newest that is being built; None where there is none."""
    if await connection.scalar(select(func.to_regclass("rapport.generations"))) is None:
        return None
    live_first = case((_generations.c.state == LIVE, 0), else_=1)
    statement = (
        select(_generations.c.schema_name, _generations.c.version, _generations.c.state)
        .where(_generations.c.state != SCRATCH)
        .order_by(live_first, _generations.c.version.desc(), _generations.c.number.desc())
        .limit(1)
    )
    return (await connection.execute(statement)).mappings().first()


def inside(table: Table, schema: str) -> Table:
    """A table as it stands in one generation."""
    return table.to_metadata(MetaData(), schema=schema)


async def _by_partition(connection: AsyncConnection, schema: str) -> Positions:
    table = inside(bookkeeping.checkpoints, schema)
    rows = await connection.execute(select(table.c.topic, table.c.partition, table.c.next_offset))
    return {Partition(topic, number): offset for topic, number, offset in rows}


async def _parked(connection: AsyncConnection, schema: str) -> dict[Partition, int]:
    keys = inside(bookkeeping.parked_keys, schema)
    statement = select(keys.c.topic, keys.c.partition, func.count()).group_by(keys.c.topic, keys.c.partition)
    return {Partition(topic, number): count for topic, number, count in await connection.execute(statement)}
