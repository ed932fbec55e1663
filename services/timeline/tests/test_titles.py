import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from libs.events.catalog.fields import Data
from libs.events.catalog.interactions import ComplaintLodged, InteractionRecorded, PurchaseRecorded
from libs.events.catalog.registry import CATALOG, EventType
from libs.events.tests.catalog_strategies import structs
from services.timeline.titles import MAX_CHARS, title

TITLES = {
    "interaction.recorded": "Inbound telephone: Asked where the parcel is; promised a call back",
    "interaction.related": "Interaction call-118 related to mail-77 (follow up)",
    "purchase.recorded": "Bought for 12.30 GBP (order 536365)",
    "refund.recorded": "Refunded 4.10 GBP (order 536365): two cups arrived broken",
    "cost_to_serve.recorded": "Cost to serve 3.50 EUR: second delivery",
    "problem.reported": "Problem with website, severity 3: The basket is empty after signing in",
    "problem.resolved": "Problem P-88 resolved, satisfied: The basket is kept over a sign-in",
    "complaint.lodged": "Complaint about billing, severity 4: I was charged twice for the same order",
    "complaint.acknowledged": "Complaint C-12 acknowledged",
    "complaint.resolved": "Complaint C-12 resolved: The second charge was paid back",
    "complaint.escalated": "Complaint C-12 escalated to head of billing",
    "survey.answered": "Survey nps-2026: 9 of 10: Quick and friendly",
    "expectation.stated": "Expects 6 of 7 on reliability, importance 5 of 5",
    "delivery.assessed": "Rated reliability 4 of 7",
    "competitor.compared": "Ranked us 1 of 3 on price, beside Other Ltd",
    "referral.made": "Recommended us to email:grace@example.org",
    "need.stated": "Needs: I want to see the delivery day before I pay",
    "need.confirmed": "Need confirmed: Show the delivery day in the basket",
    "need.fulfilled": "Need N-5 fulfilled",
    "interaction.amended": "Interaction amended: the carrier called",
    "interaction.completed": "Interaction completed: sent again by courier",
    "contact.registered": "Registered as person: crm:4711, email:ada@example.org",
    "identifier.linked": "Linked email:ada@example.org to crm:4711: she wrote from this address",
    "identifier.unlinked": ("Unlinked email:ada@example.org from crm:4711: the address was given to a colleague"),
    "contacts.merged": "Merged with crm:4711, contact …5be0c4a7d902: same address and date of birth",
    "contacts.unmerged": "Unmerged from crm:4711, contact …5be0c4a7d902: father and son",
    "conflict.resolved": "Conflict resolved for crm:4711: asked by telephone",
    "contact.traits_changed": "Changed name: Ada Byron -> Ada Lovelace",
    "board.opened": "Board opened: What should our shop do better?",
    "board.changed": "Board changed, status: open -> closed: the season is over",
    "idea.submitted": "Submitted an idea: Show the delivery day before I pay (entered by agent-7)",
    "proposal.published": "Proposal put to the vote: Deliver on Saturdays, for 2 EUR",
    "idea.edited": "Idea edited: title",
    "idea.tagged": "Idea tagged: basket, delivery",
    "idea.status_changed": "Idea planned for 2026-06-30: the carrier can tell us the day",
    "idea.answered": "Idea answered: Thank you: we are asking the carriers",
    "ideas.merged": "Idea merged into another: both want to know the day",
    "ideas.unmerged": "Idea no longer merged into another: one is about collecting in the store",
    "vote.cast": "Voted for an idea with 3 credits",
    "vote.changed": "Changed the vote on an idea: for it, with 1 credit (entered by agent-7)",
    "vote.withdrawn": "Withdrew the vote on an idea: not needed any more",
    "vote.invalidated": "Vote on an idea found not to count: cast by a script",
    "comment.posted": "Commented on an idea: The hour would be better still",
    "comment.removed": "Comment removed: names another customer",
    "change.linked": "Change that answers an idea: The delivery day in the basket",
    "change.shipped": "Change shipped: on the website; the app follows",
    "outcome.measured": ("Target met: parcels that nobody was at home for at 8.2 percent, from 14.5, to be 10"),
    "loop.closed": "Those who asked were told: You asked for the delivery day: it is in the basket now",
    "loop.reopened": "An idea worked on again: one parcel in ten still finds nobody",
    "beneficiary.notified": "Told by email what came of an idea: The delivery day is in the basket now",
    "statistics.published": "Statistics 1 published: 4338 people",
    "class.changed": "RFM (GBP): from loyal to champions",
    "log.created": "Log created",
}


