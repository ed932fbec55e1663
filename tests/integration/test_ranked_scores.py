"""Scores that compare a person with everybody: by the last published statistics, each currency among itself."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration import scoring
from tests.integration.client import Api, ok, someone
from tests.integration.conftest import System, on_each_scored
from tests.integration.recomputed import recomputed
from tests.integration.scoring import Scoring

pytestmark = on_each_scored

PEOPLE = 10
DAYS = [f"2026-01-{day:02}T00:00:00Z" for day in range(1, PEOPLE + 1)]


@pytest.fixture(scope="module")
def api(scored: System) -> Iterator[Api]:
    made = Api(scored)
    yield made
    made.close()


@pytest.fixture(scope="module")
def scores(api: Api) -> Scoring:
    return Scoring(api)


def parts(score: Any) -> dict[str, Any]:
    return {each["name"]: each["value"] for each in score["contributions"]}


def test_rfm_is_three_quintiles_of_all_who_buy_in_that_currency(api: Api, scores: Scoring) -> None:
    """The n-th of ten bought n times, last on the n-th day; the more often, the less."""
    money, people = scoring.currency(), [someone() for _ in range(PEOPLE)]
    for n, name in enumerate(people):
        often = [scoring.bought(name, (PEOPLE - n) * 100, money, time=DAYS[n]) for _ in range(1)]
        api.posted(*often, *(scoring.bought(name, 0, money, time=DAYS[0]) for _ in range(n)))
    published = scores.published()
    counted = {each["measure"]: each for each in published["measures"] if each.get("currency") == money}
    assert set(counted) == {"frequency", "monetary", "recency", "turnover"}
    assert {each["people"] for each in counted.values()} == {PEOPLE}
    ids = [scores.scores(name)["contact"] for name in people]
    for n, name in enumerate(people):
        found, fifth = scores.score(name, "rfm", currency=money), n // 2 + 1
        assert parts(found) == {"recency": fifth, "frequency": fifth, "monetary": 6 - fifth}
        assert (found["value"], found["details"]["cell"]) == (6 + fifth, f"{fifth}{fifth}{6 - fifth}")
        assert [part["events_total"] for part in found["contributions"]] == [n + 1] * 3
    assert [cut["contact"] for cut in counted["frequency"]["cuts"]] == ids[2::2]
    assert [cut["value"] for cut in counted["monetary"]["cuts"]] == [300, 500, 700, 900]
    assert [scores.told(name, "rfm")[1] for name in people[::2]] == [
        "at_risk", "at_risk", "need_attention", "potential_loyalist", "potential_loyalist",
    ]  # fmt: skip


def test_equals_are_told_apart_by_contact_id(api: Api, scores: Scoring) -> None:
    money, people = scoring.currency(), [someone() for _ in range(7)]
    api.posted(*(scoring.bought(name, 500, money, time=DAYS[0]) for name in people))
    scores.published()
    ids = {scores.scores(name)["contact"]: name for name in people}
    fifths = [5 * n // len(people) + 1 for n in range(len(people))]
    for fifth, (_, name) in zip(fifths, sorted(ids.items()), strict=True):
        assert parts(scores.score(name, "rfm")) == dict.fromkeys(("recency", "frequency", "monetary"), fifth)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_fewer_than_five_leave_quintiles_empty(api: Api, scores: Scoring, count: int) -> None:
    money, people = scoring.currency(), [someone() for _ in range(count)]
    api.posted(*(scoring.bought(name, n, money, time=DAYS[n]) for n, name in enumerate(people, 1)))
    scores.published()
    fifths = [parts(scores.score(name, "rfm"))["monetary"] for name in people]
    assert fifths == [5 * n // count + 1 for n in range(count)]


def test_the_classes_by_turnover_and_profit(api: Api, scores: Scoring) -> None:
    """Turnover 600, 200, 150, 50; profit 500, 150, -30 and unknown, of which 80 % and 95 % are of the peak of 650."""
    money, (a, b, c, d) = scoring.currency(), [someone() for _ in range(4)]
    api.posted(
        scoring.bought(a, 700, money, cost_minor=100), scoring.refunded(a, 100, money),
        scoring.bought(b, 200, money, cost_minor=20), scoring.served(b, 30, money),
        scoring.bought(c, 30, money, cost_minor=180), scoring.bought(c, 120, money, cost_minor=0),
        scoring.bought(d, 50, money), scoring.refunded(someone(), 999, money),
    )  # fmt: skip
    scores.published()
    assert [scores.told(name, "turnover") for name in (a, b, c, d)] == [(600, "a"), (200, "a"), (150, "b"), (50, "c")]
    assert [scores.told(name, "profit") for name in (a, b, c)] == [(500, "a"), (150, "a"), (-30, "d")]
    assert parts(scores.score(a, "profit")) == {"purchases": 700, "cost": -100, "refunds": -100}
    assert parts(scores.score(c, "profit")) == {"purchases": 150, "cost": -180}
    assert scores.score(a, "profit")["coverage"] == 1.0
    assert scores.lacks(d, "profit") == "cost_unknown"
    assert parts(scores.score(a, "turnover")) == {"purchases": 700, "refunds": -100}


def test_the_class_by_problems_and_engagement_are_among_everybody(api: Api, scores: Scoring) -> None:
    ada = someone()
    api.posted(*(scoring.problem(ada, 1, place) for place in ("store", "store", "website")), scoring.talked(ada))
    published = scores.published()
    counted = {each["measure"]: each for each in published["measures"] if "currency" not in each}
    assert set(counted) == {"engagement", "problems"}
    found = scores.score(ada, "problems")
    assert (found["value"], parts(found)) == (3, {"store": 2, "website": 1})
    assert found["band"] == recomputed(found, {}).band
    assert found["statistics"]["measures"] == [counted["problems"]]
    found = scores.score(ada, "engagement")
    assert found["value"] == pytest.approx(2.0, rel=1e-4), "one contact that they began, a moment ago"
    assert found["band"] == recomputed(found, {}).band
    health = scores.score(ada, "health")
    assert health["band"] == recomputed(health, {}).band
    assert set(health["details"]) == {"engagement", "service"}


def test_engagement_fades_and_changes_no_class(api: Api, scores: Scoring) -> None:
    ada = someone()
    api.posted(scoring.talked(ada, time="2026-01-01T00:00:00Z"), scoring.answered(ada, 1, time="2026-01-01T00:00:00Z"))
    scores.published(time="2026-01-01T00:00:00Z")
    at = {day: scores.score(ada, "engagement", as_of=f"{day}T00:00:00Z") for day in ("2026-01-31", "2026-03-02")}
    assert [each["value"] for each in at.values()] == pytest.approx([2.0, 1.0])
    assert len({each["band"] for each in at.values()}) == 1
    assert scores.score(ada, "engagement", as_of="9998-12-31T23:59:59Z")["value"] == pytest.approx(0)


def test_a_score_as_of_a_moment_is_compared_with_the_statistics_of_then(api: Api, scores: Scoring) -> None:
    money, (ada, bob) = scoring.currency(), [someone() for _ in range(2)]
    api.posted(scoring.bought(ada, 100, money, time=DAYS[0]))
    then = scores.published(time=DAYS[1])
    assert scores.told(ada, "turnover") == (100, "a")
    api.posted(scoring.bought(bob, 900, money, time=DAYS[2]))
    now = scores.published()
    assert scores.told(ada, "turnover") == (100, "b")
    assert scores.score(ada, "turnover")["statistics"]["version"] == now["version"]
    past = scores.score(ada, "turnover", as_of=DAYS[5])
    assert (past["value"], past["band"], past["statistics"]["version"]) == (100, "a", then["version"])
    assert past["statistics"] == {name: then[name] for name in ("version", "as_of", "position")} | {
        "measures": [
            each for each in then["measures"] if (each["measure"], each.get("currency")) == ("turnover", money)
        ]
    }


def test_what_somebody_does_after_the_count_moves_only_them(api: Api, scores: Scoring) -> None:
    """Cuts stand where they were published."""
    money, people = scoring.currency(), [someone() for _ in range(5)]
    api.posted(*(scoring.bought(name, 100 * n, money, time=DAYS[n]) for n, name in enumerate(people)))
    scores.published()
    before = [scores.told(name, "rfm") for name in people]
    api.posted(scoring.bought(people[0], 1_000, money, time=DAYS[9]))
    assert scores.told(people[0], "rfm") == (15, "champions")
    assert [scores.told(name, "rfm") for name in people[1:]] == before[1:]
    scores.published()
    assert [parts(scores.score(name, "rfm"))["monetary"] for name in people] == [5, 1, 2, 3, 4]


def test_definitions_say_what_they_are(scores: Scoring) -> None:
    found = {each["id"]: each for each in ok(scores.get("/v1/definitions"))["items"]}
    assert list(found) == list(scoring.DEFINITIONS)
    for id_, each in found.items():
        assert ok(scores.get(f"/v1/definitions/{id_}")) == each
        assert each["by_currency"] is (id_ in scoring.OF_MONEY)
        assert all((each["title"], each["unit"], each["formula"], each["bands"], each["version"] >= 1))
    assert list(found["rfm"]["bands"])[:2] == ["champions", "loyal"]
    assert found["rfm"]["statistics"] == ["recency", "frequency", "monetary"]
