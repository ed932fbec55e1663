"""Questions to a running service, over HTTP; what it refuses is a Failure with the reason that it gives."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from libs.events.identifiers import UUID_TEXT, BadIdentifier, Identifier, parse
from services.cli.errors import Failure
from services.cli.words import printable

TIMEOUT_S = 15.0
PROBLEM = "application/problem+json"


@contextmanager
def asking() -> Iterator[httpx.Client]:
    """Raises Failure where nobody answers."""
    try:
        with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
            yield client
    except httpx.TransportError as reason:
        raise Failure(f"a service does not answer ({type(reason).__name__}); `rapport status` says more") from None


def document_of(answer: httpx.Response, *expected: int) -> Any:
    """What was answered; None where an answer has no body. Raises Failure for another status than the expected."""
    if answer.status_code not in expected:
        address = answer.url.copy_with(query=None)
        raise Failure(f"{address} answers {answer.status_code}: {reason_of(answer)}")
    try:
        return answer.json() if answer.content else None
    except ValueError:
        raise Failure(f"{answer.url.copy_with(query=None)} does not answer as a service of Rapport does") from None


def answered(answer: httpx.Response, *expected: int) -> Any:
    """The same; a refusal is told in the service's own words alone, with each of its errors."""
    if 400 <= answer.status_code < 500 and answer.headers.get("content-type") == PROBLEM:
        errors = answer.json().get("errors", [])
        raise Failure("; ".join([reason_of(answer), *(f"{each['pointer']}: {each['detail']}" for each in errors)]))
    return document_of(answer, *expected)


def reason_of(refusal: httpx.Response) -> str:
    try:
        return str(refusal.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return "no reason given"


def identifier_of(ref: str) -> Identifier | None:
    """What a REF names somebody by; None where it is a uuid. Raises Failure where it is neither."""
    if UUID_TEXT.fullmatch(ref):
        return None
    try:
        return parse(ref)
    except BadIdentifier as reason:
        raise Failure(f"{printable(ref)}: neither a uuid nor an identifier: {reason}") from None
