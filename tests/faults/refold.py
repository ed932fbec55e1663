"""Folds a log into scratch tables in some other way, and says what came of it.

`python -m tests.faults.refold SERVICE=DATABASE_URL ...` prints the digests: for other hash seeds, time zones and
locales, which a process has from its start. The environment says where the log is, as it does for a service.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from libs.events.database import for_control, for_folds
from libs.events.digest import Digest, digests_of
from libs.events.fold import Projection
from libs.events.generations import Generation, Generations
from libs.events.ids import new_id
from libs.events.leases import Leases
from libs.events.log import EventLog
from libs.events.log_created import ensure_topics
from libs.events.opening import open_log
from libs.events.position import Partition, Positions
from libs.events.progress import Progress
from libs.events.projector import Projector
from libs.service.settings import Settings
from tests.faults.events import NODES, partitions_of, projection

Digests = Mapping[str, Digest]


class Refolded(NamedTuple):
    digests: Digests
    progress: list[Progress]


async def refold(
    service: str, database_url: str, log: EventLog, shares: Sequence[Sequence[Partition]] = ()
) -> Refolded:
    """One worker for each share of the partitions, or one for all, at the same time, from offset 0 to the end."""
    control = for_control(database_url)
    generations = Generations(control, projection(service))
    scratch = await generations.make_scratch(log.log_id, partitions_of(service))
    until = await log.ends(projection(service).topics)
    try:
        progress = await asyncio.gather(
            *(
                _work(projection(service), database_url, log, scratch, {p: until[p] for p in share})
                for share in shares or [partitions_of(service)]
            )
        )
        async with control.connect() as connection:
            return Refolded(await digests_of(connection, projection(service), scratch.schema), progress)
    finally:
        await generations.drop(scratch)
        await control.dispose()


async def _work(
    folded: Projection, database_url: str, log: EventLog, scratch: Generation, until: Positions
) -> Progress:
    control, engine, progress = for_control(database_url), for_folds(database_url, scratch.schema), Progress()
    leases = Leases(control, scratch.schema, f"worker of {min(until)}", new_id())
    projector = Projector(folded, log, engine, leases, progress, partitions=list(until), limited=lambda: False)
    try:
        await projector.run(until)
    finally:
        await engine.dispose()
        await control.dispose()
    return progress


async def main(*services: str) -> None:
    digests: dict[str, Digests] = {}
    async with open_log(Settings().log_place()) as log:
        await ensure_topics(log, NODES.check_value())
        for given in services:
            service, _, database_url = given.partition("=")
            digests[service] = (await refold(service, database_url, log)).digests
    sys.stdout.write(msgspec.json.encode(digests).decode())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
