"""Columns that tables of several places have."""

from sqlalchemy import Column, Text


def text_column(name: str, *, nullable: bool = False) -> Column[str]:
    """Text that sorts by its bytes, whatever the server's locale."""
    return Column(name, Text(collation="C"), nullable=nullable)
