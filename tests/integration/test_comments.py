"""Comments are posted, replied to, listed and removed; each refusal has its name."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.client import Api, codes, created, ok, refused, someone
from tests.integration.conftest import System, on_each_log
from tests.integration.loops import Loops

STAFF = {"kind": "staff", "id": "agent-7"}
NOBODYS = "0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1"
AT = "2026-03-02T10:00:00Z"


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


@pytest.fixture(scope="module")
def loops(api: Api) -> Loops:
    return Loops(api)


@pytest.fixture
def idea(api: Api) -> str:
    return api.submitted(api.opened(), someone())


class TestPosting:
    @on_each_log
    def test_it_is_there_when_it_is_answered(self, api: Api, loops: Loops, idea: str) -> None:
        ada = someone()
        with api.stores(1):
            response = loops.comment(idea, ada, interaction="call-118", actor=STAFF, time=AT)
        comment = created(response)
        assert comment == {
            "id": comment["id"],
            "idea": idea,
            "reply_to": None,
            "thread": comment["id"],
            "author": {"contact": comment["author"]["contact"], "name": ada},
            "actor": STAFF,
            "text": "The hour too",
            "interaction": "call-118",
            "removed": None,
            "occurred_at": AT,
            "recorded_at": comment["recorded_at"],
            "position": comment["position"],
        }
        assert response.headers["location"] == f"/v1/comments/{comment['id']}"
        assert ok(loops.get(response.headers["location"])) == comment
        assert api.idea(idea)["comments"] == 1
        assert comment["id"] in api.ids(ada, min_position=api.system.position())

    def test_a_reply_lies_in_the_thread_of_what_it_replies_to(self, loops: Loops, idea: str) -> None:
        first = loops.commented(idea, someone())
        reply = created(loops.comment(idea, actor=STAFF, reply_to=first))
        assert (reply["thread"], reply["reply_to"], reply["author"], reply["actor"]) == (first, first, None, STAFF)
        deeper = created(loops.comment(idea, someone(), reply_to=reply["id"]))
        assert (deeper["thread"], deeper["reply_to"]) == (first, reply["id"])

    @on_each_log
    def test_many_reply_at_once(self, loops: Loops, idea: str) -> None:
        first = loops.commented(idea, someone())
        others = [loops.commented(idea, someone(), reply_to=first) for _ in range(3)]
        with ThreadPoolExecutor(12) as pool:
            replies = list(pool.map(lambda n: loops.comment(idea, someone(), reply_to=others[n % 3]), range(12)))
        assert {created(reply)["thread"] for reply in replies} == {first}

    @on_each_log
    def test_the_same_key_is_the_same_comment(self, api: Api, loops: Loops, idea: str) -> None:
        ada, headers = someone(), {"Idempotency-Key": someone()}
        with api.stores(1):
            answers = [loops.comment(idea, ada, headers=headers) for _ in range(2)]
        assert created(answers[0]) == created(answers[1])
        refused(loops.comment(idea, ada, headers=headers, text="Other"), 422, "idempotency_key_reused")

    def test_a_comment_stays_with_its_idea_when_that_is_merged(self, api: Api, loops: Loops) -> None:
        board = api.opened()
        idea, into = api.submitted(board, someone()), api.submitted(board, someone())
        before = loops.commented(idea, someone())
        loops.merge(idea, into)
        after = loops.commented(idea, someone())
        assert loops.comments(idea=idea) == [before, after]
        assert loops.comments(idea=into) == []


class TestRefusing:
    def test_what_is_not_there(self, loops: Loops, idea: str) -> None:
        refused(loops.comment(NOBODYS, someone()), 404, "idea_unknown", "/idea")
        refused(loops.comment(idea, someone(), reply_to=NOBODYS), 404, "comment_unknown", "/reply_to")
        refused(loops.comment(idea, NOBODYS), 404, "contact_unknown")
        refused(loops.get(f"/v1/comments/{NOBODYS}"), 404, "comment_unknown")
        refused(loops.remove(NOBODYS, reason="abuse"), 404, "comment_unknown")
        refused(loops.get("/v1/comments", contact=someone()), 404, "contact_unknown")

    def test_what_nobody_answers_any_more(self, api: Api, loops: Loops, idea: str) -> None:
        comment = loops.commented(idea, someone())
        other = api.submitted(api.idea(idea)["board"], someone())
        refused(loops.comment(other, someone(), reply_to=comment), 409, "reply_elsewhere", "/reply_to")
        assert loops.remove(comment, reason="abuse").status_code == 204
        refused(loops.comment(idea, someone(), reply_to=comment), 409, "comment_removed", "/reply_to")
        loops.set(idea, "archived")
        refused(loops.comment(idea, someone()), 409, "idea_archived", "/idea")
        assert loops.change(api.idea(other)["board"], status="closed").status_code == 200
        refused(loops.comment(other, someone()), 409, "board_closed")

    @pytest.mark.parametrize("actor", [None, {"kind": "customer", "id": "crm:1"}])
    def test_a_comment_of_nobody(self, loops: Loops, idea: str, actor: Any) -> None:
        problem = refused(loops.comment(idea, actor=actor), 422, "invalid_body", "/contact")
        assert codes(problem) == ["required"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("idea", "x"), ("idea", None), ("text", ""), ("text", None), ("text", 7), ("text", "\x00"),
            ("text", "x" * 65_537), ("contact", ""), ("contact", 7), ("reply_to", "x"), ("interaction", ""),
            ("time", "2999-01-01T00:00:00Z"), ("time", 7), ("author", "crm:1"),
        ],
    )  # fmt: skip
    def test_a_field_that_is_wrong_is_named(self, api: Api, loops: Loops, idea: str, field: str, value: object) -> None:
        body = {"idea": idea, "text": "x", "contact": someone(), field: value}
        with api.stores(0):
            refused(loops.send("POST", "/v1/comments", body), 422, "invalid_body", f"/{field}")

    def test_a_ref_that_is_none(self, loops: Loops, idea: str) -> None:
        refused(loops.comment(idea, "nobody"), 400, "bad_ref", "/contact")
        refused(loops.get("/v1/comments", contact="nobody"), 400, "bad_ref", "contact")

    def test_a_text_too_large_for_an_event(self, api: Api, loops: Loops, idea: str) -> None:
        with api.stores(0):
            refused(loops.comment(idea, someone(), text="\U0001f600" * 65_536), 413, "event_too_large")


class TestListing:
    def test_oldest_first_page_by_page(self, loops: Loops, idea: str) -> None:
        times = "2026-03-03T00:00:00Z", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z"
        made = [loops.commented(idea, someone(), time=time) for time in times]
        expected = [made[1], *sorted(made[2:]), made[0]]
        for limit in (1, 2, 3, 50):
            assert loops.comments(idea=idea, limit=limit) == expected

    def test_of_a_person_under_all_of_their_names(self, api: Api, loops: Loops, idea: str) -> None:
        ada, mail = someone(), f"email:{someone()[4:]}@x.org"
        other = api.submitted(api.opened(), someone())
        first, second = loops.commented(idea, ada, time=AT), loops.commented(other, mail)
        loops.commented(idea, someone())
        id_ = api.registered(ada, mail)
        for ref in (id_, ada, mail):
            assert loops.comments(contact=ref) == [first, second]
        assert loops.comments(contact=mail, idea=idea) == [first]

    def test_of_what_there_is(self, loops: Loops) -> None:
        assert loops.comments(idea=NOBODYS) == []
        refused(loops.get("/v1/comments"), 400, "bad_parameter")
        refused(loops.get("/v1/comments", limit=0, idea=NOBODYS), 400, "bad_parameter", "limit")
        refused(loops.get("/v1/comments", idea="x"), 400, "bad_parameter", "idea")
        refused(loops.get("/v1/comments", idea=NOBODYS, cursor="x"), 400, "bad_cursor")


class TestRemoving:
    @on_each_log
    def test_it_is_shown_without_its_text(self, api: Api, loops: Loops, idea: str) -> None:
        comment = created(loops.comment(idea, someone()))
        path = f"/v1/comments/{comment['id']}"
        with api.stores(1):
            response = loops.remove(comment["id"], reason="she asked for it", time=AT)
        assert (response.status_code, response.content) == (204, b"")
        gone = comment | {"text": None, "removed": {"reason": "she asked for it", "at": AT}}
        assert ok(loops.get(path)) == gone
        assert ok(loops.get("/v1/comments", idea=idea))["items"] == [gone]
        assert api.idea(idea)["comments"] == 0
        with api.stores(0):
            assert loops.remove(comment["id"], reason="again").status_code == 204
        assert ok(loops.get(path)) == gone

    def test_replies_stay(self, loops: Loops, idea: str) -> None:
        first = loops.commented(idea, someone(), time=AT)
        reply = loops.commented(idea, someone(), reply_to=first)
        loops.remove(first, reason="abuse")
        assert loops.comments(idea=idea) == [first, reply]
        assert ok(loops.get(f"/v1/comments/{reply}"))["removed"] is None

    def test_the_same_key_is_the_same_removal(self, api: Api, loops: Loops, idea: str) -> None:
        comment, headers = loops.commented(idea, someone()), {"Idempotency-Key": someone()}
        with api.stores(1):
            for _ in range(2):
                assert loops.remove(comment, reason="abuse", headers=headers).status_code == 204
        refused(loops.remove(comment, reason="other", headers=headers), 422, "idempotency_key_reused")

    def test_says_why(self, api: Api, loops: Loops, idea: str) -> None:
        comment = loops.commented(idea, someone())
        with api.stores(0):
            refused(loops.remove(comment), 400, "bad_parameter", "reason")
            for reason in ("", "x" * 2_001):
                refused(loops.remove(comment, reason=reason), 400, "bad_parameter", "reason")
            refused(loops.remove(comment, reason="x", time="soon"), 400, "bad_parameter", "time")
