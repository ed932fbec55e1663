"""How scores are asked for and shown; that a service answers so is tested in tests/integration."""

import json
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from libs.events.identifiers import Nodes, parse
from services.cli import scores
from services.cli.errors import Failure
from services.cli.main import app
from services.cli.scores import Scoring
from services.cli.tests.answering import URL, answering, refusal

ADA, CARD = (f"0198b1f3-77aa-7f10-a4c2-90b3d21e8f5{n}" for n in range(2))
AT = "2026-03-02T10:15:00.125Z"

DEFINITIONS = [
    {"id": "turnover", "title": "Pareto class by turnover", "bands": {"a": "the few", "b": "the next", "c": "others"}},
    {"id": "health", "title": "Health", "bands": {"healthy": "70 or more"}},
    {"id": "harm", "title": "Harm", "bands": {"low": "below 5"}},
]


def event(measure: str, about: str, amount: int, also: int | None = None) -> dict[str, Any]:
    place = {"event_id": "1", "source": "urn:shop", "position": "interactions/3/17", "occurred_at": AT}
    return {**place, "measure": measure, "about": about, "amount": amount, "also": also}


def part(name: str, value: float, events_total: int, *events: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "value": value, "events_total": events_total, "events": [*events]}


def score(definition: str, **more: object) -> dict[str, Any]:
    made: dict[str, Any] = {
        "definition": definition, "version": 1, "currency": None, "unit": "0 to 100", "value": None, "band": None,
        "coverage": None, "missing": None, "contributions": [], "details": {}, "inputs": [], "statistics": None,
    }  # fmt: skip
    return made | more


TURNOVER = score(
    "turnover", currency="GBP", unit="minor units of the currency", value=114000, band="a",
    contributions=[
        part("purchases", 118990, 3, event("purchase", "GBP", 114000, 70000), event("purchase", "GBP", 4000)),
        part("refunds", -4990, 1, event("refund", "GBP", 4990)),
    ],
    statistics={"version": 7, "as_of": AT, "position": "p", "measures": [{"measure": "turnover"}]},
)  # fmt: skip
HEALTH = score(
    "health", value=81.25, band="healthy", coverage=0.5, version=2,
    contributions=[part("service", 31.25, 2, event("complaint", "service", 4), event("expected", "price", 6, 3))],
    details={"service": 62.5, "gaps": {"price": -1}, "half_life_days": 30, "cell": "554\x1b[31m"},
    statistics={"version": 7, "as_of": AT, "position": "p", "measures": []},
)  # fmt: skip
HARM = score("harm", missing={"code": "no_harm", "detail": "no problem and no complaint was heard of"})


def person(**more: object) -> dict[str, Any]:
    names = ["crm:7", "email:ada\x1b[31m@x.org", "crm:[b]:x:"]
    return {"contact": ADA, "members": [ADA], "identifiers": names, "as_of": AT, "position": "p"} | more


def answers(request: httpx.Request) -> httpx.Response:
    """As scoring does, of everybody."""
    match request.url.raw_path.decode().partition("?")[0].split("/")[2:]:
        case ["definitions"]:
            return httpx.Response(200, json={"items": DEFINITIONS})
        case ["scores", _]:
            return httpx.Response(200, json=person(items=[TURNOVER, HEALTH, HARM]))
        case ["scores", _, "turnover"]:
            return httpx.Response(200, json=person(**TURNOVER))
        case _:
            return refusal(404, "definition_unknown", "there is no definition of this id")


