"""Every answer says how far it is complete, and every route waits for a position when it is asked to."""

import base64
from collections.abc import Iterator
from uuid import UUID

import httpx
import pytest

from libs.events.position import Partition, encode
from tests.integration.client import Api, ahead, log_of, purchase, refused, someone
from tests.integration.conftest import SERVICES, System, on_each_log

pytestmark = on_each_log


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


def test_a_read_sees_what_its_position_says(api: Api) -> None:
    name = someone()
    for n in range(20):
        token = api.posted(purchase(name, f"{n}"))
        assert api.ids(name, min_position=token)[0] == f"{n}"


@pytest.mark.parametrize("service", SERVICES)
def test_each_answer_under_v1_has_a_position(api: Api, service: str) -> None:
    client: httpx.Client = getattr(api, service)
    api.page(name := someone(), min_position=api.posted(purchase(name)))
    paths = {
        "contacts": [
            "/v1/contacts", f"/v1/contacts/{name}", "/v1/contacts/crm:nobody", "/v1/contacts?limit=0", "/v1/merges/1",
            "/v1/conflicts", "/v1/contacts/%00",
        ],
        "interactions": [
            "/v1/schemas", "/v1/interactions", "/v1/events/1", "/v1/interactions?limit=0", "/v1/nothing",
            "/v1/interactions/%ff",
        ],
        "feedback": [
            "/v1/boards", "/v1/ideas", "/v1/ideas/1", f"/v1/votes?voter={name}", "/v1/votes", "/v1/nothing",
            "/v1/ideas?limit=0",
        ],
        "scoring": [
            "/v1/definitions", f"/v1/scores/{name}", f"/v1/scores/{name}/voice", "/v1/scores?definition=voice",
            "/v1/statistics", "/v1/scores/crm:nobody", "/v1/scores/%00", "/v1/scores?limit=0", "/v1/nothing",
        ],
        "timeline": [f"/v1/timeline/{name}", "/v1/timeline/crm:nobody", "/v1/timeline/%00", "/v1/x?min_position=bad"],
    }  # fmt: skip
    for path in paths[service]:
        assert log_of(client.get(path).headers["rapport-position"]).version == 7


def test_positions_of_all_services_are_of_one_log(api: Api) -> None:
    tokens = [client.get("/v1/x").headers["rapport-position"] for client in api.clients]
    assert len({log_of(token) for token in tokens}) == 1


def test_a_position_that_is_not_reached_in_time_is_503_and_says_what_is(api: Api) -> None:
    token = api.posted(purchase(name := someone()))
    response = api.timeline.get(
        f"/v1/timeline/{name}", params={"min_position": ahead(token)}, headers={"Prefer": "wait=1"}
    )
    problem = refused(response, 503, "position_not_reached")
    assert response.headers["retry-after"] == "1"
    assert log_of(problem["reached"]) == log_of(token)
    assert 0.9 < response.elapsed.total_seconds() < 5


@pytest.mark.parametrize("prefer", ["wait=0", "respond-async, wait=0", "wait=0; x"])
def test_how_long_to_wait_is_the_clients_wish(api: Api, prefer: str) -> None:
    token = ahead(api.posted(purchase(someone())))
    response = api.timeline.get("/v1/timeline/crm:1", params={"min_position": token}, headers={"Prefer": prefer})
    refused(response, 503, "position_not_reached")
    assert response.elapsed.total_seconds() < 1


def test_writes_wait_too(api: Api) -> None:
    token = api.posted(purchase(name := someone()))
    body = {"contact": name, "channel": "chat", "direction": "inbound"}
    recorded = api.interactions.post("/v1/interactions", json=body, params={"min_position": token})
    assert recorded.status_code == 201
    assert api.post(purchase(name), min_position=token).status_code == 202
    with api.stores(0):
        for path in ("/v1/interactions", "/v1/events"):
            response = api.interactions.post(
                path, json=body, params={"min_position": ahead(token)}, headers={"Prefer": "wait=0"}
            )
            refused(response, 503, "position_not_reached")


def test_a_topic_that_the_service_does_not_read_is_nothing_to_wait_for(api: Api) -> None:
    token = api.posted(purchase(name := someone()))
    api.page(name, min_position=token)
    assert api.ids(name, min_position=ahead(token, "operations"))


def test_another_logs_token_is_refused(api: Api) -> None:
    other = encode(UUID("0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1"), {Partition("interactions", 0): 1})
    problem = refused(api.timeline.get("/v1/timeline/crm:1", params={"min_position": other}), 400, "bad_position")
    assert "another log" in problem["detail"]
    refused(api.post(purchase(someone()), min_position=other), 400, "bad_position")


@pytest.mark.parametrize(
    "token", ["x", "=", "AAAA", "A" * 3_000, "é", "ks", base64.urlsafe_b64encode(b"\x92\xc4\x10").decode()]
)
@pytest.mark.parametrize("service", SERVICES)
def test_what_is_no_token_is_refused_on_every_route(api: Api, service: str, token: str) -> None:
    client: httpx.Client = getattr(api, service)
    for path in ("/v1/timeline/crm:1", "/v1/schemas", "/v1/nothing"):
        refused(client.get(path, params={"min_position": token}), 400, "bad_position")


def test_two_positions_are_both_waited_for(api: Api) -> None:
    token = api.posted(purchase(someone()))
    params = {"min_position": [token, ahead(token)]}
    response = api.timeline.get("/v1/timeline/crm:1", params=params, headers={"Prefer": "wait=0"})
    refused(response, 503, "position_not_reached")
