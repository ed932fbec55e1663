"""F25: whatever the batch size, workers, interleaving, hash seed or time zone, the rows are the same."""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from libs.events import projector
from libs.events.digest import Digest
from libs.events.log import EventLog
from tests.faults.events import SERVICES, partitions_of
from tests.faults.logs import on_each_log, on_each_log_slowly
from tests.faults.refold import Digests, refold
from tests.faults.stage import Stage
from tests.faults.story import story, tell
from tests.faults.wrapped_logs import Interleaving

QUICK, SLOW = (120, 1), (3_000, 12)  # records, and other ways to fold them, of each kind
ONE_BY_ONE = len(partitions_of())  # so many in all is one of each partition


async def refolded_elsewhere(stage: Stage, environment: Mapping[str, str]) -> dict[str, Digests]:
    """In a process of its own, which has its hash seed, time zone and locale from the start."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.refold"),
        *(f"{service}={url}" for service, url in stage.database_urls.items()),
        env={**os.environ, **stage.environment, **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await child.communicate()
    assert child.returncode == 0
    digests: dict[str, Digests] = msgspec.json.decode(printed, type=dict[str, dict[str, Digest]])
    return digests


def sizes(size: tuple[int, int]) -> Any:
    return pytest.param(size, id=f"{size[0]} records", marks=pytest.mark.slow if size == SLOW else ())


@pytest.mark.faults("F25", fault="rebuilds with other batch sizes, interleavings, workers")
@pytest.mark.asyncio
@on_each_log_slowly
@pytest.mark.parametrize("size", [sizes(QUICK), sizes(SLOW)])
@pytest.mark.parametrize("service", SERVICES)
async def test_every_way_to_fold_gives_the_same_rows(
    stage: Stage, log: EventLog, service: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    count, ways = size
    await tell(log, story(count))
    url, everywhere = stage.database_urls[service], partitions_of(service)
    expected = (await refold(service, url, log)).digests
    assert min(expected[table].rows for table in ("quarantined", "claims", "members", "conflicts")) > 0
    assert expected["parked_records"].rows > 0
    for batch in (ONE_BY_ONE, 7 * ONE_BY_ONE, 700)[:ways]:
        monkeypatch.setattr(projector, "CATCH_UP_RECORDS", batch)
        assert (await refold(service, url, log)).digests == expected, f"batches of {batch}"
    monkeypatch.setattr(projector, "CATCH_UP_RECORDS", 600)
    for seed in range(ways):
        interleaved = await refold(service, url, Interleaving(log, seed))
        assert interleaved.digests == expected, f"interleaving of seed {seed}"
        shares = [everywhere[seed % 2 :: 2], everywhere[1 - seed % 2 :: 2]]
        shared = await refold(service, url, Interleaving(log, seed), shares)
        assert shared.digests == expected, f"two workers, seed {seed}"


ELSEWHERE = [
    {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PGTZ": "Asia/Kolkata"},
    {"PYTHONHASHSEED": "4242", "TZ": "America/St_Johns", "LC_ALL": "C.UTF-8", "PGDATESTYLE": "German"},
    {"PYTHONHASHSEED": "0", "TZ": "Europe/London", "LC_ALL": "tr_TR.UTF-8"},
]


@pytest.mark.faults("F25", fault="rebuilds with other hash seeds, time zones, locales", times=len(ELSEWHERE))
@pytest.mark.slow
@pytest.mark.asyncio
@on_each_log
async def test_a_processs_hash_seed_time_zone_and_locale_change_no_row(stage: Stage, log: EventLog) -> None:
    await tell(log, story(QUICK[0]))
    expected = {service: (await refold(service, url, log)).digests for service, url in stage.database_urls.items()}
    for environment in ELSEWHERE:
        assert await refolded_elsewhere(stage, environment) == expected, environment
