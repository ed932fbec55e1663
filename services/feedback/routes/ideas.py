"""Ideas: submitting and finding them, their way, answers, merges and tallies; and the proposals of a board."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.events.catalog.feedback import IdeaAnswered, IdeaSubmitted, ProposalPublished
from libs.events.times import utc_text
from libs.service.answers import PENDING, IfMatch, Key, Why, json, no_content
from libs.service.app import new_router
from libs.service.commands import Done
from libs.service.errors import HttpRefusal
from services.feedback.commands import AnswerIdea, EditIdea, MergeIdea, SetStatus, SubmitIdea, TagIdea, UnmergeIdea
from services.feedback.handling import Handling
from services.feedback.queries import ideas, tallies
from services.feedback.refusals import IdeaUnknown, refuse
from services.feedback.routes.answers import When, actor_of, answered, event, order_of, said_by
from services.feedback.schemas.ideas import (
    Idea,
    IdeaPage,
    IdeaPatch,
    IdeaQuery,
    NewAnswer,
    NewIdea,
    NewMerge,
    NewProposal,
    NewStatus,
    NewTags,
    SimilarIdeas,
    SimilarQuery,
    TallyAt,
    TallyQuery,
)

FIELDS = ("title", "text", "touchpoint", "value_factor")


def router(handling: Handling) -> APIRouter:
    """Below `/v1/ideas`, and `/v1/boards/{id}/proposals`."""
    routes = new_router()
    _submit_routes(routes, handling)
    _read_routes(routes, handling)
    _change_routes(routes, handling)
    _status_routes(routes, handling)
    _merge_routes(routes, handling)
    return routes


def _submit_routes(routes: APIRouter, handling: Handling) -> None:
    @routes.post("/ideas", tags=["ideas"], summary="Submit an idea", status_code=201, response_model=Idea,
                 responses=PENDING)  # fmt: skip
    async def submit_idea(body: NewIdea, idempotency_key: Key = None) -> Response:
        """It stands on the customer's timeline, also where somebody enters it on their behalf."""
        about = await handling.ref(body.contact, "/contact")
        order = order_of(handling, "POST", "/v1/ideas", said_by(body), time=body.time, key=idempotency_key)
        submitted = _said(IdeaSubmitted, order.asked.command, body, interaction=body.interaction)
        done = await handling.submit(body.board, SubmitIdea(submitted), about, order)
        return await _about(handling, order.asked.command, done, 201)

    @routes.post("/boards/{board_id}/proposals", tags=["ideas"], summary="Put a change to the vote", status_code=201,
                 response_model=Idea, responses=PENDING)  # fmt: skip
    async def publish_proposal(board_id: UUID, body: NewProposal, idempotency_key: Key = None) -> Response:
        """The company considers it. It is voted on, discussed and answered as ideas are."""
        path = f"/v1/boards/{board_id}/proposals"
        order = order_of(handling, "POST", path, said_by(body), time=body.time, key=idempotency_key)
        published = _said(ProposalPublished, order.asked.command, body)
        done = await handling.submit(board_id, SubmitIdea(published), None, order)
        return await _about(handling, order.asked.command, done, 201)


def _read_routes(routes: APIRouter, handling: Handling) -> None:
    service = handling.service

    @routes.get("/ideas", tags=["ideas"], summary="Ideas, best first", response_model=IdeaPage)
    async def list_ideas(query: Annotated[IdeaQuery, Query()]) -> Response:
        """Ranked by what is known now; a page goes on where the one before ended, whatever was voted since."""
        raise HttpRefusal(500, "internal_error", "the page handler is not mounted")  # Page answers this path

    @routes.get("/ideas/similar", tags=["ideas"], summary="Ideas that a title has words in common with",
                response_model=SimilarIdeas)  # fmt: skip
    async def similar_ideas(query: Annotated[SimilarQuery, Query()]) -> Response:
        """To be asked while somebody types: a word also finds those that it begins. Merged ideas are left out."""
        async with service.reads.connect() as connection:
            return json({"items": await ideas.similar(connection, query.title, query.board, query.limit)})

    @routes.get("/ideas/{idea_id}", tags=["ideas"], summary="One idea", response_model=Idea)
    async def get_idea(idea_id: UUID, query: Annotated[TallyQuery, Query()]) -> Response:
        """With its tally: of now, or as of a time."""
        async with service.reads.connect() as connection:
            row = await ideas.idea(connection, idea_id)
            if row is None:
                raise refuse(IdeaUnknown)
            as_of = query.as_of
            tally = None if as_of is None else await tallies.tally_at(connection, row["root"], as_of)
        return json(ideas.document(row, tally), headers={"ETag": f'"{row["version"]}"'})

    @routes.get("/ideas/{idea_id}/tally", tags=["ideas"], summary="Who stands behind an idea, as of any time",
                response_model=TallyAt)  # fmt: skip
    async def get_tally(idea_id: UUID, query: Annotated[TallyQuery, Query()]) -> Response:
        async with service.reads.connect() as connection:
            row = await ideas.idea(connection, idea_id)
            if row is None:
                raise refuse(IdeaUnknown)
            as_of = query.as_of
            tally = tallies.tally_of(row) if as_of is None else await tallies.tally_at(connection, row["root"], as_of)
        moment = None if as_of is None else utc_text(as_of)
        return json({"idea": str(idea_id), "as_of": moment, "tally": tally})


