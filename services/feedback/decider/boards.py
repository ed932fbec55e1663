"""Boards: opening and changing them, and who may vote there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, assert_never
from uuid import UUID

import msgspec

from libs.events.catalog.ballots import Eligibility, eligibility_problem
from libs.events.catalog.contacts import Change
from libs.events.catalog.feedback import BoardChanged, BoardOpened
from libs.events.decider import Invalid
from libs.events.problems import Problem
from services.feedback.commands import ChangeBoard, OfBoard, OpenBoard
from services.feedback.refusals import BallotKindFixed, BoardClosed, BoardUnknown, refuse


@dataclass(frozen=True, slots=True)
class Board:
    """`budget` and `cap` are of a ballot of credits; a cap of None is the budget."""

    id: UUID
    status: Literal["open", "closed"]
    title: str
    description: str | None
    ballot: Literal["approval", "up_down", "credits"]
    budget: int | None
    cap: int | None
    eligibility: Eligibility

    @property
    def most(self) -> int:
        """The credits that one idea may get from a person."""
        return self.budget or 0 if self.cap is None else self.cap


@dataclass(frozen=True, slots=True)
class Voter:
    """A person: all of their nodes and names, and whether anybody has registered them."""

    person: UUID
    nodes: Sequence[UUID]
    names: Sequence[str]
    is_registered: bool


def decide_board(command: OfBoard, state: Board | None) -> BoardOpened | BoardChanged | None:
    """The event to record; None where it is already so."""
    match command, state:
        case OpenBoard(), Board():
            return None
        case OpenBoard(), _:
            if problem := command.opened.problem():
                raise Invalid([Problem(*problem)])
            return command.opened
        case _, None:
            raise refuse(BoardUnknown)
        case ChangeBoard(), Board():
            return _changed(command, state)
        case _:
            assert_never(command)


def require_open(board: Board | None, pointer: str | None = None) -> Board:
    """Raises where nothing can be added to it."""
    match board:
        case None:
            raise refuse(BoardUnknown, pointer)
        case Board(status="closed"):
            raise refuse(BoardClosed)
        case Board():
            return board


def is_eligible(voter: Voter, eligibility: Eligibility) -> bool:
    """By any of their names: who has two of them is one person."""
    match eligibility:
        case Eligibility(kind="everyone"):
            return True
        case Eligibility(kind="registered"):
            return voter.is_registered
        case Eligibility(kind="namespace"):
            return any(name.startswith(f"{eligibility.namespace}:") for name in voter.names)
        case Eligibility(voters=list() as voters):
            listed = {UUID(each.node) for each in voters}
            return not listed.isdisjoint(voter.nodes)
        case _:
            return False


def _changed(command: ChangeBoard, state: Board) -> BoardChanged | None:
    before = _fields(state)
    _require_fitting(command.fields, state)
    changes = {
        name: Change(before=before[name], to=value) for name, value in command.fields.items() if value != before[name]
    }
    return BoardChanged(board=str(state.id), changes=changes, reason=command.reason) if changes else None


def _require_fitting(fields: Mapping[str, Any], state: Board) -> None:
    if fields.get("ballot", state.ballot) != state.ballot:
        raise refuse(BallotKindFixed, "/ballot")
    budget, cap = fields.get("budget", state.budget), fields.get("cap", state.cap)
    if state.ballot != "credits" and (named := {"budget", "cap"} & fields.keys()):
        detail = "only a ballot of credits has a budget and a cap"
        raise Invalid([Problem(f"/{name}", "range", detail) for name in sorted(named)])
    if cap is not None and budget is not None and cap > budget:
        raise Invalid([Problem("/cap", "range", "must not be greater than the budget")])
    if "eligibility" in fields:
        eligibility = msgspec.convert(fields["eligibility"], Eligibility)
        if problem := eligibility_problem(eligibility):
            raise Invalid([Problem(*problem)])


def _fields(state: Board) -> dict[str, Any]:
    return {
        "status": state.status,
        "title": state.title,
        "description": state.description,
        "ballot": state.ballot,
        "budget": state.budget,
        "cap": state.cap,
        "eligibility": msgspec.to_builtins(state.eligibility),
    }
