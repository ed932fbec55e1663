"""`{ref}` of a path or parameter: a contact's or member's uuid, or an identifier."""

from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from libs.events.identifiers import CACHED_NODES, UUID_TEXT, BadIdentifier, Nodes, parse
from libs.events.problems import Problem
from libs.service.errors import HttpRefusal


class Ref(NamedTuple):
    """A node, and the identifier that named it in its normal form (`contact:<uuid>` where a uuid did)."""

    node: UUID
    identifier: str

    @property
    def is_node(self) -> bool:
        """True when it was named by its uuid, not by a name."""
        return self.identifier.startswith("contact:")


@lru_cache(CACHED_NODES)
def read_ref(text: str, nodes: Nodes, parameter: str = "ref") -> Ref:
    """Raises 400 for what is neither a uuid nor an identifier."""
    if UUID_TEXT.fullmatch(text):
        node = UUID(text)
        return Ref(node, f"contact:{node}")
    try:
        identifier = parse(text)
    except BadIdentifier as reason:
        problem = Problem(parameter, reason.code, reason.detail)
        raise HttpRefusal(400, "bad_ref", f"neither a uuid nor an identifier: {reason.detail}", [problem]) from None
    return Ref(nodes.of(identifier), str(identifier))


def contact_unknown(pointer: str | None = None) -> HttpRefusal:
    """`pointer` is the field to blame."""
    code, said = "contact_unknown", "nobody has been heard of under this name"
    return HttpRefusal(404, code, said, () if pointer is None else [Problem(pointer, code, said)])
