"""Generations: a projection's tables are a schema of their own, made by folding the log from offset 0.

That is how a table changes here. Code with a higher version folds a new generation beside the live one and switches
when it has caught up; a rebuild throws one away and folds it again. Nothing is ever migrated.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import MetaData, Table, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.schema import CreateSchema, DropSchema

from libs.events import bookkeeping
from libs.events.bookkeeping import checkpoints, leases
from libs.events.fold import Projection, known_tables
from libs.events.position import Partition

BUILDING, LIVE, SCRATCH = "building", "live", "scratch"

_LOCK = "rapport generations"
_table = bookkeeping.generations


class GenerationRefused(Exception):
    """This code must not fold into this database; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One schema of one projection."""

    schema: str
    number: int
    version: int
    fingerprint: str
    state: str

    @property
    def is_live(self) -> bool:
        return self.state == LIVE


class Generations:
    """The generations in one service's database."""

    def __init__(self, control: AsyncEngine, projection: Projection) -> None:
        self._control = control
        self._projection = projection

    async def find(self) -> Generation | None:
        """This code's generation, where there is one (being built, or live)."""
        async with self._locked() as connection:
            return self._mine(await self._all(connection))

    async def find_or_make(self, log_id: UUID, partitions: Sequence[Partition]) -> Generation:
        """This code's generation; a new one where there is none. Raises GenerationRefused."""
        async with self._locked() as connection:
            found = await self._all(connection)
            if mine := self._mine(found):
                return mine
            if newer := [g for g in found if g.is_live and g.version > self._projection.version]:
                raise GenerationRefused(
                    f"{self._projection.service}: this code is version {self._projection.version}, "
                    f"the database is at version {newer[0].version}; run the newer code"
                )
            return await self._make(connection, BUILDING, log_id, partitions)

    async def start_over(self, log_id: UUID, partitions: Sequence[Partition]) -> Generation:
        """Drop this code's generation with all its rows and make an empty one, in one transaction."""
        async with self._locked() as connection:
            if mine := self._mine(await self._all(connection)):
                await self._drop(connection, mine)
            return await self._make(connection, BUILDING, log_id, partitions)

    async def make_scratch(self, log_id: UUID, partitions: Sequence[Partition]) -> Generation:
        """An empty generation that nobody serves, to be compared and dropped."""
        async with self._locked() as connection:
            return await self._make(connection, SCRATCH, log_id, partitions)

    async def go_live(self, generation: Generation) -> Generation:
        """Serve this generation from now on and drop those of lower versions."""
        async with self._locked() as connection:
            for other in await self._all(connection):
                if other.version < generation.version and other.state != SCRATCH:
                    await self._drop(connection, other)
            mine = _table.c.schema_name == generation.schema
            await connection.execute(update(_table).where(mine).values(state=LIVE))
        return Generation(generation.schema, generation.number, generation.version, generation.fingerprint, LIVE)

    async def is_served(self, generation: Generation) -> bool:
        """Whether this generation is the one that is served by now. Waits for nobody who makes or drops one."""
        async with self._control.connect() as connection:
            state = await connection.scalar(select(_table.c.state).where(_table.c.schema_name == generation.schema))
        return state == LIVE

    async def drop(self, generation: Generation) -> None:
        async with self._locked() as connection:
            await self._drop(connection, generation)

    async def drop_abandoned(self) -> None:
        """Remove what interrupted comparisons left behind; what somebody still folds stays."""
        async with self._locked() as connection:
            for generation in await self._all(connection):
                if generation.state == SCRATCH:
                    inside = leases.to_metadata(MetaData(), schema=generation.schema)
                    held = select(inside.c.holder).where(inside.c.expires_at > func.clock_timestamp())
                    if (await connection.execute(held)).first() is None:
                        await self._drop(connection, generation)

    def _locked(self) -> "_Locked":
        return _Locked(self._control)

    def _mine(self, found: Iterable[Generation]) -> Generation | None:
        """Raises GenerationRefused where the tables were made by other code of the same version."""
        for generation in found:
            if generation.version == self._projection.version and generation.state != SCRATCH:
                if generation.fingerprint != self._projection.fingerprint:
                    raise GenerationRefused(
                        f"{self._projection.service}: the tables were folded by other code of the same version "
                        f"{generation.version}; a changed projection needs a higher version, or `rapport rebuild` "
                        "after dropping its database"
                    )
                return generation
        return None

    async def _all(self, connection: AsyncConnection) -> list[Generation]:
        rows = await connection.execute(
            select(_table.c.schema_name, _table.c.number, _table.c.version, _table.c.fingerprint, _table.c.state)
            .order_by(_table.c.number.desc())
        )  # fmt: skip
        return [Generation(*row) for row in rows]

    async def _make(
        self, connection: AsyncConnection, state: str, log_id: UUID, partitions: Sequence[Partition]
    ) -> Generation:
        number = await connection.scalar(select(bookkeeping.generation_numbers.next_value())) or 0
        made = Generation(f"g{number}", number, self._projection.version, self._projection.fingerprint, state)
        await connection.execute(
            insert(_table).values(
                schema_name=made.schema,
                number=number,
                version=made.version,
                fingerprint=made.fingerprint,
                state=state,
            )
        )
        await connection.execute(CreateSchema(made.schema))
        inside = await connection.execution_options(schema_translate_map={None: made.schema, "rapport": "rapport"})
        for metadata in (bookkeeping.METADATA, *self._projection.metadatas):
            await inside.run_sync(metadata.create_all, checkfirst=False)
        places = [{"topic": p.topic, "partition": p.number} for p in partitions]
        await inside.execute(insert(checkpoints).values(next_offset=0, log_id=log_id), places)
        await inside.execute(insert(leases), places)
        return made

    async def _drop(self, connection: AsyncConnection, generation: Generation) -> None:
        await connection.execute(DropSchema(generation.schema, cascade=True, if_exists=True))
        await connection.execute(_table.delete().where(_table.c.schema_name == generation.schema))


class _Locked:
    """One transaction in which nobody else makes, switches or drops generations; the control table exists in it."""

    def __init__(self, control: AsyncEngine) -> None:
        self._transaction = control.begin()

    async def __aenter__(self) -> AsyncConnection:
        connection = await self._transaction.__aenter__()
        await connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(_LOCK))))
        await connection.execute(text("CREATE SCHEMA IF NOT EXISTS rapport"))
        await connection.run_sync(bookkeeping.CONTROL.create_all)
        return connection

    async def __aexit__(self, *error: object) -> None:
        await self._transaction.__aexit__(*error)  # type: ignore[arg-type]


def tables_to_compare(projection: Projection) -> list[Table]:
    """The tables whose rows are a function of the log, by name."""
    return sorted([*known_tables(projection).values(), *bookkeeping.COMPARED], key=lambda table: table.name)
