"""Events of the contacts service."""

from typing import Final

from libs.events.catalog import contacts
from libs.events.catalog.table.row import Row

_CONTACT: Final = "0198b1f3-77aa-7f10-a4c2-90b3d21e8f55"
_OTHER: Final = "0198b1f4-0d5e-7c21-8a11-5be0c4a7d902"
_MERGE: Final = "0198b1f5-62c9-7b3a-9f0e-1c7d55aa8e34"
_CRM: Final = {"name": "crm:4711", "node": "3f1d2c4b-5a69-8788-9a0b-1c2d3e4f5061"}
_EMAIL: Final = {"name": "email:ada@example.org", "node": "8c0e51d7-2b7f-8a34-b1c9-6d5e4f3a2b10"}
_MEMBERS: Final = [_CRM, {"name": f"contact:{_OTHER}", "node": _OTHER}]

CLAIMS: Final = (
    Row(
        "contact.registered",
        contacts.ContactRegistered,
        "A person or organisation is known from now on, under these names.",
        {
            "contact": _CONTACT,
            "kind": "person",
            "identifiers": [_CRM, _EMAIL],
            "traits": {"name": "Ada Lovelace", "country": "GB"},
            "origin": "registration",
        },
        rule="`contact` is the id of the event.",
    ),
    Row(
        "identifier.linked",
        contacts.IdentifierLinked,
        "A name was found to belong to a contact.",
        {"contact": _CRM, "identifier": _EMAIL, "evidence": "she wrote from this address"},
    ),
    Row(
        "identifier.unlinked",
        contacts.IdentifierUnlinked,
        "A name was found not to belong to a contact.",
        {"contact": _CRM, "identifier": _EMAIL, "reason": "the address was given to a colleague"},
    ),
    Row(
        "contacts.merged",
        contacts.ContactsMerged,
        "Contacts were found to be one person or organisation.",
        {"merge": _CONTACT, "members": _MEMBERS, "reason": "same address and date of birth"},
        rule="`merge` is the id of the event.",
    ),
    Row(
        "contacts.unmerged",
        contacts.ContactsUnmerged,
        "Contacts that had been merged were found to be different.",
        {"merge": _MERGE, "members": _MEMBERS, "reason": "father and son"},
    ),
    Row(
        "conflict.resolved",
        contacts.ConflictResolved,
        "A person decided whose a disputed name is.",
        {"conflict": _MERGE, "holder": _CRM, "reason": "asked by telephone"},
    ),
)

DECISIONS: Final = (
    Row(
        "contact.traits_changed",
        contacts.TraitsChanged,
        "What is known of a contact was changed.",
        {
            "changes": {"name": {"from": "Ada Byron", "to": "Ada Lovelace"}},
            "origin": "correction",
            "observed_at": "2026-03-02T10:15:00Z",
        },
    ),
)
