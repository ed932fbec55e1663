"""Whatever way a log is cut into transactions, the same rows come of it; and bad records stay with their own keys."""

from random import Random

import pytest

from libs.events import projector
from libs.events.log import Record
from libs.events.memory_log import MemoryLog
from libs.events.partitions import partition_of
from libs.events.position import Partition
from libs.events.sorting import MAX_PARKED_KEYS
from libs.events.steps import Step
from libs.events.tests.folding_sample import (
    DEADLINE_S,
    PARTITIONS,
    TOPIC,
    all_steps,
    event,
    folding,
    following,
    keys_of,
    new_log,
    parked,
    steps_in,
    until,
)
from libs.events.tests.folding_story import INT4_MAX, Story, respelled
from libs.events.tests.projection_contract import cut

pytestmark = pytest.mark.asyncio


def interleaved(steps: dict[Partition, list[Step]], random: Random) -> list[Step]:
    """Any order that keeps the order of each partition."""
    left = {partition: list(reversed(each)) for partition, each in steps.items() if each}
    order = []
    while left:
        partition = random.choice(sorted(left))
        order.append(left[partition].pop())
        if not left[partition]:
            del left[partition]
    return order


@pytest.mark.parametrize("seed", range(3))
async def test_a_replay_gives_the_rows_that_folding_one_by_one_gave(database: str, seed: int) -> None:
    story = Story(seed)
    log = await new_log()
    async with folding(log, database) as live, following(live):
        for record in story.records:
            appended = await log.append(TOPIC, [record])
            assert await live.progress.wait_for(appended.positions, DEADLINE_S)
        await story.came_true(live)
        expected = await live.tables()
    async with folding(log, database) as replay:
        await replay.catch_up()
        assert await replay.tables() == expected
        assert await replay.reached() == await log.ends([TOPIC])


@pytest.mark.parametrize("seed", range(3))
async def test_no_order_of_partitions_and_no_size_of_batches_makes_a_difference(database: str, seed: int) -> None:
    story = Story(seed + 10)
    log = await new_log(*story.records)
    results = []
    for most in (10_000, 40, 3):
        random = Random(seed + most)
        async with folding(log, database) as process:
            await process.begin()
            for batch in cut(interleaved(await steps_in(log), random), random, most):
                await process.folder.fold(batch)
            await story.came_true(process)
            results.append(await process.tables())
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("seed", range(2))
async def test_an_event_that_comes_twice_takes_effect_once(database: str, seed: int) -> None:
    story = Story(seed + 20)
    good = [record for record in story.records if record.key.decode() not in story.parked]
    for twice in ([each for record in good for each in (record, record)], good + good):
        async with folding(await new_log(*twice), database) as process:
            await process.catch_up()
            expected = {key: total for key, total in story.balances.items() if key not in story.parked}
            assert await process.balances() == expected


async def test_a_batch_that_is_given_again_is_left_out(database: str) -> None:
    story = Story(30)
    log = await new_log(*story.records)
    async with folding(log, database) as process:
        await process.begin()
        everything = await all_steps(log)
        for _ in range(2):
            await process.folder.fold(everything)
        await story.came_true(process)


class TestRepeats:
    async def test_the_same_in_another_spelling_is_a_duplicate(self, database: str) -> None:
        first = event("ada", "1", 5)
        async with folding(await new_log(first, first, respelled(first)), database) as process:
            await process.catch_up()
            rows = [(row["offset"], row["first_offset"]) for row in await process.duplicates()]
            assert rows == [(2, 1), (3, 1)]
            assert await process.balances() == {"ada": 5}
            assert (process.progress.duplicates, process.progress.quarantined) == (2, 0)

    async def test_other_content_under_a_used_name_is_quarantined_and_never_an_overwrite(self, database: str) -> None:
        log = await new_log(event("ada", "1", 5), event("ada", "1", 6), event("ada", "1", 6), event("ada", "2", 1))
        async with folding(log, database) as process:
            await process.catch_up()
            quarantined = (await process.tables())["quarantined"]
            assert [(row["offset"], row["first_offset"]) for row in quarantined] == [(2, 1), (3, 1)]
            assert await process.balances() == {"ada": 6}

    async def test_the_same_id_under_another_key_is_another_event(self, database: str) -> None:
        async with folding(await new_log(event("ada", "1", 5), event("grace", "1", 5)), database) as process:
            await process.catch_up()
            assert await process.balances() == {"ada": 5, "grace": 5}


BAD = {
    "undecodable": Record(b"ada", b"\xff"),
    "no event": Record(b"ada", b"{}"),
    "fold raises": event("ada", "bad", "much"),
    "nothing in it": Record(b"ada", b""),
    "deep": Record(b"ada", b"[" * 100_000),
    "overflow": event("ada", "bad", INT4_MAX + 1),
    "nul": event("ada", "bad", 1, note="\x00"),
    "bad time": Record(b"ada", event("ada", "bad", 1).value.replace(b'"data"', b'"time": "soon", "data"')),
    "no text": Record(
        b"ada",
        b'{"id":"1","source":"s","type":"rapport.interactions.need.fulfilled.v1","data":{"need":"\xff"}}',
    ),
    "overflow of a row fold": event("ada", "bad", 1, surplus=2**63),
    "an id like a uuid7 with spaces": event("ada", "01 23 45- 67 -7" + "x" * 21, "much"),
}
CASES = [pytest.param(bad, id=name) for name, bad in BAD.items()]


