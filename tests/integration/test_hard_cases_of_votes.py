"""The cases that break lesser systems (DOMAIN.md), of votes and ideas, over HTTP; the log verifies after them."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from typing import Any

import httpx
import pytest

from tests.integration.boards import CREDITS, NONE, Boards, counted, telephone
from tests.integration.client import Api, created, refused, someone
from tests.integration.conftest import System, on_each_log_slowly

pytestmark = on_each_log_slowly
_numbers = count(1)


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()
    verified = system.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.fixture(scope="module")
def boards(api: Api) -> Boards:
    return Boards(api)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(len(calls)) as threads:
        return [each.result() for each in [threads.submit(call) for call in calls]]


def statuses(answers: list[httpx.Response]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def test_a_late_vote_of_a_merged_contact_is_its_own_after_the_merge_ends(api: Api, boards: Boards) -> None:
    """Case 1."""
    board = api.opened(ballot={"kind": "up_down"})
    idea = api.submitted(board, someone())
    ada, bob = api.registered(a := someone()), api.registered(b := someone())
    api.voted(idea, a)
    merge = api.merged(ada, bob)
    created(api.vote(idea, b, stance="down", time="2026-01-01T00:00:00Z"))
    assert api.tally(idea) == NONE | {"people": 1, "down": 1, "net": -1}
    api.unmerged(merge)
    assert api.tally(idea) == NONE | {"people": 2, "up": 1, "down": 1}
    assert [boards.said(idea, name)["stance"] for name in (a, b)] == ["up", "down"]


def test_ideas_merged_in_a_circle_are_refused_one_after_another(api: Api, boards: Boards) -> None:
    """Case 2."""
    board = api.opened()
    a, b, c = ideas = [api.submitted(board, someone()) for _ in range(3)]
    for idea in ideas:
        api.voted(idea, someone())
    created(boards.merge(a, b))
    created(boards.merge(b, c))
    with api.stores(0):
        refused(boards.merge(c, a), 409, "merge_in_a_circle", "/into")
        refused(boards.merge(c, b), 409, "merge_in_a_circle", "/into")
    boards.unmerged(b)
    created(boards.merge(c, a))
    assert [api.idea(idea)["root"] for idea in ideas] == [b, b, b]
    assert api.tally(b) == counted(3)


def test_of_two_ideas_that_are_merged_into_each_other_at_once_one_is(api: Api, boards: Boards) -> None:
    """Case 2, at once."""
    board = api.opened()
    for _ in range(5):
        a, b = (api.submitted(board, someone()) for _ in range(2))
        api.voted(a, someone()), api.voted(b, someone())
        answers = at_once(partial(boards.merge, a, b), partial(boards.merge, b, a))
        assert statuses(answers) == [201, 409]
        (lost,) = (answer for answer in answers if answer.status_code == 409)
        refused(lost, 409, "merge_in_a_circle", "/into")
        assert api.idea(a)["root"] == api.idea(b)["root"]
        assert api.tally(a) == api.tally(b) == counted(2)


def test_many_ideas_in_a_ring_at_once_never_close_it(api: Api, boards: Boards) -> None:
    """Case 2, with more of them."""
    board = api.opened()
    ring = [api.submitted(board, someone()) for _ in range(6)]
    for idea in ring:
        api.voted(idea, someone())
    pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
    answers = at_once(*(partial(boards.merge, a, b) for a, b in pairs))
    assert statuses(answers) == [201] * 5 + [409]
    (root,) = {api.idea(idea)["root"] for idea in ring}
    assert api.tally(root) == counted(6)
    assert boards.order(board=board) == [root]


def test_one_who_votes_on_two_ideas_that_are_merged_and_withdraws_one_has_one_vote(api: Api, boards: Boards) -> None:
    """Case 3."""
    board = api.opened(ballot={"kind": "up_down"})
    one, two, ada = api.submitted(board, someone()), api.submitted(board, someone()), someone()
    api.voted(one, ada)
    api.voted(two, ada, stance="down")
    created(boards.merge(one, two))
    assert api.tally(two) == NONE | {"people": 1, "unregistered": 1, "down": 1, "net": -1}
    boards.withdrawn(two, ada)
    assert api.tally(one) == api.tally(two) == counted(1)
    boards.withdrawn(one, ada)
    assert api.tally(two) == NONE
    boards.unmerged(one)
    assert [api.tally(idea) for idea in (one, two)] == [NONE, NONE]


def test_a_merge_of_the_same_people_does_not_lift_an_idea(api: Api, boards: Boards) -> None:
    """Case 4."""
    board = api.opened()
    ideas = [api.submitted(board, someone(), time=f"2026-01-01T00:00:0{n}Z") for n in range(3)]
    people = [someone() for _ in range(3)]
    for idea, voters in zip(ideas, (people[:2], people[:2], people), strict=True):
        for voter in voters:
            api.voted(idea, voter)
    before = {sort: boards.order(board=board, sort=sort) for sort in ("top", "hot")}
    assert before["top"][0] == ideas[2]
    ranks = api.idea(ideas[1])["rank"]
    created(boards.merge(ideas[0], ideas[1]))
    assert api.idea(ideas[1])["rank"] == ranks
    for sort, order in before.items():
        assert boards.order(board=board, sort=sort) == [idea for idea in order if idea != ideas[0]]


def test_two_votes_at_once_under_two_names_of_one_person_are_one(api: Api, boards: Boards) -> None:
    """Case 16."""
    board = api.opened(ballot=CREDITS)
    for _ in range(5):
        ideas = [api.submitted(board, someone()) for _ in range(3)]
        ada = api.registered(a := someone(), b := someone())
        answers = at_once(*(partial(api.vote, ideas[0], name, credits=3) for name in (a, b)))
        assert statuses(answers) == [200, 201]
        assert {answer.json()["voter"] for answer in answers} == {ada}
        assert api.tally(ideas[0]) == NONE | {"people": 1, "up": 1, "net": 1, "credits": 3}
        spending = [(ideas[1], a), (ideas[1], b), (ideas[2], a), (ideas[2], b)]
        answers = at_once(*(partial(api.vote, idea, name, credits=4) for idea, name in spending))
        told = {answer.json().get("code", "") for answer in answers}
        assert told <= {"", "over_budget"}
        votes = boards.votes(voter=ada, board=board)
        assert sum(vote["credits"] for vote in votes) == 7
        assert not any(vote["over_budget"] for vote in votes)


def test_names_that_are_merged_after_both_voted_are_one_and_what_is_over_the_budget_is_reported(
    api: Api, boards: Boards
) -> None:
    """Case 16, later."""
    board = api.opened(ballot=CREDITS)
    ideas = [api.submitted(board, someone()) for _ in range(3)]
    names = [someone() for _ in range(2)]
    for name in names:
        for idea in ideas[:2]:
            api.voted(idea, name, credits=4)
    api.voted(ideas[2], names[0], credits=2), api.voted(ideas[2], names[1], credits=1)
    merge = boards.merged_people(*names)
    assert [api.tally(idea)["credits"] for idea in ideas] == [4, 4, 1], "their last ballots"
    votes = boards.votes(voter=names[0], board=board)
    assert [vote["over_budget"] for vote in votes] == [False] * 3
    api.voted(ideas[2], names[0], credits=2)
    api.unmerged(merge)
    apart = [[vote["credits"] for vote in boards.votes(voter=name, board=board)] for name in names]
    assert [sum(credits_) for credits_ in apart] == [10, 9]
    others = [api.submitted(board, someone()) for _ in range(2)]
    bob, cy = someone(), someone()
    for name, idea in ((bob, others[0]), (cy, others[1])):
        api.voted(idea, name, credits=4)
        api.voted(ideas[0] if name == bob else ideas[1], name, credits=3)
    boards.merged_people(bob, cy)
    found = boards.votes(voter=cy, board=board)
    assert sum(vote["credits"] for vote in found) == 14
    assert all(vote["over_budget"] for vote in found)
    with api.stores(0):
        assert refused(api.vote(ideas[2], bob, credits=1), 409, "over_budget")["left"] == 0
    boards.withdrawn(others[0], cy)
    boards.withdrawn(others[0], bob)
    assert [vote["over_budget"] for vote in boards.votes(voter=cy, board=board)] == [False] * 3


def test_a_familys_telephone_joins_nobodys_votes(api: Api) -> None:
    """Case 17, a weak name."""
    board, shared = api.opened(), telephone()
    idea = api.submitted(board, someone())
    mother, child = api.registered(someone(), shared), api.registered(someone(), shared)
    api.voted(idea, shared)
    for person in (mother, child):
        api.voted(idea, person)
    apart = NONE | {"people": 3, "unregistered": 1, "up": 3, "net": 3}
    assert api.tally(idea) == apart
    merge = api.merged(mother, child)
    assert api.tally(idea) == NONE | {"people": 1, "up": 1, "net": 1}, "all who go by it are one now"
    api.unmerged(merge)
    assert api.tally(idea) == apart


def test_a_shared_mailbox_is_a_conflict_and_merges_no_votes(api: Api, boards: Boards) -> None:
    """Case 17, a unique name."""
    board, mailbox = api.opened(), f"email:board-{next(_numbers)}@example.org"
    idea = api.submitted(board, someone())
    first, second = api.registered(f := someone(), mailbox), api.registered(s := someone())
    for name in (f, s):
        api.voted(idea, name)
    conflict = refused(api.link(s, mailbox), 409, "identifier_claimed")["conflict"]
    two = NONE | {"people": 2, "up": 2, "net": 2}
    with api.stores(0):
        assert api.vote(idea, mailbox).json()["voter"] == first
    assert api.tally(idea) == two
    assert api.resolve(conflict, s).status_code == 200
    with api.stores(0):
        assert api.vote(idea, mailbox).json()["voter"] == second
    assert api.tally(idea) == two
