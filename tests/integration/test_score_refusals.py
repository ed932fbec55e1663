"""What scoring says no to, each with its status and name; and no answer holds a number that JSON has not."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.integration import scoring
from tests.integration.client import Api, codes, escaped, ok, refused, someone
from tests.integration.conftest import System, on_each_log_slowly
from tests.integration.scoring import DEFINITIONS, OF_MONEY, Scoring

NOBODYS = "0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1"
GREATEST = 2**63 - 1
BAD_REFS = ["ada", "Crm:1", "crm:", ":1", "0198b1f2", "tel:12", "email:ada", "contact:ada", "crm:a\nb"]
OF_A_PERSON = [
    ("currency=GBQ", "currency"), ("currency=gbp", "currency"), ("currency=XXX", "currency"), ("events=-1", "events"),
    ("events=1001", "events"), ("events=x", "events"), ("events=1.5", "events"), ("events=1e2", "events"),
    ("as_of=2026-03-02T10:00:00", "as_of"), ("as_of=2026-03-02", "as_of"), ("as_of=1577836800", "as_of"),
    ("as_of=yesterday", "as_of"), ("as_of=0001-01-01T00:00:00Z", "as_of"), ("asof=2026-03-02T10:00:00Z", "asof"),
    ("limit=5", "limit"), ("known_at=2026-03-02T10:00:00Z", "known_at"),
]  # fmt: skip
OF_LISTS = [
    ("limit=0", "limit"), ("limit=501", "limit"), ("limit=-1", "limit"), ("limit=x", "limit"), ("colour=red", "colour"),
    ("as_of=2026-03-02T10:00:00Z", "as_of"), ("currency=GBQ", "currency"), ("events=1", "events"),
    ("definition=" + "x" * 101, "definition"), ("band=" + "x" * 101, "band"),
]  # fmt: skip
OF_CURVES = [
    ("points=0", "points"), ("points=1001", "points"), ("points=x", "points"), ("from=2026-03-02", "from"),
    ("to=2026-03-02T10:00:00", "to"), ("from_=2026-03-02T10:00:00Z", "from_"), ("begin=2026-03-02T10:00:00Z", "begin"),
    ("currency=GBQ", "currency"), ("measure=profit", "measure"),
]  # fmt: skip
BODIES = [
    ({"next_in_h": 0}, "/next_in_h"), ({"next_in_h": -1}, "/next_in_h"), ({"next_in_h": 8_761}, "/next_in_h"),
    ({"next_in_h": 1.5}, "/next_in_h"), ({"next_in_h": 1.0}, "/next_in_h"), ({"next_in_h": "1"}, "/next_in_h"),
    ({"next_in_h": "x"}, "/next_in_h"), ({"next_in_h": True}, "/next_in_h"), ({"next_in_h": [1]}, "/next_in_h"),
    ({"time": "2026-03-02T10:00:00"}, "/time"), ({"time": 1_577_836_800}, "/time"), ({"time": "now"}, "/time"),
    ({"time": "2999-01-01T00:00:00Z"}, "/time"), ({"version": 7}, "/version"), ({"as_of": "x"}, "/as_of"),
]  # fmt: skip


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


@pytest.fixture(scope="module")
def scores(api: Api) -> Scoring:
    return Scoring(api)


@pytest.fixture(scope="module")
def ada(api: Api) -> str:
    """Somebody who has bought in two currencies that nobody was counted in."""
    ada = someone()
    api.posted(*(scoring.bought(ada, 1, scoring.currency()) for _ in range(2)))
    return ada


@on_each_log_slowly
def test_what_there_is_not(api: Api, scores: Scoring, ada: str) -> None:
    with api.stores(0):
        refused(scores.get("/v1/definitions/rmf"), 404, "definition_unknown")
        refused(scores.ask(ada, "rmf"), 404, "definition_unknown")
        refused(scores.ask(ada, "RFM"), 404, "definition_unknown")
        for path in ("/v1/scores", "/v1/scores.csv"):
            refused(scores.get(path, definition="rmf"), 404, "definition_unknown")
        for measure in ("turnovers", "engagement", "recency"):
            refused(scores.get(f"/v1/pareto/{measure}"), 404, "measure_unknown")
        refused(scores.get(f"/v1/statistics/{GREATEST}"), 404, "statistics_unknown")
        for version in ("0", "-1", "x", "1.5", f"{GREATEST + 1}"):
            refused(scores.get(f"/v1/statistics/{version}"), 400, "bad_parameter", "version")
        for definition in DEFINITIONS:
            if definition not in OF_MONEY:
                refused(scores.get("/v1/scores", definition=definition, band="best"), 400, "bad_parameter", "band")


@on_each_log_slowly
def test_whom_nobody_has_heard_of(api: Api, scores: Scoring) -> None:
    with api.stores(0):
        for ref in (someone(), NOBODYS, f"contact:{NOBODYS}"):
            refused(scores.of(ref), 404, "contact_unknown")
            for definition in ("harm", "rfm"):
                refused(scores.ask(ref, definition, currency="GBP", events=0), 404, "contact_unknown")
        for ref in BAD_REFS:
            refused(scores.of(ref), 400, "bad_ref", "ref")
            refused(scores.ask(ref, "harm"), 400, "bad_ref", "ref")
        for path in ("crm:%ff", "crm:%00", "crm:%ed%a0%80"):
            refused(api.scoring.get(f"/v1/scores/{path}"), 400, "bad_path")


@pytest.mark.parametrize(("query", "parameter"), OF_A_PERSON)
def test_a_bad_parameter_of_a_receipt_is_named(api: Api, scores: Scoring, ada: str, query: str, parameter: str) -> None:
    for path in (f"/v1/scores/{escaped(ada)}", f"/v1/scores/{escaped(ada)}/harm"):
        refused(api.scoring.get(f"{path}?{query}"), 400, "bad_parameter", parameter)


@pytest.mark.parametrize(("query", "parameter"), OF_LISTS)
def test_a_bad_parameter_of_a_list_is_named(api: Api, query: str, parameter: str) -> None:
    refused(api.scoring.get(f"/v1/scores?{query}"), 400, "bad_parameter", parameter)
    refused(api.scoring.get(f"/v1/scores.csv?{query}"), 400, "bad_parameter", parameter)


def test_a_cursor_that_nobody_gave_is_refused(api: Api) -> None:
    for cursor in ("x", "made-up", "%F0%9F%98%80", "A" * 3_000, NOBODYS):
        refused(api.scoring.get(f"/v1/scores?definition=harm&cursor={cursor}"), 400, "bad_cursor")
        refused(api.scoring.get(f"/v1/statistics?cursor={cursor}"), 400, "bad_cursor")


@pytest.mark.parametrize(("query", "parameter"), OF_CURVES)
def test_a_bad_parameter_of_a_curve_is_named(api: Api, query: str, parameter: str) -> None:
    refused(api.scoring.get(f"/v1/pareto/problems?{query}"), 400, "bad_parameter", parameter)


@on_each_log_slowly
def test_of_several_currencies_one_is_named(scores: Scoring, ada: str) -> None:
    for definition in OF_MONEY:
        problem = refused(scores.ask(ada, definition), 400, "currency_needed", "currency")
        assert codes(problem) == ["currency_needed"]
    for measure in ("turnover", "profit"):
        refused(scores.get(f"/v1/pareto/{measure}"), 400, "currency_needed", "currency")
    assert scores.lacks(ada, "rfm", currency="XCD") == "nothing_bought"


@on_each_log_slowly
def test_nobody_is_ranked_where_nobody_was_counted(scores: Scoring, api: Api) -> None:
    api.posted(scoring.bought(someone(), 5, money := scoring.currency()))
    refused(scores.get("/v1/rfm", currency=money), 409, "no_statistics")
    refused(scores.get("/v1/pareto/turnover", currency=scoring.currency()), 409, "nobody_to_count")
    refused(scores.get("/v1/pareto/profit", currency=money), 409, "nobody_to_count")
    before = {"to": "1900-01-01T00:00:00Z"}
    refused(scores.get("/v1/pareto/turnover", currency=money, **before), 409, "nobody_to_count")
    for begin, end in (
        ("2026-03-02T10:00:00Z", "2026-03-02T10:00:00Z"),
        ("2026-03-02T10:00:00Z", "2026-03-02T10:00:00+01:00"),
    ):
        for measure in ("turnover", "problems"):
            answer = scores.get(f"/v1/pareto/{measure}", currency=money, **{"from": begin, "to": end})
            refused(answer, 400, "range_empty", "to")


@pytest.mark.parametrize(("body", "pointer"), BODIES)
def test_a_body_that_publishes_nothing(api: Api, scores: Scoring, body: dict[str, Any], pointer: str) -> None:
    refused(scores.publish(**body), 422, "invalid_body", pointer)


def test_what_is_no_body_at_all(api: Api) -> None:
    as_json = {"content-type": "application/json"}
    for content, status, code in (
        (b"{", 400, "not_json"),
        (b'{"next_in_h":NaN}', 400, "not_json"),
        (b"[]", 422, "invalid_body"),
    ):
        refused(api.scoring.post("/v1/statistics", content=content, headers=as_json), status, code)
    refused(
        api.scoring.post("/v1/statistics", content=b"{}", headers={"content-type": "text/plain"}),
        415,
        "unsupported_media_type",
    )
    for method, path in (("PUT", "/v1/statistics"), ("DELETE", "/v1/statistics/1"), ("POST", "/v1/scores")):
        assert api.scoring.request(method, path).status_code == 405


def test_before_anything_has_happened_there_is_nothing_to_count(of_nobody: dict[str, httpx.Response]) -> None:
    for asked in ("POST /v1/statistics", "GET /v1/pareto/turnover", "GET /v1/pareto/problems"):
        refused(of_nobody[asked], 409, "nobody_to_count")
    refused(of_nobody["GET /v1/rfm"], 409, "no_statistics")
    assert ok(of_nobody["GET /v1/statistics"]) == {"items": [], "next_cursor": None}
    assert ok(of_nobody["GET /v1/scores"])["items"] == []
    assert of_nobody["GET /v1/scores.csv"].text.splitlines() == [
        "contact,identifiers,definition,version,currency,value,band,since"
    ]


def test_the_greatest_amounts_and_the_oldest_times_are_counted(scored: System) -> None:
    """Three of the greatest that an event may hold: their sum no longer fits 64 bits, with a sign or without."""
    money, (a, b, c, d) = scoring.currency(), [someone() for _ in range(4)]
    long_ago = {"time": "0002-01-01T00:00:00Z"}
    with closing(Api(scored)) as api:
        scores = Scoring(api)
        api.posted(*(scoring.bought(name, GREATEST, money, cost_minor=0, **long_ago) for name in (a, b, c)))
        api.posted(scoring.bought(d, 0, money, cost_minor=GREATEST), scoring.talked(d, **long_ago))
        api.posted(scoring.served(d, GREATEST, money))
        published = strictly(scores.publish())
        counted = {each["measure"]: each for each in published["measures"] if each.get("currency") == money}
        assert (counted["turnover"]["total"], counted["profit"]["total"]) == (3 * GREATEST, GREATEST)
        api.merged(a, b, c)
        for _ in range(2):
            for name in (a, d):
                strictly(scores.of(name))
            assert strictly(scores.ask(a, "turnover"))["value"] == 3 * GREATEST
            assert strictly(scores.ask(d, "profit"))["value"] == -2 * GREATEST
            assert strictly(scores.get("/v1/pareto/turnover", currency=money))["total"] == 3 * GREATEST
            assert strictly(scores.get("/v1/rfm", currency=money))["turnover_minor"] == 3 * GREATEST
            scores.settled()
            listed = strictly(scores.get("/v1/scores", definition="turnover", currency=money))
            assert sorted(each["value"] for each in listed["items"]) == [0, 3 * GREATEST]
            strictly(scores.publish())
        assert scores.told(a, "turnover") == (3 * GREATEST, "a")


def strictly(response: httpx.Response) -> Any:
    """The document, which must be JSON by the letter."""
    assert response.status_code in {200, 201}, response.text
    return json.loads(response.text, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))
