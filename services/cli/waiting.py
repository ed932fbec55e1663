"""Servers that are still starting are asked again for a while; who waits is told for what."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from libs.events.clock import monotonic_s
from services.cli.errors import Failure

PATIENCE_S = 60.0  # a broker or a PostgreSQL starts in seconds, on a busy machine in half a minute
ASK_AGAIN_S = 0.5

Answer = TypeVar("Answer")


async def once_there(ask: Callable[[], Awaitable[Answer]], starting: type[Exception]) -> Answer:
    """What `ask` returns as soon as it no longer raises `starting`. Raises Failure when patience is over."""
    deadline_s = monotonic_s() + PATIENCE_S
    said = ""
    while True:
        try:
            return await ask()
        except starting as reason:
            if str(reason) != said:
                said = str(reason)
                print(f"Waiting: {said}", file=sys.stderr, flush=True)
            if monotonic_s() > deadline_s:
                raise Failure(f"{said}; waited {PATIENCE_S:.0f} s for it") from None
        await asyncio.sleep(ASK_AGAIN_S)
