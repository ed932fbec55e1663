"""What the routes of contacts share: reading refs and identifiers, and answering."""

from typing import Any
from uuid import UUID

from fastapi import Response

from libs.events.catalog.contacts import Named
from libs.events.identifiers import BadIdentifier, Nodes, parse
from libs.events.problems import Problem
from libs.service.answers import is_pending, json, position
from libs.service.commands import Done
from libs.service.errors import HttpRefusal
from libs.service.outcomes import pending
from services.contacts.handling import Handling
from services.contacts.queries.people import Contact


def identifier_of(text: str, nodes: Nodes, pointer: str) -> Named:
    """An identifier of a body in its normal form. Raises 422."""
    try:
        identifier = parse(text)
    except BadIdentifier as reason:
        problem = Problem(pointer, reason.code, reason.detail)
        raise HttpRefusal(422, "invalid_body", f"not an identifier: {reason.detail}", [problem]) from None
    return Named(name=str(identifier), node=str(nodes.of(identifier)))


def contact_response(contact: Contact, done: Done | None, status: int = 200) -> Response:
    headers = {"ETag": contact.etag, "Content-Location": f"/v1/contacts/{contact.id}"}
    return json(contact.document(), status, headers | position(done))


async def about(handling: Handling, done: Done | None, node: UUID, created: dict[str, str]) -> Response:
    """The contact that a claim was about: 201 where the claim made it so, 200 where it was so, 202 before the fold."""
    if is_pending(done):
        return pending(handling.service, done)
    contact = await handling.contact(node)
    is_new = done is not None and done.ruling is not None and done.ruling.verdict == "effective"
    response = contact_response(contact, done, 201 if is_new else 200)
    response.headers.update(created if is_new else {})
    return response


def document_of(found: dict[str, Any] | None, refusal: Exception) -> dict[str, Any]:
    """What was found. Raises the refusal where nothing was."""
    if found is None:
        raise refusal
    return found
