"""Edges: links of names to contacts, merges of contacts, and conflicts over names."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.service.answers import PENDING, IfMatch, Key, Why, is_pending, json, no_content, page, position
from libs.service.app import new_router
from libs.service.cursors import decode_number, encode_number
from libs.service.outcomes import pending
from libs.service.refs import read_ref
from services.contacts.commands import (
    LinkIdentifier,
    MergeContacts,
    ResolveConflict,
    UnlinkIdentifier,
    UnmergeContacts,
)
from services.contacts.handling import Handling
from services.contacts.queries import edges
from services.contacts.queries.edges import Narrowed
from services.contacts.refusals import ConflictUnknown, MergeUnknown, refuse
from services.contacts.routes.answers import about, document_of, identifier_of
from services.contacts.schemas import (
    Conflict,
    ConflictPage,
    ConflictQuery,
    Contact,
    Graph,
    Merge,
    NewLink,
    NewMerge,
    NewResolution,
)


def router(handling: Handling) -> APIRouter:
    """Below `/v1/contacts/{ref}`, `/v1/merges` and `/v1/conflicts`; goes before the routes of people."""
    routes = new_router()
    _link_routes(routes, handling)
    _merge_routes(routes, handling)
    _conflict_routes(routes, handling)
    return routes


def _link_routes(routes: APIRouter, handling: Handling) -> None:
    service = handling.service

    @routes.get("/contacts/{ref:text}/graph", tags=["edges"], summary="What holds a contact together, and why",
                response_model=Graph)  # fmt: skip
    async def graph(ref: str) -> Response:
        contact = await handling.contact(read_ref(ref, service.nodes).node)
        async with service.reads.connect() as connection:
            found = {
                "links": await edges.links_of(connection, contact.nodes),
                "merges": await edges.merges_of(connection, contact.nodes),
                "conflicts": await edges.conflicts_of(connection, contact.nodes),
            }
        document = contact.document()
        head = {"contact": document["id"], "members": document["members"], "identifiers": document["identifiers"]}
        return json(head | found)

    @routes.post("/contacts/{ref:text}/identifiers", tags=["edges"], summary="Link a name to a contact",
                 status_code=201, response_model=Contact,
                 responses=PENDING | {200: {"model": Contact, "description": "It was so already"}})  # fmt: skip
    async def link(ref: str, body: NewLink, idempotency_key: Key = None, if_match: IfMatch = None) -> Response:
        """A name of another contact is a conflict, which is listed for a person to decide."""
        person = read_ref(ref, service.nodes)
        name = identifier_of(body.identifier, service.nodes, "/identifier")
        path = f"/v1/contacts/{person.identifier}/identifiers"
        said = body.model_dump()
        order = handling.commands.asked("POST", path, key=idempotency_key, body=said, if_match=if_match)
        command = LinkIdentifier(order.command, await handling.named(person), name, body.evidence)
        return await about(handling, await handling.claim(command, order), person.node, {})

    @routes.delete("/contacts/{ref:text}/identifiers/{identifier:text}", tags=["edges"], status_code=204,
                   summary="Take a name from a contact", responses=PENDING)  # fmt: skip
    async def unlink(
        ref: str, identifier: str, reason: Why = None, idempotency_key: Key = None, if_match: IfMatch = None
    ) -> Response:
        person, name = read_ref(ref, service.nodes), read_ref(identifier, service.nodes, "identifier")
        path = f"/v1/contacts/{person.identifier}/identifiers/{name.identifier}"
        said = {"reason": reason}
        order = handling.commands.asked("DELETE", path, key=idempotency_key, body=said, if_match=if_match)
        named, other = await handling.named(person), await handling.named(name)
        done = await handling.claim(UnlinkIdentifier(order.command, named, other, reason), order)
        return no_content(service, done)


def _merge_routes(routes: APIRouter, handling: Handling) -> None:
    service = handling.service

    @routes.post("/merges", tags=["edges"], summary="Merge contacts", status_code=201, response_model=Merge,
                 responses=PENDING)  # fmt: skip
    async def merge(body: NewMerge, idempotency_key: Key = None) -> Response:
        """Adds an edge between the contacts as they are named; taking it away again gives back what was before."""
        refs = [read_ref(member, service.nodes, f"/members/{n}") for n, member in enumerate(body.members)]
        order = handling.commands.asked("POST", "/v1/merges", key=idempotency_key, body=body.model_dump())
        members = tuple([await handling.named(ref, f"/members/{n}") for n, ref in enumerate(refs)])
        done = await handling.claim(MergeContacts(order.command, members, body.reason), order)
        if is_pending(done):
            return pending(service, done)
        async with service.reads.connect() as connection:
            found = document_of(await edges.merge(connection, order.command), refuse(MergeUnknown))
        return json(found, 201, {"Location": f"/v1/merges/{order.command}"} | position(done))

    @routes.get("/merges/{merge_id}", tags=["edges"], summary="One merge", response_model=Merge)
    async def get_merge(merge_id: UUID) -> Response:
        """Also one that was undone."""
        async with service.reads.connect() as connection:
            return json(document_of(await edges.merge(connection, merge_id), refuse(MergeUnknown)))

    @routes.delete("/merges/{merge_id}", tags=["edges"], summary="Undo a merge", status_code=204, responses=PENDING)
    async def unmerge(merge_id: UUID, reason: Why = None, idempotency_key: Key = None) -> Response:
        order = handling.commands.asked(
            "DELETE", f"/v1/merges/{merge_id}", key=idempotency_key, body={"reason": reason}
        )
        return no_content(service, await handling.claim(UnmergeContacts(order.command, merge_id, reason), order))


def _conflict_routes(routes: APIRouter, handling: Handling) -> None:
    service = handling.service

    @routes.get("/conflicts", tags=["edges"], summary="Conflicts over names, newest first",
                response_model=ConflictPage)  # fmt: skip
    async def list_conflicts(query: Annotated[ConflictQuery, Query()]) -> Response:
        is_open = None if query.status is None else query.status == "open"
        narrowed = Narrowed(is_open, decode_number(query.cursor), query.limit)
        async with service.reads.connect() as connection:
            found = await edges.conflict_page(connection, narrowed)
        return page("/v1/conflicts", query, found, lambda each: encode_number(each[0]), lambda each: each[1])

    @routes.get("/conflicts/{conflict_id}", tags=["edges"], summary="One conflict", response_model=Conflict)
    async def get_conflict(conflict_id: UUID) -> Response:
        async with service.reads.connect() as connection:
            return json(document_of(await edges.conflict(connection, conflict_id), refuse(ConflictUnknown)))

    @routes.post("/conflicts/{conflict_id}/resolution", tags=["edges"], summary="Decide a conflict",
                 response_model=Conflict, responses=PENDING)  # fmt: skip
    async def resolve(conflict_id: UUID, body: NewResolution, idempotency_key: Key = None) -> Response:
        """The holder keeps the names: who has them, or who claimed them."""
        holder = read_ref(body.holder, service.nodes, "/holder")
        path = f"/v1/conflicts/{conflict_id}/resolution"
        order = handling.commands.asked("POST", path, key=idempotency_key, body=body.model_dump())
        command = ResolveConflict(order.command, conflict_id, await handling.side(holder), body.reason)
        done = await handling.claim(command, order)
        if is_pending(done):
            return pending(service, done)
        async with service.reads.connect() as connection:
            found = document_of(await edges.conflict(connection, conflict_id), refuse(ConflictUnknown))
        return json(found, headers=position(done))
