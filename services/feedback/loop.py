"""Carrying out what follows an idea: talking about it, changing something, and telling what came of that."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import UNSET

from libs.service.commands import Done
from libs.service.preconditions import require_match
from libs.service.refs import Ref
from services.feedback.commands import (
    AddIdeas,
    CloseLoop,
    LinkChange,
    MeasureOutcome,
    NotifyBeneficiary,
    PostComment,
    RemoveComment,
    ReopenLoop,
    ShipChange,
)
from services.feedback.decider.changes import Answerable, board_of_all, decide_change
from services.feedback.decider.comments import Talk, decide_comment
from services.feedback.handling import Decided, Handling, Order, Scope, author
from services.feedback.queries import changes, people, states
from services.feedback.queries.states import CHANGES, COMMENTS, answer_of, comment_of, idea_of
from services.feedback.refusals import ChangeUnknown, CommentUnknown, refuse

Following = AddIdeas | ShipChange | MeasureOutcome | CloseLoop | ReopenLoop


class Loop:
    """Carries out the commands about comments and changes."""

    def __init__(self, handling: Handling) -> None:
        self.handling = handling
        self.service = handling.service

    async def post(self, command: PostComment, about: Ref | None, order: Order) -> Done | None:
        """Of a comment, whose id is the command's."""
        idea = UUID(command.posted.idea)
        reply_to = None if command.posted.reply_to is UNSET else UUID(command.posted.reply_to)

        async def decide() -> Decided:
            async with self.service.reads.connect() as connection:
                found = await states.idea(connection, idea)
                parent = None if reply_to is None else await states.comment(connection, reply_to)
            talk = Talk(
                None if found is None else idea_of(found.row), None if parent is None else comment_of(parent.row)
            )
            event = decide_comment(command, talk)
            assert talk.idea is not None  # noqa: S101  the decider refuses a comment on no idea
            thread, head = (order.asked.command, 0) if parent is None else (parent.row["root"], parent.head)
            return Scope(talk.idea.board.id, f"{COMMENTS}{thread}", head, about), event

        turn = order.asked.command if reply_to is None else await self._thread(reply_to)
        return await self.handling.carry_out(order, turn, decide)

    async def remove(self, id_: UUID, command: RemoveComment, order: Order) -> Done | None:
        async def decide() -> Decided:
            async with self.service.reads.connect() as connection:
                found = await states.comment(connection, id_)
                idea = None if found is None else await states.idea(connection, found.row["idea"])
            if found is None or idea is None:
                raise refuse(CommentUnknown)
            event = decide_comment(command, Talk(idea_of(idea.row), comment_of(found.row)))
            path = f"{COMMENTS}{found.row['root']}"
            return Scope(idea.row["board"], path, found.head, author(found.row)), event

        return await self.handling.carry_out(order, await self._thread(id_), decide)

    async def take_up(self, command: LinkChange, order: Order) -> Done | None:
        """Of a change, whose id is the command's."""

        async def decide() -> Decided:
            board = board_of_all(command.linked.ideas, await self._answerable(command.linked.ideas))
            return Scope(board, f"{CHANGES}{order.asked.command}"), decide_change(command, None)

        return await self.handling.carry_out(order, order.asked.command, decide)

    async def follow(self, id_: UUID, command: Following, order: Order) -> Done | None:
        async def decide() -> Decided:
            found = await self._change(id_)
            require_match(order.asked.if_match, found.etag, required=False)
            if isinstance(command, AddIdeas):
                board_of_all(command.ideas, await self._answerable(command.ideas), found.row["board"])
            event = decide_change(command, answer_of(found.row))
            return Scope(found.row["board"], f"{CHANGES}{id_}", found.head), event

        return await self.handling.carry_out(order, id_, decide)

    async def notify(self, id_: UUID, command: NotifyBeneficiary, who: Ref, order: Order) -> Done | None:
        """Tell one person, by any of their names. Raises 404 for whom nobody has heard of."""

        async def decide() -> Decided:
            found = await self._change(id_)
            async with self.service.reads.connect() as connection:
                await people.require_known(connection, who.node)
                voter = await changes.voter(connection, id_, answer_of(found.row).ideas, who.node)
            event = decide_change(command, answer_of(found.row, voter))
            return Scope(found.row["board"], f"{CHANGES}{id_}", found.head, who), event

        return await self.handling.carry_out(order, id_, decide)

    async def _thread(self, comment: UUID) -> UUID:
        """The first of a comment's thread, for which all that is decided there waits in turn."""
        async with self.service.reads.connect() as connection:
            found = await states.comment(connection, comment)
        return comment if found is None else found.row["root"]

    async def _change(self, id_: UUID) -> states.Loaded:
        """Raises ChangeUnknown."""
        async with self.service.reads.connect() as connection:
            found = await states.change(connection, id_)
        if found is None:
            raise refuse(ChangeUnknown)
        return found

    async def _answerable(self, ideas: Sequence[str]) -> dict[str, Answerable]:
        async with self.service.reads.connect() as connection:
            return await changes.answerable(connection, ideas)
