"""Ideas are listed best first, page by page, narrowed to what is asked for."""

from collections.abc import Iterator, Sequence
from math import log10
from random import Random
from typing import Any

import pytest

from tests.integration.boards import CREDITS, NOBODYS, Boards, an_idea
from tests.integration.client import Api, created, ok, refused, someone
from tests.integration.conftest import System, on_each_log

SORTS = ("top", "hot", "new", "credits")
MANY = 9


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


@pytest.fixture(scope="module")
def boards(api: Api) -> Boards:
    return Boards(api)


@pytest.fixture(scope="module")
def ranked(api: Api) -> tuple[str, Sequence[str]]:
    """A board with many ideas, among them equals, some of the same time; and all who voted."""
    board, random = api.opened(ballot=CREDITS | {"budget": 100}), Random(9)
    voters = [someone() for _ in range(5)]
    for n in range(MANY):
        idea = api.submitted(board, someone(), time=f"2026-01-0{n // 3 + 1}T00:00:00.123457Z")
        for voter in random.sample(voters, n % 4):
            api.voted(idea, voter, credits=random.randint(1, 2))
    return board, voters


def key(sort: str, idea: Any) -> tuple[float, str]:
    ranks = {"top": idea["rank"]["top"], "hot": idea["rank"]["hot"], "credits": idea["tally"]["credits"]}
    return (ranks | {"new": idea["occurred_at"]})[sort], idea["id"]


@pytest.mark.parametrize("sort", SORTS)
def test_best_first_on_every_page_at_every_limit(
    boards: Boards, ranked: tuple[str, Sequence[str]], sort: str
) -> None:  # fmt: skip
    board, _ = ranked
    ideas = boards.ideas(board=board, sort=sort, limit=500)
    assert len({idea["id"] for idea in ideas}) == len(ideas) == MANY
    assert ideas == sorted(ideas, key=lambda idea: key(sort, idea), reverse=True)
    for limit in (1, 2, 3, 5, MANY - 1, MANY, MANY + 1):
        assert boards.ideas(board=board, sort=sort, limit=limit) == ideas
    for idea in ideas:
        more = {"text", "root", "merged", "answers", "history", "promises"}
        whole = boards.api.idea(idea["id"])
        assert idea == {name: value for name, value in whole.items() if name not in more}


@pytest.mark.parametrize("sort", SORTS)
def test_what_nobody_votes_on_meanwhile_is_seen_once(api: Api, boards: Boards, sort: str) -> None:
    """An idea that rises or falls past the end of a page may be seen twice or not at all, but with `new`."""
    board, random = api.opened(ballot=CREDITS | {"budget": 100}), Random(3)
    ideas = [api.submitted(board, someone(), time=f"2026-01-01T00:00:{n:02}Z") for n in range(8)]
    for n, idea in enumerate(ideas):
        for _ in range(n % 3):
            api.voted(idea, someone(), credits=1)
    moving = ideas[::2]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = ok(boards.get("/v1/ideas", board=board, sort=sort, limit=2, **cursor))
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
        api.voted(random.choice(moving), someone(), credits=random.randint(1, 4))
    if sort == "new":
        assert seen == ideas[::-1]
    assert sorted(idea for idea in seen if idea not in moving) == sorted(ideas[1::2])


@on_each_log
def test_a_vote_moves_an_idea_on_the_next_page_that_is_asked_for(api: Api, boards: Boards) -> None:
    board = api.opened(ballot={"kind": "up_down"})
    first, second = (api.submitted(board, someone(), time=f"2026-01-01T00:00:0{n}Z") for n in range(2))
    for _ in range(3):
        for better, worse in ((first, second), (second, first)):
            voter = someone()
            api.voted(better, voter)
            api.voted(worse, voter, stance="down")
            api.voted(better, someone())
            assert boards.order(board=board)[0] == better
            boards.withdrawn(worse, voter)
            boards.withdrawn(better, voter)
    api.merged(api.registered(ada := someone()), api.registered(bob := someone()))
    api.voted(first, ada)
    assert boards.ideas(board=board, sort="new")[1]["tally"]["people"] == 4
    assert ok(api.vote(first, bob))["stance"] == "up"


def test_ranks_are_what_they_say(api: Api, boards: Boards) -> None:
    board = api.opened(ballot={"kind": "up_down"})
    idea = api.submitted(board, someone(), time="2023-11-14T22:13:20Z")
    for n in range(12):
        api.voted(idea, someone(), stance="up" if n < 11 else "down")
    (shown,) = boards.ideas(board=board)
    assert shown["rank"]["hot"] == pytest.approx(log10(10) + 1_700_000_000 / 45_000, abs=1e-9)
    lone = an_idea(api)
    api.voted(lone, someone())
    assert api.idea(lone)["rank"]["top"] == pytest.approx(0.206549, abs=5e-7)


