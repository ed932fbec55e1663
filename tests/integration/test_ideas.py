"""Ideas are submitted, edited, tagged, answered, and go their way."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.boards import AHEAD, NOBODYS, NONE, STAFF, Boards
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


class TestSubmitting:
    @on_each_log
    def test_it_is_there_when_it_is_answered(self, api: Api, board: str) -> None:
        author = someone()
        said: dict[str, Any] = {
            "title": "Show the day", "text": "before I pay", "touchpoint": "website", "value_factor": "information",
            "interaction": "call-118",
        }  # fmt: skip
        more: dict[str, Any] = {"tags": ["b", "a", "b"], "actor": STAFF, "time": "2026-03-02T11:00:00+01:00"}
        response = api.submit(board, author, **said, **more)
        idea = created(response)
        history = [{"status": "submitted", "at": "2026-03-02T10:00:00Z", "event_id": idea["id"]}]
        assert idea == said | {
            "id": idea["id"], "board": board, "version": 1, "kind": "idea", "status": "submitted", "tags": ["b", "a"],
            "author": {"contact": idea["author"]["contact"], "name": author}, "actor": STAFF, "merged_into": None,
            "changes": [], "comments": 0, "occurred_at": "2026-03-02T10:00:00Z", "recorded_at": idea["recorded_at"],
            "answered_at": None, "shipped_at": None, "position": idea["position"], "tally": NONE,
            "rank": {"top": 0, "hot": pytest.approx(1_772_445_600 / 45_000)}, "root": idea["id"], "merged": [],
            "answers": [], "history": history, "promises": [],
        }  # fmt: skip
        assert (response.headers["location"], response.headers["etag"]) == (f"/v1/ideas/{idea['id']}", '"1"')
        assert api.idea(idea["id"]) == idea

    @on_each_log
    def test_it_stands_on_the_timeline_of_its_author(self, api: Api, boards: Boards, board: str) -> None:
        author = someone()
        idea = api.submitted(board, author, title="More light", actor=STAFF)
        ok(boards.set(idea, "planned", promised_for="2027-06-30"))
        created(boards.answer(idea, "Thank you"))
        created(boards.merge(idea, api.submitted(board, someone())))
        assert [item["title"] for item in api.page(author)["items"]] == [
            "Idea merged into another: the same",
            "Idea answered: Thank you",
            "Idea planned for 2027-06-30: because",
            "Submitted an idea: More light (entered by agent-7)",
        ]

    @on_each_log
    def test_by_a_contact_that_was_registered_a_moment_ago(self, api: Api, board: str) -> None:
        for _ in range(5):
            contact = api.registered(someone())
            idea = created(api.submit(board, contact))
            assert idea["author"] == {"contact": contact, "name": f"contact:{contact}"}

    @on_each_log
    def test_the_same_key_is_the_same_idea(self, api: Api, board: str) -> None:
        author, headers = someone(), {"Idempotency-Key": someone()}
        with api.stores(1), ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: api.submit(board, author, headers=headers), range(20)))
        assert all(created(answer) == answers[0].json() for answer in answers)
        with api.stores(0):
            refused(api.submit(board, author, headers=headers, text="x"), 422, "idempotency_key_reused")

    def test_where_it_cannot_be(self, api: Api, board: str) -> None:
        with api.stores(0):
            refused(api.submit(NOBODYS, someone()), 404, "board_unknown", "/board")
            refused(api.submit(board, NOBODYS), 404, "contact_unknown", "/contact")
            refused(api.submit(board, "ada"), 400, "bad_ref", "/contact")
            refused(api.submit(board, someone(), time=AHEAD), 422, "invalid_body", "/time")


class TestChanging:
    @on_each_log
    def test_what_it_says(self, api: Api, boards: Boards, board: str) -> None:
        idea = api.submitted(board, someone(), text="please")
        response = boards.edit(idea, '"1"', title="Deliver on Sundays", text=None, reason="clearer", actor=STAFF)
        edited = ok(response)
        assert (edited["title"], edited["text"], edited["version"]) == ("Deliver on Sundays", None, 2)
        assert response.headers["etag"] == '"2"'
        tagged = boards.tag(idea, "b", "a", "b", actor=STAFF)
        assert (ok(tagged)["tags"], tagged.headers["etag"]) == (["b", "a"], '"3"')
        assert ok(boards.tag(idea))["tags"] == []
        assert api.idea(idea)["version"] == 4

    def test_without_a_change_nothing_is_recorded(self, api: Api, boards: Boards, board: str) -> None:
        idea = api.submitted(board, someone(), tags=["a"])
        with api.stores(0):
            assert boards.edit(idea, title="Deliver on Saturdays", text=None).headers["etag"] == '"1"'
            assert boards.tag(idea, "a", "a").headers["etag"] == '"1"'
            assert boards.set(idea, "submitted").headers["etag"] == '"1"'

    def test_if_match(self, api: Api, boards: Boards, board: str) -> None:
        idea, other, stale = api.submitted(board, someone()), api.submitted(board, someone()), {"If-Match": '"7"'}
        with api.stores(0):
            refused(boards.edit(idea, None, title="x"), 428, "precondition_required")
            refused(boards.edit(idea, '"7"', title="x"), 412, "precondition_failed")
            refused(boards.tag(idea, "x", headers=stale), 412, "precondition_failed")
            refused(boards.set(idea, "planned", headers=stale), 412, "precondition_failed")
            refused(boards.answer(idea, "x", headers=stale), 412, "precondition_failed")
            refused(boards.merge(idea, other, headers=stale), 412, "precondition_failed")
            refused(boards.unmerge(idea, headers=stale), 412, "precondition_failed")
        assert boards.edit(idea, '"7"', title="x").headers["etag"] == '"1"'
        for version, send in enumerate((boards.edit, boards.edit), start=1):
            assert ok(send(idea, f'"{version}"', title=f"{version}"))["version"] == version + 1
        assert ok(boards.edit(idea, "*", title="y"))["version"] == 4
        assert created(boards.merge(idea, other, headers={"If-Match": '"4"'}))["version"] == 5

    @on_each_log
    def test_of_twenty_who_saw_the_same_one_wins(self, api: Api, boards: Boards, board: str) -> None:
        idea = api.submitted(board, someone())
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda n: boards.edit(idea, '"1"', title=f"{n}"), range(20)))
        assert sorted(answer.status_code for answer in answers) == [200] + [412] * 19
        (won,) = (answer.json()["title"] for answer in answers if answer.status_code == 200)
        assert api.idea(idea)["title"] == won

    def test_the_same_key_is_the_same_change(self, api: Api, boards: Boards, board: str) -> None:
        idea, other = api.submitted(board, someone()), api.submitted(board, someone())

        def twice(send: Any, status: int) -> None:
            headers = {"Idempotency-Key": someone()}
            with api.stores(1):
                first, second = send(headers, "x"), send(headers, "x")
            assert (first.status_code, second.status_code) == (status, status), second.text
            assert second.headers["rapport-position"] == first.headers["rapport-position"]
            with api.stores(0):
                refused(send(headers, "y"), 422, "idempotency_key_reused")

        twice(lambda headers, text: boards.edit(idea, headers=headers, title=text), 200)
        twice(lambda headers, text: boards.tag(idea, text, headers=headers), 200)
        twice(lambda headers, text: boards.set(idea, "planned", headers=headers, reason=text), 200)
        twice(lambda headers, text: boards.answer(idea, text, headers=headers), 201)
        twice(lambda headers, text: boards.merge(idea, other, headers=headers, reason=text), 201)
        twice(lambda headers, text: boards.unmerge(idea, headers=headers, reason=text), 204)

    def test_every_change_has_its_own_time(self, api: Api, boards: Boards, board: str) -> None:
        author = someone()
        idea, other = api.submitted(board, author, time="2026-01-01T00:00:00Z"), api.submitted(board, someone())
        days = iter(f"2026-01-{day:02}T00:00:00Z" for day in range(2, 9))
        assert ok(boards.edit(idea, title="x", time=next(days)))["occurred_at"] == "2026-01-01T00:00:00Z"
        ok(boards.tag(idea, "x", time=next(days)))
        assert ok(boards.set(idea, "planned", promised_for="2027-06-30", time=next(days)))["promises"] == [
            {
                "promised_for": "2027-06-30", "at": "2026-01-04T00:00:00Z",
                "event_id": api.idea(idea)["history"][-1]["event_id"],
            }
        ]  # fmt: skip
        assert created(boards.answer(idea, "x", time=next(days)))["answered_at"] == "2026-01-05T00:00:00Z"
        assert ok(boards.set(idea, "shipped", time=next(days)))["shipped_at"] == "2026-01-06T00:00:00Z"
        created(boards.merge(idea, other, time=next(days)))
        assert boards.unmerge(idea, time=next(days)).status_code == 204
        assert [item["occurred_at"][:10] for item in api.page(author)["items"]] == [
            f"2026-01-0{day}" for day in range(8, 0, -1)
        ]
        with api.stores(0):
            refused(boards.edit(idea, title="y", time=AHEAD), 422, "invalid_body", "/time")
            refused(boards.tag(idea, "y", time=AHEAD), 422, "invalid_body", "/time")
            refused(boards.set(idea, "archived", time=AHEAD), 422, "invalid_body", "/time")
            refused(boards.answer(idea, "y", time=AHEAD), 422, "invalid_body", "/time")
            refused(boards.merge(idea, other, time=AHEAD), 422, "invalid_body", "/time")
            refused(boards.unmerge(idea, time=AHEAD), 400, "bad_parameter", "time")

    @pytest.mark.parametrize("path", ["", "/tags", "/status", "/answers", "/merge"])
    def test_an_idea_that_there_is_not(self, api: Api, boards: Boards, path: str) -> None:
        method = {"": "PATCH", "/tags": "PUT"}.get(path, "POST")
        bodies: dict[str, dict[str, Any]] = {
            "": {"title": "x"}, "/tags": {"tags": []}, "/status": {"status": "planned", "reason": "x"},
            "/answers": {"text": "x"}, "/merge": {"into": NOBODYS, "reason": "x"},
        }  # fmt: skip
        with api.stores(0):
            url = f"/v1/ideas/{NOBODYS}{path}"
            refused(boards.send(method, url, bodies[path], headers={"If-Match": "*"}), 404, "idea_unknown")
            refused(boards.send("DELETE", f"/v1/ideas/{NOBODYS}/merge"), 404, "idea_unknown")
            refused(boards.get(f"/v1/ideas/{NOBODYS}"), 404, "idea_unknown")
            refused(boards.get(f"/v1/ideas/{NOBODYS}/tally"), 404, "idea_unknown")


class TestItsWay:
    @on_each_log
    def test_from_status_to_status_each_with_its_reason(self, api: Api, boards: Boards, board: str) -> None:
        idea = api.submitted(board, someone())
        way = "under_review", "planned", "in_progress", "shipped", "in_progress", "declined", "under_review"
        for status in way:
            assert ok(boards.set(idea, status, reason=f"to {status}", actor=STAFF))["status"] == status
        shown = api.idea(idea)
        assert [each["status"] for each in shown["history"]] == ["submitted", *way]
        assert [each["reason"] for each in shown["history"][1:]] == [f"to {status}" for status in way]
        assert shown["version"] == 8

    def test_what_may_not_follow(self, api: Api, boards: Boards, board: str) -> None:
        idea = api.submitted(board, someone())
        with api.stores(0):
            problem = refused(boards.set(idea, "shipped"), 409, "status_may_not_follow", "/status")
            allowed = ["archived", "declined", "in_progress", "planned", "under_review"]
            assert (problem["present"], problem["allowed"]) == ("submitted", allowed)
            refused(boards.set(idea, "measured"), 409, "status_may_not_follow", "/status")
            refused(boards.set(idea, "declined", promised_for="2027-01-01"), 422, "invalid_body", "/promised_for")
            refused(boards.set(idea, "planned", promised_for="2027-02-30"), 422, "invalid_body", "/promised_for")

    def test_a_date_is_promised_and_another_one(self, api: Api, boards: Boards, board: str) -> None:
        idea = api.submitted(board, someone())
        ok(boards.set(idea, "planned", promised_for="2027-06-30"))
        with api.stores(0):
            ok(boards.set(idea, "planned", promised_for="2027-06-30"))
        shown = ok(boards.set(idea, "planned", promised_for="2027-07-31"))
        assert [promise["promised_for"] for promise in shown["promises"]] == ["2027-06-30", "2027-07-31"]

    def test_what_is_archived_is_history_until_it_is_brought_back(self, api: Api, boards: Boards, board: str) -> None:
        idea = api.submitted(board, someone())
        api.voted(idea, voter := someone())
        ok(boards.set(idea, "archived"))
        with api.stores(0):
            refused(boards.edit(idea, title="x"), 409, "idea_archived")
            refused(boards.tag(idea, "x"), 409, "idea_archived")
            refused(boards.answer(idea, "x"), 409, "idea_archived")
            refused(api.vote(idea, someone()), 409, "idea_archived", "/idea")
        boards.withdrawn(idea, voter)
        assert idea not in boards.order(board=board)
        assert idea in boards.order(board=board, status="archived")
        ok(boards.set(idea, "under_review"))
        assert idea in boards.order(board=board)
