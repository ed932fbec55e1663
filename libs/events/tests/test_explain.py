from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.catalog.explain import MAX_PROBLEMS, explain
from libs.events.catalog.registry import CATALOG
from libs.events.problems import Problem
from libs.events.tests.catalog_samples import decodes, example, interactions, validator
from libs.events.tests.catalog_strategies import event_types, plain_data


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

    @pytest.mark.parametrize(
        ("evidence", "problems"),
        [
            ("seen", []),
            ({"seen": [1, None]}, []),
            ("", [Problem("/evidence", "range", "must not be empty")]),
            (7, [Problem("/evidence", "type", "must be a string or an object")]),
        ],
    )
    def test_says_every_type_that_a_field_may_have(self, evidence: object, problems: list[Problem]) -> None:
        linked = CATALOG["rapport.contacts.identifier.linked.v1"]
        assert explain(linked, {**linked.example["data"], "evidence": evidence}) == problems

    @pytest.mark.parametrize(
        ("name", "changes", "problem"),
        [
            ("outcome.measured", {"target": True}, Problem("/target", "type", "must be a number")),
            ("outcome.measured", {"target": 9}, None),
            (
                "idea.status_changed",
                {"promised_for": "in June"},
                Problem("/promised_for", "format", "must be a date, such as 2026-01-31"),
            ),
            (
                "idea.status_changed",
                {"promised_for": 2026},
                Problem("/promised_for", "type", "must be a string with a date"),
            ),
            (
                "board.opened",
                {"ballot": {"kind": "approval", "budget": 9}},
                Problem("/ballot/budget", "range", "only a ballot of credits has a budget and a cap"),
            ),
        ],
    )
    def test_knows_numbers_dates_and_what_stands_inside(
        self, name: str, changes: dict[str, object], problem: Problem | None
    ) -> None:
        event_type = CATALOG[f"rapport.feedback.{name}.v1"]
        found = explain(event_type, {**event_type.example["data"], **changes})
        assert found == ([] if problem is None else [problem])

    @pytest.mark.parametrize(
        ("cut", "problems"),
        [
            (None, []),
            ({"value": 1.5, "contact": "3f1d2c4b-5a69-8788-9a0b-1c2d3e4f5061"}, []),
            (7, [Problem("/measures/0/cuts/0", "type", "must be an object or null")]),
            (
                {"value": "1", "contact": "ada"},
                [
                    Problem("/measures/0/cuts/0/value", "type", "must be an integer or a number"),
                    Problem("/measures/0/cuts/0/contact", "format", "is not written as it should be"),
                ],
            ),
        ],
    )
    def test_knows_where_an_entry_may_be_missing(self, cut: object, problems: list[Problem]) -> None:
        published = CATALOG["rapport.scoring.statistics.published.v1"]
        measured = {"measure": "problems", "kind": "pareto", "people": 1, "cuts": [cut]}
        assert explain(published, {**published.example["data"], "measures": [measured]}) == problems

    def test_points_at_a_class_that_is_no_other(self) -> None:
        changed = CATALOG["rapport.scoring.class.changed.v1"]
        (problem,) = explain(changed, {**changed.example["data"], "from": "champions"})
        assert problem == Problem("/to", "range", "must be another class than from")

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
