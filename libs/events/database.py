"""Connections to a service's own database: one engine for what is read, one for what is folded."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from libs.events.driver import Connection

LEASE_S = 10
# A fold must end before its lease can have passed to another: a frozen holder never blocks its successor.
FOLD_TIMEOUT_MS = LEASE_S * 1_000 // 2
READ_TIMEOUT_MS = 15_000
CONNECT_TIMEOUT_S = 5

_COMMON = {"TimeZone": "UTC", "DateStyle": "ISO, YMD", "extra_float_digits": "1", "jit": "off"}


def for_folds(url: str, schema: str) -> AsyncEngine:
    """Commits without waiting for the disk: a lost tail is folded again, since rows and position are lost together."""
    return _engine(
        url,
        2,
        search_path=schema,
        application_name=f"rapport fold {schema}",
        synchronous_commit="off",
        plan_cache_mode="force_generic_plan",  # five thousand names would be weighed one by one at each planning
        enable_seqscan="off",  # plans are made once, when tables are small, and tables grow
        statement_timeout=str(FOLD_TIMEOUT_MS),
        idle_in_transaction_session_timeout=str(FOLD_TIMEOUT_MS),
    )


def for_reads(url: str, schema: str, connections: int) -> AsyncEngine:
    """For queries of the routes; never writes."""
    return _engine(
        url,
        connections,
        isolation_level="AUTOCOMMIT",  # one statement an answer: a transaction around it would be two round trips more
        search_path=schema,
        application_name=f"rapport read {schema}",
        statement_timeout=str(READ_TIMEOUT_MS),
        default_transaction_read_only="on",
        plan_cache_mode="force_generic_plan",
        enable_seqscan="off",
    )


def for_control(url: str) -> AsyncEngine:
    """For leases and generations, whose commits are durable, and for whole-table reads, which take their time."""
    return _engine(url, 3, application_name="rapport control", lock_timeout=str(FOLD_TIMEOUT_MS))


def _engine(url: str, connections: int, *, isolation_level: str | None = None, **settings: str) -> AsyncEngine:
    arguments: dict[str, Any] = {
        "connection_class": Connection,
        "timeout": CONNECT_TIMEOUT_S,
        "server_settings": _COMMON | settings,
    }
    return create_async_engine(
        sqlalchemy_url(url),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=READ_TIMEOUT_MS / 1_000,
        pool_reset_on_return=None if isolation_level == "AUTOCOMMIT" else "rollback",
        **({} if isolation_level is None else {"isolation_level": isolation_level}),
        connect_args=arguments,
    )


def sqlalchemy_url(url: str) -> str:
    """`postgresql://...` with SQLAlchemy's name of the driver."""
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)
