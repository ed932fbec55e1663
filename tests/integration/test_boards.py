"""Boards are opened, read, changed and closed; proposals are published there."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.boards import AHEAD, NOBODYS, Boards
from tests.integration.client import Api, created, log_of, ok, refused, someone
from tests.integration.conftest import System, on_each_log

BALLOTS: tuple[dict[str, Any], ...] = (
    {"kind": "approval", "budget": None, "cap": None},
    {"kind": "up_down", "budget": None, "cap": None},
    {"kind": "credits", "budget": 10, "cap": None},
    {"kind": "credits", "budget": 10, "cap": 10},
)


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


@pytest.fixture(scope="module")
def boards(api: Api) -> Boards:
    return Boards(api)


class TestOpening:
    @on_each_log
    def test_it_is_there_when_it_is_answered(self, api: Api) -> None:
        said: dict[str, Any] = {"title": "Our shop", "description": "Say it", "time": "2026-03-02T11:00:00+01:00"}
        response = api.open_board(**said)
        board = created(response)
        assert board == {
            "id": board["id"],
            "version": 1,
            "status": "open",
            "title": "Our shop",
            "description": "Say it",
            "ballot": {"kind": "approval", "budget": None, "cap": None},
            "eligibility": {"kind": "everyone", "namespace": None, "voters": None},
            "occurred_at": "2026-03-02T10:00:00Z",
            "recorded_at": board["recorded_at"],
            "position": board["position"],
        }
        assert board["position"].startswith("feedback/")
        assert (response.headers["location"], response.headers["etag"]) == (f"/v1/boards/{board['id']}", '"1"')
        read = api.feedback.get(response.headers["location"])
        assert (ok(read), read.headers["etag"]) == (board, '"1"')
        assert log_of(response.headers["rapport-position"]) == log_of(read.headers["rapport-position"])

    @pytest.mark.parametrize("ballot", BALLOTS, ids=str)
    def test_every_ballot_is_kept(self, api: Api, ballot: dict[str, Any]) -> None:
        assert created(api.open_board(ballot=ballot))["ballot"] == ballot

    def test_every_rule_of_voting_is_kept(self, api: Api) -> None:
        listed, contact = someone(), api.registered(someone())
        for rule in ({"kind": "everyone"}, {"kind": "registered"}, {"kind": "namespace", "namespace": "crm"}):
            kept = {"namespace": None, "voters": None} | rule
            assert created(api.open_board(eligibility=rule))["eligibility"] == kept
        voters = [f"{listed} ", contact.upper()]
        kept = created(api.open_board(eligibility={"kind": "list", "voters": voters}))["eligibility"]
        assert [voter["name"] for voter in kept["voters"]] == [listed, f"contact:{contact}"]
        assert kept["voters"][1]["node"] == contact

    @on_each_log
    def test_the_same_key_is_the_same_board(self, api: Api) -> None:
        headers = {"Idempotency-Key": someone()}
        with api.stores(1), ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: api.open_board(headers=headers), range(20)))
        assert len({created(answer)["id"] for answer in answers}) == 1
        for name in ("etag", "location", "rapport-position"):
            assert len({answer.headers[name] for answer in answers}) == 1
        with api.stores(0):
            refused(api.open_board(headers=headers, title="Another"), 422, "idempotency_key_reused")
            refused(api.open_board(headers=headers, time="2026-03-02T10:00:00Z"), 422, "idempotency_key_reused")

    def test_the_outcome_can_be_asked_for(self, api: Api) -> None:
        board = created(api.open_board())
        outcome = ok(api.feedback.get(f"/v1/outcomes/feedback/{board['id']}"))
        assert outcome == {"outcome": "applied", "position": board["position"]}

    def test_what_cannot_be_is_refused_by_its_place(self, api: Api) -> None:
        wrong: dict[str, dict[str, Any]] = {
            "/ballot/budget": {"ballot": {"kind": "credits", "cap": 3}},
            "/ballot/cap": {"ballot": {"kind": "credits", "budget": 3, "cap": 4}},
            "/eligibility/namespace": {"eligibility": {"kind": "namespace"}},
            "/eligibility/voters": {"eligibility": {"kind": "everyone", "voters": ["crm:1"]}},
            "/time": {"time": AHEAD},
        }
        with api.stores(0):
            for pointer, board in wrong.items():
                refused(api.open_board(**board), 422, "invalid_body", pointer)
            plain: dict[str, Any] = {"ballot": {"kind": "approval", "budget": 3}}
            refused(api.open_board(**plain), 422, "invalid_body", "/ballot/budget")
            voters: dict[str, Any] = {"eligibility": {"kind": "list", "voters": ["crm:1", "ada"]}}
            refused(api.open_board(**voters), 400, "bad_ref", "/eligibility/voters/1")


class TestChanging:
    @on_each_log
    def test_every_change_is_another_version(self, api: Api, boards: Boards) -> None:
        id_ = api.opened(ballot={"kind": "credits", "budget": 10, "cap": 3}, description="Say it")
        to: dict[str, Any] = {
            "title": "Shops",
            "description": None,
            "budget": 20,
            "cap": None,
            "eligibility": {"kind": "registered"},
        }
        response = boards.change(id_, '"1"', **to, ballot="credits", time="2026-03-02T10:00:00Z")
        board = ok(response)
        assert (board["version"], board["title"], board["description"]) == (2, "Shops", None)
        assert board["ballot"] == {"kind": "credits", "budget": 20, "cap": None}
        assert board["eligibility"]["kind"] == "registered"
        assert (response.headers["etag"], boards.board(id_)) == ('"2"', board)
        closed = ok(boards.change(id_, '"2"', status="closed"))
        assert closed == board | {"version": 3, "status": "closed"}

    def test_without_a_change_nothing_is_recorded(self, api: Api, boards: Boards) -> None:
        id_ = api.opened(eligibility={"kind": "list", "voters": [someone()]})
        board = boards.board(id_)
        voters = [voter["name"] for voter in board["eligibility"]["voters"]]
        with api.stores(0):
            same: dict[str, Any] = {
                "title": board["title"],
                "status": "open",
                "ballot": "approval",
                "description": None,
            }
            response = boards.change(id_, **same, eligibility={"kind": "list", "voters": voters})
        assert (ok(response), response.headers["etag"]) == (board, '"1"')

    def test_if_match(self, api: Api, boards: Boards) -> None:
        id_ = api.opened()
        with api.stores(0):
            refused(boards.change(id_, None, title="x"), 428, "precondition_required")
            refused(boards.change(id_, '"2"', title="x"), 412, "precondition_failed")
            refused(boards.change(id_, 'W/"1"', title="x"), 412, "precondition_failed")
        assert ok(boards.change(id_, '"7", "1"', title="x"))["title"] == "x"
        stale = boards.change(id_, '"1"', title="y")
        refused(stale, 412, "precondition_failed")
        assert stale.headers["etag"] == '"2"'
        assert ok(boards.change(id_, "*", title="y"))["version"] == 3

    @on_each_log
    def test_of_twenty_who_saw_the_same_one_wins(self, api: Api, boards: Boards) -> None:
        id_ = api.opened()
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda n: boards.change(id_, '"1"', title=f"{n}"), range(20)))
        assert sorted(answer.status_code for answer in answers) == [200] + [412] * 19
        (won,) = (answer.json()["title"] for answer in answers if answer.status_code == 200)
        assert boards.board(id_)["title"] == won

    def test_the_same_key_is_the_same_change(self, api: Api, boards: Boards) -> None:
        id_, headers = api.opened(), {"Idempotency-Key": someone()}
        with api.stores(1):
            first, second = (boards.change(id_, '"1"', headers=headers, title="x") for _ in range(2))
        assert ok(second) == ok(first)
        assert second.headers["rapport-position"] == first.headers["rapport-position"]
        with api.stores(0):
            refused(boards.change(id_, headers=headers, title="y"), 422, "idempotency_key_reused")

    def test_what_cannot_be_is_refused_by_its_place(self, api: Api, boards: Boards) -> None:
        plain, of_credits = api.opened(), api.opened(ballot={"kind": "credits", "budget": 10, "cap": 3})
        with api.stores(0):
            refused(boards.change(plain, ballot="up_down"), 409, "ballot_kind_fixed", "/ballot")
            refused(boards.change(plain, budget=3, cap=1), 422, "invalid_body", "/budget", "/cap")
            refused(boards.change(of_credits, cap=11), 422, "invalid_body", "/cap")
            refused(boards.change(of_credits, budget=2), 422, "invalid_body", "/cap")
            refused(boards.change(plain, eligibility={"kind": "list"}), 422, "invalid_body", "/eligibility/voters")
            refused(boards.change(plain, title="x", time=AHEAD), 422, "invalid_body", "/time")
            refused(boards.change(NOBODYS, title="x"), 404, "board_unknown")
            refused(boards.get(f"/v1/boards/{NOBODYS}"), 404, "board_unknown")

    @on_each_log
    def test_a_closed_board_takes_nothing_until_it_is_opened_again(self, api: Api, boards: Boards) -> None:
        id_, voter = api.opened(), someone()
        idea = api.submitted(id_, voter)
        api.voted(idea, voter)
        ok(boards.change(id_, status="closed"))
        with api.stores(0):
            refused(api.submit(id_, voter), 409, "board_closed")
            refused(boards.publish(id_), 409, "board_closed")
            refused(api.vote(idea, someone()), 409, "board_closed")
            refused(boards.withdraw(idea, voter), 409, "board_closed")
        assert ok(boards.set(idea, "declined"))["tally"]["people"] == 1
        assert created(boards.invalidate(idea, voter))["stance"] is None
        ok(boards.change(id_, status="open"))
        api.voted(idea, someone())


class TestLists:
    def test_every_page_at_every_limit(self, api: Api, boards: Boards) -> None:
        mine = [api.opened() for _ in range(5)]
        ok(boards.change(mine[2], status="closed"))
        everything = boards.walk("/v1/boards", limit=500)
        assert [board for board in everything if board["id"] in mine] == [boards.board(id_) for id_ in mine]
        for limit in (1, 2, 3, len(everything) - 1, len(everything)):
            assert boards.walk("/v1/boards", limit=limit) == everything
        for status in ("open", "closed"):
            found = boards.walk("/v1/boards", limit=3, status=status)
            assert found == [board for board in everything if board["status"] == status]

    def test_in_the_order_in_which_they_were_opened(self, api: Api, boards: Boards) -> None:
        mine = [created(api.open_board(headers={"Idempotency-Key": someone()}))["id"] for _ in range(8)]
        listed = [board["id"] for board in boards.walk("/v1/boards", limit=7)]
        assert [id_ for id_ in listed if id_ in mine] == mine


class TestProposals:
    @on_each_log
    def test_a_proposal_is_an_idea_of_nobody(self, api: Api, boards: Boards) -> None:
        board, staff = api.opened(), {"kind": "staff", "id": "agent-7"}
        said: dict[str, Any] = {"text": "for 2 EUR", "value_factor": "economy", "tags": ["b", "a", "b"], "actor": staff}
        response = boards.publish(board, **said, time="2026-03-02T10:00:00Z")
        proposal = created(response)
        assert (response.headers["location"], response.headers["etag"]) == (f"/v1/ideas/{proposal['id']}", '"1"')
        assert (proposal["kind"], proposal["author"], proposal["actor"]) == ("proposal", None, staff)
        assert (proposal["tags"], proposal["occurred_at"]) == (["b", "a"], "2026-03-02T10:00:00Z")
        assert api.idea(proposal["id"]) == proposal
        api.voted(proposal["id"], someone())
        assert api.tally(proposal["id"])["people"] == 1

    def test_the_same_key_is_the_same_proposal(self, api: Api, boards: Boards) -> None:
        board, headers = api.opened(), {"Idempotency-Key": someone()}
        with api.stores(1):
            first, second = (boards.publish(board, headers=headers) for _ in range(2))
        assert created(second) == created(first)
        refused(boards.publish(board, headers=headers, text="x"), 422, "idempotency_key_reused")

    def test_on_a_board_that_there_is_not(self, api: Api, boards: Boards) -> None:
        with api.stores(0):
            refused(boards.publish(NOBODYS), 404, "board_unknown", "/board")
