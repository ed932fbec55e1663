from itertools import count

import pytest

from libs.events import memory_log
from libs.events.log import Record
from libs.events.memory_log import MemoryLog
from libs.events.position import Partition
from services.cli import following
from services.cli.following import from_then_on, recorded_since, up_to

RECORDS = 40


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A millisecond an append."""
    monkeypatch.setattr(memory_log, "now_ms", count(1_000).__next__)
    monkeypatch.setattr(following, "READ_RECORDS", 3)


async def filled() -> MemoryLog:
    log = MemoryLog()
    await log.create_topics({"interactions": 4, "contacts": 2})
    for number in range(RECORDS):
        topic = "contacts" if number % 5 == 0 else "interactions"
        await log.append(topic, [Record(f"key {number * number}".encode(), str(number).encode())])
    return log


@pytest.mark.asyncio
@pytest.mark.usefixtures("clock")
async def test_all_partitions_are_one_stream_in_recorded_order() -> None:
    log = await filled()
    ends = await log.ends(["interactions", "contacts"])
    found = [stored async for stored in up_to(log, dict.fromkeys(ends, 0), ends)]
    assert [int(stored.record.value) for stored in found] == list(range(RECORDS))
    assert {stored.partition: stored.offset + 1 for stored in found} == {p: end for p, end in ends.items() if end}


@pytest.mark.asyncio
@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("since", [0, 1, 17, RECORDS - 1, RECORDS, 10_000])
async def test_since_is_found_without_reading_what_lies_before(since: int) -> None:
    log = await filled()
    ends = await log.ends(["interactions", "contacts"])
    first_ms = (await anext(up_to(log, dict.fromkeys(ends, 0), ends))).recorded_ms
    start = await recorded_since(log, ends, first_ms + since)
    found = [int(stored.record.value) async for stored in up_to(log, start, ends)]
    assert found == list(range(since, RECORDS))


@pytest.mark.asyncio
@pytest.mark.usefixtures("clock")
async def test_following_goes_on_from_a_position() -> None:
    log = await filled()
    ends = await log.ends(["interactions"])
    await log.append("interactions", [Record(b"a", b"new")])
    stream = from_then_on(log, ends)
    assert (await anext(stream)).record.value == b"new"
    await log.append("interactions", [Record(b"b", b"newer")])
    stored = await anext(stream)
    assert stored.record.value == b"newer"
    assert stored.partition in {Partition("interactions", n) for n in range(4)}
    await stream.aclose()  # type: ignore[attr-defined]
