"""What a sender is told when the log answered for some of its events and not for others."""

import json

import pytest

from libs.events.log import AppendUnknown, Record, Span
from libs.events.partitions import partition_of
from libs.events.tests.log_contract import one_of_each_partition
from libs.events.topics import INTERACTIONS
from libs.service.errors import HttpRefusal, body_of
from services.interactions.ingest import undecided

KEYS = [each.key for each in one_of_each_partition()[:3]]
PARTITIONS = [partition_of(key, INTERACTIONS.partitions) for key in KEYS]
RECORDS = [Record(key, json.dumps({"id": f"e-{n}", "source": "urn:x"}).encode()) for n, key in enumerate(KEYS)]


def told(refusal: HttpRefusal) -> list[tuple[int, str, str]]:
    return [(each["index"], each["id"], each["outcome"]) for each in json.loads(body_of(refusal))["events"]]


def test_each_event_is_told_what_is_known_of_it() -> None:
    reason = AppendUnknown("x", known={PARTITIONS[0]: Span(7, 1)}, refused=[PARTITIONS[2]])
    refusal = undecided(reason, RECORDS, set())
    assert (refusal.status_code, refusal.code, refusal.headers) == (503, "outcome_unknown", {"Retry-After": "1"})
    assert told(refusal) == [(0, "e-0", "recorded"), (1, "e-1", "unknown"), (2, "e-2", "refused")]


@pytest.mark.parametrize(("left_out", "indexes"), [({0}, [1, 2, 3]), ({1, 4}, [0, 2, 3]), ({3}, [0, 1, 2])])
def test_an_index_is_that_of_the_batch_that_was_sent(left_out: set[int], indexes: list[int]) -> None:
    assert [index for index, _, _ in told(undecided(AppendUnknown("x"), RECORDS, left_out))] == indexes


def test_where_nothing_is_known_all_are_unknown() -> None:
    assert {outcome for _, _, outcome in told(undecided(AppendUnknown("x"), RECORDS, set()))} == {"unknown"}
