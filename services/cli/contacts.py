"""`rapport contact` says who somebody is, and why; `rapport conflicts`, which names two contacts claim."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx
from rich.table import Table

from libs.events.identifiers import WEAK_NAMESPACES
from services.cli.asking import asking, document_of, identifier_of, reason_of
from services.cli.errors import Failure
from services.cli.system import find_system
from services.cli.tables import console, say, table
from services.cli.words import minute, printable

Document = Mapping[str, Any]

MAX_PAGE = 500


def show(ref: str, *, as_json: bool) -> None:
    """One contact: names, members, edges and why each holds, open conflicts. Raises Failure when unknown."""
    url = _contacts()
    with asking() as client:
        found = whole(client, url, ref)
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        show_whole(found)


def find(words: str, *, limit: int, as_json: bool) -> None:
    """Every contact with a name or identifier that begins with these words, up to `limit`. Raises Failure."""
    url = _contacts()
    with asking() as client:
        items, more = _items(client, f"{url}/v1/contacts", {"q": words}, limit)
    if as_json:
        print(json.dumps(items, indent=2, ensure_ascii=False))
        return
    if not items:
        say(f"Nobody is known by {printable(words)}.")
        return
    made = table("id", "name", "known as")
    for contact in items:
        known_as = ", ".join(map(printable, contact["identifiers"])) or "no name"
        made.add_row(
            contact["id"], _called(contact), known_as if contact["registered"] else f"{known_as} (unregistered)"
        )
    console.print(made)
    if more:
        say("There are more; --limit shows more of them.")


def conflicts(*, limit: int, as_json: bool) -> None:
    """The open conflicts, up to `limit`. Raises Failure."""
    url = _contacts()
    with asking() as client:
        items, more = _items(client, f"{url}/v1/conflicts", {"status": "open"}, limit)
    if as_json:
        print(json.dumps(items, indent=2, ensure_ascii=False))
        return
    for conflict in items:
        for line in _conflict(conflict):
            say(line)
        say("")
    if not items:
        say("No conflict is open.")
        return
    if more:
        say("There are more; --limit shows more of them.")
    say("Who keeps the name is said by: " + resolution(url, items[0]))


def resolution(url: str, conflict: Document) -> str:
    """A command line that resolves a conflict; the holder stands for whoever shall have the name."""
    holder = conflict["identifiers"][0]["holder"]
    body = json.dumps({"holder": holder, "reason": "asked by telephone"})
    return f"curl -H 'content-type: application/json' {url}/v1/conflicts/{conflict['id']}/resolution -d '{body}'"


def whole(client: httpx.Client, url: str, ref: str) -> dict[str, Any]:
    """The contact and its graph in one document. Raises Failure when nobody has been heard of under this name."""
    id_ = _id_of(client, url, ref)
    contact = _known(client.get(f"{url}/v1/contacts/{id_}"), ref)
    graph = _known(client.get(f"{url}/v1/contacts/{id_}/graph"), ref)
    return {**graph, "contact": contact}


def _id_of(client: httpx.Client, url: str, ref: str) -> str:
    """By the route that keeps names out of logs."""
    if (identifier := identifier_of(ref)) is None:
        return ref
    answer = client.post(f"{url}/v1/lookup", json={"identifier": str(identifier)})
    return quote(str(_known(answer, ref)["id"]), safe="")


def _known(answer: httpx.Response, ref: str) -> Any:
    if answer.status_code == 404:
        raise Failure(f"{printable(ref)}: {reason_of(answer)}")
    return document_of(answer, 200)


def _items(client: httpx.Client, address: str, query: dict[str, str], limit: int) -> tuple[list[Any], bool]:
    """Up to `limit` items of a list, page by page, and whether there are more."""
    items: list[Any] = []
    cursor = None
    while True:
        page_of = {**query, "limit": str(min(MAX_PAGE, limit - len(items)))} | ({"cursor": cursor} if cursor else {})
        page = document_of(client.get(address, params=page_of), 200)
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None or len(items) >= limit:
            return items, cursor is not None


def _contacts() -> str:
    return find_system().chosen("contacts")[0].url


def show_whole(found: Document) -> None:
    """What `whole` gives, for a person."""
    contact, members = found["contact"], found["members"]
    numbers = {member: str(number) for number, member in enumerate(members, start=1)}
    say(f"{_called(contact)}  {contact['id']}", style="bold")
    for line in _about(contact):
        say(f"  {line}")
    say("")
    console.print(_names(found, numbers))
    console.print(_members(numbers))
    if found["merges"]:
        console.print(_merges(found["merges"], numbers))
    for conflict in found["conflicts"]:
        if conflict["status"] == "open":
            for line in _conflict(conflict):
                say(line)


def _called(contact: Document) -> str:
    """Its name trait; else the name by which it is known."""
    name = contact["traits"].get("name")
    first = contact["identifiers"][0] if contact["identifiers"] else "no name"
    return printable(name if isinstance(name, str) and name else first)


def _about(contact: Document) -> Iterator[str]:
    kind = contact["kind"] or "person or organisation"
    yield f"{kind}, registered" if contact["registered"] else "not registered: events have brought it"
    if contact["first_seen"]:
        yield f"events from {minute(contact['first_seen'])} to {minute(contact['last_seen'])}"
    for trait, value in contact["traits"].items():
        yield f"{printable(trait)}: {printable(value if isinstance(value, str) else json.dumps(value))}"


def _names(found: Document, numbers: Mapping[str, str]) -> Table:
    """Every name with why it holds; of what only events have brought, nothing has to hold."""
    made = table("name", "", ">member", "since", "because", title="Names")
    linked = set()
    for link in found["links"]:
        linked.add(link["identifier"])
        strength = "unique" if link["unique"] else "weak"
        shared = "" if link["identifier"] in found["identifiers"] else "; others claim it too, so it joins nobody"
        why = f"{_reason(link)}{shared}"
        member = numbers.get(link["contact"], "")
        made.add_row(printable(link["identifier"]), strength, member, minute(link["recorded_at"]), why)
    for name in found["identifiers"]:
        if name not in linked:
            strength = "weak" if name.partition(":")[0] in WEAK_NAMESPACES else "unique"
            made.add_row(printable(name), strength, "", "", "events came under it")
    return made


def _reason(link: Document) -> str:
    if link["evidence"] is not None:
        return f"{_evidence(link['evidence'])} (claim {link['claim']})"
    if link["claim"] == link["contact"]:
        return "registered with it"
    return f"claim {link['claim']}, no evidence given"


def _evidence(evidence: object) -> str:
    return printable(evidence if isinstance(evidence, str) else json.dumps(evidence, ensure_ascii=False))


def _members(numbers: Mapping[str, str]) -> Table:
    made = table(">", "contact", title="Made of")
    for member, number in numbers.items():
        made.add_row(number, member)
    return made


def _merges(merges: list[Document], numbers: Mapping[str, str]) -> Table:
    made = table("merge", "members", "since", "because", title="Merges")
    for merge in merges:
        members = " + ".join(numbers.get(member, member) for member in merge["members"])
        made.add_row(merge["id"], members, minute(merge["recorded_at"]), printable(merge["reason"]))
    return made


def _conflict(conflict: Document) -> Iterator[str]:
    yield f"{conflict['status'].capitalize()} conflict {conflict['id']} of {minute(conflict['recorded_at'])}"
    for name in conflict["identifiers"]:
        since = f" since {minute(name['holder_since'])}" if name["holder_since"] else ""
        why = f": {_evidence(name['holder_evidence'])}" if name["holder_evidence"] is not None else ""
        yield f"  {printable(name['identifier'])} belongs to {name['holder']}{since}{why}"
    evidence = f": {_evidence(conflict['evidence'])}" if conflict["evidence"] is not None else ""
    by = "a registration claims it, for a new contact" if conflict["kind"] == "registration" else "a link claims it for"
    yield f"  {by} {conflict['claimant']}{evidence}"
