"""F18 and F19: what can never be folded is parked exactly, and other keys go on; a broken fold stops its partition."""

import asyncio

import msgspec
import pytest

from libs.events.clock import monotonic_s
from libs.events.log import EventLog, Record
from libs.events.sorting import MAX_PARKED_KEYS
from tests.faults import invariants
from tests.faults.deadlines import until
from tests.faults.events import EVERYWHERE, NODES, SERVICES, TOPIC, purchase, record_of
from tests.faults.logs import on_each_log, on_each_log_slowly
from tests.faults.poison import FOREIGN, poisoned, subjects_in
from tests.faults.processes import ServiceProcess
from tests.faults.stage import Stage, append_in_pieces
from tests.faults.workload import STRUCTURED

POISONED_KEYS = 20
# Keys, and their records, that a service can fold all the same: two have a type with a NUL, which none of these keeps;
# one is no node, which feedback asks of complaints alone.
SOUND = {"contacts": (2, 4), "feedback": (3, 5), "scoring": (2, 4)}
VISIBLE_WITHIN_S = 1.0
STOPS_WITHIN_S = 10.0
ODD_IDS = ["\x01", "\\N", "\\.", "\t\r\n"]
PARKED_KEYS = "SELECT count(*) FROM parked_keys"
PARKED_RECORDS = "SELECT count(*) FROM parked_records"


async def visible_after_s(interactions: ServiceProcess, timeline: ServiceProcess, subject: str, id_: str) -> float:
    """How long after the answer an event is on its timeline."""
    async with interactions.client() as client, timeline.client() as reader:
        event = msgspec.json.encode(purchase(subject, id_))
        answer = await client.post("/v1/events", content=event, headers=STRUCTURED)
        assert answer.status_code == 202, answer.text
        began_s = monotonic_s()
        params = {"min_position": answer.json()["position"]}
        page = await reader.get(f"/v1/timeline/{subject}", params=params, headers={"prefer": "wait=20"})
        assert page.status_code == 200, page.text
        assert id_ in {item["event_id"] for item in page.json()["items"]}
        return monotonic_s() - began_s


@pytest.mark.faults("F18", fault="poison events on 20 keys, foreign bytes", times=POISONED_KEYS)
@pytest.mark.asyncio
@on_each_log
async def test_poison_is_parked_exactly_and_other_keys_go_on(stage: Stage, log: EventLog) -> None:
    processes = await stage.start(*SERVICES)
    _, interactions, *_, timeline = processes
    good = [record_of(purchase(f"crm:{n % 50}", f"good-{n}")) for n in range(500)]
    bad = list(poisoned(POISONED_KEYS))
    appending = asyncio.create_task(append_in_pieces(log, [*good[:250], *bad, *FOREIGN, *good[250:]], size=60))
    for n in range(10):
        assert await visible_after_s(interactions, timeline, f"crm:{n}", f"meanwhile-{n}") < VISIBLE_WITHIN_S
    await appending
    await stage.folded(log, *SERVICES)
    for service in SERVICES:
        keys, records = SOUND.get(service, (0, 0))
        assert await stage.rows(service, PARKED_KEYS) == [(POISONED_KEYS + len(FOREIGN) - keys,)]
        assert await stage.rows(service, PARKED_RECORDS) == [(len(bad) + len(FOREIGN) - records,)]
    assert await stage.rows("timeline", "SELECT count(*) FROM entries") == [(len(good) + 10,)]
    for process in processes:
        assert await process.checks() == {}
    await invariants.i6_no_offset_is_skipped(stage.database_urls)
    await invariants.i8_live_is_rebuilt(stage.database_urls, log)


@pytest.mark.faults("F18", fault="parked keys after a restart")
@pytest.mark.asyncio
@on_each_log
async def test_what_follows_on_a_parked_key_is_held_after_a_restart_too(stage: Stage, log: EventLog) -> None:
    (timeline,) = await stage.start("timeline")
    await log.append(TOPIC, [*poisoned(10), *FOREIGN])
    await stage.folded(log, "timeline")
    await timeline.stop()
    timeline.start()
    await timeline.ready()
    again = [Record(record.key, msgspec.json.encode(purchase("crm:1", "later"))) for record in FOREIGN]
    await log.append(TOPIC, [*(record_of(purchase(f"crm:poisoned-{n}", "later")) for n in range(10)), *again])
    await stage.folded(log, "timeline")
    assert await stage.rows("timeline", PARKED_KEYS) == [(10 + len(FOREIGN),)]
    assert await stage.rows("timeline", PARKED_RECORDS) == [(30 + 2 * len(FOREIGN),)]
    await invariants.i8_live_is_rebuilt({"timeline": stage.database_urls["timeline"]}, log)


