"""One readable line for every event. Pure and total: folds call it."""

import re
from collections.abc import Sequence
from typing import Any, Final

from msgspec import UNSET, UnsetType

from libs.events.catalog import contacts
from libs.events.catalog import interactions as of
from libs.events.catalog.fields import INT64_MAX, INT64_MIN, Data
from libs.events.catalog.operations import LogCreated
from libs.events.currencies import MINOR_UNITS

MAX_CHARS: Final = 120

_SHORTEST_CUT: Final = 60  # a longer word than what is left after this is cut in the middle
_READ_CHARS: Final = 4 * MAX_CHARS  # of a long text no more is looked at
# Controls, line and paragraph separators, and what turns the direction of a line.
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_SHORT_VALUE: Final = 30  # characters; of a longer value only its field is named
_CONTACT_ID: Final = re.compile(r"contact:[0-9a-f-]{23}-([0-9a-f]{12})")
_VERSION: Final = re.compile(r"\.v[0-9]+\Z")


def title(type_: str, data: object | None, *, ruling: str | None = None) -> str:
    """`ruling` is what came of a decision or claim; without one, and for "effective", the line says that it is so."""
    match data:
        case of.PurchaseRecorded():  # most of the traffic
            line = f"Bought for {_amount(data.amount_minor, data.currency)} (order {data.order})"
        case Data():
            line = _contact(data) or _trouble(data) or _voice(data) or _money(data) or _identity(data) or _plain(type_)
        case _:
            line = _plain(type_)
    if ruling is not None and ruling != "effective":
        line = _ruled(ruling, data, line)
    return line if len(line) <= MAX_CHARS and line.isprintable() else _clip(line)


def _ruled(ruling: str, data: object | None, line: str) -> str:
    match ruling, data:
        case "already_so", _:
            return f"Already so: {line}"
        case "invalid", _:
            return f"Not valid: {line}"
        case "conflict", contacts.ContactRegistered():
            return f"Registration refused, identifier claimed by another contact: {_names(data.identifiers)}"
        case "conflict", contacts.IdentifierLinked():
            link = f"{_name(data.identifier)} to {_name(data.contact)}"
            return f"Link refused, identifier claimed by another contact: {link}"
        case "conflict", contacts.ContactsMerged():
            return f"Merge refused, names in conflict: {_names(data.members)}{_said(data.reason)}"
        case "conflict", _:
            return f"Refused, in conflict: {line}"
        case _:
            return f"{_words(ruling).capitalize()}: {line}"


def _money(data: object) -> str | None:
    match data:
        case of.RefundRecorded():
            refunded = f"Refunded {_amount(data.amount_minor, data.currency)} (order {data.order})"
            return refunded + _said(data.reason, data.text)
        case of.CostToServeRecorded():
            return f"Cost to serve {_amount(data.amount_minor, data.currency)}{_said(data.cause, data.text)}"
        case _:
            return None


def _contact(data: object) -> str | None:
    match data:
        case of.InteractionRecorded():
            status = "" if data.status == "completed" else f" ({_words(data.status)})"
            line = f"{data.direction.capitalize()} {_term(data.channel)}{status}"
            return line + _said(data.summary, data.reason, data.text)
        case of.InteractionRelated():
            return f"Interaction {data.interaction} related to {data.related} ({_words(data.relation)})"
        case of.InteractionAmended():
            return f"Interaction amended: {data.reason}"
        case of.InteractionCompleted():
            return f"Interaction completed{_said(data.resolution)}"
        case LogCreated():
            return "Log created"
        case _:
            return None


def _trouble(data: object) -> str | None:
    match data:
        case of.ComplaintLodged():
            return f"Complaint about {_term(data.touchpoint)}, severity {data.severity}{_said(data.text)}"
        case of.ComplaintAcknowledged():
            return f"Complaint {data.complaint} acknowledged{_said(data.text)}"
        case of.ComplaintResolved():
            return f"Complaint {data.complaint} resolved: {data.resolution}"
        case of.ComplaintEscalated():
            return f"Complaint {data.complaint} escalated to {data.to}{_said(data.text)}"
        case of.ProblemReported():
            return f"Problem with {_term(data.touchpoint)}, severity {data.severity}{_said(data.text)}"
        case of.ProblemResolved():
            verdict = "" if data.satisfied is UNSET else ", satisfied" if data.satisfied else ", not satisfied"
            return f"Problem {data.problem_id} resolved{verdict}: {data.resolution}"
        case _:
            return None


