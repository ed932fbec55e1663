import json
import re
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events import terms
from libs.events.catalog import document
from libs.events.catalog.explain import MAX_PROBLEMS, explain
from libs.events.catalog.interactions import InteractionRecorded, PurchaseRecorded
from libs.events.catalog.registry import CATALOG, EventType, Kind, find, schema, schemas
from libs.events.currencies import MINOR_UNITS
from libs.events.problems import Problem
from libs.events.tests.catalog_strategies import event_types, plain_data

GOLDEN = {path.stem: path for path in (Path(__file__).parents[3] / "tests" / "golden").glob("*.json")}
OBSERVATIONS = [each for each in CATALOG.values() if each.kind is Kind.OBSERVATION]


def interactions(name: str) -> EventType:
    return CATALOG[f"rapport.interactions.{name}.v1"]


def example(name: str, **changes: object) -> dict[str, Any]:
    return {**deepcopy(interactions(name).example["data"]), **changes}


@cache
def validator(type_: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema(type_), validate_formats=True)


def decodes(event_type: EventType, data: object) -> bool:
    try:
        event_type.decoder.decode(msgspec.json.encode(data))
    except msgspec.ValidationError:
        return False
    return True


class TestTheCatalog:
    def test_knows_its_types_and_no_others(self) -> None:
        assert find("rapport.interactions.purchase.recorded.v1") is interactions("purchase.recorded")
        assert find("rapport.interactions.purchase.recorded.v2") is None
        assert find("com.example.cart.abandoned") is None

    def test_holds_every_observation_and_decision_of_interactions(self) -> None:
        kinds = [each.kind for each in CATALOG.values() if each.owner == "interactions"]
        assert (kinds.count(Kind.OBSERVATION), kinds.count(Kind.DECISION)) == (19, 2)

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


class TestTheGoldenCorpus:
    def test_has_a_sample_of_every_observation_and_a_foreign_type(self) -> None:
        assert set(GOLDEN) == {each.name for each in OBSERVATIONS} | {"com.example.cart.abandoned"}

    @pytest.mark.parametrize("event_type", OBSERVATIONS, ids=lambda each: each.name)
    def test_is_read_by_todays_code(self, event_type: EventType) -> None:
        event = json.loads(GOLDEN[event_type.name].read_bytes())
        validator(event_type.name).validate(event)
        data = event_type.decoder.decode(msgspec.json.encode(event["data"]))
        assert data.problem() is None
        assert msgspec.json.decode(msgspec.json.encode(data)) == event["data"]

    @pytest.mark.parametrize("event_type", OBSERVATIONS, ids=lambda each: each.name)
    def test_is_refused_by_the_schema_once_something_is_missing_or_too_much(self, event_type: EventType) -> None:
        event = json.loads(GOLDEN[event_type.name].read_bytes())
        accepts = validator(event_type.name).is_valid
        for required in ("specversion", "id", "source", "type", "subject", "data"):
            assert not accepts({name: value for name, value in event.items() if name != required})
        for name, value in event["data"].items():
            assert not accepts(event | {"data": event["data"] | {name: None}})
            assert not accepts(event | {"data": event["data"] | {name.upper(): value}})
        assert not accepts(event | {"type": "com.example.other"})
        assert not accepts(event | {"specversion": "0.3"})
        assert not accepts(event | {"Extension": "upper case"})
        assert not accepts(event | {"extension": 2**31})
        assert not accepts(event | {"extension": ["a list"]})
        assert accepts(event | {"dataschema": f"urn:rapport:{event_type.name}", "traceparent": "00-1-2-01"})
        assert accepts(event | {"time": None, "extension": 1})


class TestSchemas:
    def test_name_themselves_and_their_dialect(self) -> None:
        for type_, each in schemas().items():
            assert each["$id"] == f"urn:rapport:{type_}"
            jsonschema_rs.Draft202012Validator(each)

    def test_write_patterns_that_every_dialect_reads(self) -> None:
        assert "(?!" not in json.dumps(schemas())

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


