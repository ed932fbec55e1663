"""The line of any event."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from libs.events.catalog.contacts import ContactRegistered, ContactsMerged, IdentifierLinked
from libs.events.catalog.fields import Data
from libs.events.catalog.registry import CATALOG
from services.timeline.titles import contacts, feedback, interactions, scoring
from services.timeline.titles.contacts import name, names
from services.timeline.titles.words import said, words

MAX_CHARS: Final = 120

_SHORTEST_CUT: Final = 60  # a longer word than what is left after this is cut in the middle
_READ_CHARS: Final = 4 * MAX_CHARS  # of a long text no more is looked at
# Controls, line and paragraph separators, and what turns the direction of a line.
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_VERSION: Final = re.compile(r"\.v[0-9]+\Z")
_OF_OWNER: Final[Mapping[str, Callable[[object], str | None]]] = {
    "interactions": interactions.line,
    "contacts": contacts.line,
    "feedback": feedback.line,
    "scoring": scoring.line,
    "operations": lambda _data: "Log created",
}
_LINES: Final = {each.data: _OF_OWNER[each.owner] for each in CATALOG.values()}


def title(type_: str, data: object | None, *, ruling: str | None = None) -> str:
    """`ruling` is what came of a decision or claim; without one, and for "effective", the line says that it is so."""
    line = (_LINES[type(data)](data) if isinstance(data, Data) else None) or _plain(type_)
    if ruling is not None and ruling != "effective":
        line = _ruled(ruling, data, line)
    return line if len(line) <= MAX_CHARS and line.isprintable() else _clip(line)


def _ruled(ruling: str, data: object | None, line: str) -> str:
    match ruling, data:
        case "already_so", _:
            return f"Already so: {line}"
        case "invalid", _:
            return f"Not valid: {line}"
        case "conflict", ContactRegistered():
            return f"Registration refused, identifier claimed by another contact: {names(data.identifiers)}"
        case "conflict", IdentifierLinked():
            link = f"{name(data.identifier)} to {name(data.contact)}"
            return f"Link refused, identifier claimed by another contact: {link}"
        case "conflict", ContactsMerged():
            return f"Merge refused, names in conflict: {names(data.members)}{said(data.reason)}"
        case "conflict", _:
            return f"Refused, in conflict: {line}"
        case _:
            return f"{words(ruling).capitalize()}: {line}"


def _plain(type_: str) -> str:
    """`com.example.cart.abandoned.v2` is "cart abandoned (com.example)"; our own need not say whose they are."""
    *owner, noun, verb = ["", *_VERSION.sub("", type_).split(".")]
    what = words(f"{noun} {verb}").strip()
    whose = ".".join(filter(None, owner))
    return what if not whose or whose.startswith("rapport.") else f"{what} ({whose})"


def _clip(line: str) -> str:
    line = " ".join(_UNPRINTABLE.sub(" ", line[:_READ_CHARS]).split())
    if len(line) <= MAX_CHARS:
        return line
    cut = line.rfind(" ", _SHORTEST_CUT, MAX_CHARS)
    return line[: cut if cut > 0 else MAX_CHARS - 1].rstrip(" ,;:.") + "…"
