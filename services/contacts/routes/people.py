"""Contacts: register, find, read, change their traits."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.events.clock import now
from libs.events.identifiers import UUID_TEXT, BadIdentifier, Nodes, parse
from libs.service.answers import PENDING, IfMatch, Key, is_pending, json
from libs.service.app import new_router
from libs.service.cursors import decode_id, encode_id, next_link
from libs.service.outcomes import pending
from libs.service.refs import read_ref
from services.contacts.commands import RegisterContact
from services.contacts.handling import Handling
from services.contacts.queries import lists, people
from services.contacts.queries.lists import Sought
from services.contacts.routes.answers import about, contact_response, identifier_of
from services.contacts.schemas import Contact, ContactPage, ContactQuery, Id, NewContact, TraitsPatch, Wanted

_SO: dict[int | str, dict[str, Any]] = {200: {"model": Contact, "description": "It was so already"}}


def router(handling: Handling) -> APIRouter:
    """`/v1/contacts` and `/v1/lookup`."""
    routes = new_router()
    _write_routes(routes, handling)
    _read_routes(routes, handling)
    return routes


def _write_routes(routes: APIRouter, handling: Handling) -> None:
    service = handling.service

    @routes.post("/contacts", tags=["contacts"], summary="Register a contact", status_code=201,
                 response_model=Contact, responses=_SO | PENDING)  # fmt: skip
    async def register(body: NewContact, idempotency_key: Key = None) -> Response:
        """The same names again are 200 with the contact that has them; a name of another contact is a conflict."""
        names = [identifier_of(text, service.nodes, f"/identifiers/{n}") for n, text in enumerate(body.identifiers)]
        order = handling.commands.asked("POST", "/v1/contacts", key=idempotency_key, body=body.model_dump())
        traits = {name: value for name, value in (body.traits or {}).items() if value is not None}
        command = RegisterContact(order.command, body.kind, tuple(names), traits)
        done = await handling.claim(command, order)
        node = order.command if _is_registered(done) else UUID(names[0].node)
        return await about(handling, done, node, {"Location": f"/v1/contacts/{order.command}"})

    @routes.patch("/contacts/{ref:text}", tags=["contacts"], summary="Change what is known of a contact",
                  response_model=Contact, responses=PENDING)  # fmt: skip
    async def change_traits(
        ref: str, body: TraitsPatch,
        idempotency_key: Key = None, if_match: IfMatch = None,
    ) -> Response:  # fmt: skip
        """A JSON merge patch of the traits, of the state that `If-Match` names."""
        person = read_ref(ref, service.nodes)
        path = f"/v1/contacts/{person.identifier}"
        order = handling.commands.asked("PATCH", path, key=idempotency_key, body=body.model_dump(), if_match=if_match)
        contact, done = await handling.change_traits(person, body.traits, order, now())
        if is_pending(done):
            return pending(service, done)
        return contact_response(contact, done)


def _is_registered(done: Any) -> bool:
    return done is not None and done.ruling is not None and done.ruling.verdict == "effective"


def _read_routes(routes: APIRouter, handling: Handling) -> None:
    service = handling.service

    @routes.get("/contacts", tags=["contacts"], summary="List and search contacts", response_model=ContactPage)
    async def list_contacts(query: Annotated[ContactQuery, Query()]) -> Response:
        """Registered ones, and names that events have brought and nobody has registered, in the order of their ids."""
        node = _exactly(query.q, service.nodes)
        sought = Sought(query.q, node, query.kind, query.registered, decode_id(query.cursor), query.limit)
        async with service.reads.connect() as connection:
            ids = await lists.page(connection, sought)
            found = await people.contacts(connection, ids[: query.limit])
        cursor = encode_id(ids[query.limit - 1]) if len(ids) > query.limit else None
        headers = {} if cursor is None else {"Link": next_link("/v1/contacts", query, cursor)}
        items = [contact.document() for contact in found if contact is not None]
        return json({"items": items, "next_cursor": cursor}, headers=headers)

    @routes.get("/contacts/{ref:text}", tags=["contacts"], summary="One contact", response_model=Contact)
    async def get_contact(ref: str) -> Response:
        """By any of its members' ids or identifiers."""
        return contact_response(await handling.contact(read_ref(ref, service.nodes).node), None)

    @routes.post("/lookup", tags=["contacts"], summary="The id behind an identifier", response_model=Id)
    async def lookup(body: Wanted) -> Response:
        """Keeps names out of paths, and takes those that have a slash."""
        node = UUID(identifier_of(body.identifier, service.nodes, "/identifier").node)
        return json({"id": str((await handling.contact(node)).id)})


def _exactly(text: str | None, nodes: Nodes) -> UUID | None:
    """Whom a search names exactly, if it does."""
    if text is None:
        return None
    if UUID_TEXT.fullmatch(text.strip()):
        return UUID(text.strip())
    try:
        return nodes.of(parse(text.strip()))
    except BadIdentifier:
        return None
