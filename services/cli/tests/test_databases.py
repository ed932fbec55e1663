import asyncio
import os
import re
import subprocess
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio

from libs.embedded.databases import database_in, ensure_database
from libs.embedded.errors import PostgresFailed
from services.cli import databases, waiting
from services.cli.errors import Failure
from tests.forks import rapport
from tests.integration.providers import PostgresServer

NAMES = ("plain", "with-dash", 'with"quote', "Änderung")


@pytest_asyncio.fixture
async def urls(postgres: PostgresServer) -> AsyncIterator[dict[str, str]]:
    """URLs of databases that are not there, by name; those that are made are dropped."""
    server = urlsplit(postgres.url("ensured"))
    found = {name: urlunsplit(server._replace(path=f"{server.path} {quote(name)}")) for name in NAMES}
    yield found
    async with admin(postgres) as connection:
        for quoted in (database_in(url).replace('"', '""') for url in found.values()):
            await connection.execute(f'DROP DATABASE IF EXISTS "{quoted}" WITH (FORCE)')


@asynccontextmanager
async def admin(postgres: PostgresServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(postgres.url("postgres"))
    yield connection
    await connection.close()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.asyncio
async def test_a_database_is_made_where_it_is_missing(urls: dict[str, str], name: str) -> None:
    assert await ensure_database(urls[name])
    connection = await asyncpg.connect(urls[name])
    assert await connection.fetchval("SELECT current_database()") == database_in(urls[name])
    await connection.close()
    assert not await ensure_database(urls[name])


@pytest.mark.asyncio
async def test_of_many_at_once_one_makes_it(urls: dict[str, str]) -> None:
    made = await asyncio.gather(*(ensure_database(urls["plain"]) for _ in range(8)))
    assert sorted(made) == [False] * 7 + [True]


@pytest.mark.asyncio
async def test_who_may_not_make_databases_is_told_so_and_needs_it_only_once(
    postgres: PostgresServer, urls: dict[str, str]
) -> None:
    async with admin(postgres) as connection:
        await connection.execute("CREATE ROLE poor LOGIN PASSWORD 'poor'")
        try:
            server = urlsplit(urls["plain"])
            poor = urlunsplit(server._replace(netloc=f"poor:poor@{server.netloc.rpartition('@')[2]}"))
            with pytest.raises(PostgresFailed, match="permission denied to create database"):
                await ensure_database(poor)
            await ensure_database(urls["plain"])
            assert not await ensure_database(poor)
        finally:
            await connection.execute("DROP ROLE poor")


def ensure(environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return rapport(["databases", "ensure"], os.environ | environment)


def test_the_command_says_what_it_made_and_two_at_once_agree(urls: dict[str, str]) -> None:
    environment = {"DATABASE_URL_CONTACTS": urls["plain"], "DATABASE_URL_TIMELINE": urls["with-dash"]}
    with ThreadPoolExecutor(2) as both:
        done = list(both.map(ensure, [environment, environment]))
    assert [each.returncode for each in done] == [0, 0], done
    shown = "".join(each.stdout for each in done)
    assert sorted(re.findall(r"(DATABASE_URL_\w+) .* made ", shown)) == sorted(environment)
    assert shown.count("there already") == 2
    again = ensure(environment)
    assert again.stdout.count("there already") == 2
    assert "DATABASE_URL_INTERACTIONS" not in again.stdout


def test_a_wrong_password_is_told_without_repeating_it(urls: dict[str, str]) -> None:
    server = urlsplit(urls["plain"])
    wrong = urlunsplit(server._replace(netloc=f"nobody:wrong-word@{server.netloc.rpartition('@')[2]}"))
    done = ensure({"DATABASE_URL_CONTACTS": wrong})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("rapport: DATABASE_URL_CONTACTS: password authentication failed")
    assert "wrong-word" not in done.stderr


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "no database is named; set some of DATABASE_URL_CONTACTS, DATABASE_URL_INTERACTIONS"),
        ("postgresql://host", "DATABASE_URL_CONTACTS: the URL names no database"),
        ("mysql://host/contacts", "DATABASE_URL_CONTACTS: invalid DSN: scheme is expected"),
    ],
)
def test_what_names_no_database_is_refused(url: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL_CONTACTS", url)
    with pytest.raises(Failure, match=said):
        databases.ensure()


def test_a_server_that_does_not_come_is_waited_for_so_long_and_no_longer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_S", 0.0)
    monkeypatch.setattr(waiting, "ASK_AGAIN_S", 0.01)
    monkeypatch.setenv("DATABASE_URL_CONTACTS", "postgresql://rapport@127.0.0.1:1/contacts")
    with pytest.raises(Failure, match=r"PostgreSQL cannot be reached \(ConnectionRefusedError\); waited 0 s"):
        databases.ensure()
    assert capsys.readouterr().err == "Waiting: PostgreSQL cannot be reached (ConnectionRefusedError)\n"


@pytest.mark.asyncio
async def test_a_server_that_comes_is_used(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(waiting, "ASK_AGAIN_S", 0.01)
    reasons = iter(["away", "away", "starting"])

    async def ask() -> str:
        for reason in reasons:
            raise TimeoutError(reason)
        return "there"

    assert await waiting.once_there(ask, TimeoutError) == "there"
    assert capsys.readouterr().err == "Waiting: away\nWaiting: starting\n"
