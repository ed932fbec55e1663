"""Contacts are listed and searched, registered ones and those that only events have named."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.client import Api, ok, purchase, refused, someone
from tests.integration.conftest import System


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[Api]:
    made = Api(system)
    yield made
    made.close()


def found(api: Api, **params: Any) -> list[Any]:
    """All items, by following the pages to the end."""
    items = []
    response = api.contacts.get("/v1/contacts", params=params)
    while True:
        page = ok(response)
        items += page["items"]
        if page["next_cursor"] is None:
            assert "link" not in response.headers
            return items
        assert len(page["items"]) == int(params.get("limit", 50))
        assert response.links["next"]["url"].startswith("/v1/contacts?")
        response = api.contacts.get(response.links["next"]["url"])


@pytest.fixture(scope="module")
def family(api: Api) -> list[str]:
    """Seven people of one rare name: five registered, two of them merged; two whom only events have named."""
    names = [f"crm:{n}-quillfeather" for n in range(7)]
    token = api.posted(*(purchase(name) for name in names[3:]))
    ids = [
        api.registered(name, f"email:{'ABCDE'[n]}.{someone()[4:]}@example.org", kind=("person", "organisation")[n % 2])
        for n, name in enumerate(names[:5])
    ]
    api.merged(ids[0], ids[2])
    for name in names:
        api.contact(name, min_position=token)
    return names


@pytest.mark.parametrize("limit", [1, 2, 3, 500])
@pytest.mark.parametrize(
    ("params", "who"),
    [
        ({}, "013456"),
        ({"registered": "true"}, "0134"),
        ({"registered": "false"}, "56"),
        ({"kind": "person"}, "04"),
        ({"kind": "organisation"}, "13"),
        ({"kind": "person", "registered": "true"}, "04"),
        ({"kind": "person", "registered": "false"}, ""),
    ],
)
def test_filters_and_pages(api: Api, family: list[str], params: dict[str, str], who: str, limit: int) -> None:
    items = found(api, q="Quillfeather", limit=limit, **params)
    assert [item["id"] for item in items] == sorted(item["id"] for item in items)
    assert sorted(min(set(item["identifiers"]) & set(family)) for item in items) == [family[int(n)] for n in who]
    assert all(item == api.contact(item["id"]) for item in items)


@pytest.mark.parametrize("params", [{}, {"registered": "true"}, {"registered": "false"}, {"kind": "organisation"}])
def test_without_words_everybody_is_listed_once(api: Api, family: list[str], params: dict[str, str]) -> None:
    items = found(api, limit=37, **params)
    assert len({item["id"] for item in items}) == len(items)
    words = {item["id"] for item in found(api, q="quillfeather", **params)}
    listed = {item["id"] for item in items if set(item["identifiers"]) & set(family)}
    assert listed == words
    assert all(item["identifiers"] or item["members"] for item in items)


class TestWords:
    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("Zaphira Moonbeam-Ütz", "zaphira"),
            ("Zaphirb Moonbeam-Ütz", "ZAPHIRB moon"),
            ("Zaphirc Moonbeam-Ütz", "beam zaphirc"),
            ("Zaphird Moonbeam-Ütz", "ütz zaphird"),
            ("Zaphire Élan", "zaphire éla"),
            ("Zaphirf O'Brien", "zaphirf brien"),
            ("Zaphirg O’Brien", "zaphirg brien"),
            ("Zaphirh AT&T <Ltd>", "zaphirh ltd"),
            ("Zaphiri हिन्दी", "zaphiri हिन्दी"),
            ("Zaphirj 東京 支店", "zaphirj 支店"),
            ("Zaphirk 1e5 -12.50", "zaphirk 1e5 12"),
            ("Zaphirl http://shop.example/a?b=c", "zaphirl shop"),
            ("Zaphirm a:* & | ! <->", "zaphirm a:* & | !"),
            ("Zaphirn \\'; --", "zaphirn \\'"),
        ],
    )
    def test_each_must_begin_a_word(self, api: Api, name: str, words: str) -> None:
        api.registered(someone(), traits={"name": name})
        names = [item["traits"]["name"] for item in found(api, q=words)]
        assert names == ([] if words.startswith("beam") else [name])

    def test_of_an_identifier_too_also_of_one_not_registered(self, api: Api) -> None:
        token = api.posted(purchase("email:Wanda.Vreeland@shop.example"))
        api.contact("email:wanda.vreeland@shop.example", min_position=token)
        for words in ("vreel", "wanda shop", "email:Wanda.Vreeland@shop.example", "vreeland@shop", "WANDA"):
            assert [item["identifiers"] for item in found(api, q=words)] == [["email:wanda.vreeland@shop.example"]]

    def test_an_identifier_or_an_id_exactly(self, api: Api) -> None:
        id_ = api.registered(crm := someone(), tel := "tel:+49 30 7654 3210")
        for words in (crm, f" {crm} ", id_, id_.upper(), f"contact:{id_}", tel, "tel:+493076543210"):
            assert [item["id"] for item in found(api, q=words)] == [id_], words

    def test_only_what_is_shown_is_found(self, api: Api) -> None:
        crm, other = someone(), "email:formerly.brackenbury@x.org"
        id_ = api.registered(crm, other, traits={"name": "Tamsin Wetherwax"})
        assert [item["id"] for item in found(api, q="wetherw")] == [id_]
        ok(api.change(crm, name="Tamsin Ogglesworth"))
        assert [item["id"] for item in found(api, q="oggles")] == [id_]
        assert found(api, q="wetherw") == []
        api.unlink(crm, other)
        assert id_ not in [item["id"] for item in found(api, q="brackenbury")]

    def test_a_merged_contact_is_found_once_by_the_words_of_each(self, api: Api) -> None:
        ids = [api.registered(someone(), f"email:{n}.dunnikier@x.org") for n in range(3)]
        api.merged(*ids)
        for words in ("dunnikier", "0 dunnikier", "2.dunnikier"):
            assert [item["members"] for item in found(api, q=words)] == [sorted(ids)]

    @pytest.mark.parametrize("words", ["   ", "&", "...", "'", "\\", ":*", "!", "<->", "%", "\u00ad", "😀"])
    def test_nothing_to_look_for_finds_nobody(self, api: Api, words: str) -> None:
        assert found(api, q=words) == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "bad_parameter"),
        ("limit=501", "bad_parameter"),
        ("kind=dog", "bad_parameter"),
        ("registered=perhaps", "bad_parameter"),
        ("colour=red", "bad_parameter"),
        (f"q={'x' * 601}", "bad_parameter"),
        ("q=%00", "bad_parameter"),
        ("q=%ff", "bad_parameter"),
        ("cursor=made-up", "bad_cursor"),
        ("cursor=xBAAAA", "bad_cursor"),
        ("min_position=x", "bad_position"),
    ],
)
def test_a_bad_parameter_is_refused(api: Api, query: str, code: str) -> None:
    refused(api.contacts.get(f"/v1/contacts?{query}"), 400, code)
