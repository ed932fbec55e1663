"""What becomes of decisions: who wins, who has to try again, and what breaks the log (DESIGN.md section 4)."""

from dataclasses import replace

import pytest

from libs.events.arbitration import Outcome, arbitrate, sequence_of, sequence_text
from libs.events.folding import Folder
from libs.events.log import LogBroken, Record
from libs.events.memory_log import MemoryLog
from libs.events.partitions import partition_of
from libs.events.position import Partition
from libs.events.tests.folding_sample import (
    PARTITIONS,
    PROJECTION,
    TOPIC,
    Folding,
    decision,
    event,
    folding,
    new_log,
    parked,
    steps_in,
)
from libs.events.tests.folding_story import INT4_MAX

ADA = Partition(TOPIC, partition_of(b"ada", len(PARTITIONS)))


class TestArbitration:
    @pytest.mark.parametrize(
        ("is_applied", "head", "sequence", "outcome"),
        [
            (False, 0, 1, Outcome.APPLIED),
            (False, 7, 8, Outcome.APPLIED),
            (False, 7, 7, Outcome.SUPERSEDED),
            (False, 7, 1, Outcome.SUPERSEDED),
            (False, 0, 0, Outcome.SUPERSEDED),
            (True, 7, 8, Outcome.DUPLICATE),
            (True, 7, 1, Outcome.DUPLICATE),
            (True, 7, 99, Outcome.DUPLICATE),
        ],
    )
    def test_gives_each_its_outcome(self, *, is_applied: bool, head: int, sequence: int, outcome: Outcome) -> None:
        assert arbitrate(is_applied=is_applied, head=head, sequence=sequence) is outcome

    def test_notices_what_is_missing(self) -> None:
        with pytest.raises(LogBroken, match="a decision has the sequence 9 where"):
            arbitrate(is_applied=False, head=7, sequence=9)

    def test_reads_the_sequences_that_it_writes_and_they_sort(self) -> None:
        assert [sequence_of(sequence_text(n)) for n in (1, 9, 10)] == [1, 9, 10]
        assert sequence_text(9) < sequence_text(10)


async def fold_one_by_one(process: Folding, log: MemoryLog) -> None:
    """Each record in a transaction of its own, folded by another process that knows only what is stored."""
    for step in (await steps_in(log))[ADA]:
        heir = process.twin()
        await heir.begin()
        await heir.folder.fold([step])


async def fold_at_once(process: Folding, log: MemoryLog) -> None:
    await process.catch_up()


BOTH_WAYS = pytest.mark.parametrize("fold", [fold_one_by_one, fold_at_once], ids=["one by one", "at once"])


