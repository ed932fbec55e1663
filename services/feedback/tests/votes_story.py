"""A story of few people, few ideas and many votes, in which everything that moves a tally happens often."""

from collections import defaultdict
from random import Random
from typing import Any
from uuid import UUID

import msgspec

from libs.events.arbitration import sequence_text
from libs.events.catalog import ballots, contacts, feedback
from libs.events.catalog.contacts import Named
from libs.events.catalog.fields import Data
from libs.events.catalog.registry import type_of
from libs.events.identifiers import Nodes, parse
from libs.events.log import EVENT_HEADERS, Record
from libs.events.topics import FEEDBACK, IDENTITY

NODES = Nodes(b"the secret of a test, 32 bytes..")
NAMES = [*(f"crm:{n}" for n in range(8)), "email:ada@example.org", "tel:+49301234567", "device:1"]
IDEAS = 5

Told = tuple[str, Record]


class VotesStory:
    """Records, drawn from a seed. Ids are numbers, so that a failure can be read."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.number = 0
        self.sequences: dict[str, int] = defaultdict(int)
        self.merges: list[tuple[str, list[Named]]] = []
        self.links: dict[int, tuple[str, int]] = {}

    @property
    def board(self) -> str:
        return str(UUID(int=1))

    def idea(self, number: int) -> str:
        return str(UUID(int=100 + number))

    def tell(self, votes: int) -> list[Told]:
        """Ideas are submitted one after another; some are voted on before."""
        told = [self._decided(f"/feedback/boards/{self.board}", self._opened())]
        for n in range(votes):
            if n % (votes // IDEAS) == votes // IDEAS // 2:
                told.append(self._submitted(n * IDEAS // votes))
            told.append(self.random.choices((self._voted, self._claimed, self._merged), (6, 2, 1))[0]())
        return told

    def _opened(self) -> feedback.BoardOpened:
        ballot = ballots.Ballot(kind="credits", budget=100)
        everyone = ballots.Eligibility(kind="everyone")
        return feedback.BoardOpened(board=self.board, title="Board", ballot=ballot, eligibility=everyone)

    def _submitted(self, number: int) -> Told:
        idea = self.idea(number)
        data = feedback.IdeaSubmitted(idea=idea, title=f"Idea {number}", touchpoint="store")
        return self._decided(f"/feedback/ideas/{idea}", data, self.random.choice(NAMES))

    def _voted(self) -> Told:
        idea, name = self.idea(self.random.randrange(IDEAS)), self.random.choice(NAMES)
        stances: list[feedback.Stance] = ["up", "up", "down"]
        spent, stance = self.random.randint(1, 9), self.random.choice(stances)
        data = self.random.choice(
            (
                feedback.VoteCast(idea=idea, stance=stance, credits=spent),
                feedback.VoteChanged(idea=idea, stance=stance, credits=spent),
                feedback.VoteWithdrawn(idea=idea),
                feedback.VoteInvalidated(idea=idea, reason="a script"),
            )
        )
        return self._decided(f"/feedback/boards/{self.board}/voters/{NODES.of(parse(name))}", data, name)

    def _merged(self) -> Told:
        """A forest, as the decider keeps it; a link is undone before another is made."""
        child, parent = self.random.sample(range(IDEAS), 2)
        if child in self.links:
            merge, parent = self.links.pop(child)
            undone = feedback.IdeasUnmerged(merge=merge, idea=self.idea(child), into=self.idea(parent))
            return self._decided(f"/feedback/boards/{self.board}/merges", undone)
        if self._root(parent) == child:
            return self._voted()
        merge = str(UUID(int=10_000 + self.number))
        self.links[child] = merge, parent
        made = feedback.IdeasMerged(merge=merge, idea=self.idea(child), into=self.idea(parent), reason="the same")
        return self._decided(f"/feedback/boards/{self.board}/merges", made)

    def _root(self, idea: int) -> int:
        while idea in self.links:
            idea = self.links[idea][1]
        return idea

    def _claimed(self) -> Told:
        self.number += 1
        id_ = str(UUID(int=20_000 + self.number))
        names = [Named(name=name, node=str(NODES.of(parse(name)))) for name in self.random.sample(NAMES, 2)]
        match self.random.randrange(5):
            case 0:
                data: Data = contacts.ContactRegistered(contact=id_, kind="person", identifiers=names)
            case 1:
                data = contacts.IdentifierLinked(contact=names[0], identifier=names[1])
            case 2:
                data = contacts.IdentifierUnlinked(contact=names[0], identifier=names[1])
            case 3 if self.merges:
                merge, members = self.merges.pop(self.random.randrange(len(self.merges)))
                data = contacts.ContactsUnmerged(merge=merge, members=members)
            case _:
                self.merges.append((id_, names))
                data = contacts.ContactsMerged(merge=id_, members=names, reason="the same")
        return IDENTITY.name, self._record(b"identity", id_, "/identity", data, names[0].name)

    def _decided(self, source: str, data: Data, subject: str | None = None) -> Told:
        self.number += 1
        self.sequences[source] += 1
        id_ = str(UUID(int=30_000 + self.number))
        sequence = {"sequence": sequence_text(self.sequences[source])}
        return FEEDBACK.name, self._record(self.board.encode(), id_, source, data, subject, **sequence)

    def _record(self, key: bytes, id_: str, source: str, data: Data, subject: str | None, **more: Any) -> Record:
        event = {"specversion": "1.0", "id": id_, "source": source, "type": type_of(data), **more, "data": data}
        if subject is not None:
            event |= {"subject": subject, "subjectnode": str(NODES.of(parse(subject)))}
        event["time"] = f"2026-03-02T10:{self.number // 60 % 60:02}:{self.number % 60:02}Z"
        return Record(key, msgspec.json.encode(event), EVENT_HEADERS)
