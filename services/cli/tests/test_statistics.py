"""How statistics are shown and asked for; that the service answers so is tested in tests/integration."""

import json
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from services.cli.errors import Failure
from services.cli.main import app
from services.cli.tests.answering import URL, answering, refusal

AT, DUE = "2026-03-02T10:15:00.125Z", "2026-03-03T10:15:00Z"
PUBLISHED: dict[str, Any] = {
    "version": 7, "as_of": AT, "people": 4338, "position": "p", "due_at": None,
    "measures": [
        {"measure": "engagement", "kind": "quintiles", "people": 1200, "cuts": [None] * 4},
        {"measure": "frequency", "kind": "quintiles", "currency": "GBP", "people": 4338, "cuts": [None] * 4},
        {"measure": "problems", "kind": "pareto", "people": 31, "total": 1040, "cuts": [None] * 2},
        {"measure": "turnover", "kind": "pareto", "currency": "GBP", "people": 4338, "total": 114000, "cuts": []},
    ],
}  # fmt: skip


def ran(*args: str) -> list[str]:
    result = CliRunner().invoke(app, ["statistics", *args, "--url", URL], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return [" ".join(line.split()) for line in result.output.splitlines() if line.strip(" ─")]


def test_the_last_ones_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, lambda _: httpx.Response(200, json={"items": [PUBLISHED], "next_cursor": "c"}))
    assert ran() == [
        "Statistics 7, as of 2026-03-02T10:15, over 4,338 people",
        "the next ones are published when somebody asks for them: `rapport statistics publish`",
        "measure currency cut into people in all",
        "engagement fifths 1,200",
        "frequency GBP fifths 4,338",
        "problems Pareto classes 31 1,040",
        "turnover GBP Pareto classes 4,338 1,140.00 GBP",
    ]
    assert json.loads("".join(ran("--json"))) == PUBLISHED
    assert {str(request.url) for request in asked} == {f"{URL}/v1/statistics?limit=1"}


def test_none_were_published(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, lambda _: httpx.Response(200, json={"items": [], "next_cursor": None}))
    assert ran() == ["No statistics have been published; `rapport statistics publish` does it."]
    assert ran("--json") == ["null"]


@pytest.mark.parametrize(("args", "body"), [((), {}), (("--next-in-h", "24"), {"next_in_h": 24})])
def test_published(args: tuple[str, ...], body: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, lambda _: httpx.Response(201, json=PUBLISHED | {"due_at": DUE}))
    assert ran("publish", *args)[1] == "the next ones are due at 2026-03-03T10:15"
    assert [(each.method, str(each.url), json.loads(each.content)) for each in asked] == [
        ("POST", f"{URL}/v1/statistics", body)
    ]


def test_recorded_and_not_folded_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, lambda _: httpx.Response(202, json={"outcome": "pending"}))
    assert ran("publish") == ["Recorded, and not folded yet: `rapport statistics` shows them when they are."]


def test_nobody_to_count(monkeypatch: pytest.MonkeyPatch) -> None:
    detail = "there is nobody whom this could be counted over"
    answering(monkeypatch, lambda _: refusal(409, "nobody_to_count", detail))
    with pytest.raises(Failure, match=f"^{detail}$"):
        ran("publish")


def test_an_option_before_the_command_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, lambda _: httpx.Response(201, json=PUBLISHED))
    result = CliRunner().invoke(app, ["statistics", "--url", URL, "publish"], catch_exceptions=False)
    assert (result.exit_code, asked) == (2, [])
