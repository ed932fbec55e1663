"""F13: records come again, and a consumer is rewound: rows stay as they are, and what came again is counted exactly."""

import pytest

from libs.events import projector
from libs.events.fold import fact_of
from libs.events.log import EventLog, Record
from tests.faults import invariants
from tests.faults.events import (
    EVERYWHERE,
    SERVICES,
    TOPIC,
    partitions_of,
    projection,
    purchase,
    purchases,
    record_of,
)
from tests.faults.invariants import contents
from tests.faults.logs import on_each_log_slowly
from tests.faults.processes import ServiceProcess
from tests.faults.refold import refold
from tests.faults.ruled import sound
from tests.faults.stage import Stage
from tests.faults.story import tell
from tests.faults.wrapped_logs import Rewinding

RECORDS, AGAIN, REWINDS = 2_000, 200, 20
HAPPENED = "2026-03-02T10:21:00Z"


async def figure(process: ServiceProcess, name: str) -> float:
    async with process.client() as client:
        text = (await client.get("/metrics")).text
    (line,) = [line for line in text.splitlines() if line.startswith(f"rapport_{name} ")]
    return float(line.split()[1])


@pytest.mark.faults("F13", fault="10 % of the records appended again", times=AGAIN)
@pytest.mark.asyncio
@on_each_log_slowly
async def test_records_that_are_appended_again_change_nothing_and_are_counted(stage: Stage, log: EventLog) -> None:
    """Contacts and feedback keep no row for purchases: they count claims and decisions."""
    processes = await stage.start(*SERVICES)
    told = [(TOPIC, record) for record in purchases(RECORDS, customers=100, time=HAPPENED)] + sound(people=100)
    await tell(log, told)
    await stage.folded(log)
    before = {service: await stage.digests(service) for service in SERVICES}
    counted = {process: await figure(process, "duplicate_events_total") for process in processes}
    again = told[:: len(told) // AGAIN]
    await tell(log, again)
    await stage.folded(log)
    for process in processes:
        assert await stage.digests(process.service) == before[process.service]
        counts = [topic for topic, record in again if is_counted(process.service, topic, record)]
        assert await figure(process, "duplicate_events_total") - counted[process] == len(counts)
        assert await stage.rows(process.service, "SELECT count(*) FROM duplicates") == [(len(counts),)]
    await invariants.i5_sequences_have_no_gap_and_no_inversion(stage.database_urls, await contents(log))
    await invariants.i6_no_offset_is_skipped(stage.database_urls)
    await invariants.i8_live_is_rebuilt(stage.database_urls, log)


@pytest.mark.faults("F13", fault="an event without a time of its own appended again")
@pytest.mark.asyncio
@on_each_log_slowly
async def test_an_event_without_a_time_that_is_appended_again_does_not_count_as_seen_again(
    stage: Stage, log: EventLog
) -> None:
    await stage.start("contacts")
    record = record_of(purchase("crm:1", "twice"))
    await log.append(TOPIC, [record])
    await stage.folded(log, "contacts")
    before = await stage.digests("contacts")
    await log.append(TOPIC, [record])
    await stage.folded(log, "contacts")
    assert await stage.digests("contacts") == before


def is_counted(service: str, topic: str, record: Record) -> bool:
    """Of observations, those that the service remembers."""
    folded = projection(service)
    if topic not in folded.topics or topic != TOPIC:
        return topic in folded.topics
    return folded.memory is not None and folded.memory.remembers(fact_of(record, EVERYWHERE[0], 1, HAPPENED))


@pytest.mark.faults("F13", fault="the consumer rewound", times=REWINDS)
@pytest.mark.asyncio
@on_each_log_slowly
@pytest.mark.parametrize("service", SERVICES)
async def test_a_rewound_consumer_folds_nothing_twice_and_counts_what_came_again(
    stage: Stage, log: EventLog, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector, "CATCH_UP_RECORDS", 20 * len(partitions_of(service)))
    told = [(TOPIC, record) for record in purchases(RECORDS, customers=100)] + sound(people=100)
    await tell(log, told)
    read = sum(topic in projection(service).topics for topic, _ in told)
    straight = await refold(service, stage.database_urls[service], log)
    rewinding = Rewinding(log, seed=13, times=REWINDS)
    rewound = await refold(service, stage.database_urls[service], rewinding)
    assert rewinding.left == 0
    assert rewinding.again > RECORDS
    assert [progress.redelivered for progress in rewound.progress] == [rewinding.again]
    assert [progress.folded for progress in rewound.progress] == [read]
    assert rewound.digests == straight.digests
