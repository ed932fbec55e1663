import unicodedata
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.identifiers import MAX_VALUE_BYTES, BadIdentifier, Nodes, as_uuid8, parse

SECRET = bytes(range(32))
CONTACT = "0198b1f2-5c1e-7c3a-9d6b-1f0a52c7e4d1"
NAMESPACES = ["email", "tel", "anon", "device", "crm", "contact"]

names = st.builds("{}:{}".format, st.sampled_from(NAMESPACES), st.text())


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("email:ada@example.org", "email:ada@example.org"),
        ("email: Ada.L@EXAMPLE.org ", "email:ada.l@example.org"),
        ("email:ÅSA@example.org", "email:åsa@example.org"),
        ("email:A\u030asa@example.org", "email:åsa@example.org"),
        ("tel:+44 (20) 7946-0958", "tel:+442079460958"),
        ("tel:+44.20.7946.0958", "tel:+442079460958"),
        ("tel:+442079460958", "tel:+442079460958"),
        ("anon: 7f3a ", "anon:7f3a"),
        ("device:A\u030a", "device:Å"),
        ("crm: A-4711 ", "crm:A-4711"),
        ("crm:a:b", "crm:a:b"),
        ("loyalty_card-2:e\u0301", "loyalty_card-2:é"),
        (f"contact:{CONTACT.upper()}", f"contact:{CONTACT}"),
    ],
)
def test_an_identifier_has_one_normal_form(text: str, normal: str) -> None:
    assert str(parse(text)) == normal


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad_identifier"),
        ("4712", "bad_identifier"),
        (":4712", "bad_identifier"),
        ("CRM:4712", "bad_identifier"),
        ("4crm:4712", "bad_identifier"),
        ("crm\n:4712", "bad_identifier"),
        (f"{'c' * 33}:4712", "bad_identifier"),
        ("crm:", "bad_identifier"),
        ("crm:  \u00a0", "bad_identifier"),
        (f"crm:{'x' * 513}", "bad_identifier"),
        (f"crm:{'é' * 257}", "bad_identifier"),
        ("crm:a\x00b", "bad_identifier"),
        ("crm:a\nb", "bad_identifier"),
        ("crm:4712\n", "bad_identifier"),
        ("crm:\x7f", "bad_identifier"),
        ("crm:\x85", "bad_identifier"),
        ("crm:\ud800", "bad_identifier"),
        (f"crm:{chr(0xFFFD)}", "bad_identifier"),
        ("email:ada", "bad_email"),
        ("email:@example.org", "bad_email"),
        ("email:ada@", "bad_email"),
        ("email:ada@home@example.org", "bad_email"),
        ("tel:02079460958", "bad_telephone"),
        ("tel:+0442079460958", "bad_telephone"),
        ("tel:+44", "bad_telephone"),
        ("tel:+4420794609580000", "bad_telephone"),
        ("tel:+44207946095x", "bad_telephone"),
        ("tel:+\u0664\u0664\u0662\u0660\u0667\u0669\u0664\u0666\u0660", "bad_telephone"),
        ("contact:4712", "bad_contact"),
        (f"contact:{CONTACT[:-1]}", "bad_contact"),
    ],
)
def test_a_bad_identifier_is_refused_and_not_repeated(text: str, code: str) -> None:
    with pytest.raises(BadIdentifier) as refused:
        parse(text)
    assert refused.value.code == code
    assert len(value := text.partition(":")[2].strip()) < 4 or value not in refused.value.detail


def test_a_value_of_exactly_the_greatest_length_is_taken() -> None:
    assert parse(f"crm:{'é' * 256}").value == "é" * 256


@pytest.mark.parametrize("uuid", ["+" + "1" * 31, "1_" + "1" * 30, "0x" + "1" * 30, "\u0661" * 32])
def test_what_only_python_reads_as_a_uuid_is_no_contact(uuid: str) -> None:
    with pytest.raises(BadIdentifier):
        parse(f"contact:{uuid}")


@given(names | st.text())
def test_normalising_twice_changes_nothing_and_nothing_else_is_raised(text: str) -> None:
    try:
        once = parse(text)
    except BadIdentifier:
        return
    assert parse(str(once)) == once
    assert once.value == once.value.strip() == unicodedata.normalize("NFC", once.value)
    assert 1 <= len(once.value.encode()) <= MAX_VALUE_BYTES


@given(st.emails(), st.sampled_from([str.upper, str.title, " {} ".format]))
def test_an_address_is_one_name_however_it_is_written(address: str, respelled: object) -> None:
    assert callable(respelled)
    assert parse(f"email:{respelled(address)}") == parse(f"email:{address}")


@pytest.mark.parametrize(("text", "unique"), [("crm:1", True), ("email:a@b", True), ("tel:+442079460958", False),
                                              ("anon:1", False), ("device:1", False), ("made_up:1", True)])  # fmt: skip
def test_weak_names_are_told_from_unique_ones(text: str, unique: bool) -> None:
    assert parse(text).is_unique is unique


class TestNodes:
    nodes = Nodes(SECRET)

    def test_a_node_is_the_keyed_hash_of_the_name(self) -> None:
        # HMAC-SHA-256 with Python's own hmac module, typed in once: a namespace's nodes never change.
        assert self.nodes.key("crm:4711") == b"925449ae-62e4-8c57-a38b-8181f225d293"

    @given(names)
    def test_a_node_is_a_uuid_of_version_8(self, text: str) -> None:
        try:
            identifier = parse(text)
        except BadIdentifier:
            return
        node = self.nodes.of(identifier)
        assert identifier.is_contact or (node.version, node.variant) == (8, "specified in RFC 4122")
        assert self.nodes.key(text) == str(node).encode()

    def test_equal_spellings_are_one_node(self) -> None:
        assert self.nodes.key("email: ADA@example.org") == self.nodes.key("email:ada@example.org")
        assert self.nodes.key("email:ada@example.org") != self.nodes.key("crm:ada@example.org")

    def test_another_secret_gives_other_nodes(self) -> None:
        other = Nodes(SECRET[::-1])
        assert other.key("crm:4711") != self.nodes.key("crm:4711")
        assert other.check_value() != self.nodes.check_value()

    def test_a_contact_is_its_own_node(self) -> None:
        assert self.nodes.of(parse(f"contact:{CONTACT}")) == UUID(CONTACT)

    def test_a_refused_name_is_refused_again(self) -> None:
        for _ in range(2):
            with pytest.raises(BadIdentifier):
                self.nodes.key("crm:")

    @given(st.binary(min_size=16, max_size=64))
    def test_marking_a_digest_keeps_its_other_bits(self, digest: bytes) -> None:
        node = as_uuid8(digest)
        kept = ~(0xF << 76 | 0x3 << 62)
        assert node.int & kept == int.from_bytes(digest[:16], "big") & kept
