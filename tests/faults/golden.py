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
from libs.events.catalog.registry import Kind, find
from libs.events.fold import known_tables
from libs.events.log import EventLog, Record
from libs.events.topics import BY_NAME, CONTACTS, FEEDBACK, IDENTITY, INTERACTIONS, SCORING
from tests.faults.events import SERVICES, TOPIC, projection
from tests.faults.ruled import IDENTITY_KEY, Told
from tests.faults.stage import Stage

CORPUS = Path(__file__).parents[1] / "golden"
STORED = Path(__file__).with_name("golden_digests.json")
# Where a record stands and when it was recorded is no matter of its version.
_OF_THE_RECORD = {"partition", "offset", "recorded_at", "position", "since", "last_claim"}
_JSON = {"entry", "amendments", "measures"}
_OF_BOARDS = {"boards", "ideas", "ballots", "comments", "changes", "notified"}

BOARD_OPENED = "rapport.feedback.board.opened.v1"
NODE = b"3f1d2c4b-5a69-8788-9a0b-1c2d3e4f5061"
"""Of `crm:4711`: the key of what was observed, and of what was decided on it."""
STATISTICS = b"statistics"

Place = tuple[int, int, int]

_encode = msgspec.json.Encoder(order="deterministic").encode


@lru_cache(1)
def corpus() -> Mapping[str, Any]:
    """The samples, by the names of their files; each says when it happened."""
    return {file.stem: msgspec.json.decode(file.read_bytes()) for file in sorted(CORPUS.glob("*.json"))}


def stored() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = msgspec.json.decode(STORED.read_bytes()) if STORED.exists() else {}
    return {service: found.get(service, {}) for service in SERVICES}


async def digests_of_corpus(stage: Stage, log: EventLog, service: str) -> dict[str, str]:
    """Folds all samples as the service does, and hashes each one's rows.

    What is ruled on is one story, in the order of its ids, after what was observed.
    """
    await stage.start(service)
    samples: dict[Place, str] = {}
    for event in sorted(corpus().values(), key=lambda event: (_kind(event) is not Kind.OBSERVATION, event["id"])):
        topic, record = told(event)
        ((number, span),) = (await log.append(topic, [record])).spans.items()
        samples[BY_NAME[topic].number, number, span.first] = event["id"]
    await stage.folded(log, service)
    found: dict[str, list[Any]] = {event["id"]: [] for event in corpus().values()}
    for table in known_tables(projection(service)):
        for row in await stage.rows(service, f"SELECT * FROM {table}"):
            if (sample := _sample_of(table, row, samples)) in found:  # else the service has recorded it by itself
                found[sample].append([table, _plain(dict(row))])
    hashes = {id_: hashlib.sha256(_encode(sorted(rows, key=_encode))).hexdigest() for id_, rows in found.items()}
    return {name: hashes[event["id"]] for name, event in corpus().items()}


def told(event: Mapping[str, Any]) -> Told:
    """A sample where it belongs: claims under their one key, decisions under the key of their scope."""
    value = msgspec.json.encode(event)
    match _kind(event):
        case Kind.CLAIM:
            return IDENTITY.name, Record(IDENTITY_KEY, value)
        case Kind.DECISION if event["source"].startswith("/contacts/"):
            return CONTACTS.name, Record(event["source"].removeprefix("/contacts/").encode(), value)
        case Kind.DECISION if event["source"].startswith("/feedback/"):
            return FEEDBACK.name, Record(corpus()[BOARD_OPENED]["id"].encode(), value)
        case Kind.DECISION if event["source"].startswith("/scoring/"):
            key = event["subject"].removeprefix("contact:").encode() if "subject" in event else STATISTICS
            return SCORING.name, Record(key, value)
        case _:
            return TOPIC, Record(NODE, value)


def _kind(event: Mapping[str, Any]) -> Kind:
    type_ = find(event["type"])
    return Kind.OBSERVATION if type_ is None else type_.kind


def _sample_of(table: str, row: Any, samples: Mapping[Place, str]) -> str | None:
    """The id of the sample that a row comes from; None where it is of many: seen, added up, or announced."""
    match table:
        case "seen" | "figures" | "classes":
            return None
        case "entries" | "identity_entries":
            return str(msgspec.json.decode(row["entry"])["event_id"])
        case "events" | "interactions" | "facts" | "statistics":
            return str(row["event_id"])
        case "claims" | "disputes":
            return str(row["id" if table == "claims" else "conflict"])
        case "traits":
            return samples[row["topic"], row["partition"], row["offset"]]
        case "complaints":
            return samples[INTERACTIONS.number, row["partition"], row["offset"]]
        case "tallies" | "standings":
            return str(row["idea" if table == "tallies" else "root"])
        case _ if table in _OF_BOARDS:
            return samples[FEEDBACK.number, row["partition"], row["offset"]]
        case _:
            return samples[IDENTITY.number, 0, row["last_claim" if table == "components" else "since"]]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Without where and when; what ended is told from what holds. Registered traits are observed when recorded."""
    row = {name: msgspec.json.decode(value) if name in _JSON and value else value for name, value in row.items()}
    if "shown" in row:
        row["shown"] = msgspec.json.decode(row["shown"] + "}")
    if "until" in row:
        row["until"] = row["until"] is not None
    if row.get("observed_at") == row.get("recorded_at"):
        row.pop("observed_at", None)
    return {name: _inside(value) for name, value in row.items() if name not in _OF_THE_RECORD}


def _inside(value: Any) -> Any:
    match value:
        case dict():
            return {name: _inside(each) for name, each in value.items() if name not in _OF_THE_RECORD}
        case list():
            return [_inside(each) for each in value]
        case _:
            return value


async def main() -> None:
    kept = stored()
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(folder) as postgres:
        for service in SERVICES:
            names = [f"log_of_{service}", service]
            postgres.ensure_databases(names)
            stage = Stage(postgres.url(names[0]), {service: postgres.url(service)}, Path(folder))
            async with stage.log() as log:
                found = await digests_of_corpus(stage, log, service)
            kept[service] = found | kept[service]
            for process in stage.processes:
                process.kill()
    STORED.write_bytes(msgspec.json.format(_encode(kept)) + b"\n")


if __name__ == "__main__":
    asyncio.run(main())
