"""The event types of the interactions service, all `rapport.interactions.<name>.v1`."""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from libs.events.catalog.fields import (
    INT64_MAX,
    About,
    AmountMinor,
    Channel,
    Count,
    Data,
    Direction,
    Id,
    Moment,
    Observation,
    OneToFive,
    OneToSeven,
    SignedAmountMinor,
    Touchpoint,
    Words,
)
from libs.events.currencies import Currency
from libs.events.identifiers import BadIdentifier, parse

SCALES: Final = {"0-10": (0, 10), "1-5": (1, 5), "1-7": (1, 7)}


class Item(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One of the matters that an interaction was about."""

    reason: Words
    item: Id | UnsetType = UNSET
    resolution: Words | UnsetType = UNSET


class InteractionRecorded(Observation, frozen=True, kw_only=True):
    channel: Channel
    direction: Direction
    reason: Words | UnsetType = UNSET
    summary: Words | UnsetType = UNSET
    status: Literal["opened", "in_progress", "completed"] = "completed"
    started_at: Moment | UnsetType = UNSET
    ended_at: Moment | UnsetType = UNSET
    purpose: Id | UnsetType = UNSET
    topic: Id | UnsetType = UNSET
    handed_over_to: Id | UnsetType = UNSET
    items: Annotated[list[Item], Meta(max_length=1_000)] | UnsetType = UNSET

    def problem(self) -> tuple[str, str, str] | None:
        if self.started_at is UNSET or self.ended_at is UNSET or self.ended_at >= self.started_at:
            return None
        return "/ended_at", "range", "must not be before started_at"


class InteractionAmended(Data, frozen=True, kw_only=True):
    interaction: Id
    changes: Annotated[dict[Id, Any], Meta(min_length=1, max_length=100)]
    reason: Words


class InteractionCompleted(Data, frozen=True, kw_only=True):
    interaction: Id
    resolution: Words | UnsetType = UNSET


class InteractionRelated(Observation, frozen=True, kw_only=True):
    interaction: Id
    related: Id
    relation: Id


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One line of an order; a discount is a line with a negative amount."""

    product: Id
    quantity: Count
    amount_minor: SignedAmountMinor


class PurchaseRecorded(Observation, frozen=True, kw_only=True):
    amount_minor: AmountMinor
    currency: Currency
    order: Id
    lines: Annotated[list[Line], Meta(max_length=10_000)] | UnsetType = UNSET
    cost_minor: AmountMinor | UnsetType = UNSET


class RefundRecorded(Observation, frozen=True, kw_only=True):
    amount_minor: AmountMinor
    currency: Currency
    order: Id
    reason: Words | UnsetType = UNSET


class CostToServeRecorded(Observation, frozen=True, kw_only=True):
    amount_minor: AmountMinor
    currency: Currency
    cause: Words | UnsetType = UNSET


class ProblemReported(Observation, frozen=True, kw_only=True):
    problem_id: Id = msgspec.field(name="problem")
    touchpoint: Touchpoint
    severity: OneToFive


class ProblemResolved(Observation, frozen=True, kw_only=True):
    problem_id: Id = msgspec.field(name="problem")
    resolution: Words
    satisfied: bool | UnsetType = UNSET


class ComplaintLodged(Observation, frozen=True, kw_only=True):
    complaint: Id
    touchpoint: Touchpoint
    severity: OneToFive


class ComplaintAcknowledged(Observation, frozen=True, kw_only=True):
    complaint: Id


class ComplaintResolved(Observation, frozen=True, kw_only=True):
    complaint: Id
    resolution: Words
    recovery: Words | UnsetType = UNSET


class ComplaintEscalated(Observation, frozen=True, kw_only=True):
    complaint: Id
    to: Id


class SurveyAnswered(Observation, frozen=True, kw_only=True):
    instrument: Id
    score: Annotated[int, Meta(ge=0, le=10)]
    scale: Literal["0-10", "1-5", "1-7"]

    def problem(self) -> tuple[str, str, str] | None:
        low, high = SCALES[self.scale]
        if low <= self.score <= high:
            return None
        return "/score", "range", f"must be {low} to {high} on the scale {self.scale}"


class ExpectationStated(Observation, frozen=True, kw_only=True):
    about: About
    importance: OneToFive
    expected: OneToSeven


class DeliveryAssessed(Observation, frozen=True, kw_only=True):
    about: About
    perceived: OneToSeven


class CompetitorCompared(Observation, frozen=True, kw_only=True):
    competitor: Id
    about: About
    our_rank: Annotated[int, Meta(ge=1, le=INT64_MAX)]
    of: Annotated[int, Meta(ge=2, le=INT64_MAX)]

    def problem(self) -> tuple[str, str, str] | None:
        if self.our_rank <= self.of:
            return None
        return "/our_rank", "range", "must not be greater than of"


class ReferralMade(Observation, frozen=True, kw_only=True):
    referred: Words

    def problem(self) -> tuple[str, str, str] | None:
        try:
            parse(self.referred)
        except BadIdentifier as error:
            return "/referred", error.code, error.detail
        return None


class NeedStated(Observation, frozen=True, kw_only=True):
    need: Id
    words: Words


class NeedConfirmed(Observation, frozen=True, kw_only=True):
    need: Id
    words: Words


class NeedFulfilled(Observation, frozen=True, kw_only=True):
    need: Id