class TestParking:
    @pytest.mark.parametrize("bad", CASES)
    async def test_a_bad_record_holds_back_its_key_and_no_other(self, database: str, bad: Record) -> None:
        neighbour = next(key for key in keys_of(partition_of(b"ada", len(PARTITIONS)), 2) if key != "ada")
        records = [event("ada", "1", 1), bad, event("ada", "2", 2), event(neighbour, "3", 3), event("ada", "4", 4)]
        async with folding(await new_log(*records), database) as process:
            await process.catch_up()
            assert await process.balances() == {"ada": 1, neighbour: 3}
            tables = await process.tables()
            assert [(row["key"], row["since_offset"]) for row in tables["parked_keys"]] == [("ada", 2)]
            [(_, code), *held] = parked(tables["parked_records"])
            assert code in {"undecodable", "fold_failed", "unstorable"}
            assert held == [("ada", "held")] * 2
            assert all(row["detail"] for row in tables["parked_records"])
            assert process.progress.parked_keys == 1

    async def test_among_many_the_database_finds_exactly_the_one_it_refuses(self, database: str) -> None:
        keys = keys_of(3, 40)
        records = [event(key, f"{key}-{n}", 1) for n in range(3) for key in keys]
        records[50] = event(keys[10], "bad", INT4_MAX + 1)
        async with folding(await new_log(*records), database) as process:
            await process.catch_up()
            assert await process.balances() == dict.fromkeys(keys, 3) | {keys[10]: 1}
            held = parked((await process.tables())["parked_records"])
            assert held == [(keys[10], "unstorable"), (keys[10], "held")]

    async def test_a_parked_key_stays_parked_after_a_restart(self, database: str) -> None:
        log = await new_log(event("ada", "1", "much"))
        async with folding(log, database) as process:
            await process.catch_up()
            await log.append(TOPIC, [event("ada", "2", 1), event("grace", "3", 1)])
            again = process.twin()
            await again.catch_up()
            assert await again.balances() == {"grace": 1}
            assert parked((await again.tables())["parked_records"]) == [("ada", "fold_failed"), ("ada", "held")]

    async def test_a_key_that_cannot_be_stored_stays_parked_after_a_restart(self, database: str) -> None:
        key = "a\x00da"
        log = await new_log(event(key, "1", "much"))
        async with folding(log, database) as process:
            await process.catch_up()
            await log.append(TOPIC, [event(key, "2", "much")])
            again = process.twin()
            await again.catch_up()
            assert [code for _, code in parked((await again.tables())["parked_records"])] == ["fold_failed", "held"]

    async def test_loose_json_that_repeats_a_name_does_not_end_the_projector(self, database: str) -> None:
        loose = [event("ada", "1", 1).value.replace(b'"data"', b'"x": %d, "x": 2, "data"' % n) for n in range(2)]
        async with folding(await new_log(*(Record(b"ada", value) for value in loose)), database) as process:
            await process.catch_up()
            assert await process.balances() == {"ada": 1}

    @pytest.mark.parametrize(
        "note",
        [
            "\\", "\\N", "\\.", "\t", "a\nb", "\r\n", "", "é€😀", "\x7f", "\x02",
            "\x01",
        ],
    )  # fmt: skip
    async def test_text_is_copied_as_it_is(self, database: str, note: str) -> None:
        async with folding(await new_log(event("ada", "1", 1, note=note)), database) as process:
            await process.catch_up()
            assert [row["note"] for row in (await process.tables())["entries"]] == [note]


def poisoned(keys: list[str]) -> list[Record]:
    return [event(key, "1", "much") for key in keys]


class TestTheBreaker:
    async def many_parked(self) -> MemoryLog:
        keys = keys_of(0, MAX_PARKED_KEYS + 2)
        return await new_log(*poisoned(keys[:-1]), event(keys[-1], "2", 1), event(keys_of(1, 1)[0], "3", 1))

    async def test_a_live_fold_stops_a_partition_where_too_many_keys_are_parked(self, database: str) -> None:
        async with folding(await self.many_parked(), database, limited=lambda: True) as process, following(process):
            other = keys_of(1, 1)[0]

            async def others_go_on() -> bool:
                return bool(process.progress.stopped) and await process.balances() == {other: 1}

            await until(process, others_go_on)
            assert "more than 100 keys" in process.progress.stopped[PARTITIONS[0]]
            assert len((await process.tables())["parked_keys"]) <= MAX_PARKED_KEYS
            assert (await process.reached())[PARTITIONS[0]] <= 1 + MAX_PARKED_KEYS

    async def test_whoever_folds_up_to_a_position_does_not_wait_for_a_partition_that_was_stopped(
        self, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(projector, "CATCH_UP_RECORDS", MAX_PARKED_KEYS)  # more is read after the stop
        log = await new_log(*poisoned(keys_of(0, 2 * MAX_PARKED_KEYS)), event(keys_of(1, 1)[0], "3", 1))
        async with folding(log, database, limited=lambda: True) as process:
            await process.catch_up()
            assert PARTITIONS[0] in process.progress.stopped
            assert await process.balances() == {keys_of(1, 1)[0]: 1}

    async def test_a_rebuild_parks_without_limit(self, database: str) -> None:
        async with folding(await self.many_parked(), database) as process:
            await process.catch_up()
            assert len((await process.tables())["parked_keys"]) == MAX_PARKED_KEYS + 1
            assert len(await process.balances()) == 2
            assert process.progress.stopped == {}
