"""What an event is worth to the numbers: a measure, what it is about, and an amount. Pure.

    measure             about        amount                 from
    purchase            currency     minor units            purchase.recorded
    purchase_costed     currency     minor units            purchase.recorded whose cost is known
    cost                currency     minor units            the same: what it cost
    refund              currency     minor units            refund.recorded
    cost_to_serve       currency     minor units            cost_to_serve.recorded
    problem             touchpoint   severity 1-5           problem.reported
    problem_resolved                 0 if not satisfied     problem.resolved
    complaint           touchpoint   severity 1-5           complaint.lodged
    complaint_resolved               1                      complaint.resolved
    complaint_escalated              1                      complaint.escalated
    survey              scale        score                  survey.answered
    expected            factor       1-7                    expectation.stated
    importance          factor       1-5                    the same
    perceived           factor       1-7                    delivery.assessed
    referral                         1                      referral.made
    inbound, outbound   channel      1                      interaction.recorded
    idea                touchpoint   1                      idea.submitted
    vote                             1                      vote.cast
    comment                          1                      comment.posted

What is not in the table is worth nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from libs.events.catalog import feedback, interactions
from libs.events.fold import Fact
from libs.events.topics import IDENTITY


class Noted(msgspec.Struct, frozen=True, gc=False):
    """What is kept of an event. `also` is a second amount: the cost of a purchase, the importance of an expectation."""

    measure: str
    about: str
    amount: int
    also: int | None = None


class Entry(NamedTuple):
    """What is added to one figure."""

    measure: str
    about: str
    amount: int


ALSO = {"purchase": ("purchase_costed", "cost"), "expected": ("importance",)}
"""Figures that an event changes beside that of its own measure."""

NOTED_AS = {measure: noted for noted, measures in ALSO.items() for measure in measures}

SECOND = {"cost", "importance"}
"""Those that are of the second amount."""


def noted(fact: Fact) -> Noted | None:
    """None for an event that no number comes from. What there is most of comes first: this is asked of every event."""
    if fact.partition.topic == IDENTITY.name:  # where only claims count, whatever stands there
        return None
    match fact.data:
        case interactions.PurchaseRecorded() as data:
            cost = None if data.cost_minor is UNSET else data.cost_minor
            return Noted("purchase", data.currency, data.amount_minor, cost)
        case interactions.InteractionRecorded() as data:
            return Noted(data.direction, data.channel, 1)
        case interactions.RefundRecorded() as data:
            return Noted("refund", data.currency, data.amount_minor)
        case interactions.CostToServeRecorded() as data:
            return Noted("cost_to_serve", data.currency, data.amount_minor)
        case interactions.ProblemReported() as data:
            return Noted("problem", data.touchpoint, data.severity)
        case interactions.ProblemResolved() as data:
            return Noted("problem_resolved", "", int(data.satisfied is not False))
        case interactions.ComplaintLodged() as data:
            return Noted("complaint", data.touchpoint, data.severity)
        case interactions.ComplaintResolved():
            return Noted("complaint_resolved", "", 1)
        case interactions.ComplaintEscalated():
            return Noted("complaint_escalated", "", 1)
        case interactions.SurveyAnswered() as data:
            return Noted("survey", data.scale, data.score)
        case interactions.ExpectationStated() as data:
            return Noted("expected", data.about, data.expected, data.importance)
        case interactions.DeliveryAssessed() as data:
            return Noted("perceived", data.about, data.perceived)
        case interactions.ReferralMade():
            return Noted("referral", "", 1)
        case _:
            return None if fact.event.subject is None else _said(fact)


def _said(fact: Fact) -> Noted | None:
    """What a customer said on a board; an idea that nobody is behind is a proposal of the company's."""
    match fact.data:
        case feedback.IdeaSubmitted() as data:
            return Noted("idea", data.touchpoint, 1)
        case feedback.VoteCast():
            return Noted("vote", "", 1)
        case feedback.CommentPosted():
            return Noted("comment", "", 1)
        case _:
            return None


def entries(kept: Noted) -> Sequence[Entry]:
    """All figures that it changes, its own first."""
    own = Entry(kept.measure, kept.about, kept.amount)
    if kept.also is None:
        return (own,)
    beside = (Entry(each, kept.about, kept.also if each in SECOND else kept.amount) for each in ALSO[kept.measure])
    return (own, *beside)
