"""Lines of claims about identity, and of what was decided about contacts. Pure and total."""

import re
from collections.abc import Sequence
from typing import Any, Final

from msgspec import UnsetType

from libs.events.catalog import contacts
from services.timeline.titles.words import changes, said, short

_CONTACT_ID: Final = re.compile(r"contact:[0-9a-f-]{23}-([0-9a-f]{12})")


def line(data: object) -> str | None:
    match data:
        case contacts.ContactRegistered():
            return f"Registered as {data.kind}: {names(data.identifiers)}"
        case contacts.IdentifierLinked():
            return f"Linked {name(data.identifier)} to {name(data.contact)}{_evidence(data.evidence)}"
        case contacts.IdentifierUnlinked():
            return f"Unlinked {name(data.identifier)} from {name(data.contact)}{said(data.reason)}"
        case contacts.ContactsMerged():
            return f"Merged with {names(data.members)}: {data.reason}"
        case contacts.ContactsUnmerged():
            return f"Unmerged from {names(data.members)}{said(data.reason)}"
        case contacts.ConflictResolved():
            return f"Conflict resolved for {name(data.holder)}: {data.reason}"
        case contacts.TraitsChanged():
            return f"Changed {changes(data.changes)}"
        case _:
            return None


def names(members: Sequence[contacts.Named]) -> str:
    """All of them: an entry stands on the timeline of each."""
    return ", ".join(map(name, members))


def name(named: contacts.Named) -> str:
    """The name; of a contact's id only the end, which tells it from others."""
    contact = _CONTACT_ID.fullmatch(named.name)
    return f"contact …{contact[1]}" if contact else named.name


def _evidence(evidence: str | dict[str, Any] | UnsetType) -> str:
    if not isinstance(evidence, dict):
        return said(evidence)
    shown = [(field, short(value)) for field, value in evidence.items()]
    return said(", ".join(field if value is None else f"{field} {value}" for field, value in shown))
