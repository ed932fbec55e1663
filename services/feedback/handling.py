"""Carrying commands out: load the state, decide, record, and wait for the own fold's verdict."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from libs.events.catalog.fields import Data
from libs.events.topics import FEEDBACK
from libs.service.batching import Batcher
from libs.service.commands import Asked, Commands, Done, Draft, drafted
from libs.service.preconditions import require_match
from libs.service.refs import Ref, read_ref
from libs.service.runtime import Service
from services.feedback.commands import ChangeBoard, EditIdea, MergeIdea, OfBoard, OfIdea, OfMerge, OfVote, SubmitIdea
from services.feedback.decider.boards import decide_board
from services.feedback.decider.ideas import decide_idea, decide_merge, decide_submission
from services.feedback.decider.votes import Voting, decide_vote
from services.feedback.queries import people, states, voting
from services.feedback.queries.states import BOARDS, IDEAS, board_of, idea_of
from services.feedback.refusals import IdeaUnknown, refuse


class Order(NamedTuple):
    """A request as it was asked, and when it says that it happened."""

    asked: Asked
    time: str | None


class Scope(NamedTuple):
    """Where a decision belongs: its board, the path that numbers it, how many were made there, and whom it is about."""

    board: UUID
    path: str
    head: int = 0
    about: Ref | None = None


Decided = tuple[Scope, Data | None]


class Handling:
    """Carries out the commands of feedback."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.commands = Commands(service)
        self._voting = Batcher(self._load_voting)

    async def ref(self, text: str, pointer: str) -> Ref:
        """Whom a field names. Raises 400 for what is no ref, 404 for an id that nobody has heard of."""
        ref = read_ref(text, self.service.nodes, pointer)
        if ref.is_node:
            async with self.service.reads.connect() as connection:
                await people.require_known(connection, ref.node, pointer)
        return ref

    async def carry_out(self, order: Order, turn: object, decide: Callable[[], Awaitable[Decided]]) -> Done | None:
        """Decide and record, one at a time for whatever `turn` names; None where it is already so.

        Raises what `decide` raises, and what carrying out raises.
        """

        async def draft() -> Draft | None:
            scope, event = await decide()
            await self.commands.require_unparked(FEEDBACK, str(scope.board))
            if event is None:
                return None
            subject, node = (None, None) if scope.about is None else (scope.about.identifier, scope.about.node)
            return drafted(
                order.asked.command, event, topic=FEEDBACK, key=str(scope.board), source=scope.path,
                subject=subject, node=node, sequence=scope.head + 1, time=order.time,
            )  # fmt: skip

        async with self.commands.turn(turn):
            return await self.commands.carry_out(order.asked, draft)

    async def open_or_change(self, id_: UUID, command: OfBoard, order: Order) -> Done | None:
        async def decide() -> Decided:
            async with self.service.reads.connect() as connection:
                found = await states.board(connection, id_)
            if found is not None:
                require_match(order.asked.if_match, found.etag, required=isinstance(command, ChangeBoard))
            event = decide_board(command, None if found is None else board_of(found.row))
            return Scope(id_, f"{BOARDS}{id_}", 0 if found is None else found.head), event

        return await self.carry_out(order, id_, decide)

    async def submit(self, board: UUID, command: SubmitIdea, about: Ref | None, order: Order) -> Done | None:
        """Of an idea or a proposal, whose id is the command's."""

        async def decide() -> Decided:
            async with self.service.reads.connect() as connection:
                found = await states.board(connection, board)
            event = decide_submission(command, None if found is None else board_of(found.row))
            return Scope(board, f"{IDEAS}{order.asked.command}", 0, about), event

        return await self.carry_out(order, order.asked.command, decide)

    async def change_idea(self, id_: UUID, command: OfIdea, order: Order) -> Done | None:
        async def decide() -> Decided:
            async with self.service.reads.connect() as connection:
                found = await states.idea(connection, id_)
            if found is None:
                raise refuse(IdeaUnknown)
            require_match(order.asked.if_match, found.etag, required=isinstance(command, EditIdea))
            event = decide_idea(command, idea_of(found.row))
            return Scope(found.row["board"], f"{IDEAS}{id_}", found.head, author(found.row)), event

        return await self.carry_out(order, id_, decide)

    async def merge(self, id_: UUID, command: OfMerge, order: Order) -> Done | None:
        async def decide() -> Decided:
            """The head comes with the first idea: a merge that the other shows already has used the next sequence."""
            async with self.service.reads.connect() as connection:
                found = await states.idea(connection, id_)
                other = await states.idea(connection, command.into) if isinstance(command, MergeIdea) else None
            if found is None:
                raise refuse(IdeaUnknown)
            require_match(order.asked.if_match, found.etag, required=False)
            event = decide_merge(command, idea_of(found.row), None if other is None else idea_of(other.row))
            board, head = found.row["board"], found.row["merges_head"]
            return Scope(board, f"{BOARDS}{board}/merges", head, author(found.row)), event

        return await self.carry_out(order, "merges", decide)  # of all boards: there are few

    async def vote(self, idea: UUID, voter: Ref, command: OfVote, order: Order) -> tuple[voting.Loaded, Done | None]:
        """The state that was decided on last, and what became of it."""
        seen: list[voting.Loaded] = []

        async def decide() -> Decided:
            found = await self._voting.ask(None, (idea, voter.node))
            event = decide_vote(command, None if found is None else _under(found.state, voter))
            assert found is not None  # noqa: S101  the decider refuses a vote on no idea
            seen.append(found)
            return Scope(found.state.board.id, found.scope, found.head, voter), event

        done = await self.carry_out(order, voter.node, decide)
        return seen[-1] if seen else await self.votes_of(idea, voter), done

    async def votes_of(self, idea: UUID, voter: Ref) -> voting.Loaded:
        """What a person said about an idea. Raises IdeaUnknown."""
        found: voting.Loaded | None = await self._voting.ask(None, (idea, voter.node))
        if found is None:
            raise refuse(IdeaUnknown, "/idea")
        return found

    async def _load_voting(
        self, _shape: None, asked: Sequence[tuple[UUID, UUID]]
    ) -> Sequence[voting.Loaded | None]:  # fmt: skip
        async with self.service.reads.connect() as connection:
            return await voting.voting(connection, asked)


def _under(state: Voting, voter: Ref) -> Voting:
    """A name that is voted by is the person's, also where nobody has claimed it."""
    if voter.is_node:
        return state
    return replace(state, voter=replace(state.voter, names=(*state.voter.names, voter.identifier)))


def author(row: Any) -> Ref | None:
    """The customer whose idea or comment it is, by the name that they used."""
    return None if row["node"] is None else Ref(row["node"], row["subject"])
