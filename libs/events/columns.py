"""Columns that tables of several places have."""

from datetime import datetime

from sqlalchemy import Column, DateTime, Text


def text_column(name: str, *, nullable: bool = False) -> Column[str]:
    """Text that sorts by its bytes, whatever the server's locale."""
    return Column(name, Text(collation="C"), nullable=nullable)


def moment_column(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=nullable)
