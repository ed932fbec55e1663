"""Facts of a board in the stored samples' words, at places of their own."""

import json
from typing import Any

from libs.events.fold import Fact, fact_of
from libs.events.log import Record
from libs.events.position import Partition
from libs.events.tests.rich_story import GOLDEN

PLACE = Partition("feedback", 4)
RECORDED_AT = "2026-03-02T12:00:00.250Z"
BOARD = "019cae18-15e0-7d3e-ba4e-e198d039f165"
IDEA = "019cae19-0040-78c7-b02d-0f467f3a81ad"
PROPOSAL = "019cae19-eaa0-72e8-a45b-cf88e9aaa703"
NODE = "3f1d2c4b-5a69-8788-9a0b-1c2d3e4f5061"


def sample(name: str) -> dict[str, Any]:
    """The stored sample of a type, which can be changed."""
    event: dict[str, Any] = json.loads(GOLDEN[f"rapport.feedback.{name}.v1"])
    return event


def fact(name: str, offset: int = 7, *, data: dict[str, object] | None = None, **attributes: object) -> Fact:
    """Of the sample with other data or attributes; an attribute of None is left out."""
    return said(name, sample(name)["data"] | (data or {}), offset, **attributes)


def said(name: str, data: object, offset: int = 7, **attributes: object) -> Fact:
    """Of the sample with these data and no other."""
    event = {field: value for field, value in (sample(name) | attributes).items() if value is not None}
    return fact_of(Record(BOARD.encode(), json.dumps(event | {"data": data}).encode()), PLACE, offset, RECORDED_AT)
