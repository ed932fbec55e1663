"""Claims about identity and decisions, as contacts and feedback append them: each sound, in the order of its scope."""

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import msgspec

from libs.events.arbitration import sequence_text
from libs.events.identifiers import parse
from libs.events.log import EVENT_HEADERS, REQUEST_HEADER, Record
from libs.events.topics import CONTACTS, FEEDBACK, IDENTITY
from tests.faults.events import NODES

Told = tuple[str, Record]
"""A record and its topic."""

IDENTITY_KEY = b"identity"


def id_of(text: str) -> str:
    return str(uuid5(NAMESPACE_OID, text))


def node_of(name: str) -> str:
    return name.removeprefix("contact:") if name.startswith("contact:") else str(NODES.of(parse(name)))


BOARD, IDEA = id_of("board"), id_of("idea")


def named(name: str) -> dict[str, str]:
    return {"name": name, "node": node_of(name)}


def claim(type_: str, id_: str, subject: str, data: Mapping[str, Any], **attributes: object) -> Record:
    event = {
        "specversion": "1.0", "id": id_, "source": "/identity", "type": f"rapport.contacts.{type_}.v1",
        "subject": subject, "subjectnode": node_of(subject), "data": data,
    }  # fmt: skip
    return _record(IDENTITY_KEY, event | attributes)


def registered(id_: str, *names: str, **traits: str) -> Record:
    data = {"contact": id_, "kind": "person", "identifiers": [named(name) for name in names], "traits": traits}
    return claim("contact.registered", id_, f"contact:{id_}", data)


def linked(id_: str, ref: str, name: str) -> Record:
    return claim("identifier.linked", id_, ref, {"contact": named(ref), "identifier": named(name)})


def merged(id_: str, *refs: str) -> Record:
    data = {"merge": id_, "members": [named(ref) for ref in refs], "reason": "asked"}
    return claim("contacts.merged", id_, refs[0], data)


def unmerged(id_: str, merge: str, *refs: str) -> Record:
    return claim("contacts.unmerged", id_, refs[0], {"merge": merge, "members": [named(ref) for ref in refs]})


def traits_changed(contact: str, sequence: int | str, id_: str, note: str = "", **attributes: object) -> Record:
    """A decision about a registered contact."""
    changes = {"note": {"from": None, "to": note or id_}}
    event = {
        "specversion": "1.0", "id": id_, "source": f"/contacts/{contact}", "subject": f"contact:{contact}",
        "type": "rapport.contacts.contact.traits_changed.v1", "subjectnode": contact,
        "sequence": sequence if isinstance(sequence, str) else sequence_text(sequence),
        "data": {"changes": changes, "origin": "correction", "observed_at": "2026-03-02T10:21:00Z"},
    }  # fmt: skip
    return _record(contact.encode(), event | attributes)


def board_opened() -> Record:
    data = {"board": BOARD, "title": "Board", "ballot": {"kind": "approval"}, "eligibility": {"kind": "everyone"}}
    return of_board("board.opened", BOARD, f"boards/{BOARD}", data)


def idea_submitted() -> Record:
    data = {"idea": IDEA, "title": "Saturdays", "touchpoint": "service"}
    return of_board("idea.submitted", IDEA, f"ideas/{IDEA}", data, subject="crm:sound-0")


def voted(person: str, sequence: int, by: str) -> Record:
    """By one of a person's names."""
    type_, data = "vote.cast" if sequence == 1 else "vote.changed", {"idea": IDEA, "stance": "up"}
    return of_board(type_, id_of(f"vote {by}"), f"boards/{BOARD}/voters/{person}", data, sequence=sequence, subject=by)


def of_board(
    type_: str, id_: str, path: str, data: Mapping[str, Any], *, sequence: int = 1, subject: str | None = None
) -> Record:
    whom = {} if subject is None else {"subject": subject, "subjectnode": node_of(subject)}
    event = {
        "specversion": "1.0", "id": id_, "source": f"/feedback/{path}", "type": f"rapport.feedback.{type_}.v1", **whom,
        "sequence": sequence_text(sequence), "data": data,
    }  # fmt: skip
    return _record(BOARD.encode(), event)


def sound(people: int) -> list[Told]:
    """Of each person: registered, linked, changed twice, and they vote by two names; every third is merged with the
    next, every sixth for ever."""
    told: list[Told] = [(FEEDBACK.name, each) for each in (board_opened(), idea_submitted())]
    for n in range(people):
        contact = id_of(f"contact {n}")
        name, email = f"crm:sound-{n}", f"email:sound-{n}@example.org"
        told += [(IDENTITY.name, registered(contact, name, email, name=f"Ada {n}"))]
        told += [(IDENTITY.name, linked(id_of(f"link {n}"), name, f"tel:+4930{n // 2:05}"))]
        told += [(CONTACTS.name, traits_changed(contact, k, id_of(f"change {n} {k}"))) for k in (1, 2)]
        told += [(FEEDBACK.name, voted(contact, k, by)) for k, by in ((1, name), (2, email))]
        if n % 3 == 2:
            merge, pair = id_of(f"merge {n}"), (f"crm:sound-{n - 1}", name)
            told.append((IDENTITY.name, merged(merge, *pair)))
            if n % 6 == 5:
                told.append((IDENTITY.name, unmerged(id_of(f"unmerge {n}"), merge, *pair)))
    return told


def _record(key: bytes, event: Mapping[str, Any]) -> Record:
    """With the header that tells a retry from another request."""
    headers = (*EVENT_HEADERS, (REQUEST_HEADER, str(event["id"]).encode()))
    return Record(key, msgspec.json.encode(event), headers)