@pytest.mark.parametrize("event_type", CATALOG.values(), ids=lambda each: each.name)
def test_every_type_has_a_line_of_its_own(event_type: EventType) -> None:
    data = msgspec.convert(event_type.example["data"], event_type.data)
    name = event_type.name.removeprefix(f"rapport.{event_type.owner}.").removesuffix(".v1")
    assert title(event_type.name, data) == TITLES[name]


IDEA = "0198b1f6-1b2c-7d3e-8f40-5a6b7c8d9e0f"
STAFF = {"kind": "staff", "id": "agent-7"}


@pytest.mark.parametrize(
    ("name", "changes", "line"),
    [
        ("idea.submitted", {"actor": UNSET}, "Submitted an idea: Show the delivery day before I pay"),
        (
            "idea.submitted",
            {"actor": {"kind": "staff"}},
            "Submitted an idea: Show the delivery day before I pay (entered by staff)",
        ),
        (
            "idea.submitted",
            {"actor": {"kind": "customer", "id": "crm:4711"}},
            "Submitted an idea: Show the delivery day before I pay",
        ),
        ("vote.cast", {"credits": UNSET}, "Voted for an idea"),
        ("vote.cast", {"credits": 1, "proxy": STAFF}, "Voted for an idea with 1 credit (entered by agent-7)"),
        ("vote.cast", {"stance": "down", "credits": UNSET}, "Voted against an idea"),
        (
            "vote.changed",
            {"stance": "down", "credits": UNSET, "proxy": UNSET},
            "Changed the vote on an idea: against it",
        ),
        ("vote.withdrawn", {"reason": UNSET, "proxy": STAFF}, "Withdrew the vote on an idea (entered by agent-7)"),
        ("idea.tagged", {"tags": []}, "Tags taken off an idea"),
        (
            "idea.edited",
            {"changes": {"touchpoint": {"from": "store", "to": "website"}}, "reason": "a slip"},
            "Idea edited: touchpoint: store -> website: a slip",
        ),
        (
            "idea.status_changed",
            {"to": "under_review", "promised_for": UNSET, "reason": "new"},
            "Idea under review: new",
        ),
        (
            "idea.status_changed",
            {"to": "in_progress", "reason": "begun"},
            "Idea in progress, promised for 2026-06-30: begun",
        ),
        ("ideas.unmerged", {"reason": UNSET}, "Idea no longer merged into another"),
        (
            "comment.posted",
            {"reply_to": "0198b1f6-4e5f-7061-b273-8d9e0f1a2b3c", "actor": STAFF},
            "Replied to a comment on an idea: The hour would be better still (entered by agent-7)",
        ),
        ("change.linked", {"ideas": [IDEA] * 3, "title": "it"}, "Change that answers 3 ideas: it"),
        ("change.shipped", {"note": UNSET}, "Change shipped"),
        (
            "outcome.measured",
            {"actual": 12.0, "metric": "calls", "unit": UNSET},
            "Target missed: calls at 12, from 14.5, to be 10",
        ),
        ("loop.reopened", {"ideas": [IDEA] * 2}, "2 ideas worked on again: one parcel in ten still finds nobody"),
        ("beneficiary.notified", {"channel": "face_to_face", "text": UNSET}, "Told face to face what came of an idea"),
        ("beneficiary.notified", {"channel": "web", "text": UNSET}, "Told on the web what came of an idea"),
        (
            "beneficiary.notified",
            {"channel": "acme:the_app", "text": UNSET},
            "Told by the app (acme) what came of an idea",
        ),
    ],
)
def test_a_line_of_feedback_says_who_did_what(name: str, changes: dict[str, object], line: str) -> None:
    event_type = CATALOG[f"rapport.feedback.{name}.v1"]
    said = {field: value for field, value in {**event_type.example["data"], **changes}.items() if value is not UNSET}
    assert title(event_type.name, msgspec.convert(said, event_type.data)) == line


@pytest.mark.parametrize(
    ("type_", "line"),
    [
        ("com.example.cart.abandoned", "cart abandoned (com.example)"),
        ("com.example.cart_item.price-dropped.v12", "cart item price dropped (com.example)"),
        ("cart.abandoned", "cart abandoned"),
        ("ping", "ping"),
        ("rapport.interactions.purchase.recorded.v1", "purchase recorded"),
    ],
)
@pytest.mark.parametrize("data", [None, {"cart": 1}, b"{}"])
def test_a_type_without_a_class_is_put_in_words(type_: str, line: str, data: object) -> None:
    assert title(type_, data) == line


@pytest.mark.parametrize(
    ("amount_minor", "currency", "money"),
    [
        (5, "GBP", "0.05 GBP"),
        (1230, "JPY", "1230 JPY"),
        (1230, "KWD", "1.230 KWD"),
        (2**63 - 1, "EUR", "92233720368547758.07 EUR"),
    ],
)
def test_money_is_written_with_its_minor_unit(amount_minor: int, currency: str, money: str) -> None:
    purchase = PurchaseRecorded(amount_minor=amount_minor, currency=currency, order="1")  # type: ignore[arg-type]
    assert title("", purchase) == f"Bought for {money} (order 1)"


