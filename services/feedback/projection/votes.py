"""Ballots: one row an event, bare. What they come to is counted elsewhere. Pure."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from libs.events.catalog.feedback import VoteCast, VoteChanged, VoteInvalidated, VoteWithdrawn
from libs.events.fold import Fact, TextRow
from libs.events.identifiers import normal

_encode = msgspec.json.Encoder().encode

_STANCES = {"up": "1", "down": "-1"}


def ballot_rows(fact: Fact) -> Sequence[TextRow]:
    """In the order of the table's columns. Raises ValueError for a vote of nobody: then its key is parked."""
    match fact.data:
        case VoteCast() | VoteChanged() as data:
            said = "cast" if isinstance(data, VoteCast) else "changed"
            stance, spent, actor = _STANCES[data.stance], 0 if data.credits is UNSET else data.credits, data.proxy
        case VoteWithdrawn() as data:
            said, stance, spent, actor = "withdrawn", "0", 0, data.proxy
        case VoteInvalidated() as data:
            said, stance, spent, actor = "invalidated", "0", 0, data.actor
        case _:
            return ()
    if fact.event.subject is None:
        raise ValueError("a vote names nobody who has cast it")
    place = str(fact.partition.number), str(fact.offset), fact.occurred_at, fact.recorded_at
    who = fact.node, normal(fact.event.subject), None if actor is UNSET else _encode(actor).decode()
    return ((*place, data.idea, *who, said, stance, str(spent)),)
