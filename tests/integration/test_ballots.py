"""Every kind of ballot has its rules, and every board says who may vote."""

from collections.abc import Iterator

import pytest

from tests.integration.boards import CREDITS, NONE, Boards, an_idea
from tests.integration.client import Api, created, ok, purchase, refused, someone
from tests.integration.conftest import System, on_each_log


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


@pytest.fixture(scope="module")
def boards(api: Api) -> Boards:
    return Boards(api)


class TestBallots:
    def test_approval_is_for_it_or_nothing(self, api: Api) -> None:
        idea, crm = an_idea(api), someone()
        with api.stores(0):
            refused(api.vote(idea, crm, stance="down"), 422, "invalid_body", "/stance")
            refused(api.vote(idea, crm, credits=1), 422, "invalid_body", "/credits")
        api.voted(idea, crm)
        assert api.tally(idea) == NONE | {"people": 1, "unregistered": 1, "up": 1, "net": 1}

    @on_each_log
    def test_up_and_down(self, api: Api, boards: Boards) -> None:
        idea, names = an_idea(api, ballot={"kind": "up_down"}), [someone() for _ in range(4)]
        for name, stance in zip(names, ("up", "down", "down", "down"), strict=True):
            assert api.voted(idea, name, stance=stance)["stance"] == stance
        shown = api.idea(idea)
        assert shown["tally"] == NONE | {"people": 4, "unregistered": 4, "up": 1, "down": 3, "net": -2}
        assert shown["rank"]["top"] == pytest.approx(0.045587, abs=1e-6)
        api.voted(idea, names[1], stance="up")
        boards.withdrawn(idea, names[2])
        assert api.tally(idea) == NONE | {"people": 3, "unregistered": 3, "up": 2, "down": 1, "net": 1}
        with api.stores(0):
            refused(api.vote(idea, names[0], credits=1), 422, "invalid_body", "/credits")

    @on_each_log
    def test_credits_are_spent_from_a_budget(self, api: Api, boards: Boards) -> None:
        board, crm = api.opened(ballot=CREDITS), someone()
        a, b, c = (api.submitted(board, someone()) for _ in range(3))
        with api.stores(0):
            refused(api.vote(a, crm), 422, "invalid_body", "/credits")
            refused(api.vote(a, crm, stance="down", credits=1), 422, "invalid_body", "/stance")
            problem = refused(api.vote(a, crm, credits=5), 409, "over_cap", "/credits")
            assert (problem["cap"], problem["spent_on_idea"]) == (4, 0)
        assert api.voted(a, crm, credits=4)["credits"] == 4
        api.voted(b, crm, credits=4)
        with api.stores(0):
            problem = refused(api.vote(c, crm, credits=3), 409, "over_budget", "/credits")
            assert (problem["budget"], problem["left"]) == (10, 2)
        api.voted(c, crm, credits=2)
        api.voted(a, crm, credits=1)
        api.voted(c, crm, credits=4)
        boards.withdrawn(b, crm)
        assert [api.tally(idea)["credits"] for idea in (a, b, c)] == [1, 0, 4]
        other = api.submitted(api.opened(ballot=CREDITS), someone())
        assert api.voted(other, crm, credits=4)["credits"] == 4, "each board has its own budget"

    def test_without_a_cap_all_can_go_to_one(self, api: Api) -> None:
        idea, crm = an_idea(api, ballot={"kind": "credits", "budget": 10}), someone()
        with api.stores(0):
            refused(api.vote(idea, crm, credits=11), 409, "over_cap", "/credits")
        api.voted(idea, crm, credits=10)

    def test_the_cap_is_that_of_all_that_was_merged(self, api: Api, boards: Boards) -> None:
        board, crm = api.opened(ballot=CREDITS), someone()
        a, b = (api.submitted(board, someone()) for _ in range(2))
        api.voted(a, crm, credits=3)
        created(boards.merge(a, b))
        with api.stores(0):
            problem = refused(api.vote(b, crm, credits=2), 409, "over_cap", "/credits")
        assert (problem["cap"], problem["spent_on_idea"]) == (4, 3)
        api.voted(b, crm, credits=1)
        assert api.tally(b) == NONE | {"people": 1, "unregistered": 1, "up": 1, "net": 1, "credits": 4}

    @on_each_log
    def test_what_merges_bring_over_cap_and_budget_stands_and_is_reported(self, api: Api, boards: Boards) -> None:
        board = api.opened(ballot=CREDITS)
        ideas = [api.submitted(board, someone()) for _ in range(3)]
        ada, bob = api.registered(a := someone()), api.registered(b := someone())
        for name in (a, b):
            for idea, spends in zip(ideas[:2] if name == a else ideas[1:], (4, 3), strict=True):
                api.voted(idea, name, credits=spends)
        assert not any(vote["over_budget"] for vote in boards.votes(idea=ideas[1]))
        merge = api.merged(ada, bob)
        votes = boards.votes(voter=b, board=board)
        assert [(vote["credits"], vote["over_budget"]) for vote in votes] == [(4, True), (4, True), (3, True)]
        assert sum(vote["credits"] for vote in votes) == 11
        with api.stores(0):
            problem = refused(api.vote(ideas[2], a, credits=4), 409, "over_budget", "/credits")
        assert problem["left"] == 2, "what the vote itself has is free again"
        created(boards.merge(ideas[0], ideas[1]))
        assert api.tally(ideas[1])["credits"] == 8
        assert refused(api.vote(ideas[0], a, credits=5), 409, "over_cap")["spent_on_idea"] == 4
        boards.unmerged(ideas[0])
        api.unmerged(merge)
        assert [vote["over_budget"] for vote in boards.votes(voter=a, board=board)] == [False, False]
        assert [vote["credits"] for vote in boards.votes(voter=b, board=board)] == [4, 3]


