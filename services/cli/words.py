"""Text for a terminal."""

import re

_VERSION = re.compile(r"\.v[0-9]+\Z")


def printable(text: str) -> str:
    """Nothing in it moves a terminal's cursor or turns its direction."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def minute(moment: str) -> str:
    """`2026-01-31T09:30` of a time as services write it."""
    return moment[:16]


def short_type(type_: str) -> str:
    """`rapport.interactions.purchase.recorded.v1` as `purchase.recorded`; a foreign type whole."""
    if type_.count(".") < 3 or not type_.startswith("rapport."):
        return printable(type_)
    return printable(_VERSION.sub("", type_).split(".", 2)[2])
