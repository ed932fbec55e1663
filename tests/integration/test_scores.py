"""What a person's story comes to by each definition, as of any moment; every number leads back to the timeline."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from tests.integration import scoring
from tests.integration.boards import Boards
from tests.integration.client import Api, escaped, foreign, refused, someone
from tests.integration.conftest import System, on_each_log, on_each_log_slowly
from tests.integration.loops import Loops
from tests.integration.recomputed import recomputed
from tests.integration.scoring import DEFINITIONS, OF_MONEY, Scoring

JANUARY, FEBRUARY, MARCH = (f"2026-0{month}-01T12:00:00Z" for month in (1, 2, 3))
ADVOCACY = [
    ([10], 2, (4, "advocate")), ([9], 0, (2, "supporter")), ([8], 0, (0, "neutral")), ([6], 0, (-2, "detractor")),
    ([0], 9, (0, "neutral")),
    ([], 1, (1, "supporter")), ([0, 10], 0, (2, "supporter")), ([10, 3], 1, (-1, "detractor")),
]  # fmt: skip


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


@pytest.fixture(scope="module")
def scores(api: Api) -> Scoring:
    return Scoring(api)


def parts(score: Any) -> dict[str, Any]:
    """What contributed how much."""
    return {each["name"]: each["value"] for each in score["contributions"]}


def place(item: Any) -> tuple[Any, ...]:
    """Of an event, on a receipt as on the timeline."""
    return item["event_id"], item["source"], item["position"], datetime.fromisoformat(item["occurred_at"])


def behind(score: Any) -> dict[str, int]:
    """What contributed, with how many events are behind it; all of them are shown."""
    assert all(each["events_total"] == len(each["events"]) for each in score["contributions"])
    return {each["name"]: each["events_total"] for each in score["contributions"]}


@on_each_log_slowly
def test_what_nobody_has_told_is_missing_and_not_zero(api: Api, scores: Scoring) -> None:
    ada = api.registered(name := someone())
    found = scores.by_definition(name)
    assert {definition for definition, _ in found} == set(DEFINITIONS) - set(OF_MONEY)
    assert all(each["value"] is None and each["contributions"] == [] for each in found.values())
    assert {definition: each["missing"]["code"] for (definition, _), each in found.items()} == {
        "advocacy": "never_asked", "engagement": "nothing_done", "expectation_gap": "no_pair", "harm": "no_harm",
        "health": "nothing_known", "problems": "no_problems", "voice": "nothing_said",
    }  # fmt: skip
    assert [scores.lacks(name, definition) for definition in OF_MONEY] == ["nothing_bought"] * 3
    assert found["advocacy", None]["band"] == "unknown"
    assert scores.scores(name)["contact"] == ada


@on_each_log_slowly
def test_harm_is_how_bad_it_was(api: Api, scores: Scoring) -> None:
    ada = someone()
    api.posted(scoring.problem(ada, 3), scoring.problem(ada, 1, "website"), scoring.complaint(ada, 1))
    assert scores.told(ada, "harm") == (5, "medium")
    found = scores.score(ada, "harm")
    assert (parts(found), behind(found)) == ({"problems": 4, "complaints": 1}, {"problems": 2, "complaints": 1})
    api.posted(*(scoring.complaint(ada, 5, "acme:desk") for _ in range(2)))
    assert scores.told(ada, "harm") == (15, "high")
    api.posted(scoring.problem(bob := someone(), 4))
    assert scores.told(bob, "harm") == (4, "low")


@on_each_log_slowly
def test_voice_is_how_often_somebody_was_heard(api: Api, scores: Scoring) -> None:
    ada, idea = someone(), api.submitted(api.opened(), someone())
    api.posted(scoring.talked(ada), scoring.talked(ada, channel="chat"), scoring.talked(ada, "outbound"))
    api.posted(scoring.complaint(ada, 5), scoring.answered(ada, 3))
    assert scores.told(ada, "voice") == (3, "occasional")
    api.voted(idea, ada)
    Boards(api).withdrawn(idea, ada)
    Loops(api).commented(idea, ada)
    api.submitted(api.opened(), ada)
    found = scores.score(ada, "voice")
    assert (found["value"], found["band"]) == (6, "vocal")
    assert behind(found) == {"idea": 1, "vote": 1, "comment": 1, "survey": 1, "inbound": 2}
    assert parts(found) == behind(found)
    assert scores.told(ada, "harm") == (5, "medium"), "that more is complained of is no voice"


@on_each_log_slowly
@pytest.mark.parametrize(("answers", "referrals", "told"), ADVOCACY)
def test_advocacy_is_the_last_answer_and_whom_they_brought(
    api: Api, scores: Scoring, answers: list[int], referrals: int, told: tuple[int, str]
) -> None:
    ada = someone()
    times = reversed([JANUARY, FEBRUARY][: len(answers)])
    said = [scoring.answered(ada, answer, time=time) for answer, time in zip(reversed(answers), times, strict=True)]
    api.posted(*said, *(scoring.referred(ada) for _ in range(referrals)), scoring.answered(ada, 1, "1-7"))
    assert scores.told(ada, "advocacy") == told


@on_each_log_slowly
def test_a_complaint_makes_no_saboteur_by_itself(api: Api, scores: Scoring) -> None:
    ada = someone()
    api.posted(scoring.answered(ada, 3), scoring.complaint(ada, 5))
    assert scores.told(ada, "advocacy") == (-2, "detractor")
    api.posted(scoring.complaint(ada, 4))
    assert scores.told(ada, "advocacy") == (-2, "saboteur")
    api.posted(scoring.complaint(bob := someone(), 5), scoring.complaint(bob, 5))
    assert scores.lacks(bob, "advocacy") == "never_asked"


@on_each_log_slowly
def test_the_expectation_gap_weighs_what_is_important(api: Api, scores: Scoring) -> None:
    ada = someone()
    api.posted(scoring.expected(ada, "price", 6, 5), scoring.expected(ada, "quality", 2, 1))
    assert scores.lacks(ada, "expectation_gap") == "no_pair"
    api.posted(scoring.perceived(ada, "price", 5), scoring.perceived(ada, "location", 1))
    found = scores.score(ada, "expectation_gap")
    assert (found["value"], found["band"], found["coverage"]) == (-1.0, "missed", 0.5)
    api.posted(scoring.perceived(ada, "quality", 7))
    found = scores.score(ada, "expectation_gap")
    assert (found["value"], found["band"], found["coverage"]) == (0.0, "met", 1.0)
    assert parts(found) == pytest.approx({"price": -5 / 6, "quality": 5 / 6})
    assert behind(found) == {"price": 2, "quality": 2}


@on_each_log_slowly
def test_health_is_over_what_is_known(api: Api, scores: Scoring) -> None:
    ada = someone()
    api.posted(scoring.problem(ada, 3), scoring.complaint(ada, 2))
    mended = {"problem": "P-1", "resolution": "a new one"}
    api.posted(scoring.happened(ada, "problem.resolved", **mended, satisfied=False))
    assert scores.told(ada, "health") == (0.0, "poor")
    api.posted(scoring.happened(ada, "problem.resolved", **mended))
    found = scores.score(ada, "health")
    assert (found["value"], found["band"], found["coverage"]) == (50.0, "fair", 0.2)
    assert behind(found) == {"service": 4}
    api.posted(scoring.answered(ada, 10), scoring.answered(ada, 3, "1-5"))
    found = scores.score(ada, "health")
    assert found["details"]["satisfaction"] == 75.0
    value, band, coverage, _ = recomputed(found, {})
    assert (found["value"], found["band"], found["coverage"]) == (pytest.approx(value), band, coverage)


@on_each_log_slowly
def test_money_is_told_apart_by_currency_and_compared_once_everybody_was_counted(api: Api, scores: Scoring) -> None:
    one, two, ada = scoring.currency(), scoring.currency(), someone()
    api.posted(
        scoring.bought(ada, 500, one, cost_minor=100), scoring.bought(ada, 7, two), scoring.refunded(ada, 1, one)
    )
    found = scores.by_definition(ada)
    assert sorted(key for key in found if key[1]) == sorted((each, in_) for each in OF_MONEY for in_ in (one, two))
    only = scores.by_definition(ada, currency=one)
    assert sorted(key for key in only if key[1]) == [(each, one) for each in OF_MONEY]
    for definition in OF_MONEY:
        problem = refused(scores.ask(ada, definition), 400, "currency_needed", "currency")
        assert all(currency in problem["errors"][0]["detail"] for currency in (one, two))
        assert scores.score(ada, definition, currency=one)["currency"] == one
    assert scores.lacks(ada, "rfm", currency=one) == "no_statistics"
    assert scores.lacks(ada, "turnover", currency=two) == "no_statistics"
    assert scores.lacks(ada, "profit", currency=two) == "cost_unknown"
    assert scores.lacks(ada, "turnover", currency="XCD") == "nothing_bought"
    inputs = {each["measure"]: each["total"] for each in scores.score(ada, "profit", currency=one)["inputs"]}
    assert inputs == {"cost": 100, "purchase": 500, "purchase_costed": 500, "refund": 1}


def a_story(api: Api, ada: str) -> None:
    """Of everything some, at different times."""
    money = scoring.currency()
    events = [
        scoring.bought(ada, 900, money, cost_minor=300, time=JANUARY), scoring.bought(ada, 50, money, time=FEBRUARY),
        scoring.refunded(ada, 9, money, time=MARCH), scoring.served(ada, 5, money),
        scoring.problem(ada, 2, time=JANUARY), scoring.complaint(ada, 4, time=MARCH),
        scoring.answered(ada, 9, time=JANUARY), scoring.answered(ada, 2, "1-5", time=FEBRUARY),
        scoring.expected(ada, "price", 3, 2), scoring.perceived(ada, "price", 4), scoring.referred(ada, time=MARCH),
        scoring.talked(ada, time=FEBRUARY),
        scoring.happened(ada, "complaint.resolved", complaint="C-1", resolution="made good"),
    ]  # fmt: skip
    api.posted(*events)
    api.voted(api.submitted(api.opened(), ada), ada)


@on_each_log
def test_every_event_of_a_receipt_stands_on_the_timeline(api: Api, scores: Scoring) -> None:
    a_story(api, ada := someone())
    places = set(map(place, scores.timeline(ada)))
    found = scores.scores(ada)
    assert {each["definition"] for each in found["items"]} == set(DEFINITIONS)
    for score in found["items"]:
        assert sum(parts(score).values()) == pytest.approx(score["value"] or 0)
        for part in score["contributions"]:
            shown = part["events"]
            assert part["events_total"] == len(shown) > 0
            assert set(map(place, shown)) <= places
            assert all(newer["occurred_at"] >= older["occurred_at"] for newer, older in pairwise(shown))
        value, band, coverage, missing = recomputed(found | score, {})
        assert (score["value"], score["coverage"]) == (pytest.approx(value), pytest.approx(coverage))
        assert (score["band"], (score["missing"] or {"code": None})["code"]) == (band, missing)


@on_each_log
def test_what_is_quarantined_on_the_timeline_counts_nowhere(api: Api, scores: Scoring) -> None:
    """Whatever its name was used for first, and by whatever it would have been counted."""
    ada = someone()
    need = scoring.happened(ada, "need.stated", need="N-1", words="a lamp")
    for first in (need, foreign(ada), scoring.problem(ada, 1)):
        api.posted(first)
        api.posted(scoring.problem(ada, 5) | {"id": first["id"]})
        api.posted(first, scoring.complaint(ada, 5) | {"id": first["id"]})
    assert behind(scores.score(ada, "harm")) == {"problems": 1}
    assert scores.told(ada, "harm") == (1, "low")
    (part,) = scores.score(ada, "harm")["contributions"]
    assert set(map(place, part["events"])) <= set(map(place, scores.timeline(ada)))
    assert refused(scores.of(f"{UUID(int=0)}"), 404, "contact_unknown")


@on_each_log_slowly
def test_as_many_events_are_shown_as_are_wanted(api: Api, scores: Scoring) -> None:
    ada = someone()
    api.posted(*(scoring.problem(ada, 1, time=f"2026-01-0{day}T00:00:00Z") for day in (3, 1, 5, 2, 4)))
    for events in (0, 1, 3, 5, 1_000):
        (part,) = scores.score(ada, "harm", events=events)["contributions"]
        assert (part["value"], part["events_total"], len(part["events"])) == (5, 5, min(events, 5))
        days = [event["occurred_at"][8:10] for event in part["events"]]
        assert days == ["05", "04", "03", "02", "01"][:events]


@on_each_log
def test_a_score_as_of_a_moment_is_what_had_happened_by_then(api: Api, scores: Scoring) -> None:
    money, ada = scoring.currency(), someone()
    for time, severity, answer in ((MARCH, 5, 10), (JANUARY, 1, 0), (FEBRUARY, 3, 8)):
        api.posted(scoring.problem(ada, severity, time=time), scoring.answered(ada, answer, time=time))
        api.posted(scoring.bought(ada, severity, money, cost_minor=severity, time=time))
    for moment, harm, advocacy in (
        (JANUARY, (1, "low"), (-2, "detractor")), (FEBRUARY, (4, "low"), (0, "neutral")),
        ("2026-02-28T23:59:59.999999+12:00", (4, "low"), (0, "neutral")), (MARCH, (9, "medium"), (2, "supporter")),
    ):  # fmt: skip
        assert scores.told(ada, "harm", as_of=moment) == harm
        assert scores.told(ada, "advocacy", as_of=moment) == advocacy
    found = scores.score(ada, "turnover", as_of=FEBRUARY)
    inputs = {each["measure"]: (each["n"], each["total"], each["last_at"]) for each in found["inputs"]}
    assert inputs["purchase"] == (2, 4, FEBRUARY)
    assert (found["as_of"], found["statistics"]) == (FEBRUARY, None)
    before = scores.scores(ada, as_of="2025-12-31T23:59:59Z")
    assert [each["definition"] for each in before["items"]] == [each for each in DEFINITIONS if each not in OF_MONEY]
    assert all(each["value"] is None and each["inputs"] == [] for each in before["items"])


@on_each_log
def test_a_read_with_the_position_of_a_write_sees_it_at_once(api: Api, scores: Scoring) -> None:
    ada = someone()
    for n in range(1, 21):
        posted = api.posted(scoring.problem(ada, 1))
        response = api.scoring.get(f"/v1/scores/{ada}/harm", params={"min_position": posted})
        assert response.json()["value"] == n
        listed = api.scoring.get("/v1/scores", params={"definition": "harm", "min_position": posted, "limit": 500})
        mine = [each for each in listed.json()["items"] if ada in each["identifiers"]]
        assert [each["value"] for each in mine] == [n], "lists wait for the class to be announced"


@on_each_log
def test_a_person_is_one_under_all_their_names(api: Api, scores: Scoring) -> None:
    ada, bob = api.registered(a := someone(), mail := f"email:{someone()[4:]}@x.org"), someone()
    api.posted(scoring.problem(a, 2), scoring.problem(mail, 3), scoring.problem(bob, 5))
    one = scores.scores(a)
    assert (one["contact"], one["members"], one["identifiers"]) == (ada, [ada], [a, mail])
    assert all(scores.scores(ref)["items"] == one["items"] for ref in (mail, ada, f"contact:{ada}"))
    assert scores.told(mail, "harm") == (5, "medium")
    merge = api.merged(ada, scores.scores(bob)["contact"])
    assert scores.told(bob, "harm") == (10, "medium")
    api.unmerged(merge)
    assert [scores.told(name, "harm")[0] for name in (a, bob)] == [5, 5]


@on_each_log_slowly
@pytest.mark.parametrize("value", ["a/b", "a/rfm", "a b", "50%", "é", "a?b", "a#b", "../../x", "a:b", "😀"])
def test_a_name_may_have_any_character(api: Api, scores: Scoring, value: str) -> None:
    api.posted(scoring.problem(name := f"{someone()}{value}", 2), foreign(name))
    assert scores.scores(name)["identifiers"] == [name]
    assert scores.told(name, "harm") == (2, "low")
    assert api.scoring.get(f"/v1/scores/{escaped(name)}/nothing").json()["code"] == "definition_unknown"