class TestEligibility:
    @on_each_log
    def test_the_registered(self, api: Api, boards: Boards) -> None:
        idea = an_idea(api, eligibility={"kind": "registered"})
        ada, seen = api.registered(a := someone()), someone()
        api.posted(purchase(seen))
        with api.stores(0):
            for name in (someone(), seen):
                refused(api.vote(idea, name), 409, "not_eligible", "/voter")
        api.voted(idea, a)
        merge = boards.merged_people(ada, seen)
        assert ok(api.vote(idea, seen))["voter"] == ada
        api.unmerged(merge)
        refused(api.vote(idea, seen), 409, "not_eligible", "/voter")

    @on_each_log
    def test_whoever_has_a_name_in_a_namespace(self, api: Api, boards: Boards) -> None:
        idea = an_idea(api, eligibility={"kind": "namespace", "namespace": "staff"})
        number = someone()[4:]
        ada = api.registered(crm := someone(), f"staff:{number}")
        bob = api.registered(b := someone())
        api.posted(purchase(another := f"staff:{number}-another"))
        with api.stores(0):
            for name in (someone(), b, bob, f"staffx:{number}"):
                refused(api.vote(idea, name), 409, "not_eligible", "/voter")
        assert api.voted(idea, crm)["voter"] == ada
        api.voted(idea, f"staff:{number}-nobody-registered")
        merge = boards.merged_people(bob, another)
        assert api.voted(idea, b)["voter"] == bob
        api.unmerged(merge)
        boards.withdrawn(idea, b)
        refused(api.vote(idea, b), 409, "not_eligible", "/voter")

    @on_each_log
    def test_those_who_are_listed(self, api: Api, boards: Boards) -> None:
        ada, bob = api.registered(a := someone(), a2 := someone()), api.registered(b := someone())
        unregistered = someone()
        voters = {"kind": "list", "voters": [a, bob, unregistered]}
        idea = an_idea(api, eligibility=voters)
        with api.stores(0):
            refused(api.vote(idea, someone()), 409, "not_eligible", "/voter")
        assert api.voted(idea, a2)["voter"] == ada
        assert api.voted(idea, b)["voter"] == bob
        api.voted(idea, unregistered)
        api.posted(purchase(third := someone()))
        refused(api.vote(idea, third), 409, "not_eligible", "/voter")
        boards.merged_people(unregistered, third)
        with api.stores(0):
            assert ok(api.vote(idea, third))["stance"] == "up", "one of theirs voted"

    def test_who_is_left_out_later_keeps_the_vote_and_can_withdraw_it(self, api: Api, boards: Boards) -> None:
        board, crm = api.opened(), someone()
        idea = api.submitted(board, crm)
        api.voted(idea, crm)
        ok(boards.change(board, eligibility={"kind": "registered"}))
        assert api.tally(idea)["people"] == 1
        refused(api.vote(idea, someone()), 409, "not_eligible", "/voter")
        boards.withdrawn(idea, crm)
        refused(api.vote(idea, crm), 409, "not_eligible", "/voter")
