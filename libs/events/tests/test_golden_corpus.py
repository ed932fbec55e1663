from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
import pytest

from libs.events.arbitration import sequence_of
from libs.events.catalog.registry import CATALOG, EventType, Kind
from libs.events.envelope import name_of
from libs.events.identifiers import as_uuid8
from libs.events.tests.catalog_samples import GOLDEN, OBSERVATIONS, RULED, golden, interactions, validator

SAMPLED = [*OBSERVATIONS, *RULED]
FEEDBACK = [each.name.split(".", 2)[2].removesuffix(".v1") for each in RULED if each.owner == "feedback"]
REQUIRED = {Kind.OBSERVATION: (), Kind.DECISION: ("sequence",), Kind.CLAIM: ("subjectnode",)}


def nodes_of_samples() -> dict[str, str]:
    contact = golden(CATALOG["rapport.contacts.contact.registered.v1"])["id"]
    return {
        "crm:4711": "3f1d2c4b-5a69-8788-9a0b-1c2d3e4f5061",
        "crm:4712": "b27a4e90-6f13-8d52-8c4e-70a1d95b3f26",
        "email:ada@example.org": "8c0e51d7-2b7f-8a34-b1c9-6d5e4f3a2b10",
        f"contact:{contact}": contact,
    }


def node_of(event: dict[str, Any]) -> str:
    """Of the subject: what an interaction's decision is keyed by, and a class by the contact, needs no attribute."""
    contact: str = event["subject"].removeprefix("contact:")
    return event.get("subjectnode") or (contact if contact != event["subject"] else nodes_of_samples()["crm:4711"])


def names_in(data: Any) -> Iterator[dict[str, str]]:
    match data:
        case {"name": str(), "node": str()}:
            yield data
        case dict() | list():
            for each in data.values() if isinstance(data, dict) else data:
                yield from names_in(each)


def feedback(name: str) -> dict[str, Any]:
    return golden(CATALOG[f"rapport.feedback.{name}.v1"])


def scoring(name: str) -> dict[str, Any]:
    return golden(CATALOG[f"rapport.scoring.{name}.v1"])


class TestTheGoldenCorpus:
    def test_has_a_sample_of_every_type_but_controls_and_of_a_foreign_one(self) -> None:
        assert set(GOLDEN) == {each.name for each in SAMPLED} | {"com.example.cart.abandoned"}

    @pytest.mark.parametrize("event_type", SAMPLED, ids=lambda each: each.name)
    def test_is_read_by_todays_code(self, event_type: EventType) -> None:
        event = golden(event_type)
        validator(event_type.name).validate(event)
        data = event_type.decoder.decode(msgspec.json.encode(event["data"]))
        assert data.problem() is None
        assert msgspec.json.decode(msgspec.json.encode(data)) == event["data"]

    @pytest.mark.parametrize("event_type", SAMPLED, ids=lambda each: each.name)
    def test_is_refused_by_the_schema_once_something_is_missing_or_too_much(self, event_type: EventType) -> None:
        event = golden(event_type)
        accepts = validator(event_type.name).is_valid
        for required in {"specversion", "id", "source", "type", "data", *REQUIRED[event_type.kind]}:
            assert not accepts({name: value for name, value in event.items() if name != required})
        about_nobody = {name: value for name, value in event.items() if name != "subject"}
        assert accepts(about_nobody) == (not event_type.needs_subject)
        for name, value in event["data"].items():
            assert not accepts(event | {"data": event["data"] | {name: None}})
            assert not accepts(event | {"data": event["data"] | {name.upper(): value}})
        assert not accepts(event | {"type": "com.example.other"})
        assert not accepts(event | {"specversion": "0.3"})
        assert not accepts(event | {"Extension": "upper case"})
        assert not accepts(event | {"extension": 2**31})
        assert not accepts(event | {"extension": ["a list"]})
        assert accepts(event | {"dataschema": f"urn:rapport:{event_type.name}", "traceparent": "00-1-2-01"})
        assert accepts(event | {"time": None, "extension": 1})


