"""Changes are linked, shipped, measured and closed; each refusal has its name, and bad inputs their pointer."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.client import Api, created, ok, refused, someone
from tests.integration.conftest import System, on_each_log
from tests.integration.loops import MET, MISSED, Loops

NOBODYS = "0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1"
AT = "2026-03-02T10:00:00Z"
STEPS: dict[str, dict[str, Any]] = {
    "shipment": {}, "outcomes": MET, "closing": {"text": "done"}, "reopening": {"reason": "no help"},
}  # fmt: skip


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


@pytest.fixture(scope="module")
def loops(api: Api) -> Loops:
    return Loops(api)


@pytest.fixture
def board(api: Api) -> str:
    return api.opened()


@pytest.fixture
def idea(api: Api, board: str) -> str:
    return api.submitted(board, someone())


class TestLinking:
    @on_each_log
    def test_it_is_there_when_it_is_answered(self, api: Api, loops: Loops, board: str, idea: str) -> None:
        other = api.submitted(board, someone())
        with api.stores(1):
            response = loops.link(idea, other, idea, description="From the carrier", time=AT)
        change = created(response)
        assert change == {
            "id": change["id"],
            "board": board,
            "version": 1,
            "status": "linked",
            "title": "The delivery day in the basket",
            "description": "From the carrier",
            "ideas": [idea, other],
            "shipped_at": None,
            "outcomes": [],
            "history": [{"status": "linked", "at": AT, "event_id": change["id"]}],
            "occurred_at": AT,
            "recorded_at": change["recorded_at"],
            "position": change["position"],
        }
        assert (response.headers["location"], response.headers["etag"]) == (f"/v1/changes/{change['id']}", '"1"')
        read = loops.get(response.headers["location"])
        assert (ok(read), read.headers["etag"]) == (change, '"1"')

    @on_each_log
    def test_the_same_key_is_the_same_change(self, api: Api, loops: Loops, idea: str) -> None:
        headers = {"Idempotency-Key": someone()}
        with api.stores(1):
            answers = [loops.link(idea, headers=headers) for _ in range(2)]
        assert created(answers[0]) == created(answers[1])
        refused(loops.link(idea, headers=headers, title="Other"), 422, "idempotency_key_reused")

    def test_more_ideas_until_it_has_shipped(self, api: Api, loops: Loops, board: str, idea: str) -> None:
        change, other = loops.linked(idea), api.submitted(board, someone())
        assert loops.took(change, "ideas", ideas=[other])["ideas"] == [idea, other]
        assert api.idea(other)["changes"] == [change]
        with api.stores(0):
            assert loops.took(change, "ideas", ideas=[other, idea])["version"] == 2
        loops.took(change, "shipment")
        late = api.submitted(board, someone())
        refused(loops.take(change, "ideas", ideas=[late]), 409, "change_has_shipped")
        loops.took(change, "outcomes", **MISSED)
        loops.took(change, "reopening", reason="no help")
        assert loops.took(change, "ideas", ideas=[late])["ideas"] == [idea, other, late]

    def test_ideas_of_one_board(self, api: Api, loops: Loops, idea: str) -> None:
        elsewhere, change = api.submitted(api.opened(), someone()), loops.linked(idea)
        with api.stores(0):
            refused(loops.link(NOBODYS), 404, "idea_unknown", "/ideas/0")
            refused(loops.link(idea, NOBODYS), 404, "idea_unknown", "/ideas/1")
            refused(loops.link(idea, idea, elsewhere), 409, "boards_differ", "/ideas/2")
            refused(loops.take(change, "ideas", ideas=[idea, NOBODYS]), 404, "idea_unknown", "/ideas/1")
            refused(loops.take(change, "ideas", ideas=[elsewhere]), 409, "boards_differ", "/ideas/0")


class TestSteps:
    @pytest.mark.parametrize("step", [*STEPS, "ideas"])
    def test_of_a_change_that_is_not_there(self, loops: Loops, idea: str, step: str) -> None:
        fields = STEPS.get(step, {"ideas": [idea]})
        refused(loops.take(NOBODYS, step, **fields), 404, "change_unknown")

    def test_what_is_not_there_is_not_read(self, loops: Loops) -> None:
        refused(loops.get(f"/v1/changes/{NOBODYS}"), 404, "change_unknown")
        refused(loops.get(f"/v1/changes/{NOBODYS}/beneficiaries"), 404, "change_unknown")
        refused(loops.tell(NOBODYS, someone()), 404, "change_unknown")

    def test_each_in_its_turn(self, api: Api, loops: Loops, idea: str) -> None:
        change = loops.linked(idea)
        with api.stores(0):
            refused(loops.take(change, "outcomes", **MET), 409, "change_not_shipped")
            for step in ("closing", "reopening"):
                refused(loops.take(change, step, **STEPS[step]), 409, "outcome_not_measured")
        loops.took(change, "shipment")
        with api.stores(0):
            assert loops.took(change, "shipment", note="again")["version"] == 2
        loops.took(change, "outcomes", **MET)
        refused(loops.take(change, "reopening", reason="x"), 409, "target_met")
        loops.took(change, "closing", text="done")
        with api.stores(0):
            assert loops.took(change, "closing", text="again")["version"] == 4
        missed = loops.took(change, "outcomes", **MISSED)
        assert (missed["status"], missed["version"]) == ("measured", 5)
        refused(loops.take(change, "closing", text="x"), 409, "target_missed")

    @on_each_log
    def test_only_of_what_was_seen(self, api: Api, loops: Loops, idea: str) -> None:
        change = loops.linked(idea)
        with api.stores(0):
            refused(loops.take(change, "shipment", headers={"If-Match": '"2"'}), 412, "precondition_failed")
        response = loops.take(change, "shipment", headers={"If-Match": '"1"'})
        assert (ok(response)["status"], response.headers["etag"]) == ("shipped", '"2"')
        assert ok(loops.take(change, "outcomes", headers={"If-Match": "*"}, **MET))["version"] == 3

    @on_each_log
    def test_the_same_key_is_the_same_step(self, api: Api, loops: Loops, idea: str) -> None:
        change, headers = loops.shipped(idea), {"Idempotency-Key": someone()}
        with api.stores(1):
            answers = [ok(loops.take(change, "outcomes", headers=headers, **MET)) for _ in range(2)]
        assert [len(answer["outcomes"]) for answer in answers] == [1, 1]
        refused(loops.take(change, "outcomes", headers=headers, **MISSED), 422, "idempotency_key_reused")

    def test_an_outcome_is_kept_as_it_was_said(self, loops: Loops, idea: str) -> None:
        said = MET | {"unit": "calls a week", "cost_minor": 2**63 - 1, "currency": "EUR", "for_whom": "company"}
        (outcome,) = loops.took(loops.shipped(idea), "outcomes", **said, time=AT)["outcomes"]
        assert outcome == said | {"is_met": True, "at": AT, "event_id": outcome["event_id"]}


class TestRefusingInputs:
    @pytest.mark.parametrize(
        ("field", "value", "pointer"),
        [
            ("title", "", "/title"), ("title", None, "/title"), ("title", "x" * 201, "/title"),
            ("description", 7, "/description"), ("ideas", [], "/ideas"), ("ideas", None, "/ideas"),
            ("ideas", ["x"], "/ideas/0"), ("ideas", [NOBODYS] * 201, "/ideas"), ("time", "soon", "/time"),
            ("status", "shipped", "/status"),
        ],
    )  # fmt: skip
    def test_of_a_change(self, api: Api, loops: Loops, field: str, value: object, pointer: str) -> None:
        body = {"title": "x", "ideas": [NOBODYS], field: value}
        with api.stores(0):
            refused(loops.send("POST", "/v1/changes", body), 422, "invalid_body", pointer)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("metric", ""), ("metric", None), ("baseline", "10"), ("target", True), ("actual", None), ("unit", ""),
            ("method", ""), ("n", -1), ("n", 1.5), ("n", 2**63), ("for_whom", "everyone"), ("value_minor", -1),
            ("value_minor", 1.5), ("cost_minor", "5"), ("currency", "XXX"), ("ideas", [NOBODYS]),
        ],
    )  # fmt: skip
    def test_of_an_outcome(self, loops: Loops, idea: str, field: str, value: object) -> None:
        body = MET | {field: value}
        refused(loops.take(loops.linked(idea), "outcomes", **body), 422, "invalid_body", f"/{field}")

    @pytest.mark.parametrize("fields", [{"value_minor": 1}, {"cost_minor": 0}, {"currency": "EUR"}])
    def test_an_amount_has_a_currency(self, loops: Loops, idea: str, fields: dict[str, Any]) -> None:
        refused(loops.take(loops.shipped(idea), "outcomes", **MET, **fields), 422, "invalid_body", "/currency")

    @pytest.mark.parametrize(
        ("number", "problem"),
        [
            ("1e999", (422, "invalid_body", "/actual")), ("-1e999", (422, "invalid_body", "/actual")),
            ("1" * 400, (422, "invalid_body", "/actual")), ("NaN", (400, "not_json")), ("Infinity", (400, "not_json")),
        ],
    )  # fmt: skip
    def test_a_number_is_finite(self, api: Api, loops: Loops, idea: str, number: str, problem: Any) -> None:
        change, body = loops.shipped(idea), json.dumps(MET | {"actual": "NUMBER"}).replace('"NUMBER"', number)
        headers = {"content-type": "application/json"}
        with api.stores(0):
            response = api.feedback.post(f"/v1/changes/{change}/outcomes", content=body, headers=headers)
        refused(response, *problem)

    @pytest.mark.parametrize(
        ("step", "field"), [("closing", "text"), ("reopening", "reason"), ("ideas", "ideas"), ("shipment", "now")]
    )
    def test_of_the_other_steps(self, loops: Loops, idea: str, step: str, field: str) -> None:
        body = {field: True} if step == "shipment" else {}
        refused(loops.send("POST", f"/v1/changes/{loops.linked(idea)}/{step}", body), 422, "invalid_body", f"/{field}")

    def test_of_a_notification(self, loops: Loops, idea: str) -> None:
        change = loops.shipped(idea)
        refused(loops.tell(change, someone(), channel="pigeon"), 422, "invalid_body", "/channel")
        refused(loops.tell(change, someone(), actor={"kind": "agent"}), 422, "invalid_body", "/actor/kind")
        refused(loops.tell(change, "nobody"), 400, "bad_ref", "ref")
        refused(loops.get(f"/v1/changes/{change}/beneficiaries", cursor="x"), 400, "bad_cursor")


class TestListing:
    def test_newest_first_narrowed_and_page_by_page(self, api: Api, loops: Loops, board: str, idea: str) -> None:
        other = api.submitted(board, someone())
        times = "2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z", "2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z"
        old, new, *same = (loops.linked(idea, time=time) for time in times)
        late = loops.linked(other, time="2026-03-04T00:00:00Z")
        expected = [new, *sorted(same, reverse=True), old]
        for limit in (1, 3, 50):
            assert loops.changes(board=board, limit=limit) == [late, *expected]
            assert loops.changes(idea=idea, limit=limit) == expected
        loops.took(old, "shipment")
        assert loops.changes(board=board, status="shipped") == loops.changes(idea=idea, status="shipped") == [old]

    def test_of_what_there_is(self, loops: Loops) -> None:
        assert loops.changes(board=NOBODYS) == loops.changes(idea=NOBODYS) == []
        for name, value in (("board", "x"), ("idea", "x"), ("status", "x"), ("limit", 0), ("title", "x")):
            refused(loops.get("/v1/changes", **{name: value}), 400, "bad_parameter", name)
        refused(loops.get("/v1/changes", cursor="x"), 400, "bad_cursor")
