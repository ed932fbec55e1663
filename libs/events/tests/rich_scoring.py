"""Statistics and classes of the rich story, in order of each scope."""

import hashlib
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final

from libs.events.arbitration import sequence_text
from libs.events.identifiers import as_uuid8

Event = dict[str, Any]

STATISTICS: Final = 6
CHANGES: Final = 12
# What everybody who is told of can belong to, by definition and currency.
CLASSES: Final = {
    ("rfm", "GBP"): ("champions", "loyal", "about_to_sleep", "lost"),
    ("rfm", "EUR"): ("champions", "new", "lost"),
    ("turnover", "GBP"): ("a", "b", "c"),
    ("health", ""): ("healthy", "fair", "poor"),
}


def statistics(random: Random, nodes: Sequence[str]) -> list[Event]:
    """One version after the other, of more and more people; the last is of a later version of the catalog."""
    said = [_published(random, nodes, version) for version in range(1, STATISTICS + 1)]
    later = {"type": "rapport.scoring.statistics.withdrawn.v1", "data": {"version": STATISTICS}}
    return [*said, _event("/scoring/statistics", STATISTICS + 1, 59) | later]


def _published(random: Random, nodes: Sequence[str], version: int) -> Event:
    due = {"due_at": f"2026-03-03T{version:02}:00:00Z"} if version % 2 else {}
    people = min(2 + version, len(nodes))
    measures = [_measured(random, nodes[:people], currency) for currency in ("GBP", "EUR")[: 1 + version % 2]]
    engagement = {"kind": "quintiles", "people": people, "cuts": _cuts(random, nodes[:people], 4, 0.25)}
    measures.append({"measure": "engagement", **engagement})
    data = {"version": version, "people": people, "covers": f"position {version}", **due, "measures": measures}
    return _event("/scoring/statistics", version, version) | {
        "type": "rapport.scoring.statistics.published.v1",
        "data": data,
    }


def _measured(random: Random, nodes: Sequence[str], currency: str) -> Event:
    total = random.randint(-5_000, 90_000)
    of = {"measure": "profit", "kind": "pareto", "currency": currency, "people": len(nodes), "total": total}
    return of | {"cuts": _cuts(random, nodes, 2, 1)}


def _cuts(random: Random, nodes: Sequence[str], count: int, unit: float) -> list[Event | None]:
    """Some of them are nobody's."""
    cuts = ({"value": random.randint(-9, 999) * unit, "contact": random.choice(nodes)} for _ in range(count))
    return [cut if random.random() < 0.8 else None for cut in cuts]


def classes(random: Random, nodes: Sequence[str]) -> Iterator[tuple[str, list[Event]]]:
    """Each person, and what becomes of them: from no class to one, from one to another, to none."""
    for node in nodes:
        yield node, list(_changes(random, node))


def _changes(random: Random, node: str) -> Iterator[Event]:
    bands: dict[tuple[str, str], str | None] = {}
    heads: dict[str, int] = {}
    for _ in range(CHANGES):
        definition, currency = of = random.choice(list(CLASSES))
        before = bands.get(of)
        to = random.choice([band for band in (*CLASSES[of], None) if band != before])
        bands[of] = to
        source = "/".join(filter(None, ("/scoring/classes", node, definition, currency)))
        heads[source] = heads.get(source, 0) + 1
        data: Event = {"currency": currency or None, "from": before, "to": to, "cause": _cause(random)}
        data |= {"definition": definition, "version": 1, "statistics": random.choice([None, 1, STATISTICS])}
        data = {field: value for field, value in data.items() if value is not None}
        about = {"type": "rapport.scoring.class.changed.v1", "subject": f"contact:{node}"}
        yield _event(source, heads[source], random.randrange(60)) | about | {"data": data}
    source = f"/scoring/classes/{node}/later"
    yield _event(source, 1, 59) | {"type": "rapport.scoring.class.foretold.v1", "subject": f"contact:{node}"}


def _cause(random: Random) -> Event:
    stands = {"kind": "event", "position": f"interactions/3/{random.randrange(99)}"}
    order = stands | {"id": "golden-purchase.recorded.v1", "source": "urn:example:golden"}
    return random.choice([order, stands, {"kind": "identity"}, {"kind": "statistics"}, {"kind": "definition"}])


def _event(source: str, sequence: int, minute: int) -> Event:
    id_ = as_uuid8(hashlib.sha256(f"{source} {sequence}".encode()).digest())
    return {
        "specversion": "1.0", "id": str(id_), "source": source, "time": f"2026-03-02T13:{minute:02}:00Z",
        "sequence": sequence_text(sequence), "data": {},
    }  # fmt: skip