@BOTH_WAYS
@pytest.mark.asyncio
class TestOutcomes:
    async def outcomes(self, database: str, fold: object, *records: Record) -> tuple[list[object], dict[str, int]]:
        assert callable(fold)
        log = await new_log(*records)
        async with folding(log, database) as process:
            await fold(process, log)
            self.duplicates = [(row["offset"], row["first_offset"]) for row in await process.duplicates()]
            tables = await process.tables()
            self.quarantined = [(row["offset"], row["first_offset"]) for row in tables["quarantined"]]
            self.parked = parked(tables["parked_records"])
            return list(await process.outcomes()), await process.balances()

    async def test_one_after_the_other_is_applied(self, database: str, fold: object) -> None:
        said = decision("ada", "a", 1, 5), decision("ada", "b", 2, 6), decision("ada", "c", 3, 7)
        outcomes, balances = await self.outcomes(database, fold, *said)
        assert outcomes == [("a", "applied", 1), ("b", "applied", 2), ("c", "applied", 3)]
        assert balances == {"ada": 18}

    async def test_of_two_at_once_the_first_wins(self, database: str, fold: object) -> None:
        said = decision("ada", "a", 1, 5), decision("ada", "b", 1, 6)
        outcomes, balances = await self.outcomes(database, fold, *said)
        assert outcomes == [("a", "applied", 1), ("b", "superseded", None)]
        assert balances == {"ada": 5}

    async def test_who_was_superseded_may_win_with_the_same_id_and_does_so_once(
        self, database: str, fold: object
    ) -> None:
        late, retry = (decision("ada", "b", sequence, 6, request="b") for sequence in (1, 2))
        again = decision("ada", "b", 3, 6, request="b")
        outcomes, balances = await self.outcomes(database, fold, decision("ada", "a", 1, 5), late, retry, again, late)
        assert outcomes == [("a", "applied", 1), ("b", "superseded", None), ("b", "applied", 2)]
        assert balances == {"ada": 11}
        assert self.duplicates == [(4, 3), (5, 3)]
        assert self.quarantined == []

    async def test_the_same_record_again_is_a_duplicate(self, database: str, fold: object) -> None:
        said = decision("ada", "a", 1, 5)
        outcomes, balances = await self.outcomes(database, fold, said, said, decision("ada", "b", 2, 1), said)
        assert outcomes == [("a", "applied", 1), ("b", "applied", 2)]
        assert (balances, self.duplicates) == ({"ada": 6}, [(2, 1), (4, 1)])

    @pytest.mark.parametrize(
        ("first", "second", "is_same"),
        [("one", "one", True), ("one", "two", False), ("one", "", False), ("", "one", False), ("", "", False)],
    )
    async def test_a_used_id_says_the_same_if_the_request_does(
        self, database: str, fold: object, first: str, second: str, *, is_same: bool
    ) -> None:
        said = decision("ada", "a", 1, 5, request=first), decision("ada", "a", 2, 6, request=second)
        outcomes, balances = await self.outcomes(database, fold, *said, decision("ada", "b", 2, 1))
        assert outcomes == [("a", "applied", 1), ("b", "applied", 2)]
        assert balances == {"ada": 6}
        assert (self.duplicates, self.quarantined) == (([(2, 1)], []) if is_same else ([], [(2, 1)]))

    async def test_scopes_of_one_key_count_apart(self, database: str, fold: object) -> None:
        said = decision("ada", "a", 1, 5), decision("ada", "b", 1, 6, scope="other")
        outcomes, balances = await self.outcomes(database, fold, *said, decision("ada", "c", 2, 7, scope="other"))
        assert outcomes == [("a", "applied", 1), ("b", "applied", 1), ("c", "applied", 2)]
        assert balances == {"ada": 18}

    async def test_observations_between_them_do_not_count(self, database: str, fold: object) -> None:
        said = decision("ada", "a", 1, 5), event("ada", "a", 1), decision("ada", "b", 2, 6)
        outcomes, balances = await self.outcomes(database, fold, *said)
        assert outcomes == [("a", "applied", 1), ("b", "applied", 2)]
        assert balances == {"ada": 12}

    @pytest.mark.parametrize("sequence", [None, "", "first", "-1", "1.0", "１", "1" * 21])
    async def test_without_a_readable_sequence_its_key_is_parked(
        self, database: str, fold: object, sequence: str | None
    ) -> None:
        said = decision("ada", "a", 1, 5), decision("ada", "b", sequence, 6), decision("ada", "c", 2, 7)
        outcomes, balances = await self.outcomes(database, fold, *said)
        assert outcomes == [("a", "applied", 1)]
        assert (balances, self.parked) == ({"ada": 5}, [("ada", "bad_sequence"), ("ada", "held")])

    async def test_one_that_cannot_be_folded_has_used_its_sequence(self, database: str, fold: object) -> None:
        said = decision("ada", "a", 1, 5), decision("ada", "b", 2, "much"), decision("ada", "c", 3, 7)
        outcomes, balances = await self.outcomes(database, fold, *said)
        assert outcomes == [("a", "applied", 1), ("b", "parked", 2)]
        assert (balances, self.parked) == ({"ada": 5}, [("ada", "fold_failed"), ("ada", "held")])

    async def test_one_that_cannot_be_stored_holds_back_what_follows(self, database: str, fold: object) -> None:
        said = decision("ada", "a", 1, 5), decision("ada", "b", 2, INT4_MAX + 1), decision("ada", "c", 3, 7)
        outcomes, balances = await self.outcomes(database, fold, *said)
        assert outcomes == [("a", "applied", 1)]
        assert (balances, self.parked) == ({"ada": 5}, [("ada", "unstorable"), ("ada", "held")])


@pytest.mark.asyncio
class TestABrokenLog:
    @BOTH_WAYS
    async def test_a_gap_stops_the_fold_and_its_batch_leaves_no_trace(self, database: str, fold: object) -> None:
        assert callable(fold)
        log = await new_log(decision("ada", "a", 1, 5), decision("ada", "b", 3, 6))
        async with folding(log, database) as process:
            with pytest.raises(LogBroken, match="the sequence 3 where"):
                await fold(process, log)
            assert (await process.reached())[ADA] <= 2
            assert await process.balances() in ({}, {"ada": 5})


@pytest.mark.asyncio
async def test_whoever_waits_is_told_what_became_of_their_command(database: str) -> None:
    first = decision("ada", "a", 1, 5, request="a")
    log = await new_log(
        first, decision("ada", "b", 1, 6), first, decision("ada", "a", 9, 6, request="other"),
        decision("ada", "c", 2, "much"), decision("ada", "d", 3, 1),
    )  # fmt: skip
    async with folding(log, database) as process:
        owner = replace(PROJECTION, service="interactions")
        process.folder = Folder(owner, process.engine, log, process.progress, limited=lambda: False)
        await process.begin()
        await process.folder.fold((await steps_in(log))[ADA])
        told = [process.progress.told(ADA, offset) for offset in range(1, 7)]
        assert told == ["applied", "superseded", "duplicate", "quarantined", "parked", "parked"]
