"""Errors as clients see them: RFC 9457 problem documents, one table from causes to statuses, never an exception's text.

HttpRefusal             what a route says no with: a status, a stable code, a sentence, and the fields to blame
Refusal                 what a rule says no with: 404 where there is no such thing, else 409, with its name as the code
framework's errors      404, 405, 415, 422: the same shape
LogError, database      503 with Retry-After; nothing was stored, or nobody knows
anything else           500 `internal_error`; the log line has the rest
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from libs.events.copying import sqlstate_of
from libs.events.decider import Invalid, Refusal, Unheard
from libs.events.log import AppendRefused, AppendUnknown, LogError, LogOverloaded
from libs.events.problems import Problem
from libs.events.strict_json import pointer

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:rapport:problem:"
RETRY_AFTER_S = 1

_TABLES_GONE = ("42P01", "3F000")  # a rebuild dropped them under a query
_BUGS = ("22", "23", "42")  # a statement that cannot be, or a value that should have been refused before
_PARAMETERS = {"query", "path", "header", "cookie"}

logger = structlog.get_logger()


class HttpRefusal(HTTPException):
    """Says no to a request. `code` is stable and is what programs look at; `detail` is for a person."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: Sequence[Problem] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.code = code
        self.errors = errors
        self.more = more


def unavailable(code: str, detail: str, **more: Any) -> HttpRefusal:
    """503 with Retry-After."""
    return HttpRefusal(503, code, detail, headers={"Retry-After": str(RETRY_AFTER_S)}, **more)


def body_of(refusal: HttpRefusal) -> bytes:
    """The problem document."""
    document: dict[str, Any] = {
        "type": f"{TYPE_PREFIX}{refusal.code}",
        "title": HTTPStatus(refusal.status_code).phrase,
        "status": refusal.status_code,
        "code": refusal.code,
        "detail": refusal.detail,
        **refusal.more,
    }
    if refusal.errors:
        document["errors"] = list(refusal.errors)
    return msgspec.json.encode(document)


def response_of(refusal: HttpRefusal) -> Response:
    return Response(body_of(refusal), refusal.status_code, refusal.headers, MEDIA_TYPE)


EXPECTED = (HTTPException, Refusal, Invalid, RequestValidationError, LogError, SQLAlchemyError, OSError, TimeoutError)
"""What a handler may end with; `refusal_of` says what each is answered with. Anything else is a bug."""


def refusal_of(error: Exception) -> HttpRefusal:
    """The one table from causes to answers."""
    match error:
        case HttpRefusal():
            return error
        case Refusal():
            status = 404 if isinstance(error, Unheard) else 409
            return HttpRefusal(status, error.code, error.detail, error.problems, **error.more)
        case Invalid():
            return HttpRefusal(422, "invalid_body", "nothing was recorded; see errors", error.problems)
        case RequestValidationError():
            return _invalid(error)
        case HTTPException():
            return _framework(error)
        case LogOverloaded():
            return unavailable("overloaded", "more is waiting to be written than this service may hold; slow down")
        case AppendRefused():
            return unavailable("log_unavailable", "the log cannot be written now; nothing was stored")
        case AppendUnknown():
            return unavailable("outcome_unknown", "the log did not answer in time; sending the same ids again is safe")
        case LogError():
            return unavailable("log_unavailable", "the log cannot be read now")
        case DBAPIError() if sqlstate_of(error) in _TABLES_GONE:
            return unavailable("rebuilding", "this service's tables are being folded again from the log")
        case DBAPIError() if sqlstate_of(error).startswith(_BUGS):
            return HttpRefusal(500, "internal_error", "something went wrong here; it has been logged")
        case DBAPIError() | PoolTimeout() | OSError() | TimeoutError():
            return unavailable("database_unavailable", "this service's database cannot be reached now")
        case _:
            return HttpRefusal(500, "internal_error", "something went wrong here; it has been logged")


def install(app: FastAPI) -> None:
    """Answer every error of the app with its problem document."""

    async def answer(request: Request, error: Exception) -> Response:
        refusal = refusal_of(error)
        if refusal.status_code == 500:
            route = getattr(request.scope.get("route"), "path", "unmatched")
            logger.error("request_failed", route=route, cause=type(error).__name__, exc_info=error)
        return response_of(refusal)

    for kind in (*EXPECTED, Exception):
        app.add_exception_handler(kind, answer)


def _framework(error: HTTPException) -> HttpRefusal:
    status = HTTPStatus(error.status_code)
    codes = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large", 415: "unsupported_media_type"}
    details = {
        404: "there is nothing at this path",
        405: "this path does not take that method",
        413: "the body is larger than 8 MiB",
    }
    code = codes.get(error.status_code, status.name.lower())
    return HttpRefusal(error.status_code, code, details.get(status, status.description), headers=error.headers)


def _invalid(error: RequestValidationError) -> HttpRefusal:
    """400 where a parameter is to blame, 422 where the body's shape is."""
    found = error.errors()
    if any(fault["loc"] and fault["loc"][0] in _PARAMETERS for fault in found):
        problems = [Problem(str(fault["loc"][-1]), _code(fault), _sentence(fault)) for fault in found]
        names = ", ".join(sorted({problem.pointer for problem in problems}))
        return HttpRefusal(400, "bad_parameter", f"a parameter is not understood: {names}", problems)
    problems = [Problem(_pointer(fault["loc"]), _code(fault), _sentence(fault)) for fault in found]
    return HttpRefusal(422, "invalid_body", "the body does not have the shape that is expected here", problems)


def _pointer(location: Sequence[str | int]) -> str:
    at = ""
    for step in location[1:]:
        at = pointer(at, step)
    return at


def _code(fault: Mapping[str, Any]) -> str:
    codes = {"missing": "required", "extra_forbidden": "unknown_field", "value_error": "format"}
    return codes.get(fault["type"], str(fault["type"]))


def _sentence(fault: Mapping[str, Any]) -> str:
    return str(fault["msg"]).removeprefix("Value error, ")