def _change_routes(routes: APIRouter, handling: Handling) -> None:
    @routes.patch("/ideas/{idea_id}", tags=["ideas"], summary="Change what an idea says", response_model=Idea,
                  responses=PENDING)  # fmt: skip
    async def edit_idea(
        idea_id: UUID, body: IdeaPatch, idempotency_key: Key = None, if_match: IfMatch = None
    ) -> Response:
        said = said_by(body)
        order = order_of(handling, "PATCH", f"/v1/ideas/{idea_id}", said, time=body.time, key=idempotency_key,
                         if_match=if_match)  # fmt: skip
        fields = {name: said[name] for name in FIELDS if name in said}
        command = EditIdea(fields, body.reason, actor_of(body.actor))
        return await _about(handling, idea_id, await handling.change_idea(idea_id, command, order))

    @routes.put("/ideas/{idea_id}/tags", tags=["ideas"], summary="Tag an idea", response_model=Idea, responses=PENDING)
    async def tag_idea(
        idea_id: UUID, body: NewTags, idempotency_key: Key = None, if_match: IfMatch = None
    ) -> Response:  # fmt: skip
        """All its tags; an empty list takes them away."""
        order = order_of(handling, "PUT", f"/v1/ideas/{idea_id}/tags", said_by(body), time=body.time,
                         key=idempotency_key, if_match=if_match)  # fmt: skip
        command = TagIdea(body.tags, actor_of(body.actor))
        return await _about(handling, idea_id, await handling.change_idea(idea_id, command, order))


def _status_routes(routes: APIRouter, handling: Handling) -> None:
    @routes.post("/ideas/{idea_id}/status", tags=["ideas"], summary="Set an idea's status", response_model=Idea,
                 responses=PENDING)  # fmt: skip
    async def set_status(
        idea_id: UUID, body: NewStatus, idempotency_key: Key = None, if_match: IfMatch = None
    ) -> Response:
        """With its reason. A date that is promised is a promise to all who voted, and is kept or broken."""
        order = order_of(handling, "POST", f"/v1/ideas/{idea_id}/status", said_by(body), time=body.time,
                         key=idempotency_key, if_match=if_match)  # fmt: skip
        command = SetStatus(body.status, body.reason, body.promised_for, actor_of(body.actor))
        return await _about(handling, idea_id, await handling.change_idea(idea_id, command, order))

    @routes.post("/ideas/{idea_id}/answers", tags=["ideas"], summary="Answer an idea", status_code=201,
                 response_model=Idea, responses=PENDING)  # fmt: skip
    async def answer_idea(
        idea_id: UUID, body: NewAnswer, idempotency_key: Key = None, if_match: IfMatch = None
    ) -> Response:
        """Officially. How long the first one took is among the figures of the loop."""
        order = order_of(handling, "POST", f"/v1/ideas/{idea_id}/answers", said_by(body), time=body.time,
                         key=idempotency_key, if_match=if_match)  # fmt: skip
        said = event(IdeaAnswered, idea=str(idea_id), text=body.text, actor=actor_of(body.actor))
        done = await handling.change_idea(idea_id, AnswerIdea(said), order)
        return await _about(handling, idea_id, done, 201)


def _merge_routes(routes: APIRouter, handling: Handling) -> None:
    @routes.post("/ideas/{idea_id}/merge", tags=["ideas"], summary="Merge an idea into another", status_code=201,
                 response_model=Idea,
                 responses=PENDING | {200: {"model": Idea, "description": "It was so already"}})  # fmt: skip
    async def merge_idea(
        idea_id: UUID, body: NewMerge, idempotency_key: Key = None, if_match: IfMatch = None
    ) -> Response:
        """A link: votes stay where they were cast, and a person counts once over all that is merged."""
        order = order_of(handling, "POST", f"/v1/ideas/{idea_id}/merge", said_by(body), time=body.time,
                         key=idempotency_key, if_match=if_match)  # fmt: skip
        command = MergeIdea(order.asked.command, body.into, body.reason, actor_of(body.actor))
        done = await handling.merge(idea_id, command, order)
        return await _about(handling, idea_id, done, 200 if done is None else 201)

    @routes.delete("/ideas/{idea_id}/merge", tags=["ideas"], summary="Undo a merge", status_code=204,
                   responses=PENDING)  # fmt: skip
    async def unmerge_idea(
        idea_id: UUID, reason: Why = None, time: When = None, idempotency_key: Key = None, if_match: IfMatch = None
    ) -> Response:
        """Takes the link away, and gives back the counts of before."""
        order = order_of(handling, "DELETE", f"/v1/ideas/{idea_id}/merge", {"reason": reason}, time=time,
                         key=idempotency_key, if_match=if_match)  # fmt: skip
        return no_content(handling.service, await handling.merge(idea_id, UnmergeIdea(reason, None), order))


async def _about(handling: Handling, idea_id: UUID, done: Done | None, status: int = 200) -> Response:
    """The idea as it is now. Raises IdeaUnknown."""
    load = partial(ideas.idea_now, id_=idea_id)
    return await answered(handling.service, f"/v1/ideas/{idea_id}", load, IdeaUnknown, done=done, status=status)


def _said(kind: Any, id_: UUID, body: NewProposal, **more: Any) -> Any:
    """An idea or a proposal as its event says it."""
    fields = {name: getattr(body, name) for name in (*FIELDS, "tags")}
    return event(kind, idea=str(id_), **fields, actor=actor_of(body.actor), **more)
