"""F20: an oversize event is refused clearly, at the API and at the log, and the next 100 small ones pass."""

import msgspec
import pytest

from libs.events.examine import MAX_EVENT_BYTES
from libs.events.log import AppendRefused, EventLog
from libs.events.postgres_log.writer import MAX_BATCH_BYTES
from tests.faults.events import TOPIC, purchase, purchases, record_of
from tests.faults.logs import on_each_log
from tests.faults.stage import Stage
from tests.faults.workload import BATCH, STRUCTURED

SMALL = 100


def of_size(bytes_: int, id_: str = "large") -> bytes:
    """An event of exactly so many bytes."""
    empty = len(msgspec.json.encode(purchase("crm:1", id_, data={"text": ""}, type="com.example.large")))
    text = "x" * (bytes_ - empty)
    return msgspec.json.encode(purchase("crm:1", id_, data={"text": text}, type="com.example.large"))


@pytest.mark.faults("F20", fault="oversize event at the API")
@pytest.mark.asyncio
@on_each_log
async def test_an_oversize_event_is_refused_and_the_next_small_ones_pass(stage: Stage, log: EventLog) -> None:
    (interactions,) = await stage.start("interactions")
    async with interactions.client() as client:
        for body, headers in (
            (of_size(MAX_EVENT_BYTES + 1), STRUCTURED),
            (b"[" + of_size(MAX_EVENT_BYTES + 1) + b"]", BATCH),
            (b"[" + b",".join(of_size(MAX_EVENT_BYTES, str(n)) for n in range(33)) + b"]", BATCH),
        ):
            answer = await client.post("/v1/events", content=body, headers=headers)
            assert answer.status_code == 413, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            assert "nothing was stored" in answer.json()["detail"]
        largest = await client.post("/v1/events", content=of_size(MAX_EVENT_BYTES), headers=STRUCTURED)
        assert largest.status_code == 202
        for n in range(SMALL):
            small = msgspec.json.encode(purchase("crm:1", f"small-{n}"))
            assert (await client.post("/v1/events", content=small, headers=STRUCTURED)).status_code == 202
    await stage.folded(log, "interactions")
    assert await stage.rows("interactions", "SELECT count(*) FROM events") == [(SMALL + 1,)]


@pytest.mark.faults("F20", fault="oversize record at the log")
@pytest.mark.asyncio
@on_each_log
async def test_an_oversize_record_is_refused_by_the_log_and_the_next_small_ones_pass(
    stage: Stage, log: EventLog
) -> None:
    await stage.start("timeline")
    small = purchases(SMALL, customers=10)
    oversize = record_of(purchase("crm:1", "large", data={"text": "x" * MAX_BATCH_BYTES}))
    with pytest.raises(AppendRefused):
        await log.append(TOPIC, [small[0], oversize])
    for record in small:
        await log.append(TOPIC, [record])
    await stage.folded(log, "timeline")
    assert await stage.rows("timeline", "SELECT count(*) FROM entries") == [(SMALL,)]
