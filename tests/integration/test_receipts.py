"""Whoever has a receipt can compute the score again: from the figures, the cuts and the events that stand on it."""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import product
from random import Random
from typing import Any, NamedTuple

import pytest

from tests.integration import scoring
from tests.integration.client import Api, Event, ok
from tests.integration.recomputed import Cells, figures_of, recomputed
from tests.integration.retail import SHOPS, Shop, open_shop
from tests.integration.scoring import DEFINITIONS, Scoring
from tests.integration.test_main_job import SAMPLE

FEW, MANY = 50, 500  # scores
ALL = 1_000  # events of a contribution, more than anybody has here
AT_ONCE = 500  # events
ABOUTS = ("price", "quality", "security")
PLACES = ("store", "website", "acme:desk")


class Asked(NamedTuple):
    """A score of somebody, in a currency where it is about money."""

    ref: str
    definition: str
    currency: str | None


class Told(NamedTuple):
    """A shop, whose customers did much beside buying, and how they were compared."""

    shop: Shop
    scores: Scoring
    cells: Cells
    currencies: Sequence[str]


@pytest.fixture(scope="module", params=SHOPS)
def told(request: pytest.FixtureRequest) -> Iterator[Told]:
    shop = open_shop(request)
    api = Api(shop.system)
    scores, currencies = Scoring(api), [scoring.currency() for _ in range(2)]
    random = Random(7)
    events = [event for name in shop.customers for event in lives(random, name, currencies)]
    for start in range(0, len(events), AT_ONCE):
        api.posted(*events[start : start + AT_ONCE])
    scores.published()
    cells = ok(scores.get("/v1/rfm", currency="GBP"))["cells"]
    yield Told(shop, scores, {f"{each['r']}{each['f']}{each['m']}": each["band"] for each in cells}, currencies)
    api.close()


def lives(random: Random, name: str, currencies: Sequence[str]) -> Iterator[Event]:
    """Some of all that a number may come from, when it happened being no matter of when it is told."""
    makers: list[Callable[[], Event]] = [
        lambda: scoring.bought(name, random.randrange(9_000), random.choice(currencies), **_cost(random)),
        lambda: scoring.refunded(name, random.randrange(5_000), random.choice(currencies)),
        lambda: scoring.served(name, random.randrange(2_000), random.choice(currencies)),
        lambda: scoring.problem(name, random.randint(1, 5), random.choice(PLACES)),
        lambda: scoring.complaint(name, random.randint(1, 5), random.choice(PLACES)),
        lambda: scoring.happened(name, "problem.resolved", problem="P-1", resolution="made good"),
        lambda: scoring.answered(name, random.randint(0, 10)),
        lambda: scoring.answered(name, random.randint(1, 5), random.choice(("1-5", "1-7"))),
        lambda: scoring.expected(name, random.choice(ABOUTS), random.randint(1, 7), random.randint(1, 5)),
        lambda: scoring.perceived(name, random.choice(ABOUTS), random.randint(1, 7)),
        lambda: scoring.referred(name),
        lambda: scoring.talked(name, random.choice(("inbound", "outbound"))),
    ]
    for make in random.choices(makers, k=random.randrange(16)):
        yield make() | {
            "time": f"20{random.randint(10, 25)}-{random.randint(1, 12):02}-15T{random.randrange(24):02}:00:00Z"
        }


def _cost(random: Random) -> dict[str, Any]:
    return {} if random.random() < 0.5 else {"cost_minor": random.randrange(9_000)}


def drawn(told: Told, count: int) -> list[Asked]:
    money = [(definition, each) for definition in scoring.OF_MONEY for each in ("GBP", *told.currencies)]
    others = [(definition, None) for definition in DEFINITIONS if definition not in scoring.OF_MONEY]
    everything = [Asked(name, *each) for name, each in product(told.shop.customers, [*money, *others])]
    return Random(11).sample(everything, count)


def test_a_score_can_be_computed_again_from_its_receipt_alone(told: Told) -> None:
    values, bands = 0, set()
    for ref, definition, currency in drawn(told, FEW if told.shop.file == SAMPLE else MANY):
        params: dict[str, Any] = {"events": ALL} | ({} if currency is None else {"currency": currency})
        receipt = told.scores.score(ref, definition, **params)
        again = recomputed(receipt, told.cells)
        assert is_close(receipt["value"], again.value), receipt
        assert is_close(receipt["coverage"], again.coverage), receipt
        missing = None if receipt["missing"] is None else receipt["missing"]["code"]
        assert (receipt["band"], missing) == (again.band, again.missing), receipt
        assert is_close(sum(part["value"] for part in receipt["contributions"]), again.value or 0)
        come_from_their_events(receipt)
        values += again.value is not None
        bands.add((definition, again.band))
    assert values > FEW / 3
    assert len(bands) > FEW / 3


def is_close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


def come_from_their_events(receipt: Any) -> None:
    """The figures that contribute: their events are shown, each with its amounts."""
    inputs = {(each["measure"], each["about"]): each for each in receipt["inputs"]}
    shown = [event for part in receipt["contributions"] for event in part["events"]]
    assert all(part["events_total"] == len(part["events"]) for part in receipt["contributions"])
    assert bool(shown) == bool(receipt["contributions"])
    figures = figures_of(shown)
    if receipt["definition"] == "profit":  # which shows those purchases alone whose cost is known
        figures.pop(("purchase", receipt["currency"]), None)
    for key, figure in figures.items():
        given = inputs[key]
        assert (given["n"], given["total"], given["last_amount"]) == (
            figure["n"],
            figure["total"],
            figure["last_amount"],
        )
        first, last = (datetime.fromisoformat(given[name]) for name in ("first_at", "last_at"))
        assert (first, last) == (figure["first_at"], figure["last_at"])
        assert given["weight"] == pytest.approx(figure["weight"], rel=1e-12)
