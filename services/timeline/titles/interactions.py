"""Lines of what happened between a customer and the company. Pure and total."""

from msgspec import UNSET

from libs.events.catalog import interactions as of
from services.timeline.titles.words import amount, said, term, words


def line(data: object) -> str | None:
    match data:
        case of.PurchaseRecorded():  # most of the traffic
            return f"Bought for {amount(data.amount_minor, data.currency)} (order {data.order})"
        case _:
            return _contact(data) or _trouble(data) or _voice(data) or _money(data)


def _money(data: object) -> str | None:
    match data:
        case of.RefundRecorded():
            refunded = f"Refunded {amount(data.amount_minor, data.currency)} (order {data.order})"
            return refunded + said(data.reason, data.text)
        case of.CostToServeRecorded():
            return f"Cost to serve {amount(data.amount_minor, data.currency)}{said(data.cause, data.text)}"
        case _:
            return None


def _contact(data: object) -> str | None:
    match data:
        case of.InteractionRecorded():
            status = "" if data.status == "completed" else f" ({words(data.status)})"
            line = f"{data.direction.capitalize()} {term(data.channel)}{status}"
            return line + said(data.summary, data.reason, data.text)
        case of.InteractionRelated():
            return f"Interaction {data.interaction} related to {data.related} ({words(data.relation)})"
        case of.InteractionAmended():
            return f"Interaction amended: {data.reason}"
        case of.InteractionCompleted():
            return f"Interaction completed{said(data.resolution)}"
        case _:
            return None


def _trouble(data: object) -> str | None:
    match data:
        case of.ComplaintLodged():
            return f"Complaint about {term(data.touchpoint)}, severity {data.severity}{said(data.text)}"
        case of.ComplaintAcknowledged():
            return f"Complaint {data.complaint} acknowledged{said(data.text)}"
        case of.ComplaintResolved():
            return f"Complaint {data.complaint} resolved: {data.resolution}"
        case of.ComplaintEscalated():
            return f"Complaint {data.complaint} escalated to {data.to}{said(data.text)}"
        case of.ProblemReported():
            return f"Problem with {term(data.touchpoint)}, severity {data.severity}{said(data.text)}"
        case of.ProblemResolved():
            verdict = "" if data.satisfied is UNSET else ", satisfied" if data.satisfied else ", not satisfied"
            return f"Problem {data.problem_id} resolved{verdict}: {data.resolution}"
        case _:
            return None


def _voice(data: object) -> str | None:
    match data:
        case of.SurveyAnswered():
            highest = data.scale.partition("-")[2]
            return f"Survey {data.instrument}: {data.score} of {highest}{said(data.text)}"
        case of.ExpectationStated():
            return f"Expects {data.expected} of 7 on {term(data.about)}, importance {data.importance} of 5"
        case of.DeliveryAssessed():
            return f"Rated {term(data.about)} {data.perceived} of 7{said(data.text)}"
        case of.CompetitorCompared():
            return f"Ranked us {data.our_rank} of {data.of} on {term(data.about)}, beside {data.competitor}"
        case of.ReferralMade():
            return f"Recommended us to {data.referred}"
        case of.NeedStated():
            return f"Needs: {data.words}"
        case of.NeedConfirmed():
            return f"Need confirmed: {data.words}"
        case of.NeedFulfilled():
            return f"Need {data.need} fulfilled{said(data.text)}"
        case _:
            return None
