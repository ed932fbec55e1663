"""Ideas are merged and parted, and found by the words of their titles."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.boards import NOBODYS, STAFF, Boards, counted
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


@pytest.fixture(scope="module")
def board(api: Api) -> str:
    return api.opened()


class TestMerging:
    @on_each_log
    def test_a_person_counts_once_over_all_that_is_merged(self, api: Api, boards: Boards, board: str) -> None:
        ada, bob, cy = someone(), someone(), someone()
        one, two = api.submitted(board, ada), api.submitted(board, bob)
        for idea, voter in ((one, ada), (one, bob), (two, bob), (two, cy)):
            api.voted(idea, voter)
        before = api.idea(one), api.idea(two)
        merged = created(boards.merge(one, two, actor=STAFF))
        assert (merged["merged_into"], merged["root"], merged["merged"]) == (two, two, [one])
        assert merged["tally"] == counted(3)
        assert (api.idea(two)["merged"], api.idea(two)["tally"]) == ([one], counted(3))
        with api.stores(0):
            assert ok(boards.merge(one, two)) == merged
        boards.unmerged(one)
        after = api.idea(one), api.idea(two)
        assert after == (before[0] | {"version": 3}, before[1])

    @on_each_log
    def test_chains_give_back_exactly_what_was(self, api: Api, boards: Boards, board: str) -> None:
        ideas = [api.submitted(board, someone()) for _ in range(5)]
        names = [someone() for _ in range(6)]
        for n, idea in enumerate(ideas):
            for name in names[n : n + 2]:
                api.voted(idea, name)

        def tallies() -> list[Any]:
            return [api.tally(idea) for idea in ideas]

        a, b, c, d, e = ideas
        seen = [tallies()]
        assert seen == [[counted(2)] * 5]
        links = [(a, b), (d, e), (b, c), (c, e)]
        for idea, into in links:
            created(boards.merge(idea, into))
            seen.append(tallies())
        assert seen[-1] == [counted(6)] * 5
        assert api.idea(a)["root"] == e
        assert api.idea(e)["merged"] == sorted([a, b, c, d])
        for idea, _ in reversed(links):
            assert tallies() == seen.pop()
            boards.unmerged(idea)
        assert [tallies()] == seen
        for idea, into in links:
            created(boards.merge(idea, into))
        boards.unmerged(b)
        assert [api.idea(idea)["root"] for idea in ideas] == [b, b, e, e, e]
        assert tallies() == [counted(3)] * 2 + [counted(4)] * 3

    def test_votes_on_either_count_together_also_later(self, api: Api, boards: Boards, board: str) -> None:
        one, two, ada = api.submitted(board, someone()), api.submitted(board, someone()), someone()
        created(boards.merge(one, two))
        api.voted(one, ada)
        assert [api.tally(idea) for idea in (one, two)] == [counted(1)] * 2
        api.voted(two, ada)
        assert api.tally(two) == counted(1)
        boards.unmerged(one)
        assert [api.tally(idea) for idea in (one, two)] == [counted(1)] * 2
        (first, second) = boards.votes(voter=ada, board=board)
        assert {first["idea"], second["idea"]} == {one, two}

    def test_what_cannot_be_merged(self, api: Api, boards: Boards, board: str) -> None:
        a, b, c = (api.submitted(board, someone()) for _ in range(3))
        elsewhere = api.submitted(api.opened(), someone())
        created(boards.merge(a, b))
        created(boards.merge(b, c))
        with api.stores(0):
            refused(boards.merge(a, a), 409, "merge_with_itself", "/into")
            refused(boards.merge(a, NOBODYS), 404, "idea_unknown", "/into")
            refused(boards.merge(c, elsewhere), 409, "boards_differ", "/into")
            refused(boards.merge(c, a), 409, "merge_in_a_circle", "/into")
            assert refused(boards.merge(a, c), 409, "already_merged")["merged_into"] == b
            refused(boards.unmerge(c), 404, "merge_unknown")

    def test_a_merge_does_not_lift_an_idea_in_the_ranking_by_age(self, api: Api, boards: Boards, board: str) -> None:
        """Case 4: hot goes by the age of the idea that others are merged into."""
        old = api.submitted(board, someone(), time="2020-01-01T00:00:00Z")
        new = api.submitted(board, someone())
        hot = api.idea(old)["rank"]["hot"]
        created(boards.merge(new, old))
        assert api.idea(old)["rank"]["hot"] == hot


class TestSimilar:
    def similar(self, boards: Boards, title: str, board: str, **params: Any) -> list[Any]:
        found: list[Any] = ok(boards.get("/v1/ideas/similar", title=title, board=board, **params))["items"]
        return found

    @on_each_log
    def test_while_somebody_types(self, api: Api, boards: Boards) -> None:
        board = api.opened()
        days = api.submitted(board, someone(), title="Delivery on Saturdays")
        hours = api.submitted(board, someone(), title="Longer opening hours on Saturdays")
        elsewhere = api.submitted(api.opened(), someone(), title="Delivery on Saturdays")
        api.voted(days, someone())
        assert self.similar(boards, "saturd", board)[0]["id"] in {days, hours}
        (found,) = self.similar(boards, "a DELIV", board)
        assert found == {
            "id": days, "board": board, "title": "Delivery on Saturdays", "status": "submitted",
            "similarity": found["similarity"], "tally": counted(1),
        }  # fmt: skip
        assert 0 < found["similarity"] <= 1
        first, second = self.similar(boards, "delivery saturdays please", board)
        assert (first["id"], second["id"]) == (days, hours)
        assert len(self.similar(boards, "saturdays", board, limit=1)) == 1
        everywhere = ok(boards.get("/v1/ideas/similar", title="delivery on saturdays", limit=50))["items"]
        assert {days, elsewhere} <= {item["id"] for item in everywhere}

    def test_what_was_merged_or_archived_is_left_out(self, api: Api, boards: Boards) -> None:
        board = api.opened()
        a, b, c = (api.submitted(board, someone(), title=f"Umbrellas {n}") for n in range(3))
        created(boards.merge(a, b))
        ok(boards.set(c, "archived"))
        assert [item["id"] for item in self.similar(boards, "umbrel", board)] == [b]

    @pytest.mark.parametrize(
        "title", ["!", "' | !", "a & b:*", "()", "\\", "<->", "é", "日本", "😀", "%", "a" * 200, "&|!():*'\"\\"]
    )
    def test_anything_can_be_typed(self, api: Api, boards: Boards, board: str, title: str) -> None:
        self.similar(boards, title, board)
        api.submitted(board, someone(), title=title)
        assert all(item["title"] for item in self.similar(boards, title, board))

    def test_what_is_no_question(self, boards: Boards) -> None:
        refused(boards.get("/v1/ideas/similar"), 400, "bad_parameter", "title")
        refused(boards.get("/v1/ideas/similar", title="x" * 201), 400, "bad_parameter", "title")
        refused(boards.get("/v1/ideas/similar", title="x", limit=51), 400, "bad_parameter", "limit")
