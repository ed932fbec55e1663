"""Votes: casting, changing, withdrawing and invalidating them, and what stands."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.service.answers import PENDING, Key, Why, is_pending, json, no_content, page, position
from libs.service.app import new_router
from libs.service.cursors import decode_pair, encode_pair
from libs.service.errors import HttpRefusal
from libs.service.outcomes import pending
from libs.service.refs import read_ref
from services.feedback.commands import CastVote, InvalidateVote, WithdrawVote
from services.feedback.handling import Handling
from services.feedback.queries import votes
from services.feedback.queries.people import require_known
from services.feedback.refusals import VoteUnknown, refuse
from services.feedback.routes.answers import When, actor_of, order_of, said_by
from services.feedback.schemas.votes import Invalidation, NewVote, Vote, VoteHistory, VotePage, VoteQuery


def router(handling: Handling) -> APIRouter:
    """Below `/v1/votes`."""
    routes = new_router()
    _write_routes(routes, handling)
    _read_routes(routes, handling)
    return routes


def _write_routes(routes: APIRouter, handling: Handling) -> None:
    @routes.post("/votes", tags=["votes"], summary="Vote, or change a vote", status_code=201, response_model=Vote,
                 responses=PENDING | {200: {"model": Vote, "description": "It was so already"}})  # fmt: skip
    async def cast_vote(body: NewVote, idempotency_key: Key = None) -> Response:
        """A person has one vote on an idea, whichever of their names it is cast by."""
        voter = await handling.ref(body.voter, "/voter")
        order = order_of(handling, "POST", "/v1/votes", said_by(body), time=body.time, key=idempotency_key)
        command = CastVote(body.stance, body.credits, actor_of(body.proxy))
        found, done = await handling.vote(body.idea, voter, command, order)
        if is_pending(done):
            return pending(handling.service, done)
        document = {
            "idea": str(body.idea),
            "voter": str(found.state.voter.person),
            "name": voter.identifier,
            "stance": body.stance,
            "credits": body.credits or 0,
        }
        created = {"Location": f"/v1/votes/{body.idea}/{found.state.voter.person}"}
        return json(document, 200 if done is None else 201, created | position(done))

    @routes.delete("/votes/{idea_id}/{ref:text}", tags=["votes"], summary="Withdraw a vote", status_code=204,
                   responses=PENDING)  # fmt: skip
    async def withdraw_vote(
        idea_id: UUID, ref: str, reason: Why = None, time: When = None, idempotency_key: Key = None
    ) -> Response:
        """By any of the person's names. Credits come back; on ideas that were merged with it their votes stand."""
        voter = await handling.ref(ref, "ref")
        path = f"/v1/votes/{idea_id}/{voter.identifier}"
        order = order_of(handling, "DELETE", path, {"reason": reason}, time=time, key=idempotency_key)
        _, done = await handling.vote(idea_id, voter, WithdrawVote(reason, None), order)
        return no_content(handling.service, done)

    @routes.post("/votes/{idea_id}/{ref:text}/invalidation", tags=["votes"], summary="Find that a vote does not count",
                 status_code=201, response_model=VoteHistory,
                 responses=PENDING | {200: {"model": VoteHistory, "description": "It was so already"}})  # fmt: skip
    async def invalidate_vote(idea_id: UUID, ref: str, body: Invalidation, idempotency_key: Key = None) -> Response:
        """It stays in the record; the person does not vote on this idea again."""
        voter = await handling.ref(ref, "ref")
        path = f"/v1/votes/{idea_id}/{voter.identifier}/invalidation"
        order = order_of(handling, "POST", path, said_by(body), time=body.time, key=idempotency_key)
        command = InvalidateVote(body.reason, actor_of(body.actor))
        _, done = await handling.vote(idea_id, voter, command, order)
        if is_pending(done):
            return pending(handling.service, done)
        return await _history(handling, idea_id, voter.node, 200 if done is None else 201, position(done))


def _read_routes(routes: APIRouter, handling: Handling) -> None:
    service = handling.service

    @routes.get("/votes", tags=["votes"], summary="Votes that stand", response_model=VotePage)
    async def list_votes(query: Annotated[VoteQuery, Query()]) -> Response:
        """A person once in a group of merged ideas."""
        if query.idea is None and query.voter is None:
            raise HttpRefusal(400, "bad_parameter", "name an idea, a voter, or both")
        voter = None if query.voter is None else read_ref(query.voter, service.nodes, "voter")
        async with service.reads.connect() as connection:
            if voter is not None:
                await require_known(connection, voter.node)
            node = None if voter is None else voter.node
            after = decode_pair(query.cursor)
            found = await votes.page(connection, votes.Sought(query.idea, node, query.board, after, query.limit))
        return page("/v1/votes", query, found, lambda vote: encode_pair(UUID(vote["idea"]), UUID(vote["voter"])))

    @routes.get("/votes/{idea_id}/{ref:text}", tags=["votes"], summary="A person's vote on an idea",
                response_model=VoteHistory)  # fmt: skip
    async def get_vote(idea_id: UUID, ref: str) -> Response:
        """What stands, and every ballot that led there."""
        voter = read_ref(ref, service.nodes)
        return await _history(handling, idea_id, voter.node, 200, {})


async def _history(handling: Handling, idea: UUID, node: UUID, status: int, headers: dict[str, str]) -> Response:
    async with handling.service.reads.connect() as connection:
        await require_known(connection, node)
        ballots = await votes.history(connection, idea, node)
        if not ballots:
            raise refuse(VoteUnknown)
        person = await votes.person(connection, node)
        stance, spent = await votes.standing(connection, idea, person)
    document = {
        "idea": str(idea),
        "voter": str(person),
        "stance": votes.STANCES[stance],
        "credits": spent,
        "ballots": ballots,
    }
    return json(document, status, headers)