def test_a_term_of_a_company_names_the_company() -> None:
    recorded = InteractionRecorded(channel="acme:loyalty_desk", direction="inbound", status="in_progress", reason="ask")
    assert title("", recorded) == "Inbound loyalty desk (acme) (in progress): ask"


def test_a_long_line_ends_at_a_word() -> None:
    lodged = ComplaintLodged(complaint="1", touchpoint="service", severity=2, text="waited and waited, " * 3_000)
    line = title("", lodged)
    assert line == f"Complaint about service, severity 2:{' waited and waited,' * 4} waited…"


def test_a_long_word_is_cut() -> None:
    line = title("", PurchaseRecorded(amount_minor=1, currency="GBP", order="9" * 512))
    assert line.endswith("9…")
    assert len(line) == MAX_CHARS


def test_lines_and_controls_become_spaces() -> None:
    text = "one\r\n two\x00\x1b[31mthree\u2028four\u202efive"
    lodged = ComplaintLodged(complaint="1", touchpoint="service", severity=2, text=text)
    assert title("", lodged) == "Complaint about service, severity 2: one two [31mthree four five"


def claim(name: str, **changes: object) -> Data:
    event_type = CATALOG[f"rapport.contacts.{name}.v1"]
    return msgspec.convert({**event_type.example["data"], **changes}, event_type.data)


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (UNSET, ""),
        ({}, ""),
        (
            {"found_in": "newsletter", "opened": 3, "sure": True, "by": None},
            ": found_in newsletter, opened 3, sure yes, by none",
        ),
        ({"letter": "dear " * 9, "pages": [1, 2]}, ": letter, pages"),
    ],
)
def test_a_link_says_its_evidence(evidence: object, said: str) -> None:
    linked = msgspec.structs.replace(claim("identifier.linked"), evidence=evidence)
    assert title("", linked) == f"Linked email:ada@example.org to crm:4711{said}"


def test_a_change_of_traits_shows_what_is_short_and_names_the_rest() -> None:
    changes = {
        "country": {"from": None, "to": "GB"},
        "about": {"from": "a long story " * 9, "to": None},
        "score": {"from": 1.5, "to": 2**63},
        "tags": {"from": [], "to": ["vip"]},
    }
    assert (
        title("", claim("contact.traits_changed", changes=changes)) == "Changed country: none -> GB, about, score, tags"
    )


def test_a_merge_of_very_many_is_cut() -> None:
    members = [{"name": f"crm:{n}", "node": "3f1d2c4b-5a69-8788-9a0b-1c2d3e4f5061"} for n in range(100)]
    line = title("", claim("contacts.merged", members=members))
    assert line.startswith("Merged with crm:0, crm:1, crm:2, ")
    assert line.endswith("…")


@pytest.mark.parametrize(
    ("ruling", "name", "line"),
    [
        ("effective", "conflict.resolved", "Conflict resolved for crm:4711: asked by telephone"),
        ("already_so", "conflict.resolved", "Already so: Conflict resolved for crm:4711: asked by telephone"),
        ("invalid", "conflict.resolved", "Not valid: Conflict resolved for crm:4711: asked by telephone"),
        ("conflict", "conflict.resolved", "Refused, in conflict: Conflict resolved for crm:4711: asked by telephone"),
        ("superseded", "contact.traits_changed", "Superseded: Changed name: Ada Byron -> Ada Lovelace"),
        (
            "conflict",
            "contact.registered",
            "Registration refused, identifier claimed by another contact: crm:4711, email:ada@example.org",
        ),
        (
            "conflict",
            "identifier.linked",
            "Link refused, identifier claimed by another contact: email:ada@example.org to crm:4711",
        ),
        (
            "conflict",
            "contacts.merged",
            "Merge refused, names in conflict: crm:4711, contact …5be0c4a7d902: same address and date of birth",
        ),
    ],
)
def test_a_line_says_what_came_of_it(ruling: str, name: str, line: str) -> None:
    assert title("", claim(name), ruling=ruling) == line


@given(structs(), st.text(), st.sampled_from([None, "effective", "already_so", "conflict", "invalid"]) | st.text())
def test_any_event_has_one_printable_line(event: tuple[EventType, Data], type_: str, ruling: str | None) -> None:
    for line in (title(event[0].name, event[1], ruling=ruling), title(type_, None, ruling=ruling)):
        assert len(line) <= MAX_CHARS
        assert not any(unicodedata.category(char) in {"Cc", "Zl", "Zp"} for char in line)
