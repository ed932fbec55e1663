"""People who buy, what scoring announces of them, and what must hold of it."""

from collections.abc import Mapping, Sequence
from itertools import count, pairwise
from random import Random
from typing import Any

import msgspec

from libs.events.log import EventLog, Record
from libs.events.topics import INTERACTIONS, SCORING
from tests.faults import invariants
from tests.faults.events import purchase, record_of
from tests.faults.invariants import READ_BYTES, READ_RECORDS, Broken, contents
from tests.faults.processes import ServiceProcess
from tests.faults.stage import Stage, settled

CHANGED = "rapport.scoring.class.changed.v1"
PUBLISHED = "rapport.scoring.statistics.published.v1"
TWO_HOURS_MS = str(2 * 3_600_000)
APPLIED = "SELECT command FROM verdicts WHERE outcome = 'applied' AND topic = 'scoring'"
CLASSES = "SELECT contact::text, definition, currency, band FROM classes"

_numbers = count(1)

Event = Mapping[str, Any]
Of = tuple[str, str, str]
"""Contact, definition and currency."""


def buys(name: str, random: Random) -> Record:
    data = {"amount_minor": random.randrange(10_000), "currency": "GBP", "order": "1"}
    return record_of(purchase(name, f"order-{next(_numbers)}", data=data))


def complains(name: str, severity: int) -> Record:
    """Of a problem."""
    data = {"problem": "P-1", "touchpoint": "store", "severity": severity}
    event = purchase(name, f"problem-{next(_numbers)}", data=data, type="rapport.interactions.problem.reported.v1")
    return record_of(event)


async def shopping(log: EventLog, names: Sequence[str], random: Random) -> None:
    """Everybody buys, some complain."""
    bought = [buys(name, random) for name in names]
    complained = [complains(name, random.randint(1, 5)) for name in names if random.random() < 0.3]
    await log.append(INTERACTIONS.name, [*bought, *complained])


async def published(process: ServiceProcess, log: EventLog, **fields: object) -> int:
    """The version of statistics that everybody was compared with."""
    await settled(process.url, log)
    async with process.client() as client:
        answer = await client.post("/v1/statistics", json=fields)
    assert answer.status_code == 201, answer.text
    await settled(process.url, log)
    return int(answer.json()["version"])


async def written(log: EventLog, type_: str = CHANGED) -> list[Event]:
    """Every record of that type, also those that took no effect."""
    found = await contents(log)
    values = [value for partition, each in found.items() if partition.topic == SCORING.name for value in each]
    return [event for event in map(msgspec.json.decode, values) if event["type"] == type_]


async def records_of(log: EventLog, topic: str) -> list[Record]:
    """Everything that stands there by now, but what made the topic."""
    positions = dict.fromkeys(await log.ends([topic]), 1)
    found: list[Record] = []
    while slices := await log.read(positions, max_records=READ_RECORDS, max_bytes=READ_BYTES):
        for piece in slices:
            positions[piece.partition] = piece.next_offset
            found += piece.records
    return found


async def announced(stage: Stage, log: EventLog) -> list[Event]:
    """What took effect, of each contact and definition in order: each once, and from what the one before was to."""
    applied = {row["command"] for row in await stage.rows("scoring", APPLIED)}
    events = {event["id"]: event for event in await written(log) if event["id"] in applied}
    by_source: dict[str, list[Event]] = {}
    for event in sorted(events.values(), key=lambda event: int(event["sequence"])):
        by_source.setdefault(event["source"], []).append(event)
    for mine in by_source.values():
        assert [int(event["sequence"]) for event in mine] == list(range(1, len(mine) + 1))
        assert all(later["data"].get("from") == earlier["data"].get("to") for earlier, later in pairwise(mine))
    return list(events.values())


async def is_said_once(stage: Stage, log: EventLog) -> None:
    """No announcement stands in the log a second time, whether it took effect or not."""
    events = await written(log)
    assert len({event["id"] for event in events}) == len(events) == len(await announced(stage, log))


async def classes_are_what_scores_say(stage: Stage, process: ServiceProcess, names: Sequence[str]) -> None:
    """What was announced last of everybody is the class that `GET /v1/scores/{ref}` computes."""
    told: dict[Of, str | None] = {
        (row["contact"], row["definition"], row["currency"]): row["band"]
        for row in await stage.rows("scoring", CLASSES)
    }
    computed: dict[Of, str] = {}
    async with process.client() as client:
        for name in names:
            found = (await client.get(f"/v1/scores/{name}", params={"events": 0})).json()
            for score in found["items"]:
                if score["value"] is not None:
                    computed[found["contact"], score["definition"], score["currency"] or ""] = score["band"]
    mine = {of: band for of, band in told.items() if of[0] in {node for node, _, _ in computed} and band is not None}
    if differing := sorted(mine.items() ^ computed.items()):
        raise Broken("another class was announced than scores say", differing)


async def check(stage: Stage, log: EventLog, process: ServiceProcess, names: Sequence[str]) -> None:
    await settled(process.url, log)
    await stage.folded(log, "scoring")
    urls = {"scoring": stage.database_urls["scoring"]}
    await classes_are_what_scores_say(stage, process, names)
    await invariants.i2_nothing_takes_effect_twice(urls)
    await invariants.i5_sequences_have_no_gap_and_no_inversion(urls, await contents(log))
    await invariants.i6_no_offset_is_skipped(urls)
    await invariants.i8_live_is_rebuilt(urls, log)


async def started(process: ServiceProcess, **environment: str) -> None:
    process.start(**environment)
    await process.ready()


async def versions(process: ServiceProcess, count: int) -> bool:
    """Whether so many were published."""
    async with process.client() as client:
        return len((await client.get("/v1/statistics")).json()["items"]) == count
