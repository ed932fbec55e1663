"""Rows of the timeline, whole."""

import json
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from libs.events.envelope import digest_of, name_of
from libs.events.fold import Fact, TextRow, fact_of
from libs.events.identity.graph import Name
from libs.events.identity.judge import Ruling, Verdict
from libs.events.log import Record
from libs.events.position import Partition
from libs.events.tests.rich_story import GOLDEN
from libs.events.topics import BY_NAME
from services.timeline.projection import claim_rows, rows

NODE = "3f1d2c4b-5a69-8788-9a0b-1c2d3e4f5061"
OTHER = "7a1d2c4b-5a69-8788-9a0b-1c2d3e4f5061"
PLACE = Partition("interactions", 4)
IDENTITY = Partition("identity", 0)
RECORDED_AT = "2026-03-02T12:00:00.250Z"
CALL: dict[str, Any] = json.loads(GOLDEN["rapport.interactions.interaction.recorded.v1"])
FOREIGN: dict[str, Any] = json.loads(GOLDEN["com.example.cart.abandoned"])
AMENDED: dict[str, Any] = json.loads(GOLDEN["rapport.interactions.interaction.amended.v1"])
CHANGED: dict[str, Any] = json.loads(GOLDEN["rapport.contacts.contact.traits_changed.v1"])
CLASS: dict[str, Any] = json.loads(GOLDEN["rapport.scoring.class.changed.v1"])
STATISTICS: dict[str, Any] = json.loads(GOLDEN["rapport.scoring.statistics.published.v1"])
MERGED: dict[str, Any] = json.loads(GOLDEN["rapport.contacts.contacts.merged.v1"])
AGENT = {"kind": "staff", "id": "agent-7"}
NOBODY: list[object] = [None, None, None, None]
BOARD = "019cae18-15e0-7d3e-ba4e-e198d039f165"
ADA = Name("contact:019cae0f-d880-7c83-8a19-fdb5fc9d4931", UUID("019cae0f-d880-7c83-8a19-fdb5fc9d4931"))
OTHER_NAME = Name("crm:4712", UUID("b27a4e90-6f13-8d52-8c4e-70a1d95b3f26"))


def feedback(name: str) -> Any:
    return json.loads(GOLDEN[f"rapport.feedback.{name}.v1"])


CHANGED_VOTE: dict[str, Any] = feedback("vote.changed")


def fact(event: dict[str, Any], key: str = NODE, place: Partition = PLACE) -> Fact:
    return fact_of(Record(key.encode(), json.dumps(event).encode()), place, 7, RECORDED_AT)


def row(said: Fact) -> TextRow:
    """The one row of an event."""
    (made,) = rows(said)
    return made


def item(event: dict[str, Any]) -> Any:
    return json.loads(row(fact(event))[-1] or "")


def claim(event: dict[str, Any], ruling: Ruling | None = None) -> Fact:
    """A claim with what the judge said of it."""
    return replace(fact(event, "identity", IDENTITY), ruling=ruling)


def test_an_event_is_one_row_and_the_row_holds_the_item_as_it_is_answered() -> None:
    *columns, entry = row(fact(CALL))
    name = name_of("interactions", NODE, CALL["source"], CALL["id"])
    digest = digest_of(json.dumps(CALL).encode())
    assert columns == [
        NODE, "2026-03-02T10:00:00Z", "2", "4", "7", name, digest, RECORDED_AT, "crm:4711", CALL["type"],
        "telephone", None, "inbound",
    ]  # fmt: skip
    assert json.loads(entry or "") == {
        "event_id": CALL["id"],
        "type": "rapport.interactions.interaction.recorded.v1",
        "service": "interactions",
        "contact": NODE,
        "title": "Inbound telephone: Asked where the parcel is; promised a call back",
        "actor": {"kind": "staff", "id": "agent-7"},
        "channel": "telephone",
        "direction": "inbound",
        "touchpoint": None,
        "occurred_at": "2026-03-02T10:00:00Z",
        "recorded_at": RECORDED_AT,
        "position": "interactions/4/7",
        "source": CALL["source"],
        "data": CALL["data"],
    }


def test_a_foreign_event_stands_with_its_own_data() -> None:
    assert item(FOREIGN) == {
        "event_id": FOREIGN["id"],
        "type": "com.example.cart.abandoned",
        "service": "interactions",
        "contact": NODE,
        "title": "cart abandoned (com.example)",
        "actor": None,
        "channel": None,
        "direction": None,
        "touchpoint": None,
        "occurred_at": "2026-03-02T10:19:00Z",
        "recorded_at": RECORDED_AT,
        "position": "interactions/4/7",
        "source": "urn:example:golden",
        "data": FOREIGN["data"],
    }


