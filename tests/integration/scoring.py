"""What tests ask of scores, classes and statistics, beyond what the client has."""

import csv
import io
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, NamedTuple

import httpx

from libs.events.clock import monotonic_s
from libs.events.currencies import CURRENCIES
from tests.integration.client import Api, Event, created, escaped, ok, purchase
from tests.integration.conftest import System

SETTLED_WITHIN_S = 60.0
PATIENT = {"Prefer": "wait=30"}
CHANGED = "rapport.scoring.class.changed.v1"
DEFINITIONS = (
    "advocacy", "engagement", "expectation_gap", "harm", "health", "problems", "profit", "rfm", "turnover", "voice",
)  # fmt: skip
OF_MONEY = ("profit", "rfm", "turnover")

_numbers = count(1)
# Statistics are by currency: who buys in one that no other test uses is among themselves. Real shops use the first.
_currencies = iter([each for each in CURRENCIES if each not in {"GBP", "EUR"}])

Headers = Mapping[str, str] | None


def currency() -> str:
    """One in which no other test buys."""
    return next(_currencies)


def happened(subject: str, name: str, *, time: str | None = None, **data: Any) -> Event:
    """An observation of interactions, of any type."""
    event = purchase(subject, data=data) | {"type": f"rapport.interactions.{name}.v1"}
    return event if time is None else event | {"time": time}


def bought(subject: str, amount_minor: int, in_currency: str, *, time: str | None = None, **data: Any) -> Event:
    fields: dict[str, Any] = {"amount_minor": amount_minor, "currency": in_currency, "order": f"O-{next(_numbers)}"}
    return happened(subject, "purchase.recorded", time=time, **fields, **data)


def refunded(subject: str, amount_minor: int, in_currency: str, **more: Any) -> Event:
    fields: dict[str, Any] = {"amount_minor": amount_minor, "currency": in_currency, "order": "O-1"}
    return happened(subject, "refund.recorded", **fields, **more)


def served(subject: str, amount_minor: int, in_currency: str, **more: Any) -> Event:
    return happened(subject, "cost_to_serve.recorded", amount_minor=amount_minor, currency=in_currency, **more)


def problem(subject: str, severity: int, touchpoint: str = "store", **more: Any) -> Event:
    return happened(subject, "problem.reported", problem="P-1", touchpoint=touchpoint, severity=severity, **more)


def complaint(subject: str, severity: int, touchpoint: str = "store", **more: Any) -> Event:
    return happened(subject, "complaint.lodged", complaint="C-1", touchpoint=touchpoint, severity=severity, **more)


def answered(subject: str, score: int, scale: str = "0-10", **more: Any) -> Event:
    return happened(subject, "survey.answered", instrument="nps", score=score, scale=scale, **more)


def expected(subject: str, about: str, points: int, importance: int, **more: Any) -> Event:
    data: dict[str, Any] = {"about": about, "expected": points, "importance": importance}
    return happened(subject, "expectation.stated", **data, **more)


def perceived(subject: str, about: str, points: int, **more: Any) -> Event:
    return happened(subject, "delivery.assessed", about=about, perceived=points, **more)


def referred(subject: str, **more: Any) -> Event:
    return happened(subject, "referral.made", referred="email:friend@example.org", **more)


def talked(subject: str, direction: str = "inbound", channel: str = "telephone", **more: Any) -> Event:
    return happened(subject, "interaction.recorded", channel=channel, direction=direction, **more)


class Table(NamedTuple):
    """A CSV as it was sent: its rows, and how many were announced."""

    rows: list[dict[str, str]]
    total: int


