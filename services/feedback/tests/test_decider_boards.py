"""The rules of boards, as sentences."""

from typing import Any
from uuid import UUID

import pytest

from libs.events.catalog.ballots import Ballot, Eligibility
from libs.events.catalog.contacts import Change, Named
from libs.events.catalog.feedback import BoardChanged, BoardOpened
from libs.events.tests.decider_spec import Spec
from services.feedback.commands import ChangeBoard, OfBoard, OpenBoard
from services.feedback.decider.boards import Board, Voter, decide_board, is_eligible, require_open
from services.feedback.refusals import BallotKindFixed, BoardClosed, BoardUnknown

ID = UUID("0198b1f3-77aa-7f10-a4c2-90b3d21e8f55")
ADA, BOB = Named(name="crm:1", node=str(UUID(int=1))), Named(name="crm:2", node=str(UUID(int=2)))
EVERYONE = Eligibility(kind="everyone")
LISTED = Eligibility(kind="list", voters=[ADA])


def board(**fields: Any) -> Board:
    """Open, on which one votes for an idea or not, unless the fields say otherwise."""
    plain = {"title": "Our shop", "description": None, "ballot": "approval", "budget": None, "cap": None}
    return Board(**{"id": ID, "status": "open", **plain, "eligibility": EVERYONE, **fields})


OPEN = board()
CLOSED = board(status="closed")
OF_CREDITS = board(ballot="credits", budget=10, cap=3)
spec = Spec[OfBoard, Board | None, BoardOpened | BoardChanged](decide_board, lambda found=None: found)


def opening(ballot: Ballot, eligibility: Eligibility = EVERYONE) -> OpenBoard:
    return OpenBoard(BoardOpened(board=str(ID), title="Our shop", ballot=ballot, eligibility=eligibility))


def changing(**fields: object) -> ChangeBoard:
    return ChangeBoard(fields, "so be it")


def changed(**changes: tuple[object, object]) -> BoardChanged:
    said = {name: Change(before=before, to=to) for name, (before, to) in changes.items()}
    return BoardChanged(board=str(ID), changes=said, reason="so be it")


class TestOpening:
    @pytest.mark.parametrize(
        "ballot",
        [
            Ballot(kind="approval"),
            Ballot(kind="up_down"),
            Ballot(kind="credits", budget=10),
            Ballot(kind="credits", budget=10, cap=10),
        ],
    )
    @pytest.mark.parametrize(
        "eligibility",
        [EVERYONE, Eligibility(kind="registered"), Eligibility(kind="namespace", namespace="crm"), LISTED],
    )
    def test_a_board_is_opened_as_it_was_asked_for(self, ballot: Ballot, eligibility: Eligibility) -> None:
        event = BoardOpened(board=str(ID), title="Our shop", ballot=ballot, eligibility=eligibility)
        spec.when(opening(ballot, eligibility)).then(event)

    @pytest.mark.parametrize(
        ("ballot", "pointer"),
        [
            (Ballot(kind="credits"), "/ballot/budget"),
            (Ballot(kind="credits", cap=3), "/ballot/budget"),
            (Ballot(kind="credits", budget=3, cap=4), "/ballot/cap"),
            (Ballot(kind="approval", budget=3), "/ballot/budget"),
            (Ballot(kind="up_down", cap=3), "/ballot/budget"),
        ],
    )
    def test_a_ballot_that_cannot_be_is_invalid(self, ballot: Ballot, pointer: str) -> None:
        spec.when(opening(ballot)).is_invalid(pointer)

    @pytest.mark.parametrize(
        ("eligibility", "pointer"),
        [
            (Eligibility(kind="namespace"), "/eligibility/namespace"),
            (Eligibility(kind="list"), "/eligibility/voters"),
            (Eligibility(kind="everyone", namespace="crm"), "/eligibility/namespace"),
            (Eligibility(kind="registered", voters=[ADA]), "/eligibility/voters"),
            (Eligibility(kind="list", namespace="crm", voters=[ADA]), "/eligibility/namespace"),
        ],
    )
    def test_rules_of_voting_that_cannot_be_are_invalid(self, eligibility: Eligibility, pointer: str) -> None:
        spec.when(opening(Ballot(kind="approval"), eligibility)).is_invalid(pointer)

    def test_the_same_command_again_is_quiet(self) -> None:
        spec.given(OPEN).when(opening(Ballot(kind="approval"))).is_quiet()


