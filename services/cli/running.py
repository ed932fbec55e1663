"""A command that reads the log or a database, run to its end."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from libs.events.copying import DATABASE_ERRORS
from libs.events.generations import GenerationRefused
from libs.events.log import LogError
from libs.events.log_created import AdministeredLog, recognise
from libs.events.opening import open_log
from libs.events.projector import GenerationGone
from libs.events.replays import ReplayRefused
from services.cli.errors import Failure
from services.cli.system import System

Result = TypeVar("Result")


@asynccontextmanager
async def opened_log(system: System) -> AsyncIterator[AdministeredLog]:
    """The system's log, after it has been recognised. Raises LogError."""
    async with open_log(system.log) as log:
        await recognise(log, system.nodes.check_value())
        yield log


def run(command: Coroutine[Any, Any, Result]) -> Result:
    """Raises Failure for everything that the world can do to a command."""
    # What retries in the background says so on stderr; stdout belongs to the command's own output.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger("warning"),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # Kafka's client tells of each try; what that means is told once, by the Failure.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(command)
    except (LogError, ReplayRefused, GenerationRefused) as reason:
        raise Failure(str(reason)) from None
    except GenerationGone:
        raise Failure("its tables were dropped meanwhile, by a rebuild or by newer code; run it again") from None
    except (*DATABASE_ERRORS, SQLAlchemyError) as reason:
        raise Failure(f"the database cannot be used ({type(reason).__name__})") from None
