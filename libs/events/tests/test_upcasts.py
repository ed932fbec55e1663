import pytest

from libs.events.upcasts import UPCASTS, Fields, Upcasts

V1 = "rapport.interactions.purchase.recorded.v1"
V2 = "rapport.interactions.purchase.recorded.v2"
V3 = "rapport.interactions.purchase.recorded.v3"


def rename_total(data: Fields) -> Fields:
    return {("amount_minor" if name == "total" else name): value for name, value in data.items()}


def name_the_currency(data: Fields) -> Fields:
    return {"currency": "GBP"} | data


STEPS = Upcasts({V1: rename_total, V2: name_the_currency})


def test_an_old_event_climbs_every_step_to_todays_version() -> None:
    assert STEPS.apply(V1, {"total": 5}) == (V3, {"amount_minor": 5, "currency": "GBP"})


def test_an_event_joins_the_climb_at_its_own_version() -> None:
    assert STEPS.apply(V2, {"amount_minor": 5}) == (V3, {"amount_minor": 5, "currency": "GBP"})


@pytest.mark.parametrize("type_", [V3, "com.example.cart.abandoned"])
def test_what_needs_nothing_is_handed_back_as_it_is(type_: str) -> None:
    data = {"total": 5}
    assert not STEPS.needs(type_)
    assert STEPS.apply(type_, data) == (type_, {"total": 5})


def test_the_stored_fields_are_left_alone() -> None:
    stored = {"total": 5}
    STEPS.apply(V1, stored)
    assert stored == {"total": 5}


def test_version_nine_is_followed_by_version_ten() -> None:
    assert Upcasts({"a.b.v9": dict}).apply("a.b.v9", {}) == ("a.b.v10", {})


@pytest.mark.parametrize("type_", ["a.b", "a.b.vx", "a.b.v", "a.b.v²"])
def test_an_upcast_from_a_type_without_a_version_is_refused(type_: str) -> None:
    with pytest.raises(ValueError, match="ends in"):
        Upcasts({type_: dict})


def test_every_type_released_so_far_is_still_at_its_first_version() -> None:
    assert not UPCASTS.needs(V1)
