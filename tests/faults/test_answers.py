"""F03: a service dies between append and answer; its client retries with the same ids, and there is one effect."""

from typing import Any

import httpx
import msgspec
import pytest

from libs.events.log import EventLog
from tests.faults import invariants
from tests.faults.events import SOURCE, purchase
from tests.faults.logs import on_each_log
from tests.faults.processes import ServiceProcess
from tests.faults.stage import Stage
from tests.faults.workload import STRUCTURED

KILLED = -9
QUICK, SLOW = 3, 100  # the two routes make 200


async def post_event(client: httpx.AsyncClient, number: int) -> httpx.Response:
    event = purchase(f"crm:{number}", f"order-{number}")
    return await client.post("/v1/events", content=msgspec.json.encode(event), headers=STRUCTURED)


async def post_interaction(client: httpx.AsyncClient, number: int) -> httpx.Response:
    body = {"contact": f"crm:{number}", "channel": "telephone", "direction": "inbound", "summary": str(number)}
    return await client.post("/v1/interactions", json=body, headers={"idempotency-key": f"call-{number}"})


async def found(client: httpx.AsyncClient, event_id: str, source: str) -> list[dict[str, Any]]:
    answer = await client.get(f"/v1/events/{event_id}", params={"source": source})
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def times(count: int) -> Any:
    return pytest.param(count, marks=pytest.mark.slow if count == SLOW else ())


async def life(process: ServiceProcess, failpoint: str) -> None:
    process.start(RAPPORT_FAILPOINTS=failpoint)
    await process.ready()


@pytest.mark.faults("F03", fault="die between append and answer of an event", times="count")
@pytest.mark.asyncio
@on_each_log
@pytest.mark.parametrize("count", [times(QUICK), times(SLOW)])
async def test_an_event_that_was_appended_and_not_answered_is_sent_again_and_counts_once(
    stage: Stage, log: EventLog, count: int
) -> None:
    process = stage.process("interactions")
    async with process.client() as client:
        for n in range(count):
            await life(process, "ingest.after_append=2" if n else "ingest.after_append=1")
            if n:
                await is_told_again(client, log, n - 1)
            with pytest.raises(httpx.TransportError):
                await post_event(client, n)
            assert await process.ends() == KILLED
        process.start()
        await process.ready()
        await is_told_again(client, log, count - 1)
    await stage.folded(log, "interactions")
    assert await stage.rows("interactions", "SELECT count(*) FROM events") == [(count,)]
    assert await stage.rows("interactions", "SELECT count(*) FROM duplicates") == [(count,)]
    await check(stage, log)


async def is_told_again(client: httpx.AsyncClient, log: EventLog, number: int) -> None:
    again = await post_event(client, number)
    assert (again.status_code, again.json()["accepted"]) == (202, 1)
    position = again.json()["position"]
    answer = await client.get(f"/v1/events/order-{number}", params={"source": SOURCE, "min_position": position})
    assert [item["outcome"] for item in answer.json()["items"]] == ["recorded", "duplicate"]


@pytest.mark.faults("F03", fault="die between append and answer of a command", times="count")
@pytest.mark.asyncio
@on_each_log
@pytest.mark.parametrize("count", [times(QUICK), times(SLOW)])
async def test_a_command_that_was_appended_and_not_answered_has_one_effect_and_one_answer(
    stage: Stage, log: EventLog, count: int
) -> None:
    process = stage.process("interactions")
    async with process.client() as client:
        for n in range(count):
            await life(process, "recording.after_append=1")
            if n:
                await is_answered_alike(client, n - 1)
            with pytest.raises(httpx.TransportError):
                await post_interaction(client, n)
            assert await process.ends() == KILLED
        process.start()
        await process.ready()
        await is_answered_alike(client, count - 1)
    assert await stage.rows("interactions", "SELECT count(*) FROM interactions") == [(count,)]
    assert await stage.rows("interactions", "SELECT count(*) FROM duplicates") == [(0,)]
    await check(stage, log)


async def is_answered_alike(client: httpx.AsyncClient, number: int) -> None:
    once, again = [await post_interaction(client, number) for _ in range(2)]
    assert (once.status_code, once.json()["summary"]) == (201, str(number))
    assert (again.status_code, again.content) == (once.status_code, once.content)
    for header in ("etag", "location", "rapport-position"):
        assert again.headers[header] == once.headers[header]
    assert [item["outcome"] for item in await found(client, once.json()["event_id"], "/interactions")] == ["recorded"]


async def check(stage: Stage, log: EventLog) -> None:
    database = {"interactions": stage.database_urls["interactions"]}
    await invariants.i2_nothing_takes_effect_twice(database)
    await invariants.i6_no_offset_is_skipped(database)
    await invariants.i8_live_is_rebuilt(database, log)
