"""Tests of the judge as sentences: given claims, when a claim, then this ruling."""

from typing import Any
from uuid import UUID

from libs.events.identity.graph import Graph
from libs.events.identity.judge import Ruling, Verdict, judge
from libs.events.identity.tests.said import Said, at, node


class Case:
    """Claims stand at offsets 1, 2, ... in the order in which they are said."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.offset = 0
        self.ruling = Ruling(Verdict.INVALID)

    def given(self, *claims: Said) -> "Case":
        for claim in claims:
            self.when(claim)
        return self

    def when(self, claim: Said) -> "Case":
        self.offset += 1
        id_ = at(self.offset)
        self.ruling = judge(self.graph, claim(id_), id_, self.offset)
        return self

    def then(self, verdict: Verdict, reason: str | None = None, **more: Any) -> "Case":
        assert (self.ruling.verdict, self.ruling.reason) == (verdict, reason)
        for name, expected in more.items():
            assert getattr(self.ruling, name) == expected
        return self

    def effective(self, contact: str) -> "Case":
        """It took effect, and is about this contact now."""
        return self.then(Verdict.EFFECTIVE, contact=node(contact))

    def already_so(self, contact: str) -> "Case":
        return self.then(Verdict.ALREADY_SO, contact=node(contact))

    def invalid(self, reason: str) -> "Case":
        return self.then(Verdict.INVALID, reason)

    def conflict(self, claim: int, reason: str = "identifier_claimed") -> "Case":
        """The conflict that the claim at this offset opened."""
        return self.then(Verdict.CONFLICT, reason, conflict=at(claim))

    def together(self, *names: str) -> "Case":
        """These names are one person."""
        assert len({self.home(name) for name in names}) == 1
        return self

    def apart(self, *names: str) -> "Case":
        """Each of these is somebody else."""
        assert len({self.home(name) for name in names}) == len(names)
        return self

    def known_as(self, name: str, contact: str) -> "Case":
        """The canonical id of the person who goes by this name."""
        assert self.home(name) == node(contact)
        return self

    def home(self, name: str) -> UUID:
        return self.graph.component(node(name))


def given(*claims: Said) -> Case:
    return Case().given(*claims)


def when(claim: Said) -> Case:
    return Case().when(claim)
