"""Makes the databases that a PostgreSQL server lacks, whoever's server it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import asyncpg

from libs.embedded.errors import PostgresFailed, PostgresUnavailable

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

CONNECT_TIMEOUT_S = 5
MAKE_TIMEOUT_S = 60  # a server copies its template database
MAINTENANCE = "postgres"  # there on every server: a database is made from inside another one

# What a server that is starting, stopping or full answers with; of the others none goes by itself.
_PASSING = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
)
_LASTING = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, ValueError)


def database_in(url: str) -> str:
    """The database that a URL names. Raises PostgresFailed where it names none."""
    name = unquote(urlsplit(url).path.removeprefix("/"))
    if not name:
        raise PostgresFailed("the URL names no database")
    return name


async def ensure_database(url: str) -> bool:
    """Make the database that the URL names where its server lacks it; true where it was made here.

    One that is there is connected to and left as it is: its user needs no other rights. Several may do this at once.
    Raises PostgresUnavailable, and PostgresFailed where the server refuses.
    """
    name = database_in(url)
    try:
        async with _connected(url):
            return False
    except asyncpg.InvalidCatalogNameError:
        pass
    try:
        async with _connected(urlsplit(url)._replace(path=f"/{MAINTENANCE}").geturl()) as connection:
            await connection.execute(f"CREATE DATABASE {_quoted(name)}")
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        return False
    except asyncpg.InvalidCatalogNameError as reason:
        raise PostgresFailed(f"database {name} cannot be made from database {MAINTENANCE}: {reason}") from reason
    return True


@asynccontextmanager
async def _connected(url: str) -> "AsyncIterator[Connection]":
    """What names a database is told by the caller; all else is raised as this module says it."""
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S, command_timeout=MAKE_TIMEOUT_S)
        try:
            yield connection
        finally:
            await connection.close()
    except (asyncpg.InvalidCatalogNameError, asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        raise
    except _PASSING as reason:
        raise PostgresUnavailable(f"PostgreSQL cannot be reached ({type(reason).__name__})") from reason
    except _LASTING as reason:
        raise PostgresFailed(str(reason)) from reason


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
