"""Rows of interactions, whole."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from libs.events.envelope import digest_of, name_of
from libs.events.fold import Fact, fact_of
from libs.events.log import Record
from libs.events.position import Partition
from libs.events.tests.projection_contract import GOLDEN
from services.interactions.projection import event_row, fold_interaction, interaction_id, interaction_key

NODE = "3f1d2c4b-5a69-8788-9a0b-1c2d3e4f5061"
PLACE = Partition("interactions", 4)
CALL: dict[str, Any] = json.loads(GOLDEN["rapport.interactions.interaction.recorded.v1"])
PURCHASE: dict[str, Any] = json.loads(GOLDEN["rapport.interactions.purchase.recorded.v1"])


def fact(event: dict[str, Any], offset: int = 7) -> Fact:
    return fact_of(Record(NODE.encode(), json.dumps(event).encode()), PLACE, offset, "2026-03-02T12:00:00.250Z")


def test_an_event_is_remembered_by_its_name_and_place() -> None:
    name = name_of("interactions", NODE, "urn:example:golden", PURCHASE["id"])
    digest = digest_of(json.dumps(PURCHASE).encode())
    assert event_row(fact(PURCHASE)) == (
        NODE, name, digest, "2", "4", "7", "2026-03-02T12:00:00.250Z", PURCHASE["id"], "urn:example:golden",
        "rapport.interactions.purchase.recorded.v1",
    )  # fmt: skip


def test_a_conversation_becomes_an_interaction() -> None:
    call = fact(CALL)
    row = fold_interaction(None, call)
    assert row is not None
    data = json.loads(row.pop("data"))
    assert data == CALL["data"]
    assert row == {
        "id": interaction_id(call.name),
        "version": 1,
        "node": UUID(NODE),
        "occurred_at": datetime(2026, 3, 2, 10, tzinfo=UTC),
        "topic": 2,
        "partition": 4,
        "offset": 7,
        "recorded_at": datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC),
        "channel": "telephone",
        "touchpoint": None,
        "direction": "inbound",
        "status": "completed",
        "event_id": CALL["id"],
        "source": "urn:example:golden",
    }


def test_without_a_time_it_happened_when_it_was_recorded() -> None:
    row = fold_interaction(None, fact({name: value for name, value in CALL.items() if name != "time"}))
    assert row is not None
    assert row["occurred_at"] == row["recorded_at"]


def test_its_id_comes_from_its_whole_name_and_is_a_uuid_of_version_8() -> None:
    ids = {interaction_id(fact(CALL | change).name) for change in ({}, {"id": "other"}, {"source": "urn:other"})}
    assert len(ids) == 3
    assert {id_.version for id_ in ids} == {8}


def test_another_event_of_the_same_name_changes_nothing() -> None:
    row = fold_interaction(None, fact(CALL))
    assert fold_interaction(row, fact(CALL, offset=9)) is row


def test_only_conversations_are_interactions() -> None:
    assert interaction_key(fact(CALL)) == (interaction_id(fact(CALL).name),)
    assert interaction_key(fact(PURCHASE)) is None
    assert fold_interaction(None, fact(PURCHASE)) is None
