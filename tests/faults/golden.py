"""The rows that each released event version gave, as digests that were stored when it was released.

`python -m tests.faults.golden` adds those that are missing. What stands there is never changed: rows that come out
otherwise are a broken upcast or a broken fold.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from libs.embedded.postgres import EmbeddedPostgres
from libs.events.postgres_log.adapter import PostgresLog
from tests.faults.events import TOPIC, projection, record_of
from tests.faults.stage import Stage

CORPUS = Path(__file__).parents[1] / "golden"
STORED = Path(__file__).with_name("golden_digests.json")
SERVICES = ("interactions", "timeline")
# Where a record stands and when it was recorded is no matter of its version.
_OF_THE_RECORD = {"partition", "offset", "recorded_at", "position"}

_encode = msgspec.json.Encoder(order="deterministic").encode


@lru_cache(1)
def corpus() -> Mapping[str, Any]:
    """The samples, by the names of their files; each says when it happened."""
    return {file.stem: msgspec.json.decode(file.read_bytes()) for file in sorted(CORPUS.glob("*.json"))}


def stored() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = msgspec.json.decode(STORED.read_bytes()) if STORED.exists() else {}
    return {service: found.get(service, {}) for service in SERVICES}


async def digests_of_corpus(stage: Stage, log: PostgresLog, service: str) -> dict[str, str]:
    """Folds all samples as the service does, and hashes each one's rows."""
    await stage.start(service)
    await log.append(TOPIC, [record_of(event) for event in corpus().values()])
    await stage.folded(log, service)
    found: dict[str, list[Any]] = {event["id"]: [] for event in corpus().values()}
    for table in sorted(projection(service).metadata.tables):
        for row in await stage.rows(service, f"SELECT * FROM {table}"):
            plain = _plain(dict(row))
            found[plain["event_id"]].append([table, plain])
    return {name: hashlib.sha256(_encode(found[event["id"]])).hexdigest() for name, event in corpus().items()}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    if "entry" in row:
        item = msgspec.json.decode(row["entry"])
        row |= {"event_id": item["event_id"], "entry": _plain(item)}
    return {name: value for name, value in row.items() if name not in _OF_THE_RECORD}


async def main() -> None:
    kept = stored()
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(folder) as postgres:
        postgres.ensure_databases(["log", *SERVICES])
        stage = Stage(postgres.url("log"), {name: postgres.url(name) for name in SERVICES}, Path(folder))
        async with stage.log() as log:
            for service in SERVICES:
                found = await digests_of_corpus(stage, log, service)
                kept[service] = found | kept[service]
        for process in stage.processes:
            process.kill()
    STORED.write_bytes(msgspec.json.format(_encode(kept)) + b"\n")


if __name__ == "__main__":
    asyncio.run(main())