class TestFilters:
    def test_every_filter_narrows_every_order(self, api: Api, boards: Boards) -> None:
        board, author = api.opened(), someone()
        plain = api.submitted(board, someone(), touchpoint="store")
        tagged = api.submitted(board, someone(), tags=["a", 'b"\\', "ü"], touchpoint="website")
        planned = api.submitted(board, author, touchpoint="acme:loyalty_desk")
        ok(boards.set(planned, "planned"))
        archived = api.submitted(board, author)
        ok(boards.set(archived, "archived"))
        proposal = boards.published(board, tags=["a"])
        found: list[tuple[dict[str, Any], set[str]]] = [
            ({}, {plain, tagged, planned, proposal}),
            ({"status": "planned"}, {planned}),
            ({"status": "submitted"}, {plain, tagged, proposal}),
            ({"status": "archived"}, {archived}),
            ({"status": "measured"}, set()),
            ({"kind": "idea"}, {plain, tagged, planned}),
            ({"kind": "proposal"}, {proposal}),
            ({"touchpoint": "store"}, {plain, proposal}),
            ({"touchpoint": "acme:loyalty_desk"}, {planned}),
            ({"tag": "a"}, {tagged, proposal}),
            ({"tag": 'b"\\'}, {tagged}),
            ({"tag": "ü"}, {tagged}),
            ({"tag": "A"}, set()),
            ({"contact": author}, {planned}),
            ({"contact": author, "status": "archived"}, {archived}),
            ({"kind": "idea", "tag": "a", "touchpoint": "website", "status": "submitted"}, {tagged}),
        ]
        for params, expected in found:
            for sort, limit in zip(SORTS, (1, 2, 3, 50), strict=True):
                ids = boards.order(board=board, sort=sort, limit=limit, **params)
                assert (sorted(ids), len(ids)) == (sorted(expected), len(expected)), params

    @on_each_log
    def test_of_a_person_by_any_name(self, api: Api, boards: Boards) -> None:
        board = api.opened()
        ada, bob = (
            api.registered(a := someone(), mail := f"email:{someone()[4:]}@x.org"),
            api.registered(b := someone()),
        )
        mine = [api.submitted(board, name) for name in (a, mail, ada, f"contact:{ada}")]
        his = api.submitted(board, b)
        node = api.idea(mine[0])["author"]["contact"]
        for ref in (a, mail, ada, f"contact:{ada}", node):
            assert sorted(boards.order(board=board, contact=ref)) == sorted(mine)
            assert set(mine) <= set(boards.order(contact=ref))
        merge = api.merged(ada, bob)
        for ref in (a, b, ada, bob):
            assert sorted(boards.order(board=board, contact=ref, limit=2)) == sorted([*mine, his])
        api.unmerged(merge)
        assert boards.order(board=board, contact=bob) == [his]

    def test_of_somebody_of_whom_nobody_has_heard(self, api: Api, boards: Boards) -> None:
        for ref in (NOBODYS, someone()):
            refused(boards.get("/v1/ideas", contact=ref), 404, "contact_unknown")
        assert boards.order(contact=api.registered(someone())) == []

    def test_what_was_merged_is_shown_with_the_tally_of_its_group_where_it_is_asked_for(
        self, api: Api, boards: Boards
    ) -> None:
        board, ada = api.opened(), someone()
        one, two, three = (api.submitted(board, ada, time=f"2026-01-0{n}T00:00:00Z") for n in (1, 2, 3))
        for idea in (one, two, three):
            api.voted(idea, someone())
        created(boards.merge(one, two))
        assert sorted(boards.order(board=board)) == sorted([two, three])
        assert sorted(boards.order(contact=ada)) == sorted([two, three])
        expected = {id_: (api.idea(id_)["tally"], api.idea(id_)["rank"]) for id_ in (one, two, three)}
        assert expected[one][0]["people"] == 2
        for sort in SORTS:
            for limit in (1, 2, 3):
                ideas = boards.ideas(board=board, merged=True, sort=sort, limit=limit)
                assert sorted(idea["id"] for idea in ideas) == sorted([one, two, three])
                assert {idea["id"]: (idea["tally"], idea["rank"]) for idea in ideas} == expected


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"limit": 0}, "bad_parameter"),
        ({"limit": 501}, "bad_parameter"),
        ({"sort": "best"}, "bad_parameter"),
        ({"status": "open"}, "bad_parameter"),
        ({"kind": "vote"}, "bad_parameter"),
        ({"board": "1"}, "bad_parameter"),
        ({"touchpoint": "shop"}, "bad_parameter"),
        ({"tag": "x" * 51}, "bad_parameter"),
        ({"tag": "\0"}, "bad_parameter"),
        ({"merged": "perhaps"}, "bad_parameter"),
        ({"colour": "red"}, "bad_parameter"),
        ({"contact": "ada"}, "bad_ref"),
        ({"cursor": "x"}, "bad_cursor"),
        ({"cursor": "kw"}, "bad_cursor"),
        ({"min_position": "x"}, "bad_position"),
    ],
    ids=str,
)
def test_what_is_no_question(api: Api, params: dict[str, Any], code: str) -> None:
    refused(api.feedback.get("/v1/ideas", params=params), 400, code)


def test_an_empty_list(api: Api, boards: Boards) -> None:
    assert boards.ideas(board=api.opened()) == boards.ideas(board=NOBODYS) == []
