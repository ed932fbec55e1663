"""Old data in today's shape: applied on read, never stored (DESIGN.md section 3)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

Fields = dict[str, Any]
Upcast = Callable[[Fields], Fields]


class Upcasts:
    """From a type `...v<N>` to a pure function that makes its data that of `...v<N+1>`; steps follow one another."""

    def __init__(self, steps: Mapping[str, Upcast]) -> None:
        self._steps = {type_: (_successor(type_), upcast) for type_, upcast in steps.items()}

    def needs(self, type_: str) -> bool:
        """False for nearly every event: then nothing has to be decoded into plain fields."""
        return type_ in self._steps

    def apply(self, type_: str, data: Fields) -> tuple[str, Fields]:
        while step := self._steps.get(type_):
            type_, upcast = step
            data = upcast(data)
        return type_, data


def _successor(type_: str) -> str:
    stem, dot, major = type_.rpartition(".v")
    if not (dot and major.isascii() and major.isdecimal()):
        raise ValueError(f"an upcast starts from a type that ends in .v<number>, not from {type_!r}")
    return f"{stem}.v{int(major) + 1}"


UPCASTS: Final = Upcasts({})
