"""A log and the services' databases for one test, and looks into them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from libs.embedded.ports import free_ports
from libs.events import replays
from libs.events.digest import Digest
from libs.events.log import EventLog, Record
from libs.events.log_created import AdministeredLog, ensure_topics
from libs.events.opening import LogPlace, open_log
from libs.events.position import Partition, encode
from libs.events.topics import SCORING
from tests.faults.deadlines import until
from tests.faults.events import NODES, SECRET, SERVICES, TOPIC, projection
from tests.faults.processes import ServiceProcess

FOLDED_WITHIN_S = 20.0
SETTLED_WITHIN_S = 30.0


@dataclass
class Stage:
    """What `rapport up` would have made, without its processes. Its log is in PostgreSQL or in Kafka."""

    place: LogPlace
    database_urls: Mapping[str, str]
    logs: Path
    processes: list[ServiceProcess] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What tells a process where the log is, and the secret that it was made with."""
        secret = {"RAPPORT_IDENTITY_SECRET": SECRET.hex()}
        if isinstance(self.place, str):
            return secret | {"RAPPORT_LOG_URL": self.place}
        kafka = {"KAFKA_BOOTSTRAP_SERVERS": self.place.bootstrap_servers, "RAPPORT_PREFIX": self.place.prefix}
        return secret | kafka | {"RAPPORT_SINGLE_BROKER": str(int(self.place.single_broker))}

    @asynccontextmanager
    async def log(self) -> AsyncIterator[AdministeredLog]:
        async with open_log(self.place) as log:
            await ensure_topics(log, NODES.check_value())
            yield log

    def process(self, service: str, database_url: str | None = None) -> ServiceProcess:
        """Not started yet; it ends with the stage. It folds into its service's database, or into another."""
        environment = self.environment | {"DATABASE_URL": database_url or self.database_urls[service]}
        (port,) = free_ports(1)
        made = ServiceProcess(service, port, environment, self.logs / f"{service}-{port}.log")
        self.processes.append(made)
        return made

    async def start(self, *services: str, **environment: str) -> list[ServiceProcess]:
        """Ready."""
        made = [self.process(service) for service in services]
        for process in made:
            process.start(**environment)
        await asyncio.gather(*(process.ready() for process in made))
        return made

    async def digests(self, service: str) -> dict[str, Digest]:
        return await replays.digests(projection(service), self.database_urls[service])

    async def rows(self, service: str, query: str, *arguments: object) -> list[Any]:
        """Of the live generation."""
        return await rows(self.database_urls[service], query, *arguments)

    async def on(self, service: str, statement: str) -> None:
        """Surgery, on the tables that are served."""
        await rows(self.database_urls[service], statement)

    async def folded(self, log: EventLog, *services: str, within_s: float = FOLDED_WITHIN_S) -> None:
        """Every service named, or all, has folded what is in the log now, and what scoring says of it."""
        for process in self.processes:
            if process.service == SCORING.name and process.alive:
                await settled(process.url, log)
        for service in services or SERVICES:
            await folded(self.database_urls[service], log, service, within_s)


async def rows(database_url: str, query: str, *arguments: object) -> list[Any]:
    """From the tables that are served now; none before there are any."""
    connection = await asyncpg.connect(database_url)
    try:
        if not await connection.fetchval("SELECT to_regclass('rapport.generations')"):
            return []
        schema = await connection.fetchval("SELECT schema_name FROM rapport.generations WHERE state = 'live'")
        if schema is None:
            return []
        await connection.execute(f'SET search_path TO "{schema}"')
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()


async def checkpoints(database_url: str) -> dict[Partition, int]:
    found = await rows(database_url, "SELECT topic, partition, next_offset FROM checkpoints")
    return {Partition(topic, number): offset for topic, number, offset in found}


async def folded(database_url: str, log: EventLog, service: str, within_s: float = FOLDED_WITHIN_S) -> None:
    """The service has folded what is in the log now."""
    ends = await log.ends(projection(service).topics)
    await until(lambda: has_folded(database_url, ends), within_s, f"{service} has folded to the end of the log")


async def has_folded(database_url: str, ends: Mapping[Partition, int]) -> bool:
    """The service has folded up to these offsets, or further: scoring reads what it says itself."""
    reached = await checkpoints(database_url)
    return all(reached.get(partition, -1) >= end for partition, end in ends.items())


async def settled(scoring_url: str, log: EventLog) -> None:
    """Scoring has looked at everybody whose numbers had changed by now, and folded what it said of them."""
    token = encode(log.log_id, await log.ends(projection(SCORING.name).topics))
    params = {"definition": "voice", "limit": "1", "min_position": token}

    async def is_complete(client: httpx.AsyncClient) -> bool:
        answer = await client.get("/v1/scores", params=params)
        return answer.status_code == 200 and bool(answer.json()["complete"])

    async with httpx.AsyncClient(base_url=scoring_url, trust_env=False, verify=False) as client:
        await until(lambda: is_complete(client), SETTLED_WITHIN_S, "scoring has looked at everybody")


async def append_in_pieces(log: EventLog, records: Sequence[Record], size: int = 200, topic: str = TOPIC) -> None:
    for start in range(0, len(records), size):
        await log.append(topic, records[start : start + size])


async def empty(database_url: str) -> None:
    """As it was made, whoever is still connected."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        schemas = await connection.fetch("SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|info)'")
        for (schema,) in schemas:
            await connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
        await connection.execute("CREATE SCHEMA public")
    finally:
        await connection.close()
