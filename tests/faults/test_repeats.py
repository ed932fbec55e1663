"""F13: records come again, and a consumer is rewound: rows stay as they are, and what came again is counted exactly."""

import pytest

from libs.events import projector
from libs.events.postgres_log.adapter import PostgresLog
from tests.faults import invariants
from tests.faults.events import EVERYWHERE, purchases
from tests.faults.processes import ServiceProcess
from tests.faults.refold import refold
from tests.faults.stage import Stage, append_in_pieces
from tests.faults.wrapped_logs import Rewinding

RECORDS, AGAIN, REWINDS = 2_000, 200, 20


async def figure(process: ServiceProcess, name: str) -> float:
    async with process.client() as client:
        text = (await client.get("/metrics")).text
    (line,) = [line for line in text.splitlines() if line.startswith(f"rapport_{name} ")]
    return float(line.split()[1])


@pytest.mark.faults("F13", fault="10 % of the records appended again", times=AGAIN)
@pytest.mark.asyncio
async def test_records_that_are_appended_again_change_nothing_and_are_counted(stage: Stage, log: PostgresLog) -> None:
    processes = await stage.start("interactions", "timeline")
    records = purchases(RECORDS, customers=100)
    await append_in_pieces(log, records)
    await stage.folded(log, "interactions", "timeline")
    before = {service: await stage.digests(service) for service in stage.database_urls}
    await append_in_pieces(log, records[:: RECORDS // AGAIN])
    await stage.folded(log, "interactions", "timeline")
    for process in processes:
        assert await stage.digests(process.service) == before[process.service]
        assert await stage.rows(process.service, "SELECT count(*) FROM duplicates") == [(AGAIN,)]
        assert await figure(process, "duplicate_events_total") == AGAIN
        assert await figure(process, "folded_events_total") == RECORDS
    await invariants.i6_no_offset_is_skipped(stage.database_urls)
    await invariants.i8_live_is_rebuilt(stage.database_urls, log)


@pytest.mark.faults("F13", fault="the consumer rewound", times=REWINDS)
@pytest.mark.asyncio
@pytest.mark.parametrize("service", ["interactions", "timeline"])
async def test_a_rewound_consumer_folds_nothing_twice_and_counts_what_came_again(
    stage: Stage, log: PostgresLog, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector, "CATCH_UP_RECORDS", 20 * len(EVERYWHERE))
    await append_in_pieces(log, purchases(RECORDS, customers=100))
    straight = await refold(service, stage.database_urls[service], log)
    rewinding = Rewinding(log, seed=13, times=REWINDS)
    rewound = await refold(service, stage.database_urls[service], rewinding)
    assert rewinding.left == 0
    assert rewinding.again > RECORDS
    assert [progress.redelivered for progress in rewound.progress] == [rewinding.again]
    assert [progress.folded for progress in rewound.progress] == [RECORDS]
    assert rewound.digests == straight.digests
