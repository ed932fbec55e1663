"""A board in plain Python: what the votes in a log come to, one after another."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from libs.events.topics import FEEDBACK
from tests.faults.invariants import Contents

VOTES = "rapport.feedback.vote."


class Spent(NamedTuple):
    person: str
    idea: str
    credits: int


class Board:
    """Of credits; `people` says whose a node is. Ideas are not merged, nor people."""

    def __init__(self, people: Mapping[str, str], *, budget: int, cap: int) -> None:
        self.people = people
        self.budget, self.cap = budget, cap
        self.credits: dict[tuple[str, str], int] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        """Nobody may ever have spent more than they had, on an idea or in all."""
        person, idea = self.people[event["subjectnode"]], event["data"]["idea"]
        self.credits.pop((person, idea), None)
        if event["type"].endswith(("cast.v1", "changed.v1")):
            self.credits[person, idea] = event["data"]["credits"]
        spent = self.spent(person)
        assert sum(spent.values()) <= self.budget, (event, spent)
        assert max(spent.values(), default=0) <= self.cap, (event, spent)

    def spent(self, person: str) -> dict[str, int]:
        return {idea: credits_ for (who, idea), credits_ in self.credits.items() if who == person}

    @property
    def standings(self) -> set[Spent]:
        return {Spent(person, idea, credits_) for (person, idea), credits_ in self.credits.items()}

    @property
    def tallies(self) -> dict[str, tuple[int, int]]:
        """People and credits behind each idea that has any."""
        found: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for (_, idea), credits_ in self.credits.items():
            people, spent = found[idea]
            found[idea] = people + 1, spent + credits_
        return dict(found)


def votes_in(log: Contents) -> list[Mapping[str, Any]]:
    """Of one board, in order, also such as were superseded."""
    events = [
        msgspec.json.decode(value)
        for partition, values in log.items()
        if partition.topic == FEEDBACK.name
        for value in values
    ]
    return [event for event in events if event["type"].startswith(VOTES)]


def applied_in(log: Contents, commands: Sequence[str]) -> list[Mapping[str, Any]]:
    """Of votes, in order, the first of each id that was applied."""
    counted = set(commands)
    found: dict[str, Mapping[str, Any]] = {}
    for event in votes_in(log):
        if event["id"] in counted:
            found.setdefault(event["id"], event)
    return list(found.values())
