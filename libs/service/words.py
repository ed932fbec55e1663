"""Words to search by: what stands between punctuation, in a name or in a trait."""

import string
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, select, text
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

_TYPOGRAPHIC = (
    "\u00a0\u00ab\u00b7\u00bb\u2010\u2011\u2013\u2014\u2018\u2019\u201c\u201d\u201e\u2026\u3000\u3001\u3002\u30fb"
)
_PUNCTUATION = string.punctuation + _TYPOGRAPHIC
"""Between words. PostgreSQL takes all but ASCII for letters, and finds tags, paths and numbers in what is left."""


def words_of(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The words of a text, lower case and without grammar; the same expression as in the indexes."""
    quoted = _PUNCTUATION.replace("'", "''")
    plain = func.translate(column, text(f"'{quoted}'"), text(f"'{' ' * len(_PUNCTUATION)}'"))
    return func.to_tsvector(text("'simple'::regconfig"), plain, type_=TSVECTOR)


def wanted(words: str, *, together: bool = True) -> ColumnElement[Any]:
    """A text search query: every one of these words begins one, or any of them. Without a word it finds nothing."""
    word = func.unnest(func.tsvector_to_array(words_of(cast(words, Text)))).column_valued("word")
    beginnings = func.string_agg(func.quote_literal(word, type_=Text) + ":*", " & " if together else " | ")
    return select(cast(beginnings, TSQUERY)).scalar_subquery()
