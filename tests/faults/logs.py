"""Which logs a test runs on: PostgreSQL alone where nothing is said; the table of faults tells them apart.

Each has the name of a fixture of `stage` or `live`, as its first part.
"""

import pytest

POSTGRES, KAFKA = "postgres", "kafka"
WORDS = {POSTGRES: "PostgreSQL", KAFKA: "Kafka", "breakable": "Kafka", "proxied": "Kafka", "cluster": "3 Kafkas"}

_slow_kafka = pytest.param(KAFKA, marks=pytest.mark.slow)

on_each_log = pytest.mark.parametrize("stage", [POSTGRES, KAFKA], indirect=True)
on_each_log_slowly = pytest.mark.parametrize("stage", [POSTGRES, _slow_kafka], indirect=True)
"""On Kafka only by `make faults`."""
on_kafka = pytest.mark.parametrize("stage", [KAFKA], indirect=True)


def live_on(log: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("live", [log], indirect=True)


def log_of(item: pytest.Item) -> str:
    """Where the log of a test is, in words; nothing where it needs none."""
    callspec = getattr(item, "callspec", None)
    params = callspec.params if callspec else {}
    fixtures = {"stage", "live"} & set(getattr(item, "fixturenames", ()))
    default = POSTGRES if fixtures else ""
    return WORDS.get(params.get("stage", params.get("live", default)), "")
