"""Publishing statistics: everybody is counted in one snapshot, and how they stood becomes an event."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.bookkeeping import checkpoints
from libs.events.position import Partition, encode
from libs.events.times import utc_text
from libs.events.topics import SCORING
from libs.service.commands import Asked, Commands, Done, Draft, drafted
from libs.service.runtime import Service
from services.scoring.commands import PublishStatistics
from services.scoring.decider import decide_statistics
from services.scoring.numbers.population import Population
from services.scoring.queries import statistics
from services.scoring.queries.people import BEFORE_ALL, figures_of, names_after, people_of

SOURCE = "/scoring/statistics"
KEY = "statistics"
NAMES_AT_ONCE = 1_000
MAX_NEXT_IN_H = 24 * 365


class Order(NamedTuple):
    """A request as it was asked: as of when, and after how long the next ones are due."""

    asked: Asked
    as_of: datetime
    next_in: timedelta | None


class Publishing:
    """Carries out the command to publish."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.commands = Commands(service)

    async def publish(self, order: Order) -> Done | None:
        """Raises NobodyToCount, and what carrying out raises."""

        async def draft() -> Draft:
            await self.commands.require_unparked(SCORING, KEY)
            head, command = await self._counted(order)
            return drafted(
                order.asked.command, decide_statistics(command, head), topic=SCORING, key=KEY, source=SOURCE,
                subject=None, node=None, sequence=head + 1, time=utc_text(order.as_of),
            )  # fmt: skip

        async with self.commands.turn(KEY):
            return await self.commands.carry_out(order.asked, draft)

    async def _counted(self, order: Order) -> tuple[int, PublishStatistics]:
        async with self._service.reads.connect() as connection:
            snapshot = await connection.execution_options(isolation_level="REPEATABLE READ")
            async with snapshot.begin():
                last = await statistics.latest(snapshot)
                covers = encode(self._service.log.log_id, await _reached(snapshot))
                everybody = await _everybody(snapshot)
        due_at = None if order.next_in is None else order.as_of + order.next_in
        command = PublishStatistics(everybody.people, covers, list(everybody.measured()), due_at)
        return (0 if last is None else last.version), command


async def _reached(connection: AsyncConnection) -> dict[Partition, int]:
    rows = await connection.execute(select(checkpoints.c.topic, checkpoints.c.partition, checkpoints.c.next_offset))
    return {Partition(topic, number): offset for topic, number, offset in rows}


async def _everybody(connection: AsyncConnection) -> Population:
    """Whoever has figures, each once, however many names they go by."""
    population = Population()
    seen: set[UUID] = set()
    after = BEFORE_ALL
    while names := await names_after(connection, after, NAMES_AT_ONCE):
        people = sorted({*(await people_of(connection, names)).values()} - seen)
        for person, figures in (await figures_of(connection, people)).items():
            population.take(person, figures)
        seen.update(people)
        after = names[-1]
    return population
