"""The one place that reads a clock. Everything else is told the time."""

import os
import time
from datetime import UTC, datetime, timedelta

# Set by fault tests that put a process's wall clock off; the monotonic clock is never shifted.
OFFSET_MS = int(os.environ.get("RAPPORT_CLOCK_OFFSET_MS") or 0)


def now_ms() -> int:
    """Milliseconds since the Unix epoch. May step back: never an order, never a duration."""
    return time.time_ns() // 1_000_000 + OFFSET_MS


def now() -> datetime:
    """The same clock as an aware UTC datetime."""
    return datetime.now(UTC) + timedelta(milliseconds=OFFSET_MS)


def monotonic_s() -> float:
    """Seconds since an arbitrary moment, for durations and deadlines."""
    return time.monotonic()
