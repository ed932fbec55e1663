"""Events of the scoring service."""

from typing import Final

from libs.events.catalog import scoring
from libs.events.catalog.table.row import Row

_PERSON: Final = "0198b1f3-88bb-7a21-b5d3-a1c4e32f9066"
_OTHER: Final = "0198b1f6-2c3d-7e4f-9051-6b7c8d9e0f1a"

DECISIONS: Final = (
    Row(
        "statistics.published",
        scoring.StatisticsPublished,
        "How everybody stood in each measure, up to a position: scores are computed with the last of these.",
        {
            "version": 1,
            "people": 4338,
            "covers": "a position token",
            "due_at": "2026-03-03T10:15:00Z",
            "measures": [
                {
                    "measure": "turnover",
                    "kind": "pareto",
                    "currency": "GBP",
                    "people": 4338,
                    "total": 891140790,
                    "cuts": [{"value": 171263, "contact": _PERSON}, {"value": 58211, "contact": _OTHER}],
                }
            ],
        },
        source="/scoring/statistics",
        needs_subject=False,
    ),
    Row(
        "class.changed",
        scoring.ClassChanged,
        "A person belongs to another class of a definition than was announced last.",
        {
            "definition": "rfm",
            "version": 1,
            "currency": "GBP",
            "from": "loyal",
            "to": "champions",
            "statistics": 1,
            "cause": {"kind": "event", "id": "order-4711", "source": "urn:example:shop"},
        },
        rule="`from` and `to` differ; one of them may be absent.",
        source=f"/scoring/classes/{_PERSON}/rfm/GBP",
        contact=_PERSON,
    ),
)
