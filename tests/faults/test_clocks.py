"""F17: clocks that are off or step back change no order; what lies ahead of the service's clock is refused."""

import httpx
import msgspec
import pytest

from libs.events.clock import now_ms
from libs.events.log import EventLog
from libs.events.times import MAX_AHEAD, ms_text
from libs.events.topics import INTERACTIONS
from tests.faults import damage_kafka, damage_postgres, invariants
from tests.faults.events import EVERYWHERE, SERVICES, purchase
from tests.faults.invariants import contents
from tests.faults.logs import on_each_log
from tests.faults.processes import ServiceProcess
from tests.faults.stage import Stage
from tests.faults.workload import STRUCTURED

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MAX_AHEAD_MS = int(MAX_AHEAD.total_seconds() * 1_000)
ROOM_MS = 60_000
CUSTOMERS = 30


async def post(process: ServiceProcess, id_: str, subject: str, time_ms: int | None = None) -> httpx.Response:
    event = purchase(subject, id_, **({} if time_ms is None else {"time": ms_text(time_ms)}))
    async with process.client() as client:
        return await client.post("/v1/events", content=msgspec.json.encode(event), headers=STRUCTURED)


async def recorded_times_never_step_back(stage: Stage) -> None:
    rows = await stage.rows("timeline", 'SELECT partition, recorded_at FROM entries ORDER BY partition, "offset"')
    for partition in EVERYWHERE:
        times = [row["recorded_at"] for row in rows if row["partition"] == partition.number]
        assert times == sorted(times)


@pytest.mark.faults("F17", fault="a service's clock off by an hour, a day, stepping back", times=5)
@pytest.mark.slow
@pytest.mark.asyncio
@on_each_log
async def test_the_order_is_that_of_offsets_whatever_a_services_clock_says(stage: Stage, log: EventLog) -> None:
    others = [service for service in SERVICES if service != INTERACTIONS.name]
    readers = await stage.start(*others, RAPPORT_CLOCK_OFFSET_MS=str(-DAY_MS))
    process = stage.process(INTERACTIONS.name)
    sent: list[str] = []
    for offset_ms in (HOUR_MS, -HOUR_MS, DAY_MS, -DAY_MS, 0):
        process.start(RAPPORT_CLOCK_OFFSET_MS=str(offset_ms))
        await process.ready()
        here_ms = now_ms() + offset_ms
        ahead = await post(process, f"ahead-{offset_ms}", "crm:0", here_ms + MAX_AHEAD_MS + ROOM_MS)
        assert ahead.status_code == 422
        assert [(e["pointer"], e["code"]) for e in ahead.json()["errors"]] == [("/time", "time_ahead")]
        for n in range(CUSTOMERS):
            time_ms = here_ms + MAX_AHEAD_MS - ROOM_MS if n % 2 else None
            sent.append(f"{offset_ms}-{n}")
            assert (await post(process, sent[-1], f"crm:{n}", time_ms)).status_code == 202
        await process.stop()
    process.start()
    await process.ready()
    await stage.folded(log)
    assert all(reader.alive for reader in readers)
    found = [msgspec.json.decode(value)["id"] for values in (await contents(log)).values() for value in values[1:]]
    assert sorted(found) == sorted(sent)
    for values in (await contents(log)).values():
        ids = [msgspec.json.decode(value)["id"] for value in values[1:]]
        assert ids == sorted(ids, key=sent.index)
    await recorded_times_never_step_back(stage)
    await invariants.i6_no_offset_is_skipped(stage.database_urls)
    await invariants.i8_live_is_rebuilt(stage.database_urls, log)


@pytest.mark.faults("F17", fault="the log's own clock stepping back by a day")
@pytest.mark.slow
@pytest.mark.asyncio
@on_each_log
async def test_recorded_time_stands_still_until_the_logs_clock_has_caught_up(stage: Stage, log: EventLog) -> None:
    _, interactions, *_ = await stage.start(*SERVICES)
    await post(interactions, "before", "crm:1")
    ahead_ms = now_ms() + DAY_MS
    damage = damage_postgres if isinstance(stage.place, str) else damage_kafka
    await damage.put_the_clock_on(stage, ahead_ms)
    for n in range(CUSTOMERS):
        assert (await post(interactions, f"after-{n}", f"crm:{n}")).status_code == 202
    await stage.folded(log)
    slices = await log.read(dict.fromkeys(EVERYWHERE, 1), max_records=1_000, max_bytes=8 << 20)
    assert {piece.recorded_ms for piece in slices if b'"after-' in piece.records[-1].value} == {ahead_ms}
    await recorded_times_never_step_back(stage)
    await invariants.i8_live_is_rebuilt(stage.database_urls, log)


@pytest.mark.faults("F17", fault="the clock of contacts stepping back between two changes of traits", times=2)
@pytest.mark.slow
@pytest.mark.asyncio
@on_each_log
async def test_a_change_of_traits_is_later_than_all_that_it_saw_whatever_the_clock_says(
    stage: Stage, log: EventLog
) -> None:
    process = stage.process("contacts")
    for n, offset_ms in enumerate((DAY_MS, HOUR_MS, -DAY_MS)):
        process.start(RAPPORT_CLOCK_OFFSET_MS=str(offset_ms))
        await process.ready()
        async with process.client() as client:
            if n == 0:
                body = {"identifiers": ["crm:1"], "traits": {"city": "Cork"}}
                assert (await client.post("/v1/contacts", json=body)).status_code == 201
            patch = {"traits": {"city": f"of life {n}"}}
            changed = await client.patch("/v1/contacts/crm:1", json=patch, headers={"if-match": "*"})
            shown = await client.get("/v1/contacts/crm:1")
            assert (changed.status_code, changed.json()["traits"]) == (200, {"city": f"of life {n}"})
            assert (shown.json(), shown.headers["etag"]) == (changed.json(), changed.headers["etag"])
        await process.stop()
    database = {"contacts": stage.database_urls["contacts"]}
    await invariants.i5_sequences_have_no_gap_and_no_inversion(database, await contents(log))
    await invariants.i8_live_is_rebuilt(database, log)
