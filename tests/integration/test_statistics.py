"""How everybody stands is published by whoever asks, or when it is due; real invoices are counted twice."""

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, NamedTuple

import pytest

from libs.events.clock import monotonic_s, now
from libs.events.times import utc_text
from tests.integration import scoring
from tests.integration.client import Api, created, ok, refused, someone
from tests.integration.conftest import System, on_each_scored
from tests.integration.retail import (
    COMES_TO,
    SHOPS,
    Shop,
    downwards,
    first_of_fifths,
    in_classes,
    in_fifths,
    open_shop,
)
from tests.integration.scoring import Scoring

PUBLISHED_WITHIN_S = 20.0
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def api(scored: System) -> Iterator[Api]:
    made = Api(scored)
    yield made
    made.close()


@pytest.fixture(scope="module")
def scores(api: Api) -> Scoring:
    api.posted(scoring.problem(someone(), 1))  # so that there is somebody to count
    return Scoring(api)


def history(scores: Scoring, **params: Any) -> list[Any]:
    """All versions, newest first."""
    items: list[Any] = []
    cursor: Mapping[str, str] = {}
    while True:
        response = scores.get("/v1/statistics", **params, **cursor)
        items += ok(response)["items"]
        if response.json()["next_cursor"] is None:
            return items
        cursor = {"cursor": response.json()["next_cursor"]}
        assert f"cursor={cursor['cursor']}" in response.links["next"]["url"]


def newest(scores: Scoring) -> Any:
    """None before the first."""
    return next(iter(ok(scores.get("/v1/statistics", limit=1))["items"]), None)


@on_each_scored
class TestPublishing:
    def test_it_is_created_where_it_says(self, scores: Scoring) -> None:
        before = newest(scores)
        response = scores.publish(time="2026-03-02T10:00:00.5Z", next_in_h=8_760)
        found = created(response)
        assert response.headers["location"] == f"/v1/statistics/{found['version']}"
        assert found["version"] == 1 + (before["version"] if before else 0)
        assert (found["as_of"], found["due_at"]) == ("2026-03-02T10:00:00.500000Z", "2027-03-02T10:00:00.500000Z")
        assert found["people"] >= max(each["people"] for each in found["measures"]) > 0
        assert ok(scores.get(response.headers["location"])) == found
        assert ok(scores.get(f"/v1/outcomes/scoring/{found['event_id']}"))["outcome"] == "applied"
        assert created(scores.publish())["due_at"] is None

    def test_it_counts_what_its_position_covers(self, api: Api, scores: Scoring) -> None:
        money = scoring.currency()
        for n in range(1, 4):
            token = api.posted(scoring.bought(someone(), 100, money))
            found = created(api.scoring.post("/v1/statistics", json={}, params={"min_position": token}))
            (turnover,) = (
                each for each in found["measures"] if (each["measure"], each.get("currency")) == ("turnover", money)
            )
            assert (turnover["people"], turnover["total"]) == (n, 100 * n)
            assert api.scoring.get("/v1/x", params={"min_position": found["position"]}).status_code == 404

    def test_the_same_key_publishes_once(self, scores: Scoring) -> None:
        headers = {"Idempotency-Key": someone()}
        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda _: scores.publish(headers=headers, next_in_h=5), range(3)))
        (version,) = {created(answer)["version"] for answer in answers}
        assert len({answer.text for answer in answers}) == 1
        for header in ("location", "rapport-position"):
            assert len({answer.headers[header] for answer in answers}) == 1
        assert newest(scores)["version"] == version
        for other in ({}, {"next_in_h": 6}, {"next_in_h": 5, "time": "2026-01-01T00:00:00Z"}):
            refused(scores.publish(headers=headers, **other), 422, "idempotency_key_reused")

    def test_many_at_once_are_numbered_without_a_gap(self, scores: Scoring) -> None:
        first = created(scores.publish())["version"]
        with ThreadPoolExecutor(5) as pool:
            versions = [created(each)["version"] for each in pool.map(lambda _: scores.publish(), range(5))]
        assert sorted(versions) == list(range(first + 1, first + 6))

    def test_history_is_kept_as_it_was(self, scores: Scoring) -> None:
        created(scores.publish())
        found = history(scores, limit=2)
        assert [each["version"] for each in found] == list(range(len(found), 0, -1))
        assert history(scores, limit=500) == found
        for each in found[:3]:
            assert ok(scores.get(f"/v1/statistics/{each['version']}")) == each
        refused(scores.get(f"/v1/statistics/{len(found) + 1}"), 404, "statistics_unknown")

    def test_they_are_published_by_themselves_when_they_are_due(self, scores: Scoring) -> None:
        asked = created(scores.publish(time=utc_text(now() - 2 * HOUR), next_in_h=1))
        deadline_s = monotonic_s() + PUBLISHED_WITHIN_S
        while (last := newest(scores))["version"] == asked["version"]:
            assert monotonic_s() < deadline_s, "they are due, and nobody publishes them"
        assert last["version"] == asked["version"] + 1
        as_of, due_at = (datetime.fromisoformat(last[name]) for name in ("as_of", "due_at"))
        assert (due_at - as_of, as_of <= now()) == (HOUR, True)
        scores.settled()
        assert newest(scores) == last, "they are due once"
        created(scores.publish())


class Told(NamedTuple):
    """A shop, what was published of it, and the contact ids of its customers by name."""

    shop: Shop
    scores: Scoring
    measures: Mapping[str, Any]
    ids: Mapping[str, str]


