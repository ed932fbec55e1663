"""Rows of the timeline, whole."""

import json
from typing import Any

import pytest

from libs.events.envelope import digest_of, name_of
from libs.events.fold import Fact, fact_of
from libs.events.log import Record
from libs.events.position import Partition
from libs.events.tests.projection_contract import GOLDEN
from services.timeline.projection import row

NODE = "3f1d2c4b-5a69-8788-9a0b-1c2d3e4f5061"
OTHER = "7a1d2c4b-5a69-8788-9a0b-1c2d3e4f5061"
PLACE = Partition("interactions", 4)
RECORDED_AT = "2026-03-02T12:00:00.250Z"
CALL: dict[str, Any] = json.loads(GOLDEN["rapport.interactions.interaction.recorded.v1"])
FOREIGN: dict[str, Any] = json.loads(GOLDEN["com.example.cart.abandoned"])


def fact(event: dict[str, Any], key: str = NODE) -> Fact:
    return fact_of(Record(key.encode(), json.dumps(event).encode()), PLACE, 7, RECORDED_AT)


def item(event: dict[str, Any]) -> Any:
    return json.loads(row(fact(event))[-1] or "")


def test_an_event_is_one_row_and_the_row_holds_the_item_as_it_is_answered() -> None:
    *columns, entry = row(fact(CALL))
    name = name_of("interactions", NODE, CALL["source"], CALL["id"])
    digest = digest_of(json.dumps(CALL).encode())
    assert columns == [
        NODE, "2026-03-02T10:00:00Z", "2", "4", "7", name, digest, RECORDED_AT, "crm:4711", CALL["type"],
        "telephone", None, "inbound",
    ]  # fmt: skip
    assert json.loads(entry or "") == {
        "event_id": CALL["id"],
        "type": "rapport.interactions.interaction.recorded.v1",
        "service": "interactions",
        "contact": NODE,
        "title": "Inbound telephone: Asked where the parcel is; promised a call back",
        "actor": {"kind": "staff", "id": "agent-7"},
        "channel": "telephone",
        "direction": "inbound",
        "touchpoint": None,
        "occurred_at": "2026-03-02T10:00:00Z",
        "recorded_at": RECORDED_AT,
        "position": "interactions/4/7",
        "source": CALL["source"],
        "data": CALL["data"],
    }


def test_a_foreign_event_stands_with_its_own_data() -> None:
    assert item(FOREIGN) == {
        "event_id": FOREIGN["id"],
        "type": "com.example.cart.abandoned",
        "service": "interactions",
        "contact": NODE,
        "title": "cart abandoned (com.example)",
        "actor": None,
        "channel": None,
        "direction": None,
        "touchpoint": None,
        "occurred_at": "2026-03-02T10:19:00Z",
        "recorded_at": RECORDED_AT,
        "position": "interactions/4/7",
        "source": "urn:example:golden",
        "data": FOREIGN["data"],
    }


def test_an_event_without_data_or_time_stands_where_it_was_recorded() -> None:
    bare = {name: value for name, value in FOREIGN.items() if name not in {"data", "time"}}
    assert item(bare)["data"] is None
    assert item(bare)["occurred_at"] == RECORDED_AT


def test_times_stand_in_utc() -> None:
    assert item(FOREIGN | {"time": "2026-03-02T10:19:00.5+02:00"})["occurred_at"] == "2026-03-02T08:19:00.500000Z"


def test_spellings_of_a_name_are_one_subject() -> None:
    assert row(fact(FOREIGN | {"subject": "email: Ada@Example.ORG "}))[8] == "email:ada@example.org"


def test_an_event_under_another_key_names_its_node_itself() -> None:
    assert row(fact(FOREIGN | {"subjectnode": NODE}, key=OTHER))[0] == NODE


@pytest.mark.parametrize("event", [FOREIGN | {"subject": None}, FOREIGN | {"subjectnode": "nobody"}])
def test_an_event_about_nobody_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="names nobody"):
        row(fact(event))
