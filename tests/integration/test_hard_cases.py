"""The cases that break lesser systems (DOMAIN.md), as far as identity goes, over HTTP; the log verifies after them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Event

import pytest

from tests.integration.client import Api, foreign, purchase, refused, someone
from tests.integration.conftest import SERVICES, System, on_each_log_slowly

pytestmark = on_each_log_slowly
_numbers = count(1)


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()
    verified = system.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def a_telephone() -> str:
    return f"tel:+4930{1_000_000 + next(_numbers)}"


def test_a_late_event_for_a_merged_contact_is_its_own_after_the_merge_ends(api: Api) -> None:
    """Case 1."""
    ada, bob = someone(), someone()
    api.registered(ada), api.registered(bob)
    merge = api.merged(ada, bob)
    late = purchase(bob, time="2020-01-01T00:00:00Z")
    token = api.posted(late)
    assert late["id"] in api.ids(ada, min_position=token)
    api.unmerged(merge)
    assert late["id"] in api.ids(bob)
    assert late["id"] not in api.ids(ada)


def test_merges_in_a_cycle_hold_until_the_last_path_is_gone(api: Api) -> None:
    """Case 2, one after another."""
    a, b, c = (api.registered(someone()) for _ in range(3))
    first, second, third = api.merged(a, b), api.merged(b, c), api.merged(c, a)
    assert api.contact(c)["members"] == sorted([a, b, c])
    api.unmerged(first)
    assert api.contact(a)["members"] == sorted([a, b, c])
    api.unmerged(second)
    assert [api.contact(ref)["members"] for ref in (a, b)] == [sorted([a, c]), [b]]
    api.unmerged(third)
    assert [api.contact(ref)["members"] for ref in (a, b, c)] == [[a], [b], [c]]


def test_two_who_merge_each_other_at_once_add_an_edge_each(api: Api) -> None:
    """Case 2, at once."""
    a, b = api.registered(someone()), api.registered(someone())
    with ThreadPoolExecutor(2) as threads:
        merges = [each.result() for each in [threads.submit(api.merged, a, b), threads.submit(api.merged, b, a)]]
    assert len({*merges}) == 2
    assert {merge["id"] for merge in api.graph(a)["merges"]} == {*merges}
    api.unmerged(merges[0])
    assert api.contact(a) == api.contact(b)
    api.unmerged(merges[1])
    assert api.contact(a)["members"] == [a]


def test_the_same_id_with_other_content_changes_nothing_for_a_merged_person_either(api: Api) -> None:
    """Case 12."""
    ada, bob = someone(), someone()
    api.registered(ada), api.registered(bob)
    api.merged(ada, bob)
    first = purchase(ada, amount_minor=100)
    other = first | {"data": {**first["data"], "amount_minor": 999}}
    api.posted(first)
    token = api.posted(other)
    (item,) = [item for item in api.page(bob, min_position=token)["items"] if item["event_id"] == first["id"]]
    assert item["data"]["amount_minor"] == 100
    outcomes = [found["outcome"] for found in api.found(first["id"], min_position=token)]
    assert sorted(outcomes) == ["quarantined", "recorded"]


@pytest.mark.slow
@pytest.mark.parametrize("service", SERVICES)
def test_a_rebuild_under_live_traffic_gives_equal_tables(system: System, api: Api, service: str) -> None:
    """Case 15; the fixture verifies."""
    done = Event()

    def traffic() -> int:
        posted = 0
        while not done.is_set():
            name = someone()
            assert api.post(purchase(name)).status_code == 202
            assert api.register(name).status_code in {201, 202, 503}
            posted += 1
        return posted

    with ThreadPoolExecutor(1) as threads:
        posting = threads.submit(traffic)
        try:
            rebuilt = system.run("rebuild", service, "--yes")
        finally:
            done.set()
        assert posting.result() > 0
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr


def test_a_familys_telephone_joins_nobody(api: Api) -> None:
    """Case 17, a weak name."""
    telephone = a_telephone()
    mother = api.registered(m := someone(), telephone)
    assert telephone in api.contact(m)["identifiers"]
    child = api.registered(c := someone(), telephone)
    assert mother != child
    assert [api.contact(ref)["identifiers"] for ref in (m, c)] == [[m], [c]]
    call = foreign(telephone)
    token = api.posted(call)
    assert call["id"] not in api.ids(m, min_position=token) + api.ids(c)
    assert api.ids(telephone)[0] == call["id"]
    merge = api.merged(mother, child)
    assert call["id"] in api.ids(m), "all who go by it are one now"
    api.unmerged(merge)
    assert call["id"] not in api.ids(m)


def test_a_shared_mailbox_is_a_conflict_and_not_a_merge(api: Api) -> None:
    """Case 17, a unique name."""
    mailbox = f"email:office-{next(_numbers)}@example.org"
    first, second = api.registered(someone(), mailbox), api.registered(s := someone())
    conflict = refused(api.link(s, mailbox), 409, "identifier_claimed")["conflict"]
    assert api.contact(first)["members"] == [first]
    assert api.contact(mailbox)["id"] == first
    assert [each["id"] for each in api.graph(second)["conflicts"]] == [conflict]
    assert refused(api.merge(first, second), 409, "names_in_conflict")["conflict"] == conflict
    assert api.resolve(conflict, s).status_code == 200
    assert api.contact(mailbox)["id"] == second


def test_one_id_under_two_subjects_is_two_events_also_once_the_subjects_are_one(api: Api) -> None:
    """Case 18."""
    ada, bob = someone(), someone()
    api.registered(ada), api.registered(bob)
    event = purchase(ada)
    token = api.posted(event, event | {"subject": bob})
    assert [found["outcome"] for found in api.found(event["id"], min_position=token)] == ["recorded", "recorded"]
    api.merged(ada, bob)
    twins = [item for item in api.page(ada)["items"] if item["event_id"] == event["id"]]
    assert len({twin["contact"] for twin in twins}) == len({twin["position"] for twin in twins}) == len(twins) == 2