def ran(*args: str) -> list[str]:
    result = CliRunner().invoke(app, ["score", *args, "--url", URL], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output.splitlines()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    monkeypatch.setattr("services.cli.tables.console._width", 120)
    return answering(monkeypatch, answers)


def words(lines: list[str]) -> list[str]:
    """Lines that say something, without their layout."""
    return [" ".join(line.split()) for line in lines if line.strip(" ─")]


@pytest.mark.usefixtures("asked")
def test_every_score_with_what_it_is_made_of() -> None:
    assert words(ran("crm:7")) == [
        f"crm:7, email:ada\ufffd[31m@x.org, crm:[b]:x: {ADA}",
        "as of 2026-03-02T10:15",
        "Pareto class by turnover, in GBP",
        "1,140.00 GBP; class A (the few)",
        "made of value position from",
        "purchases 1,189.90 GBP 3 events",
        "2026-03-02T10:15 1,140.00 GBP interactions/3/17 purchase, which cost 700.00 GBP",
        "2026-03-02T10:15 40.00 GBP interactions/3/17 purchase",
        "and 1 more; --events shows them",
        "refunds -49.90 GBP 1 event",
        "2026-03-02T10:15 49.90 GBP interactions/3/17 refund",
        "by turnover v1, with statistics 7 as of 2026-03-02T10:15",
        "Health",
        "81.25 (0 to 100); class healthy (70 or more); 50 % of what it could rest on",
        "service 62.50, gaps price -1, half life days 30, cell 554\ufffd[31m",
        "made of value position from",
        "service 31.25 2 events",
        "2026-03-02T10:15 4 interactions/3/17 complaint (service)",
        "2026-03-02T10:15 6 interactions/3/17 expected (price), importance 3",
        "by health v2",
        "no value because",
        "Harm no problem and no complaint was heard of (no_harm)",
    ]


@pytest.mark.usefixtures("asked")
def test_one_score_alone() -> None:
    lines = words(ran("crm:7", "--definition", "turnover"))
    assert lines[2:4] == ["Pareto class by turnover, in GBP", "1,140.00 GBP; class A (the few)"]
    assert lines[-1] == "by turnover v1, with statistics 7 as of 2026-03-02T10:15"


def test_what_is_asked(asked: list[httpx.Request]) -> None:
    ran("crm:a/b?c", "--definition", "turnover", "--currency", "GBP", "--events", "0")
    ran(ADA)
    assert [request.url.raw_path.decode() for request in asked] == [
        "/v1/scores/crm%3Aa%2Fb%3Fc/turnover?events=0&currency=GBP",
        "/v1/definitions",
        f"/v1/scores/{ADA}?events=3",
        "/v1/definitions",
    ]


def test_a_name_goes_as_its_node_where_the_secret_is_at_hand(
    asked: list[httpx.Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = Nodes(b"secret" * 8)
    monkeypatch.setattr(scores, "scoring", lambda _url: Scoring(URL, nodes))
    ran("email: Ada@X.org")
    assert asked[0].url.path == f"/v1/scores/{nodes.of(parse('email:ada@x.org'))}"


def test_for_programs_as_it_was_answered(asked: list[httpx.Request]) -> None:
    assert json.loads("\n".join(ran("crm:7", "--json"))) == person(items=[TURNOVER, HEALTH, HARM])
    assert len(asked) == 1


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("crm:7", "--definition", "wealth"), "^there is no definition of this id$"),
        (("4711",), "^4711: neither a uuid nor an identifier: "),
    ],
)
def test_a_refusal_is_told_in_its_own_words(args: tuple[str, ...], said: str) -> None:
    with pytest.raises(Failure, match=said):
        ran(*args)


def test_names_of_several_contacts(monkeypatch: pytest.MonkeyPatch) -> None:
    def merged(request: httpx.Request) -> httpx.Response:
        items = DEFINITIONS if request.url.path == "/v1/definitions" else []
        return httpx.Response(200, json=person(items=items, members=[ADA, CARD], identifiers=[]))

    answering(monkeypatch, merged)
    assert words(ran("crm:7")) == [f"no name {ADA}", "made of 2 contacts", "as of 2026-03-02T10:15"]


def test_what_is_wrong_with_a_question_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    error = {"pointer": "currency", "code": "currency_needed", "detail": "one of EUR, GBP"}
    answering(monkeypatch, lambda _: refusal(400, "currency_needed", "name one", errors=[error]))
    with pytest.raises(Failure, match=r"^name one; currency: one of EUR, GBP$"):
        ran("crm:7")


def test_something_else_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, lambda _: httpx.Response(404, text="nobody"))
    with pytest.raises(Failure, match=r"^http://scoring/v1/scores/crm%3A7 answers 404: no reason given$"):
        ran("crm:7")
