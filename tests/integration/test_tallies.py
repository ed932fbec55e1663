"""Votes are counted by person, as of now and of any time, and listed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.boards import CREDITS, NOBODYS, NONE, Boards, an_idea
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


class TestTallies:
    @on_each_log
    def test_as_of_any_time(self, api: Api, boards: Boards) -> None:
        board = api.opened(ballot={"kind": "up_down"})
        one, two = api.submitted(board, someone()), api.submitted(board, someone())
        names = [someone() for _ in range(3)]
        api.voted(one, names[0], time="2026-01-01T00:00:00Z")
        api.voted(one, names[1], stance="down", time="2026-01-02T00:00:00Z")
        api.voted(two, names[2], time="2026-01-03T00:00:00Z")
        api.voted(one, names[1], time="2026-01-04T00:00:00Z")
        boards.withdrawn(one, names[0], time="2026-01-05T00:00:00Z")

        def at(idea: str, day: int) -> tuple[int, int, int]:
            tally = api.tally(idea, as_of=f"2026-01-0{day}T00:00:00Z")
            assert tally["net"] == tally["up"] - tally["down"]
            assert tally["unregistered"] == tally["people"]
            return tally["people"], tally["up"], tally["down"]

        days = range(1, 6)
        assert [at(one, day) for day in days] == [(1, 1, 0), (2, 1, 1), (2, 1, 1), (2, 2, 0), (1, 1, 0)]
        assert api.tally(one, as_of="2025-12-31T23:59:59.999999Z") == NONE
        created(boards.merge(two, one))
        assert [at(two, day) for day in days] == [(1, 1, 0), (2, 1, 1), (3, 2, 1), (3, 3, 0), (2, 2, 0)]
        assert api.tally(one) == api.tally(two, as_of="2999-01-01T00:00:00Z")
        boards.merged_people(names[1], names[2])
        assert [at(one, day) for day in days] == [(1, 1, 0), (2, 1, 1), (2, 2, 0), (2, 2, 0), (1, 1, 0)]
        shown = api.idea(one, as_of="2026-01-01T00:00:00Z")
        assert (shown["tally"]["people"], api.idea(one)["tally"]["people"]) == (1, 1)
        said = ok(boards.get(f"/v1/ideas/{one}/tally", as_of="2026-01-01T01:00:00+01:00"))
        assert said == {"idea": one, "as_of": "2026-01-01T00:00:00Z", "tally": shown["tally"]}
        assert ok(boards.get(f"/v1/ideas/{one}/tally"))["as_of"] is None

    @on_each_log
    def test_registering_is_seen_in_them(self, api: Api) -> None:
        idea, crm = an_idea(api), someone()
        api.voted(idea, crm)
        assert api.tally(idea)["unregistered"] == 1
        api.registered(crm)
        assert api.tally(idea) == NONE | {"people": 1, "up": 1, "net": 1}
        assert api.tally(idea, as_of="2999-01-01T00:00:00Z") == api.tally(idea)

    @on_each_log
    def test_twenty_at_once_are_all_counted(self, api: Api) -> None:
        idea, names = an_idea(api), [someone() for _ in range(20)]
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda name: api.vote(idea, name), names))
        assert [answer.status_code for answer in answers] == [201] * 20
        assert api.tally(idea)["people"] == 20


class TestLists:
    @on_each_log
    def test_every_page_at_every_limit(self, api: Api, boards: Boards) -> None:
        board = api.opened(ballot={"kind": "up_down"})
        ideas = [api.submitted(board, someone()) for _ in range(3)]
        people = sorted((api.registered(crm := someone()), crm) for _ in range(4))
        for idea in ideas:
            for n, (_, crm) in enumerate(people):
                api.voted(idea, crm, stance="up" if n else "down")
        votes = boards.votes(idea=ideas[0])
        assert votes == [
            {
                "idea": ideas[0], "board": board, "voter": person, "name": crm, "registered": True,
                "stance": "up" if n else "down", "credits": 0, "over_budget": False,
            }
            for n, (person, crm) in enumerate(people)
        ]  # fmt: skip
        of_one = boards.votes(voter=people[0][1])
        assert [vote["idea"] for vote in of_one] == sorted(ideas)
        for limit in (1, 2, 3, 4, 5):
            assert boards.votes(idea=ideas[0], limit=limit) == votes
            assert boards.votes(voter=people[0][0], limit=limit) == of_one
        assert boards.votes(voter=people[0][0], board=board) == of_one
        assert boards.votes(voter=people[0][0], board=NOBODYS) == boards.votes(idea=NOBODYS) == []
        assert boards.votes(idea=ideas[1], voter=people[1][1])[0]["stance"] == "up"

    def test_a_person_stands_once_in_a_group(self, api: Api, boards: Boards) -> None:
        board, crm = api.opened(ballot=CREDITS), someone()
        one, two = api.submitted(board, someone()), api.submitted(board, someone())
        api.voted(one, crm, credits=1)
        api.voted(two, crm, credits=2)
        created(boards.merge(one, two))
        for idea in (one, two):
            (vote,) = boards.votes(idea=idea)
            assert (vote["idea"], vote["credits"], vote["name"]) == (two, 3, crm)
        assert [ballot["idea"] for ballot in boards.said(one, crm)["ballots"]] == [one, two]

    def test_what_is_no_question(self, api: Api, boards: Boards) -> None:
        refused(boards.get("/v1/votes"), 400, "bad_parameter")
        refused(boards.get("/v1/votes", voter=NOBODYS), 404, "contact_unknown")
        refused(boards.get("/v1/votes", voter=someone()), 404, "contact_unknown")
        refused(boards.get("/v1/votes", voter="ada"), 400, "bad_ref", "voter")
        refused(boards.get("/v1/votes", idea=NOBODYS, cursor="x"), 400, "bad_cursor")
