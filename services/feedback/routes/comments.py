"""Comments: posting, replying, removing, and listing them."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.events.catalog.feedback import CommentPosted
from libs.events.decider import Invalid
from libs.events.identity.persons import person_of
from libs.events.problems import Problem
from libs.service.answers import PENDING, Key, no_content, page
from libs.service.app import new_router
from libs.service.commands import Done
from libs.service.cursors import decode_moment, encode_moment
from libs.service.errors import HttpRefusal
from libs.service.refs import read_ref
from services.feedback.commands import PostComment, RemoveComment
from services.feedback.loop import Loop
from services.feedback.queries import comments
from services.feedback.queries.people import require_known
from services.feedback.refusals import CommentUnknown
from services.feedback.routes.answers import When, actor_of, answered, event, order_of, said_by
from services.feedback.schemas.comments import Comment, CommentPage, CommentQuery, NewComment

Reason = Annotated[str, Query(min_length=1, max_length=2_000, description="Why it is not shown any more")]


def router(loop: Loop) -> APIRouter:
    """Below `/v1/comments`."""
    routes, handling = new_router(), loop.handling

    @routes.post("/comments", tags=["comments"], summary="Comment on an idea, or reply", status_code=201,
                 response_model=Comment, responses=PENDING)  # fmt: skip
    async def post_comment(body: NewComment, idempotency_key: Key = None) -> Response:
        """A comment stays with its idea, also when that is merged into another."""
        _require_someone(body)
        about = None if body.contact is None else await handling.ref(body.contact, "/contact")
        order = order_of(handling, "POST", "/v1/comments", said_by(body), time=body.time, key=idempotency_key)
        posted = event(
            CommentPosted, comment=str(order.asked.command), idea=str(body.idea), text=body.text,
            reply_to=None if body.reply_to is None else str(body.reply_to), interaction=body.interaction,
            actor=actor_of(body.actor),
        )  # fmt: skip
        return await _about(loop, order.asked.command, await loop.post(PostComment(posted), about, order), 201)

    @routes.get("/comments", tags=["comments"], summary="Comments, oldest first", response_model=CommentPage)
    async def list_comments(query: Annotated[CommentQuery, Query()]) -> Response:
        """On an idea, of a customer under whichever of their names, or both."""
        if query.idea is None and query.contact is None:
            raise HttpRefusal(400, "bad_parameter", "name an idea, a contact, or both")
        return await _page(loop, query)

    @routes.get("/comments/{comment_id}", tags=["comments"], summary="One comment", response_model=Comment)
    async def get_comment(comment_id: UUID) -> Response:
        return await _about(loop, comment_id, None)

    @routes.delete("/comments/{comment_id}", tags=["comments"], summary="Remove a comment", status_code=204,
                   responses=PENDING)  # fmt: skip
    async def remove_comment(
        comment_id: UUID, reason: Reason, time: When = None, idempotency_key: Key = None
    ) -> Response:  # fmt: skip
        """It is shown without its text from now on, and with the reason; replies stay."""
        order = order_of(handling, "DELETE", f"/v1/comments/{comment_id}", {"reason": reason}, time=time,
                         key=idempotency_key)  # fmt: skip
        return no_content(handling.service, await loop.remove(comment_id, RemoveComment(reason, None), order))

    return routes


async def _page(loop: Loop, query: CommentQuery) -> Response:
    ref = None if query.contact is None else read_ref(query.contact, loop.service.nodes, "contact")
    after = decode_moment(query.cursor)
    async with loop.service.reads.connect() as connection:
        if ref is not None:
            await require_known(connection, ref.node)
        nodes = None if ref is None else (await person_of(connection, ref.node)).nodes
        found = await comments.page(connection, comments.Sought(query.idea, nodes, after, query.limit))
    return page("/v1/comments", query, found, lambda comment: encode_moment(comment["occurred_at"], comment["id"]))


async def _about(loop: Loop, comment_id: UUID, done: Done | None, status: int = 200) -> Response:
    """The comment as it is now. Raises CommentUnknown."""
    load = partial(comments.comment, id_=comment_id)
    return await answered(loop.service, f"/v1/comments/{comment_id}", load, CommentUnknown, done=done, status=status)


def _require_someone(body: NewComment) -> None:
    """A comment is a customer's or the company's. Raises 422."""
    is_ours = body.actor is not None and body.actor.kind != "customer"
    if body.contact is None and not is_ours:
        detail = "whose comment it is; without a contact, an actor of kind staff or system says so"
        raise Invalid([Problem("/contact", "required", detail)])
