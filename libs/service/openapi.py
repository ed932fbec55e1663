"""The published OpenAPI document: what FastAPI knows of the routes, and the habits that every route shares."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

MIN_POSITION: dict[str, Any] = {
    "name": "min_position",
    "in": "query",
    "required": False,
    "schema": {"type": "string"},
    "description": "A position token from an earlier answer: wait until this service has folded that far "
    "(2 s, or `Prefer: wait=N`), else 503.",
}
IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "The same key makes a write safe to repeat: it takes effect once and is answered alike.",
}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem document",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; what programs look at"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("pointer", "code", "detail")},
            },
        },
    },
}
_PROBLEM_STATUSES = {
    "4XX": "The request is refused; nothing was stored",
    "503": "Not now; try again after Retry-After",
}


def describe(app: FastAPI) -> None:
    """Replace the app's document by one with the shared parameters and the problem answers."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            made["components"] = made.get("components", {})
            made["components"].setdefault("schemas", {})["Problem"] = PROBLEM
            for path, item in made["paths"].items():
                for method, operation in item.items():
                    _share(path, method, operation)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _share(path: str, method: str, operation: dict[str, Any]) -> None:
    if not path.startswith("/v1"):
        return
    parameters = operation.setdefault("parameters", [])
    parameters.append(MIN_POSITION)
    if method in {"post", "patch", "put", "delete"} and all(p["name"].lower() != "idempotency-key" for p in parameters):
        parameters.append(IDEMPOTENCY_KEY)
    responses = operation.setdefault("responses", {})
    responses.pop("422", None)
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, description in _PROBLEM_STATUSES.items():
        responses.setdefault(status, {"description": description, "content": content})
