"""The kinds of field that event types are made of, and what every event's data can do."""

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from libs.events import terms

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1

Id = Annotated[str, Meta(min_length=1, max_length=512)]
Words = Annotated[str, Meta(min_length=1, max_length=65_536)]
Text = Annotated[str, Meta(max_length=65_536)]
Moment = Annotated[datetime, Meta(tz=True)]

Count = Annotated[int, Meta(ge=0, le=INT64_MAX)]
AmountMinor = Annotated[int, Meta(ge=0, le=INT64_MAX)]
SignedAmountMinor = Annotated[int, Meta(ge=INT64_MIN, le=INT64_MAX)]
OneToFive = Annotated[int, Meta(ge=1, le=5)]
OneToSeven = Annotated[int, Meta(ge=1, le=7)]

Channel = Annotated[str, Meta(pattern=terms.CHANNEL_PATTERN)]
Touchpoint = Annotated[str, Meta(pattern=terms.TOUCHPOINT_PATTERN)]
ValueFactor = Annotated[str, Meta(pattern=terms.VALUE_FACTOR_PATTERN)]
About = Annotated[str, Meta(pattern=terms.ABOUT_PATTERN)]
Direction = Literal["inbound", "outbound"]


class Data(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The `data` of one event type. An absent field is UNSET; an explicit null is refused."""

    def problem(self) -> tuple[str, str, str] | None:
        """What the fields get wrong together, as (pointer, code, detail)."""
        return None


class Actor(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    kind: Literal["customer", "staff", "system"]
    id: Id | UnsetType = UNSET


class Observation(Data, frozen=True, kw_only=True):
    """What every observation may say beside its own fields."""

    channel: Channel | UnsetType = UNSET
    touchpoint: Touchpoint | UnsetType = UNSET
    direction: Direction | UnsetType = UNSET
    actor: Actor | UnsetType = UNSET
    value_factor: ValueFactor | UnsetType = UNSET
    interaction: Id | UnsetType = UNSET
    text: Text | UnsetType = UNSET
