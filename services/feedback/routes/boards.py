"""Boards: opening, changing and listing them, and publishing proposals there."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.events.catalog.ballots import Ballot
from libs.events.catalog.feedback import BoardOpened
from libs.service.answers import PENDING, IfMatch, Key, page
from libs.service.app import new_router
from libs.service.commands import Done
from libs.service.cursors import decode_moment, encode_moment
from libs.service.refs import read_ref
from services.feedback.commands import ChangeBoard, OpenBoard
from services.feedback.handling import Handling
from services.feedback.queries import boards
from services.feedback.refusals import BoardUnknown
from services.feedback.routes.answers import answered, event, order_of, said_by
from services.feedback.schemas.boards import Board, BoardPage, BoardPatch, BoardQuery, NewBoard, NewEligibility


def router(handling: Handling) -> APIRouter:
    """Below `/v1/boards`."""
    routes, service = new_router(), handling.service

    @routes.post("/boards", tags=["boards"], summary="Open a board", status_code=201, response_model=Board,
                 responses=PENDING)  # fmt: skip
    async def open_board(body: NewBoard, idempotency_key: Key = None) -> Response:
        """Approval: a vote is for an idea. Up and down: for or against. Credits: spent from a budget."""
        order = order_of(handling, "POST", "/v1/boards", said_by(body), time=body.time, key=idempotency_key)
        opened = event(
            BoardOpened, board=str(order.asked.command), title=body.title, description=body.description,
            ballot=event(Ballot, **body.ballot.model_dump()), eligibility=_eligibility(handling, body.eligibility),
        )  # fmt: skip
        done = await handling.open_or_change(order.asked.command, OpenBoard(opened), order)
        return await _about(handling, order.asked.command, done, 201)

    @routes.get("/boards", tags=["boards"], summary="List boards", response_model=BoardPage)
    async def list_boards(query: Annotated[BoardQuery, Query()]) -> Response:
        async with service.reads.connect() as connection:
            found = await boards.page(connection, query.status, decode_moment(query.cursor), query.limit)
        return page("/v1/boards", query, found, lambda board: encode_moment(board["occurred_at"], UUID(board["id"])))

    @routes.get("/boards/{board_id}", tags=["boards"], summary="One board", response_model=Board)
    async def get_board(board_id: UUID) -> Response:
        return await _about(handling, board_id, None)

    @routes.patch("/boards/{board_id}", tags=["boards"], summary="Change a board, close it or open it again",
                  response_model=Board, responses=PENDING)  # fmt: skip
    async def change_board(
        board_id: UUID, body: BoardPatch, idempotency_key: Key = None, if_match: IfMatch = None
    ) -> Response:
        """Votes that were cast stand, whatever the rules are from now on."""
        said = said_by(body)
        order = order_of(handling, "PATCH", f"/v1/boards/{board_id}", said, time=body.time, key=idempotency_key,
                         if_match=if_match)  # fmt: skip
        fields = {name: value for name, value in said.items() if name != "reason"}
        if body.eligibility is not None:
            fields["eligibility"] = _eligibility(handling, body.eligibility)
        done = await handling.open_or_change(board_id, ChangeBoard(fields, body.reason), order)
        return await _about(handling, board_id, done)

    return routes


async def _about(handling: Handling, board_id: UUID, done: Done | None, status: int = 200) -> Response:
    """The board as it is now. Raises BoardUnknown."""
    load = partial(boards.board, id_=board_id)
    return await answered(handling.service, f"/v1/boards/{board_id}", load, BoardUnknown, done=done, status=status)


def _eligibility(handling: Handling, body: NewEligibility) -> dict[str, Any]:
    """As events have it: voters by name and node. Raises 400 for what is no ref."""
    said = body.model_dump(exclude_none=True)
    if body.voters is not None:
        refs = [
            read_ref(text, handling.service.nodes, f"/eligibility/voters/{n}") for n, text in enumerate(body.voters)
        ]
        said["voters"] = [{"name": ref.identifier, "node": str(ref.node)} for ref in refs]
    return said
