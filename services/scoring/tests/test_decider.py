"""What scoring records, refuses to record, and is quiet about."""

from datetime import UTC, datetime
from typing import Any

import pytest

from libs.events.catalog.scoring import Cause, ClassChanged, Measured, StatisticsPublished
from services.scoring.commands import AnnounceClass, PublishStatistics
from services.scoring.decider import Announced, decide_class, decide_statistics
from services.scoring.refusals import NobodyToCount

MEASURED = Measured(measure="problems", kind="pareto", people=1, total=1, cuts=[None, None])
DUE = datetime(2026, 3, 3, 10, 15, tzinfo=UTC)
CAUSE = Cause(kind="statistics")
LOYAL = Announced("loyal", 3)


def announce(band: str | None, **rest: Any) -> AnnounceClass:
    given: dict[str, Any] = {"currency": "GBP", "statistics": 2} | rest
    return AnnounceClass("rfm", 1, given["currency"], band, given["statistics"], CAUSE)


def test_statistics_have_the_next_version_and_say_when_the_next_ones_are_due() -> None:
    command = PublishStatistics(1, "a token", [MEASURED], DUE)
    published = StatisticsPublished(version=8, people=1, covers="a token", due_at=DUE, measures=[MEASURED])
    assert decide_statistics(command, 7) == published


def test_statistics_may_be_the_last_ones() -> None:
    published = StatisticsPublished(version=1, people=1, covers="a token", measures=[])
    assert decide_statistics(PublishStatistics(1, "a token", []), 0) == published


def test_nobody_is_not_counted() -> None:
    with pytest.raises(NobodyToCount, match="nobody whom this could be counted over") as refused:
        decide_statistics(PublishStatistics(0, "a token", []), 0)
    assert refused.value.code == "nobody_to_count"


def test_another_class_is_announced_with_the_one_before() -> None:
    changed = ClassChanged(
        definition="rfm", version=1, currency="GBP", before="loyal", to="champions", statistics=2, cause=CAUSE
    )
    assert decide_class(announce("champions"), LOYAL) == changed


def test_the_first_class_has_none_before_it() -> None:
    changed = ClassChanged(definition="rfm", version=1, to="loyal", cause=CAUSE)
    assert decide_class(announce("loyal", currency=None, statistics=None), Announced()) == changed


def test_a_class_that_nothing_speaks_for_is_taken_back() -> None:
    changed = ClassChanged(definition="rfm", version=1, currency="GBP", before="loyal", statistics=2, cause=CAUSE)
    assert decide_class(announce(None), LOYAL) == changed


@pytest.mark.parametrize(("band", "announced"), [("loyal", LOYAL), (None, Announced()), (None, Announced(None, 4))])
def test_what_was_announced_is_not_announced_again(band: str | None, announced: Announced) -> None:
    assert decide_class(announce(band), announced) is None
