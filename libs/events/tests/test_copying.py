"""Rows come out of COPY as they went in, whatever is in them, and whatever is in the rows beside them."""

from collections.abc import AsyncIterator
from itertools import product

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, Text, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.events import copying
from libs.events.copying import copy_rows
from libs.events.database import for_folds
from libs.events.fold import TextRow

THINGS = Table("things", MetaData(), Column("place", Integer), Column("one", Text), Column("other", Text))
ODD = ["\\", "\\N", "\\.", "\t", "a\nb", "\r\n", "\r", "", "é€😀", "\x7f", "\x01", "\x02", "\\x01", None]


@pytest_asyncio.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = for_folds(database, "public")
    async with engine.begin() as connection:
        await connection.run_sync(THINGS.metadata.create_all)
    yield engine
    await engine.dispose()


async def copied(engine: AsyncEngine, rows: list[TextRow], place: int = 0) -> list[TextRow]:
    """All that is there then."""
    async with engine.begin() as connection:
        await copy_rows(connection, THINGS, [(str(n), *row) for n, row in enumerate(rows, place)])
    return await read(engine)


async def read(engine: AsyncEngine) -> list[TextRow]:
    async with engine.connect() as connection:
        rows = await connection.execute(select(THINGS.c.one, THINGS.c.other).order_by(THINGS.c.place))
        return [tuple(row) for row in rows]


@pytest.mark.asyncio
async def test_a_value_comes_out_as_it_went_in(engine: AsyncEngine) -> None:
    """Whatever else is copied with it."""
    written: list[TextRow] = []
    for odd, beside in product(ODD, ["plain", None]):
        rows: list[TextRow] = [("plain", beside), (odd, "plain"), (beside, odd)]
        written += rows
        assert await copied(engine, rows, place=len(written)) == written


@pytest.mark.asyncio
async def test_as_many_rows_as_are_given_are_written(engine: AsyncEngine) -> None:
    assert await copied(engine, []) == []
    rows: list[TextRow] = [(str(n), None if n % 3 else "\t" * (n % 2)) for n in range(2_000)]
    assert await copied(engine, rows) == rows


@pytest.mark.asyncio
async def test_what_a_statement_writes_and_what_is_copied_are_the_same(engine: AsyncEngine) -> None:
    rows: list[TextRow] = [(odd, None) for odd in ODD]
    async with engine.begin() as connection:
        values = [{"place": n, "one": one, "other": other} for n, (one, other) in enumerate(rows)]
        await connection.execute(insert(THINGS), values)
    inserted = await read(engine)
    assert await copied(engine, rows) == [each for row in inserted for each in (row, row)]


Value = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)


@given(st.lists(st.tuples(Value, Value), max_size=6))
def test_lines_are_those_that_are_escaped_one_by_one(rows: list[TextRow]) -> None:
    """Left as they are only where escaping would change nothing."""
    assert copying._text(rows) == "".join(map(copying._escaped, rows))
