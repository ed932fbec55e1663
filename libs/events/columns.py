"""Columns that tables of several places have."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, DateTime, SmallInteger, Text


def text_column(name: str, *, nullable: bool = False) -> Column[str]:
    """Text that sorts by its bytes, whatever the server's locale."""
    return Column(name, Text(collation="C"), nullable=nullable)


def moment_column(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def place_columns() -> list[Column[int]]:
    """Where a row's event stands in the log."""
    return [
        Column("topic", SmallInteger, nullable=False),
        Column("partition", SmallInteger, nullable=False),
        Column("offset", BigInteger, nullable=False),
    ]
