"""Rows of contacts, whole."""

import json
from datetime import UTC, datetime
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from libs.events.catalog.contacts import ContactRegistered
from libs.events.fold import Fact, Row, fact_of
from libs.events.identity.judge import Ruling, Verdict
from libs.events.log import Record
from libs.events.position import Partition
from libs.events.tests.rich_story import GOLDEN
from libs.events.topics import BY_NAME
from services.contacts.projection import ACTS, fold_trait, seen_row, trait_keys, undated_rows

CONTACT = "019cae0f-d880-7c83-8a19-fdb5fc9d4931"
NODE = "3f1d2c4b-5a69-8788-9a0b-1c2d3e4f5061"
BOARD = "019cae18-15e0-7d3e-ba4e-e198d039f165"
RECORDED_AT = "2026-03-02T12:00:00.250Z"
REGISTERED: dict[str, Any] = json.loads(GOLDEN["rapport.contacts.contact.registered.v1"])
CHANGED: dict[str, Any] = json.loads(GOLDEN["rapport.contacts.contact.traits_changed.v1"])
FOREIGN: dict[str, Any] = json.loads(GOLDEN["com.example.cart.abandoned"])
NAME_OF_CHANGE = (CONTACT, UUID(NODE), "name")


def fact(event: dict[str, Any], topic: str, key: str, offset: int = 7) -> Fact:
    number = 4 if BY_NAME[topic].partitions > 1 else 0
    return fact_of(Record(key.encode(), json.dumps(event).encode()), Partition(topic, number), offset, RECORDED_AT)


def happened(event: dict[str, Any], **attributes: object) -> Fact:
    return fact(event | attributes, "interactions", NODE)


def changed(offset: int = 7, **data: object) -> Fact:
    return fact(CHANGED | {"data": CHANGED["data"] | data}, "contacts", CONTACT, offset)


def registered(verdict: Verdict = Verdict.EFFECTIVE, **data: object) -> Fact:
    """A registration with what the judge said of it."""
    claim = fact(REGISTERED | {"data": REGISTERED["data"] | data}, "identity", "identity")
    assert isinstance(claim.data, ContactRegistered)
    took_effect = claim.data if verdict is Verdict.EFFECTIVE else None
    return replace(claim, ruling=Ruling(verdict, registration=took_effect))


class TestTraits:
    def test_a_change_gives_each_of_its_fields_a_value(self) -> None:
        assert trait_keys(changed()) == [NAME_OF_CHANGE, (CONTACT, UUID(NODE), "country")]
        assert fold_trait(None, changed(), NAME_OF_CHANGE) == {
            "key": CONTACT,
            "node": UUID(NODE),
            "field": "name",
            "value": '"Ada Lovelace"',
            "trust": 20,
            "observed_at": datetime(2026, 3, 2, 10, 21, tzinfo=UTC),
            "recorded_at": datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC),
            "topic": 1,
            "partition": 4,
            "offset": 7,
        }

    def test_a_registration_that_takes_effect_gives_values_to_its_contact(self) -> None:
        key = ("identity", UUID(CONTACT), "name")
        assert trait_keys(registered()) == [key]
        assert fold_trait(None, registered(), key) == {
            "key": "identity",
            "node": UUID(CONTACT),
            "field": "name",
            "value": '"Ada Byron"',
            "trust": 10,
            "observed_at": datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC),
            "recorded_at": datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC),
            "topic": BY_NAME["identity"].number,
            "partition": 0,
            "offset": 7,
        }

    def test_one_that_was_in_conflict_does_so_when_it_is_decided_in_its_favour(self) -> None:
        claim = fact(json.loads(GOLDEN["rapport.contacts.conflict.resolved.v1"]), "identity", "identity", offset=9)
        decided = replace(claim, ruling=registered().ruling)
        (key,) = trait_keys(decided)
        row = fold_trait(None, decided, key)
        assert row is not None
        assert (row["node"], row["value"], row["offset"]) == (UUID(CONTACT), '"Ada Byron"', 9)

    @pytest.mark.parametrize("verdict", [Verdict.CONFLICT, Verdict.ALREADY_SO, Verdict.INVALID])
    def test_one_without_effect_gives_none(self, verdict: Verdict) -> None:
        assert trait_keys(registered(verdict)) == ()

    def test_one_that_says_nothing_gives_none(self) -> None:
        silent = {name: value for name, value in REGISTERED["data"].items() if name != "traits"}
        claim = fact(REGISTERED | {"data": silent}, "identity", "identity")
        assert isinstance(claim.data, ContactRegistered)
        assert trait_keys(replace(claim, ruling=Ruling(Verdict.EFFECTIVE, registration=claim.data))) == []
        assert trait_keys(happened(FOREIGN)) == ()

    def test_null_takes_a_field_away_and_an_unknown_origin_is_trusted_least(self) -> None:
        row = fold_trait(None, changed(changes={"name": {"from": "Ada", "to": None}}, origin="hearsay"), NAME_OF_CHANGE)
        assert row is not None
        assert (row["value"], row["trust"]) == ("null", 0)

    def test_the_most_trusted_then_the_last_observed_then_the_last_recorded_is_kept(self) -> None:
        early, late = "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"
        ascending = [
            changed(9, origin="hearsay", observed_at=late),
            changed(5, origin="registration", observed_at=early),
            changed(3, origin="registration", observed_at=late),
            changed(8, origin="correction", observed_at=early),
            changed(1, origin="correction", observed_at=late),
            changed(2, origin="correction", observed_at=late),
        ]
        for order in permutations(ascending):
            assert _kept(*order) == _kept(ascending[-1])


