"""Control records."""

from typing import Final

from libs.events.catalog.operations import LogCreated
from libs.events.catalog.table.row import Row

CONTROLS: Final = (
    Row(
        "log.created",
        LogCreated,
        "The first record of every partition: which log this is.",
        {
            "log": "0198b1f2-0000-7000-8000-000000000001",
            "topic": "interactions",
            "partition": 0,
            "partitions": {"interactions": 12, "operations": 1},
            "secret_check": "5d41402abc4b2a76b9719d911017c592",
        },
        needs_subject=False,
    ),
)