@pytest.fixture(scope="module", params=SHOPS)
def told(request: pytest.FixtureRequest) -> Iterator[Told]:
    shop = open_shop(request)
    api = Api(shop.system)
    scores = Scoring(api)
    published = scores.published()
    measures = {each["measure"]: each for each in published["measures"] if each.get("currency") == "GBP"}
    classed = scores.listed(definition="turnover", currency="GBP", limit=500)
    yield Told(shop, scores, measures, {name: each["contact"] for each in classed for name in each["identifiers"]})
    api.close()


def by_contact(told: Told, field: str) -> dict[str, Any]:
    return {told.ids[name]: getattr(standing, field) for name, standing in told.shop.standings().items()}


class TestRetail:
    def test_everybody_is_in_the_cell_that_counting_the_file_gives(self, told: Told) -> None:
        fifths = [in_fifths(by_contact(told, field)) for field in ("last", "times", "pence")]
        pence = by_contact(told, "pence")
        people, turnover = Counter[str](), Counter[str]()
        for contact in pence:
            cell = "".join(str(fifth[contact]) for fifth in fifths)
            people[cell] += 1
            turnover[cell] += pence[contact]
        found = ok(told.scores.get("/v1/rfm", currency="GBP"))
        assert (found["people"], found["turnover_minor"]) == COMES_TO[told.shop.file]
        cells = {f"{each['r']}{each['f']}{each['m']}": each for each in found["cells"]}
        assert len(cells) == len(found["cells"]) == 125
        assert {cell: each["people"] for cell, each in cells.items() if each["people"]} == people
        assert {cell: each["turnover_minor"] for cell, each in cells.items() if each["people"]} == turnover
        bands = Counter(told.scores.bands("rfm", "GBP").values())
        expected = Counter[str]()
        for cell, each in cells.items():
            expected[each["band"]] += people[cell]
        assert bands == expected

    def test_quintiles_are_disjoint_hold_everybody_and_are_cut_where_counting_cuts(self, told: Told) -> None:
        for measure, field in {"frequency": "times", "monetary": "pence"}.items():
            values = by_contact(told, field)
            cuts = [(cut["value"], cut["contact"]) for cut in told.measures[measure]["cuts"]]
            assert (told.measures[measure]["people"], cuts) == (len(values), first_of_fifths(values))
        days = by_contact(told, "last")
        recency = told.measures["recency"]["cuts"]
        assert [cut["contact"] for cut in recency] == [contact for _, contact in first_of_fifths(days)]
        for measure, field in (("recency", "last"), ("frequency", "times"), ("monetary", "pence")):
            sizes = Counter(in_fifths(by_contact(told, field)).values())
            assert sum(sizes.values()) == told.measures[measure]["people"]
            assert max(sizes.values()) - min(sizes.values()) <= 1

    def test_the_curve_of_turnover_is_the_one_that_adding_up_gives(self, told: Told) -> None:
        pence = by_contact(told, "pence")
        people, whole = COMES_TO[told.shop.file]
        sums = list(accumulate(value for _, value in downwards(pence)))
        for points in (1, 7, 100, 1_000):
            found = ok(told.scores.get("/v1/pareto/turnover", currency="GBP", points=points))
            assert (found["people"], found["total"], found["peak"]) == (people, whole, whole)
            assert len(found["points"]) <= points
            assert found["points"][-1] == {"people": people, "people_share": 1.0, "total": whole, "share": 1.0}
            for point in found["points"]:
                assert point["total"] == sums[point["people"] - 1]
                assert point["share"] == pytest.approx(point["total"] / whole)
                assert point["people_share"] == pytest.approx(point["people"] / people)

    def test_the_classes_are_those_that_adding_up_gives(self, told: Told) -> None:
        pence = by_contact(told, "pence")
        classes = in_classes(pence)
        assert told.scores.bands("turnover", "GBP") == classes
        found = ok(told.scores.get("/v1/pareto/turnover", currency="GBP"))["classes"]
        assert {letter: (each["people"], each["total"]) for letter, each in found.items()} == totals(pence, classes)
        last = {letter: [key for key, _ in downwards(pence) if classes[key] == letter][-1] for letter in "ab"}
        cuts = told.measures["turnover"]["cuts"]
        assert [(cut["value"], cut["contact"]) for cut in cuts] == [(pence[last[each]], last[each]) for each in "ab"]
        assert told.measures["turnover"]["total"] == COMES_TO[told.shop.file][1]

    def test_a_curve_of_some_time_counts_only_what_happened_then(self, told: Told) -> None:
        """British summer time begins at the end of March: the shop's days are London's."""
        for begin, end in (("2011-01-01", "2011-02-01"), ("2010-12-01", "2011-03-01"), ("2011-11-01", "2011-11-15")):
            params = {"from": f"{begin}T00:00:00Z", "to": f"{end}T00:00:00Z"}
            found = ok(told.scores.get("/v1/pareto/turnover", currency="GBP", **params))
            pence = {told.ids[name]: value for name, value in told.shop.pence(begin, end).items()}
            assert (found["people"], found["total"]) == (len(pence), sum(pence.values()))
            classes = {letter: (each["people"], each["total"]) for letter, each in found["classes"].items()}
            assert classes == totals(pence, in_classes(pence))


def totals(values: Mapping[str, int], classes: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    """Of each class how many, and what they come to."""
    members = {letter: [key for key, each in classes.items() if each == letter] for letter in "abc"}
    return {letter: (len(keys), sum(values[key] for key in keys)) for letter, keys in members.items()}