def test_an_event_without_data_or_time_stands_where_it_was_recorded() -> None:
    bare = {name: value for name, value in FOREIGN.items() if name not in {"data", "time"}}
    assert item(bare)["data"] is None
    assert item(bare)["occurred_at"] == RECORDED_AT


def test_times_stand_in_utc() -> None:
    assert item(FOREIGN | {"time": "2026-03-02T10:19:00.5+02:00"})["occurred_at"] == "2026-03-02T08:19:00.500000Z"


def test_spellings_of_a_name_are_one_subject() -> None:
    assert row(fact(FOREIGN | {"subject": "email: Ada@Example.ORG "}))[8] == "email:ada@example.org"


def test_an_event_under_another_key_names_its_node_itself() -> None:
    assert row(fact(FOREIGN | {"subjectnode": NODE}, key=OTHER))[0] == NODE


@pytest.mark.parametrize("event", [FOREIGN | {"subject": None}, FOREIGN | {"subjectnode": "nobody"}])
def test_an_event_about_nobody_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="names nobody"):
        row(fact(event))


def test_a_decision_about_an_interaction_is_an_entry_of_its_own() -> None:
    assert item(AMENDED) == {
        "event_id": AMENDED["id"],
        "type": "rapport.interactions.interaction.amended.v1",
        "service": "interactions",
        "contact": NODE,
        "title": "Interaction amended: the carrier called",
        "actor": None,
        "channel": None,
        "direction": None,
        "touchpoint": None,
        "occurred_at": "2026-03-02T10:27:00Z",
        "recorded_at": RECORDED_AT,
        "position": "interactions/4/7",
        "source": AMENDED["source"],
        "data": AMENDED["data"],
    }


def test_a_change_of_traits_stands_under_the_name_that_it_was_made_by() -> None:
    contact = CHANGED["source"].removeprefix("/contacts/")
    *columns, entry = row(fact(CHANGED, contact, Partition("contacts", 2)))
    assert columns[:5] == [CHANGED["subjectnode"], "2026-03-02T10:21:00Z", "1", "2", "7"]
    assert columns[7:] == [RECORDED_AT, "crm:4711", CHANGED["type"], None, None, None]
    said = json.loads(entry or "")
    assert (said["service"], said["contact"], said["data"]) == ("contacts", CHANGED["subjectnode"], CHANGED["data"])


def test_a_vote_stands_with_whoever_cast_it_for_the_voter() -> None:
    *columns, entry = row(fact(CHANGED_VOTE, BOARD, Partition("feedback", 2)))
    name = name_of("feedback", BOARD, CHANGED_VOTE["source"], CHANGED_VOTE["id"])
    digest = digest_of(json.dumps(CHANGED_VOTE).encode())
    assert columns == [
        NODE, "2026-03-02T10:39:00Z", "3", "2", "7", name, digest, RECORDED_AT, "crm:4711", CHANGED_VOTE["type"],
        None, None, None,
    ]  # fmt: skip
    assert json.loads(entry or "") == {
        "event_id": CHANGED_VOTE["id"],
        "type": "rapport.feedback.vote.changed.v1",
        "service": "feedback",
        "contact": NODE,
        "title": "Changed the vote on an idea: for it, with 1 credit (entered by agent-7)",
        "actor": {"kind": "staff", "id": "agent-7"},
        "channel": None,
        "direction": None,
        "touchpoint": None,
        "occurred_at": "2026-03-02T10:39:00Z",
        "recorded_at": RECORDED_AT,
        "position": "feedback/2/7",
        "source": CHANGED_VOTE["source"],
        "data": CHANGED_VOTE["data"],
    }


@pytest.mark.parametrize(
    ("name", "filed"),
    [
        ("idea.submitted", [AGENT, None, None, "website"]),
        ("idea.edited", [AGENT, None, None, None]),
        ("idea.tagged", [AGENT, None, None, None]),
        ("idea.status_changed", [AGENT, None, None, None]),
        ("idea.answered", [AGENT, None, None, None]),
        ("ideas.merged", [AGENT, None, None, None]),
        ("ideas.unmerged", NOBODY),
        ("vote.cast", NOBODY),
        ("vote.withdrawn", [AGENT, None, None, None]),
        ("vote.invalidated", [AGENT | {"id": "agent-3"}, None, None, None]),
        ("comment.posted", NOBODY),
        ("comment.removed", [AGENT, None, None, None]),
        ("beneficiary.notified", [{"kind": "system", "id": "newsletter"}, "email", "outbound", None]),
    ],
)
def test_feedback_is_filed_by_what_it_says(name: str, filed: list[object]) -> None:
    *columns, entry = row(fact(feedback(name), BOARD, Partition("feedback", 2)))
    said = json.loads(entry or "")
    assert [said[field] for field in ("actor", "channel", "direction", "touchpoint")] == filed
    assert columns[-3:] == [said["channel"], said["touchpoint"], said["direction"]]


