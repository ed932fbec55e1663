"""How a log gets its name and is recognised, on every adapter."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from libs.events.log import LogBroken, Record
from libs.events.log_created import COUNTS, TYPE, AdministeredLog, ensure_topics, recognise
from libs.events.position import Partition
from libs.events.tests.log_contract import CHECK, TOPIC, OpenLog, Storage

LOG, OTHER_LOG = UUID(int=1 << 64), UUID(int=2 << 64)
OPERATIONS = Partition("operations", 0)
EVERY_PARTITION = [Partition(topic, number) for topic, count in COUNTS.items() for number in range(count)]


def created(partition: Partition, log_id: UUID = LOG, check: str = CHECK, counts: Mapping[str, int] = COUNTS) -> Record:
    data = {
        "log": str(log_id),
        "topic": partition.topic,
        "partition": partition.number,
        "partitions": counts,
        "secret_check": check,
    }
    return Record(b"log", msgspec.json.encode({"type": TYPE, "data": data}), partition=partition.number)


async def fill(log: AdministeredLog, others: Mapping[Partition, Record | None]) -> None:
    """Topics with their first records, but for some partitions, which get another one or none."""
    await log.create_topics(COUNTS)
    for partition in EVERY_PARTITION:
        if first := others.get(partition, created(partition)):
            await log.append(partition.topic, [first])


@pytest.mark.asyncio
class LogCreatedContract:
    """Inherit it beside `LogContract`."""

    @pytest_asyncio.fixture
    async def open_log(self, storage: Storage) -> OpenLog:
        return await storage()

    async def test_making_the_topics_again_changes_nothing(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            log_id = await ensure_topics(log, CHECK)
            ends = await log.ends(list(COUNTS))
            assert ends == dict.fromkeys(EVERY_PARTITION, 1)
            assert await ensure_topics(log, CHECK) == log.log_id == log_id
            assert await log.ends(list(COUNTS)) == ends
        async with open_log() as again:
            assert await recognise(again, CHECK) == again.log_id == log_id

    async def test_two_who_make_the_topics_at_once_agree_on_one_name(self, open_log: OpenLog) -> None:
        async with open_log() as one, open_log() as other:
            first, second = await asyncio.gather(ensure_topics(one, CHECK), ensure_topics(other, CHECK))
            assert first == second == await recognise(one, CHECK)

    @pytest.mark.parametrize("done", [0, 1, 5, len(EVERY_PARTITION) - 1])
    async def test_an_interrupted_making_is_finished_under_the_same_name(self, open_log: OpenLog, done: int) -> None:
        in_order = sorted(EVERY_PARTITION, key=lambda partition: partition != OPERATIONS)
        async with open_log() as log:
            await fill(log, dict.fromkeys(in_order[done:]))
            assert (await ensure_topics(log, CHECK) == LOG) is (done > 0)
            assert await log.ends(list(COUNTS)) == dict.fromkeys(EVERY_PARTITION, 1)

    async def test_a_later_log_created_is_passed_over(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            await fill(log, {})
            for partition in (OPERATIONS, Partition(TOPIC, 3)):
                await log.append(partition.topic, [created(partition, OTHER_LOG, "other secret")])
            assert await recognise(log, CHECK) == LOG

    async def test_a_log_without_a_name_is_refused(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            with pytest.raises(LogBroken, match="no name yet"):
                _ = log.log_id
            with pytest.raises(LogBroken, match=r"0 partitions, not .*run `rapport topics ensure`"):
                await recognise(log, CHECK)
            await log.create_topics(COUNTS)
            with pytest.raises(LogBroken, match="no name yet"):
                await recognise(log, CHECK)

    async def test_another_secret_is_refused(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            await ensure_topics(log, CHECK)
        for admit in (recognise, ensure_topics):
            async with open_log() as log:
                with pytest.raises(LogBroken, match="identity secret"):
                    await admit(log, "check value of another secret")

    @pytest.mark.parametrize(
        ("partition", "first", "reason"),
        [
            (Partition(TOPIC, 3), created(Partition(TOPIC, 3), OTHER_LOG), "log replaced: interactions/3 belongs to"),
            (Partition(TOPIC, 3), Record(b"log", b"{}", partition=3), "log replaced: .* is not log.created"),
            (Partition(TOPIC, 3), Record(b"log", b"\xff", partition=3), "log replaced: .* is not log.created"),
            (Partition(TOPIC, 3), None, "log incomplete: interactions/3 has no first record"),
            (OPERATIONS, None, "no name yet"),
            (Partition("scoring", 0), created(Partition("scoring", 0), counts=COUNTS | {TOPIC: 6}), "partition counts"),
            (Partition("scoring", 0), created(Partition("scoring", 0), check="other"), "identity secret"),
        ],
        ids=["another log's", "no log.created", "no text", "missing", "missing name", "other counts", "other secret"],
    )
    async def test_a_wrong_first_record_is_refused(
        self, open_log: OpenLog, partition: Partition, first: Record | None, reason: str
    ) -> None:
        async with open_log() as log:
            await fill(log, {partition: first})
            with pytest.raises(LogBroken, match=reason):
                await recognise(log, CHECK)
            with pytest.raises(LogBroken):
                _ = log.log_id

    async def test_the_first_record_of_another_partition_is_refused(self, open_log: OpenLog) -> None:
        exchanged = msgspec.structs.replace(created(Partition("scoring", 0)), partition=1)
        async with open_log() as log:
            await fill(log, {Partition("scoring", 1): exchanged})
            with pytest.raises(LogBroken, match="the first record of scoring/1 is of scoring/0"):
                await recognise(log, CHECK)

    async def test_other_partition_counts_are_refused(self, open_log: OpenLog) -> None:
        async with open_log() as log:
            await log.create_topics(COUNTS | {TOPIC: 6})
            for admit in (recognise, ensure_topics):
                with pytest.raises(LogBroken, match="topic interactions has 6 partitions, not 12"):
                    await admit(log, CHECK)