def _voice(data: object) -> str | None:
    match data:
        case of.SurveyAnswered():
            highest = data.scale.partition("-")[2]
            return f"Survey {data.instrument}: {data.score} of {highest}{_said(data.text)}"
        case of.ExpectationStated():
            return f"Expects {data.expected} of 7 on {_term(data.about)}, importance {data.importance} of 5"
        case of.DeliveryAssessed():
            return f"Rated {_term(data.about)} {data.perceived} of 7{_said(data.text)}"
        case of.CompetitorCompared():
            return f"Ranked us {data.our_rank} of {data.of} on {_term(data.about)}, beside {data.competitor}"
        case of.ReferralMade():
            return f"Recommended us to {data.referred}"
        case of.NeedStated():
            return f"Needs: {data.words}"
        case of.NeedConfirmed():
            return f"Need confirmed: {data.words}"
        case of.NeedFulfilled():
            return f"Need {data.need} fulfilled{_said(data.text)}"
        case _:
            return None


def _identity(data: object) -> str | None:
    match data:
        case contacts.ContactRegistered():
            return f"Registered as {data.kind}: {_names(data.identifiers)}"
        case contacts.IdentifierLinked():
            return f"Linked {_name(data.identifier)} to {_name(data.contact)}{_evidence(data.evidence)}"
        case contacts.IdentifierUnlinked():
            return f"Unlinked {_name(data.identifier)} from {_name(data.contact)}{_said(data.reason)}"
        case contacts.ContactsMerged():
            return f"Merged with {_names(data.members)}: {data.reason}"
        case contacts.ContactsUnmerged():
            return f"Unmerged from {_names(data.members)}{_said(data.reason)}"
        case contacts.ConflictResolved():
            return f"Conflict resolved for {_name(data.holder)}: {data.reason}"
        case contacts.TraitsChanged():
            return f"Changed {', '.join(_change(field, change) for field, change in data.changes.items())}"
        case _:
            return None


def _names(names: Sequence[contacts.Named]) -> str:
    """All of them: an entry stands on the timeline of each."""
    return ", ".join(_name(each) for each in names)


def _name(named: contacts.Named) -> str:
    """The name; of a contact's id only the end, which tells it from others."""
    contact = _CONTACT_ID.fullmatch(named.name)
    return f"contact …{contact[1]}" if contact else named.name


def _evidence(evidence: str | dict[str, Any] | UnsetType) -> str:
    if not isinstance(evidence, dict):
        return _said(evidence)
    shown = [(field, _short(value)) for field, value in evidence.items()]
    return _said(", ".join(field if value is None else f"{field} {value}" for field, value in shown))


def _change(field: str, change: contacts.Change) -> str:
    """What the field was and is, where both are short."""
    before, to = _short(change.before), _short(change.to)
    return field if before is None or to is None else f"{field}: {before} -> {to}"


def _short(value: Any) -> str | None:
    match value:
        case None:
            return "none"
        case str() if len(value) <= _SHORT_VALUE:
            return value
        case bool():
            return "yes" if value else "no"
        case int() if INT64_MIN <= value <= INT64_MAX:
            return str(value)
        case float():
            return str(value)
        case _:
            return None


def _plain(type_: str) -> str:
    """`com.example.cart.abandoned.v2` is "cart abandoned (com.example)"; our own need not say whose they are."""
    *owner, noun, verb = ["", *_VERSION.sub("", type_).split(".")]
    words = _words(f"{noun} {verb}").strip()
    whose = ".".join(filter(None, owner))
    return words if not whose or whose.startswith("rapport.") else f"{words} ({whose})"


def _amount(minor: int, currency: str) -> str:
    match MINOR_UNITS[currency]:
        case 2:
            return f"{minor // 100}.{minor % 100:02} {currency}"
        case 0:
            return f"{minor} {currency}"
        case digits:
            whole, rest = divmod(minor, 10**digits)
            return f"{whole}.{rest:0{digits}} {currency}"


def _term(term: str) -> str:
    """`loyalty_desk` in words; a company's own term, `acme:loyalty_desk`, with the company behind it."""
    prefix, colon, own = term.partition(":")
    return f"{_words(own)} ({prefix})" if colon else _words(term)


def _words(term: str) -> str:
    return term.replace("_", " ").replace("-", " ")


def _said(*texts: str | UnsetType) -> str:
    """The first of the texts that is there, behind a colon."""
    return next((f": {text}" for text in texts if text), "")


def _clip(line: str) -> str:
    line = " ".join(_UNPRINTABLE.sub(" ", line[:_READ_CHARS]).split())
    if len(line) <= MAX_CHARS:
        return line
    cut = line.rfind(" ", _SHORTEST_CUT, MAX_CHARS)
    return line[: cut if cut > 0 else MAX_CHARS - 1].rstrip(" ,;:.") + "…"
