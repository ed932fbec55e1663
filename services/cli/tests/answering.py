"""A service that is made up: what it answers, and what it was asked."""

from collections.abc import Callable
from functools import partial

import httpx
import pytest

URL = "http://scoring"
Answer = Callable[[httpx.Request], httpx.Response]


def answering(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> list[httpx.Request]:
    """All that commands ask from now on, whatever the address."""
    asked: list[httpx.Request] = []

    def answers(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer(request)

    monkeypatch.setattr(httpx, "Client", partial(httpx.Client, transport=httpx.MockTransport(answers)))
    return asked


def refusal(status: int, code: str, detail: str, **more: object) -> httpx.Response:
    problem = {"status": status, "code": code, "detail": detail, **more}
    return httpx.Response(status, headers={"content-type": "application/problem+json"}, json=problem)