class TestExplaining:
    def test_says_everything_at_once_and_in_the_order_of_the_fields(self) -> None:
        line = {"product": "A", "quantity": -1, "amount_minor": 1.5, "colour/ink": "red"}
        data = example("purchase.recorded", amount_minor=-1, currency="GBX", lines=[line], chanel="web")
        del data["order"]
        assert explain(interactions("purchase.recorded"), data) == [
            Problem("/amount_minor", "range", "must be >= 0"),
            Problem(
                "/currency", "not_allowed", "is not an ISO 4217 currency that has a minor unit, such as GBP, EUR or JPY"
            ),
            Problem("/order", "required", "is required"),
            Problem("/lines/0/quantity", "range", "must be >= 0"),
            Problem("/lines/0/amount_minor", "type", "must be an integer"),
            Problem("/lines/0/colour~1ink", "unknown_field", "is not a field of this type"),
            Problem("/chanel", "unknown_field", "is not a field of this type; did you mean channel?"),
        ]

    @pytest.mark.parametrize(
        ("name", "changes", "problem"),
        [
            ("purchase.recorded", {"amount_minor": True}, Problem("/amount_minor", "type", "must be an integer")),
            (
                "purchase.recorded",
                {"amount_minor": 2**63},
                Problem("/amount_minor", "range", f"must be <= {2**63 - 1}"),
            ),
            ("purchase.recorded", {"order": ""}, Problem("/order", "range", "must not be empty")),
            ("purchase.recorded", {"order": "x" * 513}, Problem("/order", "range", "must have at most 512 characters")),
            ("purchase.recorded", {"lines": {}}, Problem("/lines", "type", "must be a list")),
            (
                "purchase.recorded",
                {"cost_minor": None},
                Problem("/cost_minor", "type", "must be an integer, not null; leave out what is not known"),
            ),
            (
                "interaction.recorded",
                {"direction": "in"},
                Problem("/direction", "not_allowed", "must be inbound or outbound"),
            ),
            (
                "interaction.recorded",
                {"started_at": "2026-03-02T10:11:00"},
                Problem(
                    "/started_at", "format", "must be an RFC 3339 time with an offset, such as 2026-01-31T12:00:00Z"
                ),
            ),
            (
                "interaction.recorded",
                {"ended_at": "2026-03-02T12:10:59+02:00"},
                Problem("/ended_at", "range", "must not be before started_at"),
            ),
            (
                "interaction.recorded",
                {"channel": "telefone"},
                Problem(
                    "/channel",
                    "unknown_term",
                    "is not a known term; did you mean telephone? A term of your own has a prefix, as in acme:my_term",
                ),
            ),
            ("survey.answered", {"scale": "1-5"}, Problem("/score", "range", "must be 1 to 5 on the scale 1-5")),
            ("competitor.compared", {"our_rank": 4}, Problem("/our_rank", "range", "must not be greater than of")),
        ],
    )
    def test_reads_well(self, name: str, changes: dict[str, object], problem: Problem) -> None:
        assert explain(interactions(name), example(name, **changes)) == [problem]

    @pytest.mark.parametrize("referred", ["grace", "email:grace", "Email:grace@example.org", "tel:12", "crm: "])
    def test_points_at_a_referral_to_nobody(self, referred: str) -> None:
        problems = explain(interactions("referral.made"), {"referred": referred})
        assert [problem.pointer for problem in problems] == ["/referred"]

    @pytest.mark.parametrize("data", [None, [], "text", 1, True])
    def test_asks_for_an_object(self, data: object) -> None:
        (problem,) = explain(interactions("need.fulfilled"), data)
        assert (problem.pointer, problem.code) == ("", "type")

    def test_ends_before_an_answer_gets_too_long(self) -> None:
        lines = [{"product": "A", "quantity": -1, "amount_minor": 1}] * 5_000
        assert (
            len(explain(interactions("purchase.recorded"), example("purchase.recorded", lines=lines))) == MAX_PROBLEMS
        )

    @given(data=st.data())
    def test_finds_fault_exactly_where_the_decoder_and_the_schema_do(self, data: st.DataObject) -> None:
        event_type = data.draw(event_types)
        plain = data.draw(spoilt(data.draw(plain_data(event_type))))
        accepted = decodes(event_type, plain) and validator(event_type.name).is_valid(
            dict(event_type.example) | {"data": plain}
        )
        if accepted:
            together = event_type.decoder.decode(msgspec.json.encode(plain)).problem()
            assert explain(event_type, plain) == ([Problem(*together)] if together else [])
        else:
            assert explain(event_type, plain)


JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        -1,
        0,
        11,
        2**63,
        -(2**63) - 1,
        1.5,
        "",
        "x",
        "store\n",
        "telefone",
        "acme:own",
        "2026-01-01",
        [],
        {},
        [1],
    ]
)


@st.composite
def spoilt(draw: st.DrawFn, data: Any) -> Any:
    """The same data with one thing somewhere in it replaced, left out or added."""
    match data:
        case dict() if data and draw(st.sampled_from([True, True, True, False])):
            name = draw(st.sampled_from(sorted(data)))
            others = {key: value for key, value in data.items() if key != name}
            return others if draw(st.booleans()) else others | {name: draw(spoilt(data[name]))}
        case dict():
            return {**data, draw(st.sampled_from(["order", "chanel", "a/b~"])): draw(JUNK)}
        case [first, *rest]:
            return [draw(spoilt(first)), *rest]
        case _:
            return draw(JUNK)


class TestTheDocument:
    def test_names_every_type_and_shows_its_example(self) -> None:
        page = document.render()
        for event_type in CATALOG.values():
            assert f"### {event_type.name}" in page
            assert set(event_type.example["data"]) <= set(re.findall(r"`([a-z_]+)`", page))

    def test_is_what_docs_hold(self) -> None:
        assert document.main(["--check"]) == 0
