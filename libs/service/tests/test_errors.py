"""Every cause has one answer, and no answer tells what is inside."""

import asyncpg
import msgspec
import pytest
from sqlalchemy.exc import DBAPIError

from libs.events.decider import Invalid, Refusal, Unheard
from libs.events.log import AppendRefused, AppendUnknown, LogOverloaded, LogUnavailable
from libs.events.problems import Problem
from libs.service.errors import HttpRefusal, body_of, refusal_of


class VotingClosed(Refusal):
    """A refusal of a rule."""


class IdeaUnknown(Unheard):
    """A refusal for want of a thing."""


def of_database(error: type[asyncpg.PostgresError]) -> DBAPIError:
    """An error as SQLAlchemy passes it on."""
    return DBAPIError("SELECT secret", {}, error("a secret"))


@pytest.mark.parametrize(
    ("cause", "status", "code"),
    [
        (VotingClosed("it ended at noon"), 409, "voting_closed"),
        (IdeaUnknown("there is none"), 404, "idea_unknown"),
        (Invalid([Problem("/changes/score", "range", "at most 10")]), 422, "invalid_body"),
        (HttpRefusal(418, "teapot", "short and stout"), 418, "teapot"),
        (LogOverloaded("a secret"), 503, "overloaded"),
        (AppendRefused("a secret"), 503, "log_unavailable"),
        (AppendUnknown("a secret"), 503, "outcome_unknown"),
        (LogUnavailable("a secret"), 503, "log_unavailable"),
        (of_database(asyncpg.UndefinedTableError), 503, "rebuilding"),
        (of_database(asyncpg.InvalidSchemaNameError), 503, "rebuilding"),
        (of_database(asyncpg.UndefinedColumnError), 500, "internal_error"),
        (of_database(asyncpg.NumericValueOutOfRangeError), 500, "internal_error"),
        (of_database(asyncpg.UniqueViolationError), 500, "internal_error"),
        (of_database(asyncpg.AdminShutdownError), 503, "database_unavailable"),
        (ConnectionRefusedError("a secret"), 503, "database_unavailable"),
        (TimeoutError("a secret"), 503, "database_unavailable"),
        (KeyError("a secret"), 500, "internal_error"),
    ],
    ids=repr,
)
def test_a_cause_has_its_answer(cause: Exception, status: int, code: str) -> None:
    refusal = refusal_of(cause)
    assert (refusal.status_code, refusal.code) == (status, code)
    assert ("Retry-After" in (refusal.headers or {})) == (status == 503)
    assert b"secret" not in body_of(refusal)


def test_what_a_program_may_want_to_know_stands_beside_the_reason() -> None:
    document = msgspec.json.decode(body_of(refusal_of(VotingClosed("it ended at noon", idea="7"))))
    assert document == {
        "type": "urn:rapport:problem:voting_closed",
        "title": "Conflict",
        "status": 409,
        "code": "voting_closed",
        "detail": "it ended at noon",
        "idea": "7",
    }


def test_fields_to_blame_are_pointed_at() -> None:
    problem = Problem("/changes/score", "range", "at most 10")
    document = msgspec.json.decode(body_of(refusal_of(Invalid([problem]))))
    assert document["errors"] == [{"pointer": "/changes/score", "code": "range", "detail": "at most 10"}]