class Scoring:
    """Through an api; what is read covers all that was written through it."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.api.scoring.get(path, params=self.api._after_all(params))

    def of(self, ref: str, **params: Any) -> httpx.Response:
        return self.get(f"/v1/scores/{escaped(ref)}", **params)

    def scores(self, ref: str, **params: Any) -> Any:
        """All scores of a person, as they are answered."""
        return ok(self.of(ref, **params))

    def by_definition(self, ref: str, **params: Any) -> dict[tuple[str, str | None], Any]:
        """All scores of a person, by definition and currency."""
        return {(each["definition"], each["currency"]): each for each in self.scores(ref, **params)["items"]}

    def ask(self, ref: str, definition: str, **params: Any) -> httpx.Response:
        return self.get(f"/v1/scores/{escaped(ref)}/{definition}", **params)

    def score(self, ref: str, definition: str, **params: Any) -> Any:
        """One score of a person, with its receipt."""
        return ok(self.ask(ref, definition, **params))

    def told(self, ref: str, definition: str, **params: Any) -> tuple[Any, Any]:
        """Value and band."""
        found = self.score(ref, definition, **params)
        return found["value"], found["band"]

    def lacks(self, ref: str, definition: str, **params: Any) -> Any:
        """By its code, what a score without a value would need."""
        found = self.score(ref, definition, **params)
        assert found["value"] is None
        assert found["missing"]["detail"]
        return found["missing"]["code"]

    def publish(self, *, headers: Headers = None, **fields: object) -> httpx.Response:
        """Count everybody, once all that was written here is folded."""
        params, all_headers = self.api._after_all({}), {**PATIENT, **(headers or {})}
        return self.api.scoring.post("/v1/statistics", json=fields, headers=all_headers, params=params)

    def published(self, **fields: Any) -> Any:
        """Statistics that everybody was compared with."""
        found = created(self.publish(**fields))
        self.settled()
        return found

    def settled(self) -> None:
        """Return once everybody was looked at whose numbers have changed, and all that came of it is folded."""
        deadline_s = monotonic_s() + SETTLED_WITHIN_S
        while not ok(self.get("/v1/scores", definition="voice", limit=1))["complete"]:
            assert monotonic_s() < deadline_s, "the reactor still goes through everybody"

    def listed(self, **params: Any) -> list[Any]:
        """Whoever belongs to a class: the items of all pages. The `Link` of a page leads where its cursor does."""
        self.settled()
        items: list[Any] = []
        cursor: Mapping[str, str] = {}
        while True:
            response = self.get("/v1/scores", **params, **cursor)
            page = ok(response)
            items += page["items"]
            if page["next_cursor"] is None:
                assert "link" not in response.headers
                return items
            cursor = {"cursor": page["next_cursor"]}
            assert f"cursor={page['next_cursor']}" in response.links["next"]["url"]

    def bands(self, definition: str, in_currency: str | None = None) -> dict[str, str]:
        """Of everybody who has a class: by contact id."""
        params = {} if in_currency is None else {"currency": in_currency}
        return {each["contact"]: each["band"] for each in self.listed(definition=definition, limit=500, **params)}

    def table(self, **params: Any) -> Table:
        response = self.get("/v1/scores.csv", **params)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(response.text, newline="")))
        return Table(rows, int(response.headers["rapport-total"]))

    def announced(self, ref: str) -> list[Any]:
        """The changes of class on a person's timeline, oldest first."""
        self.settled()
        return list(self.timeline(ref, type=CHANGED))[::-1]

    def timeline(self, ref: str, **params: Any) -> Iterator[Any]:
        """All of it, newest first, of all that the log holds by now."""
        params |= {"min_position": self.api.system.position(), "limit": 500}
        while True:
            page = self.api.page(escaped(ref), **params)
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            params["cursor"] = page["next_cursor"]


def asked_of_nobody(system: System) -> dict[str, httpx.Response]:
    """What is said before anything has happened, by what was asked."""
    with httpx.Client(base_url=system.scoring, timeout=30) as client:
        found = {"POST /v1/statistics": client.post("/v1/statistics", json={})}
        paths = (
            "/v1/pareto/turnover",
            "/v1/pareto/problems",
            "/v1/rfm",
            "/v1/scores",
            "/v1/scores.csv",
            "/v1/statistics",
        )
        return found | {f"GET {path}": client.get(path) for path in paths}
