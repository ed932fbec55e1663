"""Bad paths, queries and bodies of boards, ideas and votes: refused by name and place, nothing stored."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.bad_bodies import BODIES
from tests.integration.boards import AHEAD, NOBODYS
from tests.integration.client import Api, ahead, refused
from tests.integration.conftest import System

KNOWN = "crm:board-refusals"
BODY_ROUTES: dict[str, dict[str, Any]] = {
    "POST /v1/boards": {"title": "Another"},
    "PATCH /v1/boards/{board}": {"title": "Another", "reason": "so be it"},
    "POST /v1/boards/{board}/proposals": {"title": "Another", "touchpoint": "store"},
    "POST /v1/ideas": {"board": "{board}", "contact": KNOWN, "title": "Another", "touchpoint": "store"},
    "PATCH /v1/ideas/{idea}": {"title": "Another"},
    "PUT /v1/ideas/{idea}/tags": {"tags": ["another"]},
    "POST /v1/ideas/{idea}/status": {"status": "planned", "reason": "so be it"},
    "POST /v1/ideas/{idea}/answers": {"text": "thank you"},
    "POST /v1/ideas/{idea}/merge": {"into": "{other}", "reason": "the same"},
    "POST /v1/votes": {"idea": "{idea}", "voter": KNOWN},
    "POST /v1/votes/{idea}/crm:voter/invalidation": {"reason": "a script"},
}
WRITES: dict[str, dict[str, Any] | None] = {
    **BODY_ROUTES,
    "DELETE /v1/ideas/{idea}/merge": None,
    "DELETE /v1/votes/{idea}/crm:voter": None,
}
READS = (
    "/v1/boards", "/v1/boards/{board}", "/v1/ideas", "/v1/ideas/similar?title=x", "/v1/ideas/{idea}",
    "/v1/ideas/{idea}/tally", "/v1/votes?idea={idea}", "/v1/votes/{idea}/crm:voter",
)  # fmt: skip


class Sender:
    """Nothing that is sent through it may be stored; `{board}`, `{idea}` and `{other}` are ids."""

    def __init__(self, api: Api) -> None:
        self.api = api
        board = api.opened()
        self.ids = {"board": board, "idea": api.submitted(board, KNOWN), "other": api.submitted(board, KNOWN)}
        api.voted(self.ids["idea"], "crm:voter")

    def filled(self, text: str) -> str:
        for name, id_ in self.ids.items():
            text = text.replace(f"{{{name}}}", id_)
        return text

    def send(self, route: str, body: object, **more: Any) -> httpx.Response:
        method, _, path = self.filled(route).partition(" ")
        content = body if isinstance(body, bytes | None) else self.filled(json.dumps(body)).encode()
        headers = {"content-type": "application/json", "if-match": "*", **more.pop("headers", {})}
        return self.api.feedback.request(method, path, content=content, headers=headers, **more)


@pytest.fixture(scope="module")
def sender(system: System) -> Iterator[Sender]:
    api = Api(system)
    made = Sender(api)
    with api.stores(0):
        yield made
    api.close()


PATHS = {
    "/": (404, "not_found"),
    "/v1/board": (404, "not_found"),
    "/v1/boards/": (404, "not_found"),
    "/v1/boards/1": (400, "bad_parameter"),
    f"/v1/boards/{NOBODYS}": (404, "board_unknown"),
    f"/v1/boards/{NOBODYS}/proposals": (405, "method_not_allowed"),
    "/v1/boards/{board}?colour=red": (400, "bad_parameter"),
    "/v1/boards?status=shut": (400, "bad_parameter"),
    "/v1/boards?limit=0": (400, "bad_parameter"),
    "/v1/boards?cursor=x": (400, "bad_cursor"),
    "/v1/boards?min_position=x": (400, "bad_position"),
    "/v1/ideas/%ff": (400, "bad_path"),
    "/v1/ideas/1": (400, "bad_parameter"),
    f"/v1/ideas/{NOBODYS}": (404, "idea_unknown"),
    f"/v1/ideas/{NOBODYS}/tally": (404, "idea_unknown"),
    f"/v1/ideas/{NOBODYS}/merge": (405, "method_not_allowed"),
    "/v1/ideas/{idea}?as_of=yesterday": (400, "bad_parameter"),
    "/v1/ideas/{idea}?as_of=2026-01-01T00:00:00": (400, "bad_parameter"),
    "/v1/ideas/{idea}/tally?as_of=2026": (400, "bad_parameter"),
    "/v1/ideas/similar": (400, "bad_parameter"),
    "/v1/ideas/similar?title=": (400, "bad_parameter"),
    "/v1/ideas/similar?title=x&board=1": (400, "bad_parameter"),
    "/v1/ideas/similar?title=%00": (400, "bad_parameter"),
    "/v1/votes": (400, "bad_parameter"),
    "/v1/votes?idea=1": (400, "bad_parameter"),
    "/v1/votes?voter=ada": (400, "bad_ref"),
    f"/v1/votes?voter={NOBODYS}": (404, "contact_unknown"),
    "/v1/votes?idea={idea}&cursor=x": (400, "bad_cursor"),
    "/v1/votes/{idea}": (404, "not_found"),
    "/v1/votes/{idea}/": (400, "bad_ref"),
    "/v1/votes/{idea}/ada": (400, "bad_ref"),
    "/v1/votes/{idea}/crm:%00": (400, "bad_path"),
    "/v1/votes/{idea}/crm:nobody-at-all": (404, "contact_unknown"),
    "/v1/votes/{other}/crm:voter": (404, "vote_unknown"),
    f"/v1/votes/{NOBODYS}/crm:voter": (404, "vote_unknown"),
    "/v1/outcomes/feedback/1": (400, "bad_parameter"),
    f"/v1/outcomes/contacts/{NOBODYS}": (404, "not_found"),
}


@pytest.mark.parametrize("path", PATHS)
def test_a_bad_path_or_query_is_refused(sender: Sender, path: str) -> None:
    refused(sender.api.feedback.get(sender.filled(path)), *PATHS[path])


BOARDS, BOARD, PROPOSALS, IDEAS, IDEA, TAGS, STATUS, ANSWERS, MERGE, VOTES, INVALIDATION = BODY_ROUTES
FIELDS: tuple[tuple[str, dict[str, Any], str], ...] = (
    (BOARDS, {"title": None}, "/title"),
    (BOARDS, {"title": ""}, "/title"),
    (BOARDS, {"title": "x" * 201}, "/title"),
    (BOARDS, {"title": "\0"}, "/title"),
    (BOARDS, {"title": "\ud800"}, "/title"),
    (BOARDS, {"description": 7}, "/description"),
    (BOARDS, {"description": "x" * 65_537}, "/description"),
    (BOARDS, {"ballot": {"kind": "lottery"}}, "/ballot/kind"),
    (BOARDS, {"ballot": {"kind": "credits", "budget": 0}}, "/ballot/budget"),
    (BOARDS, {"ballot": {"kind": "credits", "budget": "10"}}, "/ballot/budget"),
    (BOARDS, {"ballot": {"kind": "credits", "budget": 1_000_001}}, "/ballot/budget"),
    (BOARDS, {"ballot": {"kind": "credits", "budget": 2**63}}, "/ballot/budget"),
    (BOARDS, {"ballot": {"kind": "credits", "budget": 10, "cap": True}}, "/ballot/cap"),
    (BOARDS, {"ballot": {"colour": "red"}}, "/ballot/colour"),
    (BOARDS, {"eligibility": {"kind": "namespace", "namespace": "A B"}}, "/eligibility/namespace"),
    (BOARDS, {"eligibility": {"kind": "namespace", "namespace": "crm\n"}}, "/eligibility/namespace"),
    (BOARDS, {"eligibility": {"kind": "list", "voters": []}}, "/eligibility/voters"),
    (BOARDS, {"eligibility": {"kind": "list", "voters": ["crm:1"] * 1_001}}, "/eligibility/voters"),
    (BOARDS, {"time": "yesterday"}, "/time"),
    (BOARDS, {"time": "2026-01-01T00:00:00"}, "/time"),
    (BOARDS, {"time": 1_700_000_000}, "/time"),
    (BOARDS, {"time": AHEAD}, "/time"),
    (BOARDS, {"colour": "red"}, "/colour"),
    (BOARD, {"reason": None}, "/reason"),
    (BOARD, {"reason": ""}, "/reason"),
    (BOARD, {"title": None}, ""),
    (BOARD, {"status": "shut"}, "/status"),
    (BOARD, {"budget": 0}, "/budget"),
    (BOARD, {"ballot": "lottery"}, "/ballot"),
    (BOARD, {"eligibility": {"kind": "list"}}, "/eligibility/voters"),
    (PROPOSALS, {"touchpoint": None}, "/touchpoint"),
    (PROPOSALS, {"touchpoint": "shop"}, "/touchpoint"),
    (PROPOSALS, {"contact": KNOWN}, "/contact"),
    (IDEAS, {"board": "1"}, "/board"),
    (IDEAS, {"contact": None}, "/contact"),
    (IDEAS, {"contact": ""}, "/contact"),
    (IDEAS, {"title": "\0"}, "/title"),
    (IDEAS, {"text": "x" * 65_537}, "/text"),
    (IDEAS, {"touchpoint": "store\n"}, "/touchpoint"),
    (IDEAS, {"value_factor": "beauty"}, "/value_factor"),
    (IDEAS, {"tags": [""]}, "/tags/0"),
    (IDEAS, {"tags": ["x" * 51]}, "/tags/0"),
    (IDEAS, {"tags": ["x"] * 21}, "/tags"),
    (IDEAS, {"tags": ["\0"]}, "/tags/0"),
    (IDEAS, {"interaction": ""}, "/interaction"),
    (IDEAS, {"actor": {"kind": "dog"}}, "/actor/kind"),
    (IDEAS, {"actor": {}}, "/actor/kind"),
    (IDEA, {"title": None}, ""),
    (IDEA, {"touchpoint": "shop"}, "/touchpoint"),
    (IDEA, {"board": NOBODYS}, "/board"),
    (TAGS, {"tags": None}, "/tags"),
    (TAGS, {"tags": "x"}, "/tags"),
    (STATUS, {"status": "shut"}, "/status"),
    (STATUS, {"reason": None}, "/reason"),
    (STATUS, {"promised_for": "soon"}, "/promised_for"),
    (STATUS, {"promised_for": "2026-01-01T10:00:00Z"}, "/promised_for"),
    (STATUS, {"promised_for": 7}, "/promised_for"),
    (STATUS, {"promised_for": "0000-01-01"}, "/promised_for"),
    (ANSWERS, {"text": ""}, "/text"),
    (MERGE, {"into": "1"}, "/into"),
    (MERGE, {"reason": None}, "/reason"),
    (VOTES, {"idea": "1"}, "/idea"),
    (VOTES, {"voter": None}, "/voter"),
    (VOTES, {"stance": "sideways"}, "/stance"),
    (VOTES, {"credits": 0}, "/credits"),
    (VOTES, {"credits": "1"}, "/credits"),
    (VOTES, {"credits": 1.5}, "/credits"),
    (VOTES, {"credits": True}, "/credits"),
    (VOTES, {"proxy": "agent"}, "/proxy"),
    (INVALIDATION, {"reason": None}, "/reason"),
    (INVALIDATION, {"actor": {"kind": "staff", "id": ""}}, "/actor/id"),
)


@pytest.mark.parametrize(("route", "changes", "pointer"), FIELDS, ids=lambda each: str(each)[:60])
def test_a_bad_field_is_refused(sender: Sender, route: str, changes: dict[str, Any], pointer: str) -> None:
    body = {field: value for field, value in (BODY_ROUTES[route] | changes).items() if value is not None}
    refused(sender.send(route, body), 422, "invalid_body", pointer)


@pytest.mark.parametrize("field", ["title", "touchpoint", "status", "budget", "eligibility"])
def test_what_cannot_be_taken_away_is_refused(sender: Sender, field: str) -> None:
    route, more = (IDEA, {}) if field == "touchpoint" else (BOARD, {"reason": "so be it"})
    problem = refused(sender.send(route, {field: None, **more}), 422, "invalid_body", "")
    assert field in problem["errors"][0]["detail"]


def test_more_than_an_event_holds_is_refused(sender: Sender) -> None:
    """Each name fits; all of them together do not."""
    voters = [f"crm:{'x' * 500}{n}" for n in range(1_000)]
    body = BODY_ROUTES[BOARDS] | {"eligibility": {"kind": "list", "voters": voters}}
    refused(sender.send(BOARDS, body), 413, "event_too_large")


@pytest.mark.parametrize("route", BODY_ROUTES)
@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_refused(sender: Sender, route: str, name: str) -> None:
    body, status, code = BODIES[name]
    refused(sender.send(route, body), status, "invalid_body" if status == 422 else code)


@pytest.mark.parametrize("route", BODY_ROUTES)
def test_another_media_type_is_refused(sender: Sender, route: str) -> None:
    for media_type in ("text/plain", ""):
        response = sender.send(route, BODY_ROUTES[route], headers={"content-type": media_type})
        refused(response, 415, "unsupported_media_type")


@pytest.mark.parametrize("route", WRITES)
def test_a_bad_idempotency_key_is_refused(sender: Sender, route: str) -> None:
    for key in (b"", b"x" * 256, b"a\tb", "\u00e9".encode()):
        refused(sender.send(route, WRITES[route], headers={"idempotency-key": key}), 400, "bad_idempotency_key")


@pytest.mark.parametrize("route", [*WRITES, *(f"GET {path}" for path in READS)])
def test_every_route_waits_for_a_position(sender: Sender, system: System, route: str) -> None:
    token, body = system.position(), WRITES.get(route)
    filled, _, query = route.partition("?")
    params = dict(pair.split("=") for pair in sender.filled(query).split("&")) if query else {}
    for topic in ("identity", "feedback"):
        waits = {"params": {"min_position": ahead(token, topic), **params}, "headers": {"prefer": "wait=0"}}
        refused(sender.send(filled, body, **waits), 503, "position_not_reached")
    refused(sender.send(filled, body, params={"min_position": "x", **params}), 400, "bad_position")
    unknown = {"min_position": token, "colour": "red", **params}
    refused(sender.send(filled, body, params=unknown), 400, "bad_parameter")
