"""How a board is voted on, and by whom."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from libs.events.catalog.contacts import Named
from libs.events.terms import END

MAX_VOTERS: Final = 1_000
MAX_CREDITS: Final = 1_000_000

Credits = Annotated[int, Meta(ge=1, le=MAX_CREDITS)]
Namespace = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}" + END)]


class Ballot(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """How a board is voted on. Credits are spent from a budget a person has on the board, at most `cap` on an idea."""

    kind: Literal["approval", "up_down", "credits"]
    budget: Credits | UnsetType = UNSET
    cap: Credits | UnsetType = UNSET


class Eligibility(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Who may vote: everyone, the registered, whoever has a name in a namespace, or those who are listed."""

    kind: Literal["everyone", "registered", "namespace", "list"]
    namespace: Namespace | UnsetType = UNSET
    voters: Annotated[list[Named], Meta(min_length=1, max_length=MAX_VOTERS)] | UnsetType = UNSET


def ballot_problem(ballot: Ballot) -> tuple[str, str, str] | None:
    """Credits need a budget; a cap is no greater; other kinds have neither."""
    if ballot.kind != "credits":
        if ballot.budget is UNSET and ballot.cap is UNSET:
            return None
        return "/ballot/budget", "range", "only a ballot of credits has a budget and a cap"
    if ballot.budget is UNSET:
        return "/ballot/budget", "required", "a ballot of credits has a budget"
    if ballot.cap is not UNSET and ballot.cap > ballot.budget:
        return "/ballot/cap", "range", "must not be greater than the budget"
    return None


def eligibility_problem(eligibility: Eligibility) -> tuple[str, str, str] | None:
    """A namespace and a list of voters stand where the kind says so, and nowhere else."""
    fields = {"namespace": eligibility.namespace, "list": eligibility.voters}
    for kind, value in fields.items():
        field = "namespace" if kind == "namespace" else "voters"
        if (value is not UNSET) != (eligibility.kind == kind):
            return f"/eligibility/{field}", "required", f"stands where the kind is {kind}, and only there"
    return None
