"""The log port and the replay without any HTTP: the library on a PostgreSQL of its own, with fsync on."""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import islice
from time import perf_counter, process_time

import asyncpg
import msgspec

from benchmarks.events import CUSTOMERS, Events
from benchmarks.system import scratch_folder
from libs.embedded.home import Home
from libs.embedded.postgres import EmbeddedPostgres
from libs.events.catalog.contacts import ContactRegistered, Named
from libs.events.catalog.registry import type_of
from libs.events.database import for_control, for_folds
from libs.events.fold import Projection
from libs.events.generations import Generations
from libs.events.identifiers import Nodes
from libs.events.ids import new_id
from libs.events.leases import Leases
from libs.events.log import EventLog, Record
from libs.events.log_created import AdministeredLog, ensure_topics
from libs.events.opening import LogPlace, open_log
from libs.events.position import Partition, Positions
from libs.events.progress import Progress
from libs.events.projector import Projector
from libs.events.topics import INTERACTIONS
from libs.service.garbage import collect_seldom
from services.timeline.projection import PROJECTION

SECRET = bytes(32)
NODES = Nodes(SECRET)
LOG, TIMELINE = "log", "timeline"
PARTITIONS = [Partition(INTERACTIONS.name, number) for number in range(INTERACTIONS.partitions)]
APPEND_RECORDS = 5_000  # falls into 12 batches of about 400, as a busy ingest writes them


@contextmanager
def postgres() -> Iterator[EmbeddedPostgres]:
    """With a database for the log and one for the timeline."""
    with scratch_folder() as folder, EmbeddedPostgres(Home.at(folder)) as server:
        server.ensure_databases([LOG, TIMELINE])
        yield server


def settings_of(server: EmbeddedPostgres, service: str) -> dict[str, str]:
    """Of a service that folds this log into the database of its name."""
    return {
        "RAPPORT_LOG_URL": server.url(LOG),
        "DATABASE_URL": server.url(service),
        "RAPPORT_IDENTITY_SECRET": SECRET.hex(),
    }


@asynccontextmanager
async def new_log(place: LogPlace) -> AsyncIterator[AdministeredLog]:
    async with open_log(place) as log:
        await ensure_topics(log, NODES.check_value())
        yield log


async def fill(log: EventLog, count: int, customers: int = CUSTOMERS) -> None:
    """Append random customers' events with random ids."""
    events = Events(1, customers)
    for start in range(0, count, APPEND_RECORDS):
        named = (events.named() for _ in range(min(APPEND_RECORDS, count - start)))
        await log.append(INTERACTIONS.name, [Record(NODES.key(subject), event) for subject, event in named])


async def append_in_batches(log: EventLog, topic: str, records: Iterable[Record]) -> None:
    waiting = iter(records)
    while batch := list(islice(waiting, APPEND_RECORDS)):
        await log.append(topic, batch)


def registration(names: Sequence[str], id_: str | None = None) -> Record:
    """Of a person who goes by all of these names; `id_` is the contact's, else a new one."""
    contact = id_ or str(new_id())
    named = [Named(name=name, node=NODES.key(name).decode()) for name in names]
    data = ContactRegistered(contact=contact, kind="person", identifiers=named)
    event = {"specversion": "1.0", "id": contact, "source": "/identity", "type": type_of(data)}
    about = {"subject": f"contact:{contact}", "subjectnode": contact}
    return Record(b"identity", msgspec.json.encode(event | about | {"data": data}))


@asynccontextmanager
async def empty_generation(url: str, log: EventLog, projection: Projection = PROJECTION) -> AsyncIterator[str]:
    """The schema of a generation that is dropped at the end."""
    control = for_control(url)
    generations = Generations(control, projection)
    try:
        generation = await generations.make_scratch(log.log_id, PARTITIONS)
        yield generation.schema
        await generations.drop(generation)
    finally:
        await control.dispose()


async def replay(
    url: str,
    schema: str,
    log: EventLog,
    until: Mapping[Partition, int],
    *,
    projection: Projection = PROJECTION,
    partitions: Collection[Partition] = PARTITIONS,
    instance: str = "bench",
    progress: Progress | None = None,
) -> None:
    """Fold up to the given positions, as a service does."""
    collect_seldom()
    folds, control = for_folds(url, schema), for_control(url)
    leases = Leases(control, schema, instance, new_id())
    projector = Projector(
        projection, log, folds, leases, progress or Progress(), partitions=partitions, limited=lambda: False
    )
    try:
        await projector.run(until)
    finally:
        await folds.dispose()
        await control.dispose()


async def timed_replay(
    url: str, schema: str, log: EventLog, until: Mapping[Partition, int], projection: Projection = PROJECTION
) -> tuple[float, float]:
    """Seconds that a replay takes, and seconds in which this process computes meanwhile."""
    began_s, busy_s = perf_counter(), process_time()
    await replay(url, schema, log, until, projection=projection)
    return perf_counter() - began_s, process_time() - busy_s


async def ends(log: EventLog) -> Positions:
    return await log.ends([INTERACTIONS.name])


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()
