"""Who folds which partition: lease rows by the database's clock, with an epoch that only grows.

The epoch also stands in the checkpoint and is compared by every fold, so a holder that was frozen and wakes up after
its lease has passed on can commit nothing. A new process of the same instance takes over at once; another instance
waits until the lease has run out.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.events.bookkeeping import checkpoints, leases
from libs.events.database import LEASE_S
from libs.events.position import Partition

RENEW_S = 3

Epochs = Mapping[Partition, int]


class LeaseLost(Exception):
    """Another process holds a partition that this one held."""


class Leases:
    """The leases of one generation, for one process."""

    def __init__(self, control: AsyncEngine, schema: str, instance: str, session: UUID) -> None:
        self._engine = control.execution_options(schema_translate_map={None: schema})
        self._instance = instance
        self._session = session

    async def take(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """Those of the partitions that are free, run out or held by an older process of this instance: their epochs."""
        taken = (
            update(leases)
            .where(
                _among(partitions),
                or_(leases.c.expires_at < func.clock_timestamp(), leases.c.holder == self._instance),
            )
            .values(
                holder=self._instance,
                session=self._session,
                epoch=leases.c.epoch + 1,
                expires_at=_expiry(),
            )
            .returning(leases.c.topic, leases.c.partition, leases.c.epoch)
            .cte("taken")
        )
        fence = (
            update(checkpoints)
            .where(checkpoints.c.topic == taken.c.topic, checkpoints.c.partition == taken.c.partition)
            .values(epoch=taken.c.epoch)
            .returning(checkpoints.c.topic, checkpoints.c.partition, checkpoints.c.epoch)
        )
        async with self._engine.begin() as connection:
            return {Partition(topic, number): epoch for topic, number, epoch in await connection.execute(fence)}

    async def renew(self, held: Epochs) -> None:
        """Hold on to them for another while. Raises LeaseLost if one of them has passed on."""
        statement = (
            update(leases)
            .where(_among(held), leases.c.session == self._session)
            .values(expires_at=_expiry())
            .returning(leases.c.topic, leases.c.partition, leases.c.epoch)
        )
        async with self._engine.begin() as connection:
            still = {Partition(topic, number): epoch for topic, number, epoch in await connection.execute(statement)}
        if lost := sorted(str(partition) for partition, epoch in held.items() if still.get(partition) != epoch):
            raise LeaseLost(f"another process folds {', '.join(lost)} now")

    async def release(self, held: Collection[Partition]) -> None:
        """Let others take them at once."""
        statement = update(leases).where(_among(held), leases.c.session == self._session)
        async with self._engine.begin() as connection:
            await connection.execute(statement.values(expires_at=func.clock_timestamp(), holder=None))

    async def taken_over_by_twin(self) -> bool:
        """Whether a newer process of this same instance holds partitions: then this one must end."""
        statement = select(leases.c.topic).where(leases.c.holder == self._instance, leases.c.session != self._session)
        async with self._engine.connect() as connection:
            return (await connection.execute(statement)).first() is not None


def _among(partitions: Collection[Partition]) -> ColumnElement[bool]:
    return tuple_(leases.c.topic, leases.c.partition).in_([tuple(partition) for partition in partitions])


def _expiry() -> ColumnElement[object]:
    return func.clock_timestamp() + timedelta(seconds=LEASE_S)