class TestChanging:
    def test_only_what_is_new_is_said(self) -> None:
        command = changing(title="Our shops", description=None, status="closed", ballot="approval")
        event = changed(title=("Our shop", "Our shops"), status=("open", "closed"))
        spec.given(OPEN).when(command).then(event)

    def test_a_closed_board_is_changed_and_opened_again(self) -> None:
        spec.given(CLOSED).when(changing(status="open")).then(changed(status=("closed", "open")))

    def test_budget_and_cap_of_a_ballot_of_credits(self) -> None:
        spec.given(OF_CREDITS).when(changing(budget=20, cap=None)).then(changed(budget=(10, 20), cap=(3, None)))

    def test_who_may_vote(self) -> None:
        said = {"kind": "list", "voters": [{"name": "crm:1", "node": str(UUID(int=1))}]}
        spec.given(OPEN).when(changing(eligibility=said)).then(changed(eligibility=({"kind": "everyone"}, said)))
        spec.given(board(eligibility=LISTED)).when(changing(eligibility=said)).is_quiet()

    def test_what_is_so_already_is_quiet(self) -> None:
        spec.given(OPEN).when(changing(title="Our shop", status="open", ballot="approval")).is_quiet()

    def test_a_board_that_there_is_not(self) -> None:
        spec.when(changing(title="Our shops")).is_refused(BoardUnknown)

    def test_the_kind_of_ballot_stays(self) -> None:
        spec.given(OPEN).when(changing(ballot="up_down")).is_refused(BallotKindFixed)

    def test_a_budget_and_a_cap_are_of_credits_only(self) -> None:
        spec.given(OPEN).when(changing(cap=1, budget=2)).is_invalid("/budget", "/cap")
        spec.given(OPEN).when(changing(cap=None)).is_invalid("/cap")

    @pytest.mark.parametrize("fields", [{"cap": 11}, {"budget": 2}, {"budget": 20, "cap": 21}])
    def test_a_cap_is_no_greater_than_the_budget(self, fields: dict[str, int]) -> None:
        spec.given(OF_CREDITS).when(changing(**fields)).is_invalid("/cap")

    def test_rules_of_voting_that_cannot_be_are_invalid(self) -> None:
        spec.given(OPEN).when(changing(eligibility={"kind": "namespace"})).is_invalid("/eligibility/namespace")


class TestAdding:
    def test_an_open_board_takes_ideas_and_votes(self) -> None:
        assert require_open(OPEN) is OPEN

    def test_a_closed_one_and_none_do_not(self) -> None:
        with pytest.raises(BoardClosed):
            require_open(CLOSED)
        with pytest.raises(BoardUnknown) as refused:
            require_open(None, "/board")
        assert [problem.pointer for problem in refused.value.problems] == ["/board"]


class TestTheMostAnIdeaGets:
    def test_is_the_cap_or_else_the_budget(self) -> None:
        assert (OF_CREDITS.most, board(ballot="credits", budget=10).most, OPEN.most) == (3, 10, 0)


NOBODY = Voter(UUID(int=9), (UUID(int=9),), (), is_registered=False)
ADA_OF_TWO_NAMES = Voter(UUID(int=2), (UUID(int=2), UUID(int=1)), ("email:ada@x.org", "crm:1"), is_registered=True)


class TestEligibility:
    @pytest.mark.parametrize(
        ("eligibility", "is_ada", "is_nobody"),
        [
            (EVERYONE, True, True),
            (Eligibility(kind="registered"), True, False),
            (Eligibility(kind="namespace", namespace="crm"), True, False),
            (Eligibility(kind="namespace", namespace="cr"), False, False),
            (LISTED, True, False),
            (Eligibility(kind="list", voters=[BOB]), True, False),
            (Eligibility(kind="list", voters=[Named(name="crm:3", node=str(UUID(int=3)))]), False, False),
        ],
    )
    def test_any_of_a_persons_names_will_do(self, eligibility: Eligibility, is_ada: bool, is_nobody: bool) -> None:
        assert is_eligible(ADA_OF_TWO_NAMES, eligibility) is is_ada
        assert is_eligible(NOBODY, eligibility) is is_nobody
