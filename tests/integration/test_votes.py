"""People vote, once however many names they have, and change their minds."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.boards import AHEAD, CREDITS, NOBODYS, NONE, STAFF, Boards, an_idea
from tests.integration.client import Api, created, ok, refused, someone
from tests.integration.conftest import System, on_each_log


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


@pytest.fixture(scope="module")
def boards(api: Api) -> Boards:
    return Boards(api)


class TestCasting:
    @on_each_log
    def test_it_counts_when_it_is_answered(self, api: Api, boards: Boards) -> None:
        idea, ada = an_idea(api), api.registered(crm := someone())
        response = api.vote(idea, crm, proxy=STAFF, time="2026-03-02T11:00:00+01:00")
        vote = {"idea": idea, "voter": ada, "name": crm, "stance": "up", "credits": 0}
        assert created(response) == vote
        assert response.headers["location"] == f"/v1/votes/{idea}/{ada}"
        assert api.tally(idea) == NONE | {"people": 1, "up": 1, "net": 1}
        read = boards.get(response.headers["location"])
        (ballot,) = ok(read)["ballots"]
        assert ok(read) == {"idea": idea, "voter": ada, "stance": "up", "credits": 0, "ballots": [ballot]}
        assert ballot == {
            "idea": idea, "name": crm, "said": "cast", "stance": "up", "credits": 0, "proxy": STAFF,
            "occurred_at": "2026-03-02T10:00:00Z", "recorded_at": ballot["recorded_at"],
            "position": ballot["position"],
        }  # fmt: skip
        again = api.vote(idea, crm)
        assert (ok(again), "location" in again.headers) == (vote, True)

    @on_each_log
    def test_under_any_name_it_is_the_same_vote(self, api: Api, boards: Boards) -> None:
        idea, ada = an_idea(api), api.registered(crm := someone(), mail := f"email:{someone()[4:]}@x.org")
        other = someone()
        merge = api.merged(ada, api.registered(other))
        api.voted(idea, crm)
        with api.stores(0):
            for name in (mail, ada, other, f"contact:{ada}"):
                assert ok(api.vote(idea, name))["voter"] == ada
        assert api.tally(idea)["people"] == 1
        boards.withdrawn(idea, other)
        assert api.tally(idea) == NONE
        with api.stores(0):
            boards.withdrawn(idea, mail)
        assert [ballot["name"] for ballot in boards.said(idea, ada)["ballots"]] == [crm, other]
        api.unmerged(merge)
        assert api.tally(idea)["people"] == 1, "what the other withdrew was theirs"

    @on_each_log
    def test_by_a_contact_that_was_registered_a_moment_ago(self, api: Api) -> None:
        idea = an_idea(api, eligibility={"kind": "registered"})
        for n in range(5):
            assert created(api.vote(idea, api.registered(someone())))["name"].startswith("contact:")
            api.registered(crm := someone())
            api.voted(idea, crm)
            assert api.tally(idea) == NONE | {"people": 2 * n + 2, "up": 2 * n + 2, "net": 2 * n + 2}

    @on_each_log
    def test_it_stands_on_the_timeline_of_the_voter(self, api: Api, boards: Boards) -> None:
        idea, crm = an_idea(api, ballot=CREDITS), someone()
        api.voted(idea, crm, credits=3, proxy=STAFF)
        api.voted(idea, crm, credits=1)
        boards.withdrawn(idea, crm, reason="too dear")
        api.voted(idea, crm, credits=2)
        created(boards.invalidate(idea, crm, reason="cast by a script"))
        assert [item["title"] for item in api.page(crm)["items"]] == [
            "Vote on an idea found not to count: cast by a script",
            "Voted for an idea with 2 credits",
            "Withdrew the vote on an idea: too dear",
            "Changed the vote on an idea: for it, with 1 credit",
            "Voted for an idea with 3 credits (entered by agent-7)",
        ]
        assert api.page(crm)["items"][0]["type"] == "rapport.feedback.vote.invalidated.v1"

    @on_each_log
    def test_the_same_key_is_the_same_vote(self, api: Api, boards: Boards) -> None:
        idea, crm, headers = an_idea(api, ballot={"kind": "up_down"}), someone(), {"Idempotency-Key": someone()}
        with api.stores(1), ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: api.vote(idea, crm, headers=headers), range(20)))
        assert all(created(answer) == answers[0].json() for answer in answers)
        assert len({answer.headers["rapport-position"] for answer in answers}) == 1
        api.voted(idea, crm, stance="down")
        with api.stores(0):
            assert created(api.vote(idea, crm, headers=headers)) == answers[0].json()
            refused(api.vote(idea, crm, headers=headers, stance="down"), 422, "idempotency_key_reused")
            refused(api.vote(idea, someone(), headers=headers), 422, "idempotency_key_reused")
        for send in (boards.withdraw, boards.invalidate):
            api.vote(idea, crm)
            with api.stores(1):
                first, second = (send(idea, crm, headers=headers, reason="x") for _ in range(2))
            assert (second.status_code, second.content) == (first.status_code, first.content)
            refused(send(idea, crm, headers=headers, reason="y"), 422, "idempotency_key_reused")

    def test_a_name_with_any_character(self, api: Api, boards: Boards) -> None:
        idea = an_idea(api)
        for value in ("a/b", "a b", "50%", "é", "a?b", "a#b", "../../x", "a/invalidation", "a:b", "😀", "a+b"):
            name = f"{someone()}{value}"
            api.voted(idea, name)
            assert boards.said(idea, name)["ballots"][0]["name"] == name
            boards.withdrawn(idea, name)
            assert ok(api.feedback.get(f"/v1/votes?idea={idea}"))["items"] == []


class TestWithdrawing:
    @on_each_log
    def test_it_can_be_cast_again(self, api: Api, boards: Boards) -> None:
        idea, crm = an_idea(api), someone()
        api.voted(idea, crm)
        response = boards.withdraw(idea, crm, reason="x", time="2026-03-02T10:00:00Z")
        assert (response.status_code, response.content) == (204, b"")
        with api.stores(0):
            boards.withdrawn(idea, crm)
        api.voted(idea, crm)
        assert [each["said"] for each in boards.said(idea, crm)["ballots"]] == ["cast", "withdrawn", "cast"]
        assert boards.said(idea, crm)["ballots"][1]["occurred_at"] == "2026-03-02T10:00:00Z"

    def test_what_is_not_there(self, api: Api, boards: Boards) -> None:
        idea, crm = an_idea(api), someone()
        api.voted(idea, known := someone())
        with api.stores(0):
            for send in (boards.withdraw, boards.invalidate):
                refused(send(idea, crm), 404, "vote_unknown")
                refused(send(NOBODYS, known), 404, "idea_unknown")
                refused(send(idea, NOBODYS), 404, "contact_unknown")
                refused(send(idea, "ada"), 400, "bad_ref", "ref")
            refused(boards.withdraw(idea, known, time=AHEAD), 400, "bad_parameter", "time")
            refused(boards.invalidate(idea, known, time=AHEAD), 422, "invalid_body", "/time")
            refused(api.vote(idea, crm, time=AHEAD), 422, "invalid_body", "/time")
            refused(api.vote(NOBODYS, crm), 404, "idea_unknown", "/idea")
            refused(api.vote(idea, NOBODYS), 404, "contact_unknown")
            refused(api.vote(idea, "ada"), 400, "bad_ref", "/voter")
            refused(boards.get(f"/v1/votes/{idea}/{crm}"), 404, "contact_unknown")
            refused(boards.get(f"/v1/votes/{NOBODYS}/{known}"), 404, "vote_unknown")


class TestInvalidating:
    @on_each_log
    def test_it_counts_no_more_and_is_not_cast_again(self, api: Api, boards: Boards) -> None:
        idea, ada = an_idea(api), api.registered(a := someone(), b := someone())
        api.voted(idea, a)
        response = boards.invalidate(idea, b, actor=STAFF)
        found = created(response)
        assert (found["voter"], found["stance"]) == (ada, None)
        assert [(each["said"], each["proxy"]) for each in found["ballots"]] == [("cast", None), ("invalidated", STAFF)]
        assert api.tally(idea) == NONE
        with api.stores(0):
            assert ok(boards.invalidate(idea, a)) == found
            refused(api.vote(idea, b), 409, "vote_was_invalidated")
            boards.withdrawn(idea, a)

    def test_what_does_not_stand_is_refused(self, api: Api, boards: Boards) -> None:
        idea, crm = an_idea(api), someone()
        api.voted(idea, crm)
        boards.withdrawn(idea, crm)
        with api.stores(0):
            refused(boards.invalidate(idea, crm), 404, "vote_unknown")
