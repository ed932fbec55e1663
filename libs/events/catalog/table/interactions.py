"""Events of the interactions service."""

from typing import Final

from libs.events.catalog import interactions as of
from libs.events.catalog.table.row import Row

OBSERVATIONS: Final = (
    Row(
        "interaction.recorded",
        of.InteractionRecorded,
        "A conversation, visit or message between a customer and the company took place.",
        {
            "channel": "telephone",
            "direction": "inbound",
            "reason": "delivery is late",
            "summary": "Asked where the parcel is; promised a call back",
            "started_at": "2026-03-02T10:11:00Z",
            "ended_at": "2026-03-02T10:15:00Z",
            "purpose": "service",
            "items": [{"reason": "late parcel", "item": "536365", "resolution": "traced with the carrier"}],
            "actor": {"kind": "staff", "id": "agent-7"},
        },
        rule="`ended_at` is not before `started_at`.",
    ),
    Row(
        "interaction.related",
        of.InteractionRelated,
        "One interaction has to do with another.",
        {"interaction": "call-118", "related": "mail-77", "relation": "follow_up"},
    ),
    Row(
        "purchase.recorded",
        of.PurchaseRecorded,
        "A customer bought something.",
        {
            "amount_minor": 1230,
            "currency": "GBP",
            "order": "536365",
            "lines": [{"product": "85123A", "quantity": 6, "amount_minor": 1230}],
            "cost_minor": 710,
            "channel": "web",
        },
    ),
    Row(
        "refund.recorded",
        of.RefundRecorded,
        "Money was given back for an order.",
        {"amount_minor": 410, "currency": "GBP", "order": "536365", "reason": "two cups arrived broken"},
    ),
    Row(
        "cost_to_serve.recorded",
        of.CostToServeRecorded,
        "Serving a customer cost something beside the goods.",
        {"amount_minor": 350, "currency": "EUR", "cause": "second delivery"},
    ),
    Row(
        "problem.reported",
        of.ProblemReported,
        "Something does not work for a customer.",
        {"problem": "P-88", "touchpoint": "website", "severity": 3, "text": "The basket is empty after signing in"},
    ),
    Row(
        "problem.resolved",
        of.ProblemResolved,
        "A reported problem is gone.",
        {"problem": "P-88", "resolution": "The basket is kept over a sign-in", "satisfied": True},
    ),
    Row(
        "complaint.lodged",
        of.ComplaintLodged,
        "A customer complained.",
        {
            "complaint": "C-12",
            "touchpoint": "billing",
            "severity": 4,
            "channel": "email",
            "text": "I was charged twice for the same order",
        },
    ),
    Row(
        "complaint.acknowledged",
        of.ComplaintAcknowledged,
        "The customer was told that the complaint is being dealt with.",
        {"complaint": "C-12", "channel": "email", "direction": "outbound"},
    ),
    Row(
        "complaint.resolved",
        of.ComplaintResolved,
        "A complaint came to an end.",
        {"complaint": "C-12", "resolution": "The second charge was paid back", "recovery": "a voucher of 10 EUR"},
    ),
    Row(
        "complaint.escalated",
        of.ComplaintEscalated,
        "A complaint was handed to someone with more say.",
        {"complaint": "C-12", "to": "head of billing"},
    ),
    Row(
        "survey.answered",
        of.SurveyAnswered,
        "A customer answered a survey with a score.",
        {"instrument": "nps-2026", "score": 9, "scale": "0-10", "text": "Quick and friendly"},
        rule="`score` lies within `scale`.",
    ),
    Row(
        "expectation.stated",
        of.ExpectationStated,
        "A customer said what they expect, and how much it matters.",
        {"about": "reliability", "importance": 5, "expected": 6},
    ),
    Row(
        "delivery.assessed",
        of.DeliveryAssessed,
        "A customer said how well an expectation was met.",
        {"about": "reliability", "perceived": 4},
    ),
    Row(
        "competitor.compared",
        of.CompetitorCompared,
        "A customer ranked the company against a competitor.",
        {"competitor": "Other Ltd", "about": "price", "our_rank": 1, "of": 3},
        rule="`our_rank` is not greater than `of`.",
    ),
    Row(
        "referral.made",
        of.ReferralMade,
        "A customer recommended the company to somebody.",
        {"referred": "email:grace@example.org"},
        rule="`referred` is a well-formed identifier, such as `email:grace@example.org`.",
    ),
    Row(
        "need.stated",
        of.NeedStated,
        "A customer said, in their own words, what they need.",
        {"need": "N-5", "words": "I want to see the delivery day before I pay"},
    ),
    Row(
        "need.confirmed",
        of.NeedConfirmed,
        "A customer agreed with how their need was understood.",
        {"need": "N-5", "words": "Show the delivery day in the basket"},
    ),
    Row("need.fulfilled", of.NeedFulfilled, "What a customer needed is there.", {"need": "N-5"}),
)

_INTERACTION: Final = "0198b1f2-5c1e-8c3a-9d6b-1f0a52c7e4d1"

DECISIONS: Final = (
    Row(
        "interaction.amended",
        of.InteractionAmended,
        "What was recorded about an interaction was changed, and why.",
        {"interaction": _INTERACTION, "changes": {"reason": "parcel lost"}, "reason": "the carrier called"},
    ),
    Row(
        "interaction.completed",
        of.InteractionCompleted,
        "An interaction came to its end.",
        {"interaction": _INTERACTION, "resolution": "sent again by courier"},
    ),
)
