"""`rapport databases ensure`."""

import os
from functools import partial

from libs.embedded.databases import database_in, ensure_database
from libs.embedded.errors import PostgresFailed, PostgresUnavailable
from services.cli.errors import Failure
from services.cli.running import run
from services.cli.services import SERVICES
from services.cli.tables import console, table
from services.cli.waiting import once_there


def ensure() -> None:
    """Make every database that the environment names and its server lacks, and print them. Raises Failure."""
    urls = {variable: url for name in SERVICES if (url := os.environ.get(variable := f"DATABASE_URL_{name.upper()}"))}
    if not urls:
        variables = ", ".join(f"DATABASE_URL_{name.upper()}" for name in SERVICES)
        raise Failure(f"no database is named; set some of {variables}")
    made = run(_ensure(urls))
    shown = table("named by", "database", "")
    for variable, url in urls.items():
        shown.add_row(variable, database_in(url), "made" if variable in made else "there already")
    console.print(shown)


async def _ensure(urls: dict[str, str]) -> set[str]:
    """The variables whose databases were made."""
    made = set()
    for variable, url in urls.items():
        try:
            if await once_there(partial(ensure_database, url), PostgresUnavailable):
                made.add(variable)
        except PostgresFailed as reason:
            raise Failure(f"{variable}: {reason}") from None
    return made