@pytest.mark.parametrize(
    "name",
    [
        "board.opened", "board.changed", "proposal.published", "change.linked", "change.shipped",
        "outcome.measured", "loop.closed", "loop.reopened",
    ],
)  # fmt: skip
def test_what_a_company_decides_about_its_own_is_no_entry(name: str) -> None:
    assert rows(fact(feedback(name), BOARD, Partition("feedback", 2))) == ()


def test_a_type_of_feedback_that_is_not_known_yet_stands_with_whom_it_names() -> None:
    later = feedback("vote.cast") | {"type": "rapport.feedback.market.opened.v1"}
    about_nobody = {name: value for name, value in later.items() if not name.startswith("subject")}
    assert row(fact(later, BOARD, Partition("feedback", 2)))[0] == NODE
    assert rows(fact(about_nobody, BOARD, Partition("feedback", 2))) == ()


def test_another_class_stands_with_whoever_belongs_to_it() -> None:
    *columns, entry = row(fact(CLASS, str(ADA.node), Partition("scoring", 2)))
    name = name_of("scoring", str(ADA.node), CLASS["source"], CLASS["id"])
    assert columns == [
        str(ADA.node), "2026-03-02T10:52:00Z", "4", "2", "7", name, digest_of(json.dumps(CLASS).encode()), RECORDED_AT,
        ADA.text, CLASS["type"], None, None, None,
    ]  # fmt: skip
    assert json.loads(entry or "") == {
        "event_id": CLASS["id"],
        "type": "rapport.scoring.class.changed.v1",
        "service": "scoring",
        "contact": str(ADA.node),
        "title": "RFM (GBP): from potential loyalist to champions",
        "actor": None,
        "channel": None,
        "direction": None,
        "touchpoint": None,
        "occurred_at": "2026-03-02T10:52:00Z",
        "recorded_at": RECORDED_AT,
        "position": "scoring/2/7",
        "source": CLASS["source"],
        "data": CLASS["data"],
    }


def test_statistics_are_no_entry_nor_is_what_a_later_version_says_of_nobody() -> None:
    for event in (STATISTICS, STATISTICS | {"type": "rapport.scoring.definition.retired.v1"}):
        assert rows(fact(event, "statistics", Partition("scoring", 2))) == ()


def test_a_claim_stands_under_each_name_that_it_is_about() -> None:
    ruling = Ruling(Verdict.EFFECTIVE, contact=ADA.node, about=(ADA, OTHER_NAME))
    first, second = claim_rows(claim(MERGED, ruling))
    place = ("2026-03-02T10:24:00Z", str(BY_NAME["identity"].number), "0", "7", RECORDED_AT)
    shown = (MERGED["type"], None, None, None)
    assert first[:-1] == (str(ADA.node), *place, ADA.text, *shown)
    assert second[:-1] == (str(OTHER_NAME.node), *place, OTHER_NAME.text, *shown)
    assert first[-1] == second[-1]
    assert json.loads(first[-1] or "") == {
        "event_id": MERGED["id"],
        "type": "rapport.contacts.contacts.merged.v1",
        "service": "identity",
        "contact": str(ADA.node),
        "title": "Merged with contact …fdb5fc9d4931, crm:4712: same address and date of birth",
        "actor": None,
        "channel": None,
        "direction": None,
        "touchpoint": None,
        "occurred_at": "2026-03-02T10:24:00Z",
        "recorded_at": RECORDED_AT,
        "position": "identity/0/7",
        "source": "/identity",
        "data": MERGED["data"],
    }


def test_a_claim_without_effect_says_so_to_those_whom_the_graph_knows() -> None:
    ruling = Ruling(Verdict.CONFLICT, "names_in_conflict", conflict=ADA.node, about=(OTHER_NAME,))
    (only,) = claim_rows(claim(MERGED, ruling))
    assert only[0] == str(OTHER_NAME.node)
    assert json.loads(only[-1] or "")["title"].startswith("Merge refused, names in conflict: ")


def test_a_claim_is_no_entry_of_what_happened() -> None:
    assert rows(claim(MERGED)) == ()
    assert claim_rows(fact(CALL)) == ()
