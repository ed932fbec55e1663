import json
import re

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events import terms
from libs.events.catalog.explain import explain
from libs.events.catalog.interactions import InteractionRecorded, PurchaseRecorded
from libs.events.catalog.registry import CATALOG, EventType, Kind, find, schemas
from libs.events.currencies import MINOR_UNITS
from libs.events.tests.catalog_samples import OBSERVATIONS, decodes, example, interactions, validator
from libs.events.tests.catalog_strategies import event_types, plain_data


class TestTheCatalog:
    def test_knows_its_types_and_no_others(self) -> None:
        assert find("rapport.interactions.purchase.recorded.v1") is interactions("purchase.recorded")
        assert find("rapport.interactions.purchase.recorded.v2") is None
        assert find("com.example.cart.abandoned") is None

    @pytest.mark.parametrize(
        ("owner", "kind", "topic", "types"),
        [
            ("interactions", Kind.OBSERVATION, "interactions", 19),
            ("interactions", Kind.DECISION, "interactions", 2),
            ("contacts", Kind.DECISION, "contacts", 1),
            ("contacts", Kind.CLAIM, "identity", 6),
            ("feedback", Kind.DECISION, "feedback", 22),
            ("scoring", Kind.DECISION, "scoring", 2),
            ("operations", Kind.CONTROL, "operations", 1),
        ],
    )
    def test_holds_every_type_of_a_kind_and_its_topic(self, owner: str, kind: Kind, topic: str, types: int) -> None:
        found = [each.topic for each in CATALOG.values() if (each.owner, each.kind) == (owner, kind)]
        assert found == [topic] * types

    @pytest.mark.parametrize("event_type", CATALOG.values(), ids=lambda each: each.name)
    def test_has_an_example_that_is_right(self, event_type: EventType) -> None:
        validator(event_type.name).validate(dict(event_type.example))
        assert explain(event_type, event_type.example["data"]) == []

    def test_gives_no_two_examples_one_name(self) -> None:
        names = [(each.example["source"], each.example["id"]) for each in OBSERVATIONS]
        assert len(set(names)) == len(names)

    def test_tolerates_unknown_fields_where_events_are_folded(self) -> None:
        purchase = interactions("purchase.recorded").decoder.decode(
            b'{"amount_minor": 1, "currency": "GBP", "order": "1", "from_the_future": {}}'
        )
        assert purchase == PurchaseRecorded(amount_minor=1, currency="GBP", order="1")

    def test_takes_an_interaction_for_completed_unless_it_says_otherwise(self) -> None:
        assert InteractionRecorded(channel="sms", direction="outbound").status == "completed"


class TestSchemas:
    def test_name_themselves_and_their_dialect(self) -> None:
        for type_, each in schemas().items():
            assert each["$id"] == f"urn:rapport:{type_}"
            jsonschema_rs.Draft202012Validator(each)

    def test_write_patterns_that_every_dialect_reads(self) -> None:
        written = json.dumps(schemas())
        assert "(?!" not in written
        assert r"\\Z" not in written

    @given(data=st.data())
    def test_accept_what_the_decoder_accepts(self, data: st.DataObject) -> None:
        event_type = data.draw(event_types)
        plain = data.draw(plain_data(event_type))
        assert decodes(event_type, plain)
        validator(event_type.name).validate(dict(event_type.example) | {"data": plain})


class TestTerms:
    @pytest.mark.parametrize("term", ["store", "face_to_face", "acme:loyalty_desk", "a-1:b_2"])
    def test_are_built_in_or_have_a_prefix(self, term: str) -> None:
        assert re.search(terms.CHANNEL_PATTERN, term)

    @pytest.mark.parametrize("term", ["", "stor", "Store", "store\n", " store", "acme:", ":desk", "acme:Desk", "a:b:c"])
    def test_are_refused_when_misspelt(self, term: str) -> None:
        assert not re.search(terms.CHANNEL_PATTERN, term)
        assert [
            each.code for each in explain(interactions("purchase.recorded"), example("purchase.recorded", channel=term))
        ] == ["unknown_term"]

    def test_of_about_are_value_factors_and_relationship_drivers(self) -> None:
        assert {"security", "problem_solving"} <= terms.ABOUT
        assert len(terms.ABOUT) == 20


@pytest.mark.parametrize(("currency", "digits"), [("GBP", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("ISK", 0)])
def test_a_currency_knows_its_minor_unit(currency: str, digits: int) -> None:
    assert MINOR_UNITS[currency] == digits
