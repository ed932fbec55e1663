"""Ruling on the claims of a batch, inside its fold transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import get_args
from uuid import UUID

import msgspec
from msgspec import UNSET
from sqlalchemy import ARRAY, Table, Uuid, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.catalog.contacts import Claim, ContactRegistered
from libs.events.fold import Fact, Row
from libs.events.identifiers import UUID_TEXT
from libs.events.identity import store
from libs.events.identity.graph import Graph
from libs.events.identity.judge import Ruling, invalid, judge
from libs.events.identity.names import names_of
from libs.events.identity.store import Wanted
from libs.events.identity.tables import claims
from libs.events.precompiled import Precompiled
from libs.events.steps import First, Passed, Step, Unreadable
from libs.events.times import parse
from libs.events.topics import IDENTITY

_CLAIMS = get_args(Claim)
_USED = Precompiled(
    select(claims.c.id, claims.c.digest, claims.c.offset).where(
        claims.c.id == func.any(bindparam("ids", type_=ARRAY(Uuid)))
    )
)


@dataclass(slots=True)
class Docket:
    """`rulings` by offset; `repeats` are records whose id was used before, with where and by which digest."""

    rulings: dict[int, Ruling] = field(default_factory=dict)
    repeats: dict[int, First] = field(default_factory=dict)
    graph: Graph = field(default_factory=Graph)
    rows: list[Row] = field(default_factory=list)


def is_claim(step: Step) -> bool:
    """Whether the judge rules on it: everything in the identity topic, whatever it is."""
    return step.partition.topic == IDENTITY.name and not isinstance(step, Passed)


def claims_of(steps: Sequence[Step]) -> list[Fact | Unreadable]:
    return [step for step in steps if not isinstance(step, Passed) and is_claim(step)]


async def rule(connection: AsyncConnection, steps: Sequence[Fact | Unreadable]) -> Docket:
    """Rule on claims in the order of the log; nothing is written yet."""
    if not steps:
        return Docket()
    ids = [id_ for step in steps if (id_ := _id(step)) is not None]
    known = await _USED.execute(connection, {"ids": ids})
    used = {row.id: First(row.digest.hex, row.offset) for row in known}
    readable = [step.data for step in steps if isinstance(step, Fact) and isinstance(step.data, _CLAIMS)]
    return ruled(steps, used, await store.load(connection, Wanted.by(readable)))


def ruled(steps: Sequence[Fact | Unreadable], used: dict[UUID, First], graph: Graph) -> Docket:
    """The same over a graph that is there. Pure, but that `used` and the graph follow."""
    docket = Docket(graph=graph)
    for step in steps:
        id_ = _id(step)
        if id_ is not None and id_ in used:
            docket.repeats[step.offset] = used[id_]
            continue
        ruling = _rule(graph, step, id_)
        docket.rulings[step.offset] = ruling
        docket.rows.append(_row(step, id_, ruling))
        if id_ is not None:
            used[id_] = First(step.digest, step.offset)
    return docket


def changes(docket: Docket) -> dict[Table, list[Row]]:
    """The rulings, and what follows from them, as rows to put."""
    return store.changes(docket.graph, docket.rows)


def _id(step: Fact | Unreadable) -> UUID | None:
    if isinstance(step, Fact) and UUID_TEXT.fullmatch(step.event.id):
        return UUID(step.event.id)
    return None


def _rule(graph: Graph, step: Fact | Unreadable, id_: UUID | None) -> Ruling:
    if isinstance(step, Unreadable):
        return invalid("undecodable")
    if id_ is None:
        return invalid("id_is_no_uuid")
    if not isinstance(step.data, _CLAIMS):
        return invalid("not_a_claim")
    if any("\x00" in text for text in _stored(step.data)):
        return invalid("undecodable")  # no table can hold it, so no writer of ours has written it
    return judge(graph, step.data, id_, step.offset)


def _stored(claim: Claim) -> list[str]:
    """What of a claim stands in tables as it is: names, and the fields of traits. All else is stored as JSON."""
    fields = claim.traits if isinstance(claim, ContactRegistered) and claim.traits is not UNSET else ()
    return [*(name.text for name in names_of(claim)), *fields]


def _row(step: Fact | Unreadable, id_: UUID | None, ruling: Ruling) -> Row:
    row: Row = {
        "offset": step.offset,
        "id": id_,
        "digest": UUID(step.digest),
        "recorded_at": parse(step.recorded_at),
        "type": "",
        "verdict": ruling.verdict.value,
        "reason": ruling.reason,
        "contact": ruling.contact,
        "conflict": ruling.conflict,
        "request": "",
        "data": None,
    }
    if isinstance(step, Fact) and isinstance(step.data, _CLAIMS):
        said = msgspec.json.encode(step.data).decode()
        row |= {"type": step.event.type, "request": step.request, "data": said}
    return row
