"""Whom feedback has heard of."""

from uuid import UUID

from sqlalchemy import Uuid, bindparam, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.events.identity.persons import was_claimed
from libs.service.refs import contact_unknown
from services.feedback.tables import ballots, comments, complaints, ideas

_NODE = bindparam("node", type_=Uuid)
_IS_KNOWN = select(
    or_(was_claimed(_NODE), *(exists().where(each.c.node == _NODE) for each in (ballots, ideas, comments, complaints)))
)


async def is_known(connection: AsyncConnection, node: UUID) -> bool:
    """Whether somebody claimed the node, or it voted, had an idea, commented or complained."""
    return bool(await connection.scalar(_IS_KNOWN, {"node": node}))


async def require_known(connection: AsyncConnection, node: UUID, pointer: str | None = None) -> None:
    """Raises 404 for whom nobody has heard of; `pointer` is the field that named them."""
    if not await is_known(connection, node):
        raise contact_unknown(pointer)
