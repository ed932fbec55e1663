"""The rules about traits, as sentences, and the merge patch of RFC 7396."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from libs.events.catalog.contacts import Change, TraitsChanged
from libs.events.identity.tests.said import named
from libs.events.tests.decider_spec import Spec
from services.contacts.commands import ChangeTraits
from services.contacts.decider import Traits, decide_traits, evolve_traits, merge_patch

COMMAND = UUID("0198b1f3-77aa-7f10-a4c2-90b3d21e8f55")

SEEN_AT = datetime(2026, 3, 2, 10, 21, tzinfo=UTC)
LATER = SEEN_AT + timedelta(hours=1)
KNOWN = {"name": "Ada Byron", "vip": 1, "address": {"city": "London", "street": "Dorset Street"}}

traits = Spec[ChangeTraits, Traits, TraitsChanged](decide_traits, Traits)


def change(**patch: object) -> ChangeTraits:
    return ChangeTraits(COMMAND, named("crm:1"), patch, LATER)


def changed(**changes: tuple[object, object]) -> TraitsChanged:
    said = {name: Change(before=before, to=to) for name, (before, to) in changes.items()}
    return TraitsChanged(changes=said, origin="correction", observed_at=LATER)


class TestTraits:
    def test_fields_are_changed_added_and_taken_away(self) -> None:
        patch = change(name="Ada Lovelace", country="GB", vip=None)
        wanted = changed(name=("Ada Byron", "Ada Lovelace"), country=(None, "GB"), vip=(1, None))
        traits.given(KNOWN, SEEN_AT).when(patch).then(wanted)

    def test_the_members_of_an_object_are_merged(self) -> None:
        to = {"city": "Ockham", "postcode": "GU23"}
        patch = change(address={"city": "Ockham", "street": None, "postcode": "GU23"})
        traits.given(KNOWN).when(patch).then(changed(address=(KNOWN["address"], to)))

    def test_only_what_changes_is_recorded(self) -> None:
        patch = change(name="Ada Byron", country="GB", gone=None)
        traits.given(KNOWN).when(patch).then(changed(country=(None, "GB")))

    def test_what_is_so_already_is_quiet(self) -> None:
        traits.given(KNOWN).when(change(name="Ada Byron", address={"city": "London"}, gone=None)).is_quiet()

    @pytest.mark.parametrize(("before", "to"), [(1, True), ([{"since": 0}], [{"since": False}])])
    def test_true_is_not_one(self, before: object, to: object) -> None:
        traits.given({"vip": before}).when(change(vip=to)).then(changed(vip=(before, to)))

    def test_a_change_is_observed_later_than_all_that_it_saw(self) -> None:
        seen_at = LATER + timedelta(days=1)
        wanted = changed(name=("Ada Byron", "Ada"))
        observed_at = seen_at + timedelta(microseconds=1)
        traits.given(KNOWN, seen_at).when(change(name="Ada")).then(replace(wanted, observed_at=observed_at))

    def test_what_was_decided_is_known_from_then_on(self) -> None:
        event = changed(name=("Ada Byron", "Ada Lovelace"), vip=(1, None))
        after = Traits({"name": "Ada Lovelace", "address": KNOWN["address"]}, LATER)
        assert evolve_traits(Traits(KNOWN, SEEN_AT), event) == after


RFC_7396 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]
"""The examples of its appendix: the original, the patch, the result."""

names = st.sampled_from("abc")
plain = st.none() | st.booleans() | st.integers(0, 2) | st.text("xy", max_size=2)
values = st.recursive(plain, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=3))
documents = st.dictionaries(names, values, max_size=3)


class TestMergePatch:
    @pytest.mark.parametrize(("original", "patch", "result"), RFC_7396)
    def test_an_example_of_the_standard(self, original: Any, patch: Any, result: Any) -> None:
        assert merge_patch(original, patch) == result

    @given(documents, documents, documents)
    def test_a_decision_leads_to_what_the_patch_wants(self, first: Any, second: Any, patch: Any) -> None:
        before = Traits(merge_patch(merge_patch({}, first), second))
        event = decide_traits(change(**patch), before)
        after = before if event is None else evolve_traits(before, event)
        assert repr(sorted(after.values.items())) == repr(sorted(merge_patch(before.values, patch).items()))
        assert decide_traits(change(**patch), after) is None
