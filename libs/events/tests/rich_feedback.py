"""Boards of the rich story: all that is decided about ideas, votes, comments and changes, in order of each scope."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, Final

from libs.events.arbitration import sequence_text
from libs.events.identifiers import as_uuid8

Event = dict[str, Any]
Named = dict[str, str]

STAFF: Final = {"kind": "staff", "id": "agent-7"}
STATUSES: Final = ("submitted", "under_review", "planned", "in_progress", "shipped", "measured", "declined", "archived")
BALLOTS: Final = ({"kind": "approval"}, {"kind": "up_down"}, {"kind": "credits", "budget": 10, "cap": 4})
ELIGIBLE: Final = ({"kind": "everyone"}, {"kind": "registered"}, {"kind": "namespace", "namespace": "crm"})
ACTS: Final = 35


def boards(random: Random, names: Sequence[Named], count: int) -> Iterator[tuple[str, list[Event]]]:
    """The id of each board, and what is decided under it."""
    for number in range(count):
        board = _Board(random, names, number)
        board.tell()
        yield board.id, board.said


class _Board:
    """Decides about what is there, so that its events could have come out of commands. Only voters are careless."""

    def __init__(self, random: Random, names: Sequence[Named], number: int) -> None:
        self.random, self.names, self.number = random, names, number
        self.said: list[Event] = []
        self.heads: dict[str, int] = {}
        self.authors: dict[str, Named | None] = {}
        self.merged: dict[str, tuple[str, str]] = {}
        self.threads: dict[str, tuple[str, str, Named | None]] = {}
        self.changes: dict[str, list[str]] = {}
        self.id = self.coming()

    def tell(self) -> None:
        self.open()
        for _ in range(4):
            self.submit()
        self.publish()
        acts: list[Callable[[], object]] = [self.vote] * 8
        acts += [self.comment, self.remove, self.decide, self.merge, self.unmerge] * 2
        acts += [self.submit, self.edit, self.notify, self.link, self.change_board]
        for act in self.random.choices(acts, k=ACTS):
            act()
        self.chain()
        self.loop()
        self.foretell()

    def coming(self) -> str:
        """The id of the next event."""
        return str(as_uuid8(hashlib.sha256(f"board {self.number} {len(self.said)}".encode()).digest()))

    def say(self, name: str, source: str, about: Named | None, **data: object) -> str:
        """Its id. Fields that are None are left out."""
        id_ = self.coming()
        self.heads[source] = self.heads.get(source, 0) + 1
        whom = {} if about is None else {"subject": about["name"], "subjectnode": about["node"]}
        self.said.append(
            {
                "specversion": "1.0", "id": id_, "source": source, "type": f"rapport.feedback.{name}.v1", **whom,
                "time": f"2026-03-02T12:{self.random.randrange(60):02}:00Z",
                "sequence": sequence_text(self.heads[source]),
                "data": {field: value for field, value in data.items() if value is not None},
            }
        )  # fmt: skip
        return id_

    def anybody(self) -> Named:
        return self.random.choice(self.names)

    def any_idea(self) -> str:
        return self.random.choice(list(self.authors))

    def perhaps(self, value: Any) -> Any:
        return value if self.random.random() < 0.5 else None

    def of_idea(self, name: str, idea: str, **data: object) -> None:
        self.say(name, f"/feedback/ideas/{idea}", self.authors[idea], idea=idea, **data)

    def open(self) -> None:
        kind, rest = self.number % len(BALLOTS), {"description": self.perhaps("Say it")}
        rest |= {"ballot": BALLOTS[kind], "eligibility": ELIGIBLE[kind]}
        self.say("board.opened", f"/feedback/boards/{self.id}", None, board=self.id, title="Our shop", **rest)

    def change_board(self) -> None:
        voters = self.random.sample(self.names, 3)
        changes = {
            "title": {"from": "Our shop", "to": f"Our shop, {len(self.said)}"},
            "description": {"from": "Say it", "to": None},
            "eligibility": {"from": {"kind": "everyone"}, "to": {"kind": "list", "voters": voters}},
            "status": {"from": "open", "to": self.random.choice(["open", "closed"])},
        }
        changed = dict(self.random.sample(sorted(changes.items()), 2))
        self.say(
            "board.changed", f"/feedback/boards/{self.id}", None, board=self.id, changes=changed, reason="so be it"
        )

    def submit(self) -> str:
        return self._new("idea.submitted", self.anybody(), interaction=self.perhaps("call-118"))

    def publish(self) -> str:
        return self._new("proposal.published", None)

    def _new(self, name: str, author: Named | None, **more: object) -> str:
        id_ = self.coming()
        self.authors[id_] = author
        data = {
            "title": f"Idea {len(self.said)}",
            "text": self.perhaps("please"),
            "value_factor": self.perhaps("economy"),
        }
        data |= {"tags": self.perhaps(["delivery"]), "actor": self.perhaps(STAFF), **more}
        touchpoint = self.random.choice(["website", "store"])
        return self.say(name, f"/feedback/ideas/{id_}", author, idea=id_, touchpoint=touchpoint, **data)

    def edit(self) -> None:
        changes = {"title": {"from": "Idea", "to": f"Idea, {len(self.said)}"}, "text": {"from": "please", "to": None}}
        self.of_idea("idea.edited", self.any_idea(), changes=changes, reason=self.perhaps("clearer"))
        self.of_idea("idea.tagged", self.any_idea(), tags=self.random.sample(["a", "b", "c"], self.random.randrange(3)))

    def decide(self) -> None:
        """From which status it came is of no matter to a fold."""
        before, to = self.random.sample(STATUSES, 2)
        day = self.perhaps(f"2026-{self.random.randint(3, 12):02}-01")
        said: Event = {"from": before, "to": to, "reason": "because", "promised_for": day}
        self.of_idea("idea.status_changed", self.any_idea(), **said)
        self.of_idea("idea.answered", self.any_idea(), text="we have seen it", actor=self.perhaps(STAFF))

    def vote(self, idea: str | None = None) -> None:
        """By any name, at times in the scope of another that was the same person's then; at times on nothing."""
        voter = self.anybody()
        scope = self.random.choice([voter, voter, self.anybody()])
        on = idea or self.random.choice([*self.authors, self.id])
        name = self.random.choice(["cast", "cast", "cast", "changed", "changed", "withdrawn", "invalidated"])
        data: Event = {"idea": on, "proxy": self.perhaps(STAFF)}
        match name, BALLOTS[self.number % len(BALLOTS)]["kind"]:
            case "withdrawn", _:
                data |= {"reason": self.perhaps("not needed")}
            case "invalidated", _:
                data = {"idea": on, "reason": "cast by a script", "actor": self.perhaps(STAFF)}
            case _, "credits":
                data |= {"stance": "up", "credits": self.random.randint(1, 4)}
            case _, kind:
                data |= {"stance": "up" if kind == "approval" else self.random.choice(["up", "up", "down"])}
        self.say(f"vote.{name}", f"/feedback/boards/{self.id}/voters/{scope['node']}", voter, **data)

    def root(self, idea: str) -> str:
        while idea in self.merged:
            _, idea = self.merged[idea]
        return idea

    def merge(self, idea: str | None = None, into: str | None = None) -> None:
        idea, into = idea or self.any_idea(), into or self.any_idea()
        if idea in self.merged or self.root(into) == idea:
            return
        merge = self.coming()
        self.merged[idea] = merge, into
        source = f"/feedback/boards/{self.id}/merges"
        self.say("ideas.merged", source, self.authors[idea], merge=merge, idea=idea, into=into, reason="the same")

    def unmerge(self, idea: str | None = None) -> None:
        if self.merged:
            idea = idea or self.random.choice(list(self.merged))
            merge, into = self.merged.pop(idea)
            source = f"/feedback/boards/{self.id}/merges"
            data = {"merge": merge, "idea": idea, "into": into, "reason": self.perhaps("others")}
            self.say("ideas.unmerged", source, self.authors[idea], **data)

    def chain(self) -> None:
        """A into B, B into C, and B out again, with votes on each at any time."""
        first, second, third = ideas = [self.submit() for _ in range(3)]
        for idea, into in ((first, second), (second, third), (second, None)):
            for each in ideas:
                self.vote(each)
            if into is None:
                self.unmerge(idea)
            else:
                self.merge(idea, into)

    def comment(self) -> None:
        id_, about = self.coming(), self.perhaps(self.anybody())
        if self.threads and self.random.random() < 0.5:
            reply_to = self.random.choice(list(self.threads))
            root, idea, _ = self.threads[reply_to]
        else:
            reply_to, root, idea = None, id_, self.any_idea()
        self.threads[id_] = root, idea, about
        data = {"text": "well said", "reply_to": reply_to, "actor": None if about else STAFF}
        self.say("comment.posted", f"/feedback/comments/{root}", about, comment=id_, idea=idea, **data)

    def remove(self) -> None:
        if self.threads:
            comment = self.random.choice(list(self.threads))
            root, idea, about = self.threads.pop(comment)
            data = {"comment": comment, "idea": idea, "reason": "unkind"}
            self.say("comment.removed", f"/feedback/comments/{root}", about, **data)

    def link(self) -> str:
        """A new change, or more ideas for one that is there."""
        ideas = self.random.sample(list(self.authors), 2)
        change = self.coming() if len(self.changes) < 2 else self.random.choice(list(self.changes))
        self.changes.setdefault(change, []).extend(ideas)
        self.of_change("change.linked", change, title="A change", ideas=ideas, description=self.perhaps("at last"))
        return change

    def of_change(self, name: str, change: str, about: Named | None = None, **data: object) -> None:
        data = {"ideas": list(dict.fromkeys(self.changes[change])), **data}
        self.say(name, f"/feedback/changes/{change}", about, change=change, **data)

    def loop(self) -> None:
        """What becomes of a change, twice: after it is worked on again it may be missed once more."""
        change = self.link()
        for actual in (8.5, 12):
            self.of_change("change.shipped", change, note=self.perhaps("for all"))
            figures: Event = {"metric": "calls", "baseline": 20, "target": 10.0, "actual": actual, "n": 100}
            self.of_change("outcome.measured", change, **figures, method="counted", for_whom="customer")
            self.of_change("loop.closed", change, text="it is there")
            self.notify()
            self.of_change("loop.reopened", change, reason="not yet")
            self.link()

    def notify(self) -> None:
        if self.changes:
            change = self.random.choice(list(self.changes))
            self.of_change("beneficiary.notified", change, self.anybody(), channel="email", text=self.perhaps("there"))

    def foretell(self) -> None:
        """Types of a later version, with and without a customer."""
        for n, about in enumerate([None, self.anybody()]):
            self.say("market.opened", f"/feedback/markets/{n}", about, market=self.coming())