class TestTheStoryOfTheGoldenCorpus:
    """By their times, its claims and decisions are one story about one contact, a second name, and a disputed one.

    Then the contact has an idea: it is put to the vote, and something comes of it. In the end everybody is counted, and
    the contact is seen to belong to another class.
    """

    def test_is_written_by_rapport_in_the_order_of_its_ids(self) -> None:
        own = sorted((golden(each) for each in RULED), key=lambda event: event["time"])
        assert [event["id"] for event in own] == sorted(event["id"] for event in own)
        assert {UUID(event["id"]).version for event in own} == {7}

    def test_knows_each_name_by_one_node(self) -> None:
        nodes: dict[str, set[str]] = {}
        for event in map(golden, RULED):
            about = [{"name": event["subject"], "node": node_of(event)}] if "subject" in event else []
            for named in [*about, *names_in(event["data"])]:
                nodes.setdefault(named["name"], set()).add(named["node"])
        assert nodes == {name: {node} for name, node in nodes_of_samples().items()}

    def test_refers_to_itself(self) -> None:
        said = {each.name.split(".", 2)[2]: golden(each) for each in RULED}
        registered, linked = said["contact.registered.v1"], said["identifier.linked.v1"]
        merged, unmerged = said["contacts.merged.v1"], said["contacts.unmerged.v1"]
        assert registered["data"]["contact"] == registered["id"]
        assert merged["data"]["merge"] == unmerged["data"]["merge"] == merged["id"]
        assert merged["data"]["members"] == unmerged["data"]["members"]
        assert said["conflict.resolved.v1"]["data"]["conflict"] == linked["id"]
        assert said["contact.traits_changed.v1"]["source"] == f"/contacts/{registered['id']}"

    def test_amends_and_completes_the_interaction_that_is_recorded_in_it(self) -> None:
        recorded = golden(interactions("interaction.recorded"))
        name = name_of("interactions", nodes_of_samples()["crm:4711"], recorded["source"], recorded["id"])
        id_ = str(as_uuid8(bytes.fromhex(name)))
        ruled = [golden(interactions(f"interaction.{verb}")) for verb in ("amended", "completed")]
        assert [event["source"] for event in ruled] == [f"/interactions/{id_}"] * 2
        assert [event["data"]["interaction"] for event in ruled] == [id_] * 2
        assert [int(event["sequence"]) for event in ruled] == [1, 2]

    def test_counts_each_of_its_scopes_from_one_without_a_gap(self) -> None:
        counts: dict[str, list[int]] = {}
        decided = (golden(each) for each in RULED if each.kind is Kind.DECISION)
        for event in sorted(decided, key=lambda event: event["time"]):
            counts.setdefault(event["source"], []).append(sequence_of(event["sequence"]))
        assert counts == {source: [*range(1, len(found) + 1)] for source, found in counts.items()}


class TestTheBoardOfTheGoldenCorpus:
    def test_names_what_it_makes_by_the_event_that_made_it(self) -> None:
        made = {
            "board.opened": "board",
            "idea.submitted": "idea",
            "proposal.published": "idea",
            "ideas.merged": "merge",
            "comment.posted": "comment",
            "change.linked": "change",
        }
        assert all(feedback(name)["data"][field] == feedback(name)["id"] for name, field in made.items())

    def test_decides_where_its_aggregates_are(self) -> None:
        board, contact = feedback("board.opened")["id"], golden(CATALOG["rapport.contacts.contact.registered.v1"])["id"]
        paths = {
            "board": f"/feedback/boards/{board}",
            "idea": f"/feedback/ideas/{feedback('idea.submitted')['id']}",
            "proposal": f"/feedback/ideas/{feedback('proposal.published')['id']}",
            "ideas": f"/feedback/boards/{board}/merges",
            "vote": f"/feedback/boards/{board}/voters/{contact}",
            "comment": f"/feedback/comments/{feedback('comment.posted')['id']}",
            "change": f"/feedback/changes/{feedback('change.linked')['id']}",
        }
        paths |= dict.fromkeys(("outcome", "loop", "beneficiary"), paths["change"])
        for name in FEEDBACK:
            assert feedback(name)["source"] == paths[name.partition(".")[0]]

    def test_refers_to_itself(self) -> None:
        makers = ("board.opened", "idea.submitted", "proposal.published", "ideas.merged", "comment.posted")
        board, idea, proposal, merged, posted = (feedback(name)["id"] for name in makers)
        called = golden(interactions("interaction.completed"))["data"]["interaction"]
        refers = {
            "board": {board},
            "idea": {idea, proposal},
            "into": {proposal},
            "merge": {merged},
            "comment": {posted},
            "change": {feedback("change.linked")["id"]},
            "interaction": {called},
        }
        for data in (feedback(name)["data"] for name in FEEDBACK):
            assert all(data[field] in ids for field, ids in refers.items() if field in data)
            assert set(data.get("ideas", [])) <= {idea, proposal}

    def test_has_a_subject_where_it_is_about_a_customer(self) -> None:
        about = {name for name in FEEDBACK if "subject" in feedback(name)}
        assert {name for name in about if "subjectnode" not in feedback(name)} == set()
        assert set(FEEDBACK) - about == {
            "board.opened", "board.changed", "proposal.published", "change.linked",
            "change.shipped", "outcome.measured", "loop.closed", "loop.reopened",
        }  # fmt: skip


class TestTheScoresOfTheGoldenCorpus:
    def test_count_everybody_and_the_contact_among_them(self) -> None:
        nodes = nodes_of_samples()
        published = scoring("statistics.published")
        assert published["source"] == "/scoring/statistics"
        assert "subject" not in published
        people = {cut["contact"] for each in published["data"]["measures"] for cut in each["cuts"] if cut is not None}
        assert people == {golden(CATALOG["rapport.contacts.contact.registered.v1"])["id"], nodes["crm:4712"]}
        assert len(people) == published["data"]["people"]

    def test_put_the_contact_into_a_class_because_of_the_purchase(self) -> None:
        contact = golden(CATALOG["rapport.contacts.contact.registered.v1"])["id"]
        purchase = golden(interactions("purchase.recorded"))
        changed = scoring("class.changed")
        assert (changed["source"], changed["subject"]) == (f"/scoring/classes/{contact}/rfm/GBP", f"contact:{contact}")
        assert changed["data"]["statistics"] == scoring("statistics.published")["data"]["version"]
        cause = {"kind": "event", "id": purchase["id"], "source": purchase["source"], "position": "interactions/3/17"}
        assert changed["data"]["cause"] == cause
