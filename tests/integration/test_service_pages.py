"""What operators, browsers and load balancers see of a service."""

import re
from collections.abc import Iterator

import httpx
import pytest

from libs.service.docs import FILES, FOLDER
from tests.integration.client import Api, purchase, refused, someone
from tests.integration.conftest import SERVICES, System


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


@pytest.fixture(params=SERVICES)
def client(api: Api, request: pytest.FixtureRequest) -> httpx.Client:
    """Each service in turn."""
    found: httpx.Client = getattr(api, request.param)
    return found


class TestHealth:
    def test_alive(self, client: httpx.Client) -> None:
        response = client.get("/livez")
        assert response.status_code == 200
        assert response.json()["status"] == "alive"

    def test_ready_with_every_condition(self, client: httpx.Client) -> None:
        response = client.get("/readyz")
        assert response.status_code == 200
        answer = response.json()
        assert answer["status"] == "ready"
        assert set(answer["checks"]) >= {"state", "database", "lag", "partitions", "generation"}
        assert all(check["ok"] for check in answer["checks"].values())

    def test_figures(self, api: Api, client: httpx.Client) -> None:
        token = api.posted(purchase(someone()))
        client.get("/v1/x", params={"min_position": token})
        response = client.get("/metrics")
        assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
        figures = dict(re.findall(r"^(\w+) (\S+)$", response.text, re.MULTILINE))
        assert float(figures["rapport_folded_events_total"]) >= 1
        assert (figures["rapport_ready"], figures["rapport_parked_keys"]) == ("1.0", "0.0")
        assert 'rapport_http_requests_total{method="GET",route="unmatched",status="404"}' in response.text


class TestDocuments:
    def test_every_route_is_described_with_what_all_routes_share(self, client: httpx.Client) -> None:
        document = client.get("/openapi.json").json()
        operations = [
            operation
            for path, item in document["paths"].items()
            if path.startswith("/v1")
            for operation in item.values()
        ]
        assert operations
        for operation in operations:
            assert operation["summary"]
            names = [parameter["name"] for parameter in operation["parameters"]]
            assert len(names) == len(set(names))
            assert "min_position" in names
            assert {"4XX", "503"} <= operation["responses"].keys()

    def test_the_page_loads_nothing_from_elsewhere(self, client: httpx.Client) -> None:
        page = client.get("/docs")
        assert page.status_code == 200
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert not re.search(r"(?:https?:)?//[a-z]", page.text)
        named = re.findall(r"(?:src|href)=\"([^\"]+)\"", page.text)
        assert sorted(named) == sorted(f"/docs/{name}" for name in FILES)

    @pytest.mark.parametrize("name", FILES)
    def test_its_files_come_along(self, client: httpx.Client, name: str) -> None:
        response = client.get(f"/docs/{name}")
        assert (response.status_code, response.headers["content-type"]) == (200, FILES[name])
        assert response.content == (FOLDER / name).read_bytes()

    @pytest.mark.parametrize(
        "name", ["NOTICE", "..%2f..%2fdocs.py", "%2e%2e/docs.py", "swagger-ui.css/x", "%00", "%ff"]
    )
    def test_no_other_file_does(self, client: httpx.Client, name: str) -> None:
        refused(client.get(f"/docs/{name}"), 404, "not_found")


class TestBrowsers:
    def test_without_a_setting_no_other_origin_is_let_in(self, client: httpx.Client) -> None:
        response = client.get("/livez", headers={"Origin": "https://app.example.org"})
        assert not [name for name in response.headers if name.startswith("access-control")]