def _kept(*changes: Fact) -> Row | None:
    row: Row | None = None
    for change in changes:
        row = fold_trait(row, change, NAME_OF_CHANGE)
    return row


class TestSeen:
    def test_an_event_shows_that_a_name_was_seen(self) -> None:
        assert seen_row(happened(FOREIGN, subject="crm: 4711 ")) == {
            "node": UUID(NODE),
            "topic": 2,
            "partition": 4,
            "name": "crm:4711",
            "first_seen": datetime(2026, 3, 2, 10, 19, tzinfo=UTC),
            "last_seen": datetime(2026, 3, 2, 10, 19, tzinfo=UTC),
        }

    def test_a_node_that_was_called_by_its_id_has_no_name_yet(self) -> None:
        row = seen_row(happened(FOREIGN, subject=f"contact:{NODE}"))
        assert row is not None
        assert row["name"] == ""

    @pytest.mark.parametrize(
        "name", ["idea.submitted", "vote.cast", "vote.changed", "vote.withdrawn", "comment.posted"]
    )
    def test_what_a_customer_does_on_a_board_shows_them(self, name: str) -> None:
        event = json.loads(GOLDEN[f"rapport.feedback.{name}.v1"])
        happened_at = datetime.fromisoformat(event["time"])
        assert seen_row(fact(event, "feedback", BOARD)) == {
            "node": UUID(NODE),
            "topic": 3,
            "partition": 4,
            "name": "crm:4711",
            "first_seen": happened_at,
            "last_seen": happened_at,
        }

    @pytest.mark.parametrize("type_", sorted(type_ for type_ in GOLDEN if type_.startswith("rapport.feedback.")))
    def test_what_the_company_says_on_a_board_shows_nobody(self, type_: str) -> None:
        said = fact(json.loads(GOLDEN[type_]), "feedback", BOARD)
        assert (seen_row(said) is None) == (type(said.data) not in ACTS)
        assert undated_rows(said) == ()

    @pytest.mark.parametrize(
        "changes",
        [
            {"type": "rapport.feedback.comment.posted.v1", "subject": None, "subjectnode": None},
            {"type": "rapport.feedback.of_a_later_version.v1"},
            {"type": "rapport.feedback.of_a_later_version.v1", "subject": None, "time": None},
        ],
    )
    def test_nobody_is_shown_by_the_companys_own_words_and_by_types_that_are_not_known(
        self, changes: dict[str, Any]
    ) -> None:
        event = json.loads(GOLDEN["rapport.feedback.comment.posted.v1"])
        said = fact({name: value for name, value in (event | changes).items() if value}, "feedback", BOARD)
        assert seen_row(said) is None
        assert undated_rows(said) == ()

    @pytest.mark.parametrize(
        "said",
        [
            fact(json.loads(GOLDEN["rapport.interactions.interaction.amended.v1"]), "interactions", NODE),
            changed(),
            registered(),
            fact(FOREIGN, "identity", "identity"),
        ],
    )
    def test_what_was_decided_or_claimed_shows_nobody(self, said: Fact) -> None:
        assert seen_row(said) is None

    def test_an_event_about_nobody_is_refused(self) -> None:
        with pytest.raises(ValueError, match="names nobody"):
            seen_row(happened(FOREIGN, subject=None))
