"""Words to search by: what stands between punctuation, in a name or in a trait."""

import re
from typing import Any

from sqlalchemy import Column, ColumnElement, func, literal_column
from sqlalchemy.dialects.postgresql import TSVECTOR

_PUNCTUATION = ":@./_-+\"\\'"
_BETWEEN = re.compile(rf"[\s\W_{re.escape(_PUNCTUATION)}]+")


def words_of(column: Column[Any]) -> ColumnElement[Any]:
    """The words of a text column, lower case and without grammar; the same expression as in the index."""
    quoted = _PUNCTUATION.replace("'", "''")
    plain = func.translate(column, literal_column(f"'{quoted}'"), literal_column(f"'{' ' * len(_PUNCTUATION)}'"))
    return func.to_tsvector(literal_column("'simple'::regconfig"), plain, type_=TSVECTOR)


def wanted(text: str) -> str | None:
    """A text search query: every word begins one. None where there is no word to look for."""
    words = [word for word in _BETWEEN.split(text) if word]
    return " & ".join(f"'{word}':*" for word in words) or None
