"""Changes: linking them to ideas, shipping and measuring them, closing the loop, and telling who asked for it."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.events.catalog.feedback import ChangeLinked, OutcomeMeasured
from libs.service.answers import PENDING, IfMatch, Key, is_pending, json, page, position
from libs.service.app import new_router
from libs.service.commands import Done
from libs.service.cursors import decode_id, decode_moment, encode_id, encode_moment
from libs.service.outcomes import pending
from libs.service.refs import read_ref
from services.feedback.commands import (
    AddIdeas,
    CloseLoop,
    LinkChange,
    MeasureOutcome,
    NotifyBeneficiary,
    ReopenLoop,
    ShipChange,
)
from services.feedback.loop import Following, Loop
from services.feedback.queries import beneficiaries, changes
from services.feedback.refusals import ChangeUnknown, NotABeneficiary, refuse
from services.feedback.routes.answers import actor_of, answered, event, order_of, said_by
from services.feedback.schemas.changes import (
    BeneficiaryPage,
    BeneficiaryQuery,
    Change,
    ChangePage,
    ChangeQuery,
    NewChange,
    NewClosing,
    NewIdeas,
    NewNotification,
    NewOutcome,
    NewReopening,
    NewShipment,
    Notification,
)
from services.feedback.schemas.fields import Write


def router(loop: Loop) -> APIRouter:
    """Below `/v1/changes`."""
    routes = new_router()
    _link_routes(routes, loop)
    _read_routes(routes, loop)
    _turn_routes(routes, loop)
    _beneficiary_routes(routes, loop)
    return routes


def _link_routes(routes: APIRouter, loop: Loop) -> None:
    @routes.post("/changes", tags=["changes"], summary="Take up a change that answers ideas", status_code=201,
                 response_model=Change, responses=PENDING)  # fmt: skip
    async def link_change(body: NewChange, idempotency_key: Key = None) -> Response:
        """It lies on the board of its ideas."""
        order = order_of(loop.handling, "POST", "/v1/changes", said_by(body), time=body.time, key=idempotency_key)
        linked = event(
            ChangeLinked, change=str(order.asked.command), title=body.title, description=body.description,
            ideas=list(map(str, body.ideas)),
        )  # fmt: skip
        return await _about(loop, order.asked.command, await loop.take_up(LinkChange(linked), order), 201)

    @routes.post("/changes/{change_id}/ideas", tags=["changes"], summary="Link more ideas to a change",
                 response_model=Change, responses=PENDING)  # fmt: skip
    async def add_ideas(
        change_id: UUID, body: NewIdeas, idempotency_key: Key = None, if_match: IfMatch = None
    ) -> Response:
        """Until it has shipped; again once the loop was reopened."""
        command = AddIdeas(list(map(str, body.ideas)))
        return await _follow(loop, change_id, "ideas", body, command, key=idempotency_key, if_match=if_match)


def _read_routes(routes: APIRouter, loop: Loop) -> None:
    @routes.get("/changes", tags=["changes"], summary="Changes, newest first", response_model=ChangePage)
    async def list_changes(query: Annotated[ChangeQuery, Query()]) -> Response:
        after = decode_moment(query.cursor)
        sought = changes.Sought(query.board, query.status, query.idea, after, query.limit)
        async with loop.service.reads.connect() as connection:
            found = await changes.page(connection, sought)
        return page("/v1/changes", query, found, lambda change: encode_moment(change["occurred_at"], change["id"]))

    @routes.get("/changes/{change_id}", tags=["changes"], summary="One change", response_model=Change)
    async def get_change(change_id: UUID) -> Response:
        """With all that was measured."""
        return await _about(loop, change_id, None)


def _turn_routes(routes: APIRouter, loop: Loop) -> None:
    @routes.post("/changes/{change_id}/shipment", tags=["changes"], summary="Say that a change has shipped",
                 response_model=Change, responses=PENDING)  # fmt: skip
    async def ship(
        change_id: UUID, body: NewShipment, idempotency_key: Key = None, if_match: IfMatch = None
    ) -> Response:  # fmt: skip
        """So have its ideas."""
        command = ShipChange(body.note)
        return await _follow(loop, change_id, "shipment", body, command, key=idempotency_key, if_match=if_match)

    @routes.post("/changes/{change_id}/outcomes", tags=["changes"], summary="Say whether a change helped",
                 response_model=Change, responses=PENDING)  # fmt: skip
    async def measure(
        change_id: UUID, body: NewOutcome, idempotency_key: Key = None, if_match: IfMatch = None
    ) -> Response:
        """Once it has shipped, and as often as it is measured."""
        said = body.model_dump(exclude={"time"}, exclude_none=True)
        command = MeasureOutcome(OutcomeMeasured(change=str(change_id), ideas=[], **said))
        return await _follow(loop, change_id, "outcomes", body, command, key=idempotency_key, if_match=if_match)

    @routes.post("/changes/{change_id}/closing", tags=["changes"], summary="Close the loop",
                 response_model=Change, responses=PENDING)  # fmt: skip
    async def close(
        change_id: UUID, body: NewClosing, idempotency_key: Key = None, if_match: IfMatch = None
    ) -> Response:  # fmt: skip
        """Where the last measure met its target."""
        command = CloseLoop(body.text)
        return await _follow(loop, change_id, "closing", body, command, key=idempotency_key, if_match=if_match)

    @routes.post("/changes/{change_id}/reopening", tags=["changes"], summary="Reopen the loop",
                 response_model=Change, responses=PENDING)  # fmt: skip
    async def reopen(
        change_id: UUID, body: NewReopening, idempotency_key: Key = None, if_match: IfMatch = None
    ) -> Response:
        """Where the last measure missed its target: its ideas are worked on again."""
        command = ReopenLoop(body.reason)
        return await _follow(loop, change_id, "reopening", body, command, key=idempotency_key, if_match=if_match)


def _beneficiary_routes(routes: APIRouter, loop: Loop) -> None:
    @routes.get("/changes/{change_id}/beneficiaries", tags=["changes"], summary="Who stands behind a change's ideas",
                response_model=BeneficiaryPage)  # fmt: skip
    async def list_beneficiaries(change_id: UUID, query: Annotated[BeneficiaryQuery, Query()]) -> Response:
        """Each person once, and whether they were told."""
        after = decode_id(query.cursor)
        async with loop.service.reads.connect() as connection:
            change = await changes.change(connection, change_id)
            if change is None:
                raise refuse(ChangeUnknown)
            found = await beneficiaries.page(connection, change_id, change["ideas"], after, query.limit)
        path = f"/v1/changes/{change_id}/beneficiaries"
        return page(path, query, found, lambda beneficiary: encode_id(beneficiary["contact"]))

    @routes.post("/changes/{change_id}/beneficiaries/{ref:text}/notification", tags=["changes"],
                 summary="Record that a beneficiary was told", status_code=201, response_model=Notification,
                 responses=PENDING | {200: {"model": Notification, "description": "It was so already"}})  # fmt: skip
    async def notify(change_id: UUID, ref: str, body: NewNotification, idempotency_key: Key = None) -> Response:
        """By any of the person's names, once; nothing is sent from here."""
        who = read_ref(ref, loop.service.nodes)
        path = f"/v1/changes/{change_id}/beneficiaries/{who.identifier}/notification"
        order = order_of(loop.handling, "POST", path, said_by(body), time=body.time, key=idempotency_key)
        command = NotifyBeneficiary(body.channel, body.text, actor_of(body.actor))
        done = await loop.notify(change_id, command, who, order)
        if is_pending(done):
            return pending(loop.service, done)
        async with loop.service.reads.connect() as connection:
            found = await changes.telling(connection, change_id, who.node)
        if found is None:
            raise refuse(NotABeneficiary)
        return json(found, 200 if done is None else 201, position(done))


async def _follow(
    loop: Loop, change_id: UUID, step: str, body: Write, command: Following, *, key: str | None, if_match: str | None
) -> Response:
    path = f"/v1/changes/{change_id}/{step}"
    order = order_of(loop.handling, "POST", path, said_by(body), time=body.time, key=key, if_match=if_match)
    return await _about(loop, change_id, await loop.follow(change_id, command, order))


async def _about(loop: Loop, change_id: UUID, done: Done | None, status: int = 200) -> Response:
    """The change as it is now. Raises ChangeUnknown."""
    load = partial(changes.change, id_=change_id)
    return await answered(loop.service, f"/v1/changes/{change_id}", load, ChangeUnknown, done=done, status=status)
