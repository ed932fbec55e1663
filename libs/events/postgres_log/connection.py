"""Connections to the log's database."""

from typing import Any

import asyncpg

from libs.events.driver import Connection

SETTINGS = {
    "application_name": "rapport log",
    "synchronous_commit": "on",
    "plan_cache_mode": "force_generic_plan",  # planning the read anew each time would cost more than the read
    "jit": "off",
}


CONNECTION_ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Everything that a statement or a connection can fail with."""


class QuietConnection(Connection):
    """Sends no reset query when it goes back to its pool: nothing here changes a session's state."""

    def get_reset_query(self) -> str:
        return ""


async def connect(url: str, *, timeout_s: float) -> asyncpg.Connection:
    """One connection of its own. Raises what asyncpg raises."""
    return await asyncpg.connect(url, timeout=timeout_s, server_settings=SETTINGS, connection_class=QuietConnection)


async def connect_pool(url: str, *, size: int, timeout_s: float) -> "asyncpg.Pool[Any]":
    """A pool for reads that fills when asked."""
    return await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        timeout=timeout_s,
        command_timeout=timeout_s,
        server_settings=SETTINGS,
        connection_class=QuietConnection,
    )
