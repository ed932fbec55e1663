"""Whatever the published OpenAPI documents allow, or nearly allow, is answered as they say and never with a 5xx."""

import itertools
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.conftest import SERVICES, System

FEW, MANY = 8, 50  # examples of each operation and mode
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
def asked(service: str, request: pytest.FixtureRequest) -> System:
    """Statistics that anybody publishes change what other tests see: scoring is asked where only its own tests run."""
    found: System = request.getfixturevalue("postgres_scored" if service == "scoring" else "postgres_system")
    return found


@pytest.mark.filterwarnings("ignore")  # its own dependencies warn
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name)
@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_no_request_is_too_odd(asked: System, service: str, mode: GenerationMode, examples: int) -> None:
    url = asked.urls[service]
    document = httpx.get(f"{url}/openapi.json").json()
    schema: BaseSchema = schemathesis.openapi.from_dict(document)
    if mode is GenerationMode.NEGATIVE:
        schema = schema.include(path_regex="^/v1")  # the others take nothing that could be wrong
    answered = itertools.count()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode))
        def answers(case: schemathesis.Case[Any]) -> None:
            response = case.call(base_url=url, timeout=20)
            next(answered)
            if response.status_code == 503 and "retry-after" in response.headers:
                return
            case.validate_response(response, checks=CHECKS)

        answers()
    assert next(answered) >= examples
    assert httpx.get(f"{url}/readyz").status_code == 200
