"""Rows of interactions, whole."""

import json
from datetime import UTC, datetime
from functools import reduce
from typing import Any
from uuid import UUID

import pytest

from libs.events.envelope import digest_of, name_of
from libs.events.fold import Fact, Row, fact_of
from libs.events.log import Record
from libs.events.position import Partition
from libs.events.tests.rich_story import GOLDEN
from services.interactions.projection import event_rows, fold_interaction, interaction_id, interaction_keys

NODE = "3f1d2c4b-5a69-8788-9a0b-1c2d3e4f5061"
PLACE = Partition("interactions", 4)
RECORDED_AT = "2026-03-02T12:00:00.250Z"
CALL: dict[str, Any] = json.loads(GOLDEN["rapport.interactions.interaction.recorded.v1"])
AMENDED: dict[str, Any] = json.loads(GOLDEN["rapport.interactions.interaction.amended.v1"])
COMPLETED: dict[str, Any] = json.loads(GOLDEN["rapport.interactions.interaction.completed.v1"])
PURCHASE: dict[str, Any] = json.loads(GOLDEN["rapport.interactions.purchase.recorded.v1"])
ID = interaction_id(name_of("interactions", NODE, CALL["source"], CALL["id"]))


def fact(event: dict[str, Any], offset: int = 7, partition: Partition = PLACE) -> Fact:
    return fact_of(Record(NODE.encode(), json.dumps(event).encode()), partition, offset, RECORDED_AT)


def decision(event: dict[str, Any], sequence: int, **data: object) -> Fact:
    """A decision about the call; it stands at the offset that its sequence makes of it."""
    said = event["data"] | {"interaction": str(ID)} | data
    return fact(event | {"sequence": f"{sequence:020}", "data": said}, offset=20 + sequence)


def folded(*facts: Fact) -> Row:
    def follow(row: Row | None, each: Fact) -> Row | None:
        (key,) = interaction_keys(each)
        return fold_interaction(row, each, key)

    row = reduce(follow, facts, None)
    assert row is not None
    return dict(row)


RECORDED_ROW: Row = {
    "id": ID,
    "version": 1,
    "node": UUID(NODE),
    "subject": "crm:4711",
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
    "data": CALL["data"],
    "amendments": [],
}
AMENDMENT = {
    "version": 2,
    "changes": {"reason": "parcel lost"},
    "reason": "the carrier called",
    "event_id": AMENDED["id"],
    "recorded_at": RECORDED_AT,
    "position": "interactions/4/21",
}


def read(row: Row) -> Row:
    """The row with its JSON read."""
    return row | {name: json.loads(row[name]) for name in ("data", "amendments")}


class TestEvents:
    def test_an_event_is_remembered_by_its_name_and_place(self) -> None:
        name = name_of("interactions", NODE, "urn:example:golden", PURCHASE["id"])
        digest = digest_of(json.dumps(PURCHASE).encode())
        assert event_rows(fact(PURCHASE)) == ((
            NODE, name, digest, "2", "4", "7", RECORDED_AT, PURCHASE["id"], "urn:example:golden",
            "rapport.interactions.purchase.recorded.v1",
        ),)  # fmt: skip

    def test_claims_about_identity_are_not_among_them(self) -> None:
        claim = json.loads(GOLDEN["rapport.contacts.contact.registered.v1"])
        assert event_rows(fact(claim, partition=Partition("identity", 0))) == ()


class TestRecorded:
    def test_a_conversation_becomes_an_interaction(self) -> None:
        assert read(folded(fact(CALL))) == RECORDED_ROW

    def test_without_a_time_it_happened_when_it_was_recorded(self) -> None:
        row = folded(fact({name: value for name, value in CALL.items() if name != "time"}))
        assert row["occurred_at"] == row["recorded_at"]

    def test_its_id_comes_from_its_whole_name_and_is_a_uuid_of_version_8(self) -> None:
        ids = {interaction_id(fact(CALL | change).name) for change in ({}, {"id": "other"}, {"source": "urn:other"})}
        assert len(ids) == 3
        assert {id_.version for id_ in ids} == {8}

    def test_another_event_of_the_same_name_changes_nothing(self) -> None:
        assert folded(fact(CALL), fact(CALL, offset=9)) == folded(fact(CALL))

    def test_only_conversations_are_interactions(self) -> None:
        assert interaction_keys(fact(CALL)) == [(ID,)]
        assert interaction_keys(fact(PURCHASE)) == ()
        assert fold_interaction(None, fact(PURCHASE), (ID,)) is None


class TestDecided:
    def test_an_amendment_changes_fields_and_is_kept_with_its_reason(self) -> None:
        assert read(folded(fact(CALL), decision(AMENDED, 1))) == RECORDED_ROW | {
            "version": 2,
            "data": CALL["data"] | {"reason": "parcel lost"},
            "amendments": [AMENDMENT],
        }

    def test_an_amendment_adds_fields_and_takes_them_away(self) -> None:
        changes = {"touchpoint": "billing", "reason": None, "purpose": None, "status": "opened"}
        row = read(folded(fact(CALL), decision(AMENDED, 1, changes=changes)))
        left = {name: value for name, value in CALL["data"].items() if name not in {"reason", "purpose"}}
        assert row["data"] == left | {"touchpoint": "billing"}
        assert (row["touchpoint"], row["status"]) == ("billing", "opened")

    def test_one_whose_status_is_taken_away_is_completed(self) -> None:
        opened = fact(CALL | {"data": CALL["data"] | {"status": "opened"}})
        assert folded(opened, decision(AMENDED, 1, changes={"status": None}))["status"] == "completed"

    def test_a_completion_ends_it_with_its_resolution(self) -> None:
        opened = fact(CALL | {"data": CALL["data"] | {"status": "opened"}})
        assert read(folded(opened, decision(COMPLETED, 1))) == RECORDED_ROW | {
            "version": 2,
            "data": CALL["data"] | {"resolution": "sent again by courier"},
            "amendments": [
                {
                    "version": 2,
                    "status": "completed",
                    "resolution": "sent again by courier",
                    "event_id": COMPLETED["id"],
                    "recorded_at": RECORDED_AT,
                    "position": "interactions/4/21",
                }
            ],
        }

    def test_an_amendment_of_what_nothing_recorded_stays_visible_as_unmatched(self) -> None:
        assert read(folded(decision(AMENDED, 1))) == {
            "id": ID,
            "version": 2,
            "node": UUID(NODE),
            "subject": "crm:4711",
            "occurred_at": datetime(2026, 3, 2, 10, 27, tzinfo=UTC),
            "topic": 2,
            "partition": 4,
            "offset": 21,
            "recorded_at": datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC),
            "channel": None,
            "touchpoint": None,
            "direction": None,
            "status": "unmatched",
            "event_id": None,
            "source": None,
            "data": {},
            "amendments": [AMENDMENT],
        }

    @pytest.mark.parametrize("place", range(4))
    def test_what_is_recorded_late_looks_as_if_it_had_come_in_order(self, place: int) -> None:
        opened = fact(CALL | {"data": CALL["data"] | {"status": "opened"}})
        decisions = [
            decision(AMENDED, 1, changes={"reason": None, "touchpoint": "billing"}),
            decision(COMPLETED, 2),
            decision(AMENDED, 3, changes={"reason": "parcel lost", "channel": "email"}),
        ]
        late = [*decisions[:place], opened, *decisions[place:]]
        assert folded(*late) == folded(opened, *decisions)
