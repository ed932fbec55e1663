import pytest

from libs.events.catalog.agreement import HEADINGS
from libs.events.catalog.registry import CATALOG, Kind
from services.cli.errors import Failure
from services.cli.events import example, list_types, show

RULED = [name for name, each in CATALOG.items() if each.kind in {Kind.DECISION, Kind.CLAIM}]


def test_the_list_is_by_kind(capsys: pytest.CaptureFixture[str]) -> None:
    list_types()
    shown = capsys.readouterr().out
    places = [shown.index(f"{heading}: ") for heading in HEADINGS.values()]
    assert places == sorted(places)
    assert shown.index("rapport.contacts.contacts.merged.v1") > places[list(HEADINGS).index(Kind.CLAIM)]


@pytest.mark.parametrize(
    ("type_", "takes"),
    [
        ("contact.registered", "list of object with name, node"),
        ("contact.registered", "organisation or person"),
        ("contacts.merged", "string uuid"),
        ("identifier.linked", "string or object"),
        ("contact.traits_changed", "object; each field an object with from, to"),
    ],
)
def test_a_type_is_shown_with_what_its_fields_take(type_: str, takes: str, capsys: pytest.CaptureFixture[str]) -> None:
    show(type_, as_json=False)
    shown = capsys.readouterr().out
    assert takes in shown
    assert "Only Rapport writes it" in shown


@pytest.mark.parametrize("name", RULED)
def test_nobody_posts_what_only_rapport_writes(name: str) -> None:
    with pytest.raises(Failure, match="only Rapport writes it"):
        example(name)