@pytest.mark.faults("F18", fault="a key with a NUL, parked, after a restart")
@pytest.mark.asyncio
@on_each_log_slowly
async def test_a_key_that_postgresql_cannot_hold_stays_parked_after_a_restart(stage: Stage, log: EventLog) -> None:
    key = b"\x00 in a key"
    (timeline,) = await stage.start("timeline")
    await log.append(TOPIC, [Record(key, b"")])
    await stage.folded(log, "timeline")
    await timeline.stop()
    timeline.start()
    await timeline.ready()
    await log.append(TOPIC, [Record(key, b"")])
    await stage.folded(log, "timeline", within_s=STOPS_WITHIN_S)
    assert await stage.rows("timeline", PARKED_RECORDS) == [(2,)]


@pytest.mark.faults("F18", fault="a repeated name that no strict reader reads")
@pytest.mark.asyncio
@on_each_log_slowly
async def test_a_repetition_with_duplicate_keys_does_not_end_the_service(stage: Stage, log: EventLog) -> None:
    (timeline,) = await stage.start("timeline")
    first = record_of(purchase("crm:1", "twice"))
    spoiled = Record(first.key, first.value.replace(b'"order":', b'"order":"0","order":'))
    await log.append(TOPIC, [first, spoiled])
    await stage.folded(log, "timeline", within_s=STOPS_WITHIN_S)
    assert await timeline.checks() == {}


@pytest.mark.faults("F18", fault="an id that looks like COPY's mark of a missing value")
@pytest.mark.asyncio
@on_each_log_slowly
async def test_odd_ids_are_folded_and_not_parked(stage: Stage, log: EventLog) -> None:
    """The edge refuses control characters; another writer's record may hold them."""
    processes = await stage.start(*SERVICES)
    await log.append(TOPIC, [record_of(purchase("crm:1", id_)) for id_ in ODD_IDS])
    await stage.folded(log, *SERVICES)
    for process in processes:
        assert await stage.rows(process.service, PARKED_RECORDS) == [(0,)]
    found = await stage.rows("interactions", 'SELECT event_id FROM events ORDER BY "offset"')
    assert [row["event_id"] for row in found] == ODD_IDS


@pytest.mark.faults("F18", fault="every event failing: the breaker")
@pytest.mark.asyncio
@on_each_log_slowly
async def test_the_breaker_stops_one_partition_at_100_keys_and_the_others_go_on(stage: Stage, log: EventLog) -> None:
    processes = await stage.start(*SERVICES)
    _, interactions, *_, timeline = processes
    broken, sound = EVERYWHERE[3], subjects_in(4, 1, "sound")[0]
    subjects = subjects_in(broken.number, MAX_PARKED_KEYS + 50, "breaks")
    for subject in subjects:
        await log.append(TOPIC, [Record(NODES.key(subject), b"no event")])

    async def stopped() -> bool:
        return all(["partitions" in await process.checks() for process in processes])

    await until(stopped, STOPS_WITHIN_S, "all services stop the partition")
    for process in processes:
        check = (await process.checks())["partitions"]
        assert isinstance(check, dict)
        assert list(check["stopped"]) == [str(broken)]
        parked = await stage.rows(process.service, PARKED_KEYS)
        assert parked == [(MAX_PARKED_KEYS,)]
    assert await visible_after_s(interactions, timeline, sound, "goes on") < VISIBLE_WITHIN_S
    await invariants.i6_no_offset_is_skipped(stage.database_urls)


@pytest.mark.faults("F18", fault="every event failing in one batch: the breaker")
@pytest.mark.asyncio
@on_each_log_slowly
async def test_the_breaker_stops_at_100_keys_also_where_they_come_in_one_batch(stage: Stage, log: EventLog) -> None:
    (timeline,) = await stage.start("timeline")
    subjects = subjects_in(3, MAX_PARKED_KEYS + 50, "breaks")
    good = record_of(purchase(subjects_in(3, 1, "good")[0], "before"))
    await log.append(TOPIC, [good, *(Record(NODES.key(subject), b"no event") for subject in subjects)])

    async def stopped() -> bool:
        return "partitions" in await timeline.checks()

    async def parked() -> bool:
        return await stage.rows("timeline", PARKED_KEYS) == [(MAX_PARKED_KEYS,)]

    await until(stopped, STOPS_WITHIN_S, "the timeline stops the partition")
    await until(parked, STOPS_WITHIN_S, "what stands before the stop is folded and parked")
    assert await stage.rows("timeline", "SELECT count(*) FROM entries") == [(1,)]
