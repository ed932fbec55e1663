"""Who there is: registered contacts, and names that events have brought and nobody has claimed."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select, tuple_, union, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.identity.persons import canonical, holds
from libs.events.identity.tables import members, registrations
from libs.service.words import wanted, words_of
from services.contacts.queries.people import RANK
from services.contacts.tables import seen, traits

_own = members.alias("own")


class Sought(NamedTuple):
    """What a list is narrowed to. `node` is whom `words` name exactly, if they are an identifier."""

    words: str | None
    node: UUID | None
    kind: str | None
    registered: bool | None
    after: UUID | None
    limit: int


async def page(connection: AsyncConnection, sought: Sought) -> list[UUID]:
    """Canonical ids after a place, in their order; at most one more than the limit."""
    branches = [_in_part(branch, sought) for branch in _branches(sought)]
    ids = union_all(*branches).subquery("ids")
    statement = select(ids.c.id).order_by(ids.c.id).limit(sought.limit + 1)
    return list((await connection.scalars(statement)).all())


def _branches(sought: Sought) -> list[Select[Any]]:
    if sought.words is not None:
        found = _found(sought).subquery("found")
        return [_narrowed(select(found.c.id).distinct(), found.c.id, sought)]
    components = select(members.c.node.label("id")).where(holds(members), members.c.node == members.c.component)
    branches = [_narrowed(components, members.c.node, sought)]
    if not sought.registered and sought.kind is None:
        alone = ~exists().where(_own.c.node == seen.c.node, holds(_own))
        branches.append(select(seen.c.node.label("id")).distinct().where(alone))
    return branches


def _in_part(branch: Select[Any], sought: Sought) -> Any:
    """No more of a branch than the page can need."""
    (id_,) = branch.selected_columns
    if sought.after is not None:
        branch = branch.where(id_ > sought.after)
    return select(branch.order_by(id_).limit(sought.limit + 1).subquery())


def _narrowed(branch: Select[Any], id_: Any, sought: Sought) -> Select[Any]:
    registered = exists().where(registrations.c.contact == id_)
    if sought.kind is not None:
        registered = registered.where(registrations.c.kind == sought.kind)
    if sought.registered or sought.kind is not None:
        branch = branch.where(registered)
    return branch.where(~exists().where(registrations.c.contact == id_)) if sought.registered is False else branch


def _is_shown() -> ColumnElement[bool]:
    """Whether no other value of the field, of the same component, ranks higher."""
    mine, other = members.alias("mine"), traits.alias("other")
    around = select(_own.c.node).join(mine, mine.c.component == _own.c.component).where(
        mine.c.node == traits.c.node, holds(mine), holds(_own)
    )  # fmt: skip
    nodes = func.array_append(func.array(around.correlate(traits).scalar_subquery()), traits.c.node)
    ranks = tuple_(*(other.c[name] for name in RANK)) > tuple_(*(traits.c[name] for name in RANK))
    higher = exists().where(other.c.node == func.any(nodes), other.c.field == traits.c.field, ranks)
    return (traits.c.value != "null") & ~higher.correlate(traits)


def _found(sought: Sought) -> Select[Any]:
    """The components of whom a name or the name trait has all the words, and of who is named exactly."""
    words = wanted(sought.words or "")
    nodes = union(
        select(members.c.node).where(members.c.node == sought.node),
        select(seen.c.node).where(seen.c.node == sought.node),
        select(seen.c.node).where(words_of(seen.c.name).op("@@")(words)),
        select(members.c.node).where(words_of(members.c.name).op("@@")(words), holds(members)),
        select(traits.c.node).where(words_of(traits.c.value).op("@@")(words), traits.c.field == "name", _is_shown()),
    ).subquery("nodes")
    return select(canonical(nodes.c.node).label("id"))
