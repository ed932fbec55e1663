"""Any story of claims over few names, made from numbers: each move becomes a claim about what the graph then holds."""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from hypothesis import strategies as st

from libs.events.catalog.contacts import Claim
from libs.events.catalog.registry import CATALOG
from libs.events.fold import Fact, fact_of
from libs.events.identity.graph import Graph
from libs.events.identity.judge import judge
from libs.events.identity.tests import said
from libs.events.identity.tests.said import Said
from libs.events.log import Record
from libs.events.position import Partition
from libs.events.topics import IDENTITY

NAMES = [
    "crm:1", "crm:2", "crm:3", "email:ada@example.org", "email:joe@example.org", "tel:+1555", "tel:+1666", "device:1",
]  # fmt: skip
TYPES = {each.data: each.name for each in CATALOG.values()}
PLACE = Partition(IDENTITY.name, 0)
RECORDED_AT = "2026-03-02T12:00:00.000Z"


class Move(NamedTuple):
    """`again` also says an earlier claim once more."""

    kind: str
    one: int
    two: int
    three: int
    again: int | None


KINDS = (
    ["register"] * 4 + ["link"] * 5 + ["unlink"] * 2 + ["merge"] * 4 + ["unmerge"] * 2 + ["resolve"] * 4 + ["odd"] * 2
)
_move = st.builds(
    Move, st.sampled_from(KINDS), *[st.integers(0, 14)] * 3, st.one_of(st.none(), st.none(), st.integers(0, 30))
)
# Left alone, Hypothesis makes lists of five or so; what goes wrong mostly takes more.
moves = st.one_of(st.lists(_move, max_size=8), st.lists(_move, min_size=12, max_size=40))


class Told(NamedTuple):
    """A claim by its id, which is that of its first place."""

    number: int
    claim: Claim


def story_of(given: Iterable[Move]) -> list[Told]:
    """The claims in the order of the log: the first stands at offset 1."""
    graph, told = Graph(), list[Told]()
    for move in given:
        number = len(told) + 1
        claim = _said(move, graph, number)(said.at(number))
        judge(graph, claim, said.at(number), number)
        told.append(Told(number, claim))
        if move.again is not None:
            told.append(told[move.again % len(told)])
    return told


def _said(move: Move, graph: Graph, number: int) -> Said:
    _, one, two, three, _ = move
    match move.kind:
        case "register":
            return said.register(*dict.fromkeys([_name(one), _name(two), _name(three)][: 1 + one % 3]))
        case "link":
            return said.link(_ref(graph, one), _name(two))
        case "unlink":
            return said.unlink(*_linked(graph, one))
        case "merge":
            return said.merge(*[_ref(graph, each) for each in (one, two, three)][: 2 + three % 2])
        case "unmerge":
            merges = [merge.since for merge in graph.merges.values()]
            return said.unmerge(merges[one % len(merges)] if merges else one)
        case "resolve":
            return _resolving(graph, one, two)
        case _:
            return _odd(graph, number, one, two)


def _name(number: int) -> str:
    return NAMES[number % len(NAMES)]


def _ref(graph: Graph, number: int) -> str:
    """A name, a registered contact, or a name called by its bare node."""
    refs = [*NAMES, *(f"contact:{each}" for each in graph.registered)]
    ref = refs[number % len(refs)]
    return f"contact:{said.node(ref)}" if number == 14 else ref


def _linked(graph: Graph, number: int) -> tuple[str, str]:
    links = [link for owners in graph.links.values() for link in owners.values()]
    if not links:
        return _ref(graph, number), _name(number)
    link = links[number % len(links)]
    return f"contact:{link.owner}", link.name


def _resolving(graph: Graph, one: int, two: int) -> Said:
    conflicts = list(graph.conflicts.values())
    if not conflicts:
        return said.resolve(one, _ref(graph, two))
    conflict = conflicts[one % len(conflicts)]
    sides = [conflict.claimant, conflict.claimant, *(each.holder for each in conflict.disputed)]
    sides += [each.name.node for each in conflict.disputed]
    holder = f"contact:{sides[two % len(sides)]}" if two < 10 else _ref(graph, two)
    return said.resolve(conflict.since, holder)


def _odd(graph: Graph, number: int, one: int, two: int) -> Said:
    other = _ref(graph, one + two)
    match one % 9:
        case 0:
            return said.register(_ref(graph, two), contact=str(said.at(one)))
        case 1:
            return said.register(_ref(graph, two), _ref(graph, one), _ref(graph, two))
        case 2:
            return said.merge(_ref(graph, two), _ref(graph, one), merge=str(said.at(two)))
        case 3:
            return said.link(_ref(graph, two), f"contact:{said.node(_name(one))}")
        case 4:
            return said.unlink(_ref(graph, two), _name(one))
        case 5:
            return said.register(f"{_name(two)}={other}", f"{_name(one)}={said.contact(number)}")
        case 6:
            return said.link(_ref(graph, two), f"{_name(one)}={other}")
        case 7:
            return said.merge(f"{_name(two)}={other}", _ref(graph, one))
        case _:
            return said.link(_ref(graph, two), _ref(graph, two))


def facts_of(told: Sequence[Told]) -> list[Fact]:
    """As they stand in the log."""
    return [_fact(offset, number, claim) for offset, (number, claim) in enumerate(told, start=1)]


def _fact(offset: int, number: int, claim: Claim) -> Fact:
    event = {
        "specversion": "1.0",
        "id": str(said.at(number)),
        "source": "/identity",
        "type": TYPES[type(claim)],
        "subject": "crm:1",
        "data": msgspec.to_builtins(claim),
    }
    return fact_of(Record(b"identity", json.dumps(event).encode()), PLACE, offset, RECORDED_AT)
