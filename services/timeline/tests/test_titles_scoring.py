"""Lines of classes and of statistics."""

import msgspec
import pytest
from msgspec import UNSET

from libs.events.catalog.registry import CATALOG
from services.timeline.titles import title


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"from": UNSET}, "RFM (GBP): now champions"),
        ({"to": UNSET}, "RFM (GBP): no longer loyal"),
        ({"from": "about_to_sleep", "to": "cannot_lose"}, "RFM (GBP): from about to sleep to cannot lose"),
        (
            {"definition": "expectation_gap", "currency": UNSET, "from": "met", "to": "missed"},
            "Expectation gap: from met to missed",
        ),
        ({"definition": "turnover", "currency": "EUR", "from": "b", "to": "a"}, "Turnover class (EUR): from B to A"),
        ({"definition": "profit", "from": "d", "to": UNSET}, "Profit class (GBP): no longer D"),
        ({"definition": "loyalty_of_2030", "currency": UNSET, "from": UNSET}, "loyalty of 2030: now champions"),
        ({"from": UNSET, "to": UNSET}, "RFM (GBP): no class"),
    ],
)
def test_a_line_of_a_class_says_what_it_was_and_is(changes: dict[str, object], line: str) -> None:
    event_type = CATALOG["rapport.scoring.class.changed.v1"]
    said = {field: value for field, value in {**event_type.example["data"], **changes}.items() if value is not UNSET}
    assert title(event_type.name, msgspec.convert(said, event_type.data)) == line


def test_statistics_of_one_person_say_so() -> None:
    event_type = CATALOG["rapport.scoring.statistics.published.v1"]
    data = msgspec.convert({**event_type.example["data"], "people": 1}, event_type.data)
    assert title(event_type.name, data) == "Statistics 1 published: 1 person"
