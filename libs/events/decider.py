"""What a decider can say no with. Each refusal is a class of its own, named after the reason; the name is its code.

Refusal
    Unheard     there is no such thing
    everything else: the thing is not in a state in which this could be done
Invalid         the thing would get a shape that it cannot have
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from libs.events.problems import Problem

_HUMP = re.compile(r"(?<!^)(?=[A-Z])")


class Refusal(Exception):
    """A rule says no; nothing is recorded.

    `problems` are the command's fields to blame, `more` is what a program may want to know, by name. No personal data.
    """

    def __init__(self, detail: str, problems: Sequence[Problem] = (), **more: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.problems = problems
        self.more = more

    @property
    def code(self) -> str:
        return code_of(type(self))


class Unheard(Refusal):
    """Nobody has heard of what was named."""


class Invalid(Exception):
    """What would come of it has a shape that nothing can have; `problems` are about the command's fields."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].detail)
        self.problems = problems


class Sentences:
    """Makes refusals, each with the sentence that a person is told."""

    def __init__(self, said: Mapping[type[Refusal], str]) -> None:
        self._said = said

    def __call__(self, kind: type[Refusal], pointer: str | None = None, **more: Any) -> Refusal:
        """`pointer` is the field to blame, `more` what a program may want to know."""
        said = self._said[kind]
        problems = () if pointer is None else (Problem(pointer, code_of(kind), said),)
        return kind(said, problems, **more)


def code_of(kind: type[Refusal]) -> str:
    """`MergeWithItself` is `merge_with_itself`."""
    return _HUMP.sub("_", kind.__name__).lower()
