from uuid import UUID

import pytest

from libs.events import log_created
from libs.events.log import LogBroken, Record, Slice
from libs.events.memory_log import MemoryLog
from libs.events.position import Partition
from libs.events.steps import Passed, Unreadable, ends_of, steps_of
from libs.events.tests.folding_sample import event

ADA = Partition("interactions", 3)


def payments(count: int) -> list[Record]:
    return [event("ada", f"{n}", 1) for n in range(count)]


def test_a_gap_leaves_the_log_incomplete() -> None:
    with pytest.raises(LogBroken, match=r"log incomplete: interactions/3 jumps from 1 to 2"):
        steps_of([Slice(ADA, 2, 0, payments(1))], {ADA: 1})


def test_what_is_delivered_again_is_dropped_and_counted() -> None:
    positions = {ADA: 3}
    steps, again = steps_of([Slice(ADA, 1, 0, payments(4)), Slice(ADA, 2, 0, payments(2))], positions)
    assert ([step.offset for step in steps], again, positions) == ([3, 4], 4, {ADA: 5})


def test_a_records_kind_is_told_and_nothing_is_left_out() -> None:
    named = log_created._record(MemoryLog(), ADA, UUID(int=1), "check")
    first, bad, good = steps_of([Slice(ADA, 0, 0, [named, Record(b"ada", b"\xff"), *payments(1)])], {ADA: 0})[0]
    assert isinstance(first, Passed)
    assert isinstance(bad, Unreadable)
    assert (bad.key, bad.offset, bad.code) == ("ada", 1, "undecodable")
    assert ends_of([first, bad, good]) == {ADA: (0, 3, good.digest)}
