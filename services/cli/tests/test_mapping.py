from pathlib import Path

import pytest

from services.cli.errors import Failure
from services.cli.importing.mapping import read_mapping

GOOD = """
type = "rapport.interactions.purchase.recorded.v1"
source = "urn:shop"
id = "order-{order}"
subject = "crm:{customer}"
[time]
column = "day"
format = "%d.%m.%Y"
zone = "Europe/London"
[data]
order = { column = "order" }
currency = { column = "currency" }
amount_minor = { column = "paid", type = "amount_minor", currency_column = "currency" }
actor = { kind = "staff", id = { column = "clerk" } }
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "map.toml"
    path.write_text(text)
    return path


def test_a_mapping_says_which_columns_it_reads(tmp_path: Path) -> None:
    assert read_mapping(written(tmp_path, GOOD)).columns == {
        "order": "id",
        "customer": "subject",
        "day": "time.column",
        "currency": "data.currency.column",
        "paid": "data.amount_minor.column",
        "clerk": "data.actor.id.column",
    }


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('source = "urn:shop"', "source =", "is not TOML"),
        ('source = "urn:shop"', "", "missing required field source"),
        ('source = "urn:shop"', 'source = "/interactions/7"', "source: must be a URI reference"),
        ('source = "urn:shop"', 'source = "urn:shop"\nsauce = 1', "unknown field sauce"),
        ("order-{order}", "order", "id: names no column"),
        ("order-{order}", "order-{order", "id: "),
        ("crm:{customer}", "crm:{customer!r}", "subject: columns stand in braces"),
        ('column = "day"', "column = 7", "time.column: Expected str, got int"),
        ("Europe/London", "Europe/Lundon", "time.zone: Europe/Lundon is not"),
        ("%d.%m.%Y", "dd.mm.yyyy", "time.format: is written as strptime"),
        ("purchase.recorded", "purchase.recorder", "type: there is no type"),
        ("purchase.recorded", "interaction.amended", "type: rapport.interactions.interaction.amended.v1 is a decision"),
        ("amount_minor = {", "amont_minor = {", "data.amont_minor: is not a field of"),
        ('order = { column = "order" }', "", "data.order: rapport.interactions.purchase.recorded.v1 requires it"),
        ('type = "amount_minor"', 'type = "float"', "data.amount_minor.type: Invalid enum value 'float'"),
        (', currency_column = "currency"', "", "data.amount_minor: an amount needs either currency or"),
        ('currency_column = "currency"', 'currency = "GBQ"', "data.amount_minor.currency: GBQ is not an ISO 4217"),
        ('{ column = "clerk" }', '{ column = "clerk", currency = "GBP" }', "data.actor.id: a currency belongs to"),
        ('kind = "staff"', "kind = 1.5", "data.actor.kind: a constant is"),
        ("[time]", '[csv]\nencoding = "utf-16"\n[time]', "csv.encoding: utf-16 cannot be read line by line"),
        ("[time]", '[csv]\nencoding = "klingon"\n[time]', "csv.encoding: there is no encoding klingon"),
        ("[time]", '[csv]\ndelimiter = ";;"\n[time]', "csv.delimiter: Expected str of length <= 1"),
    ],
)
def test_a_bad_mapping_names_file_key_and_reason(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(Failure) as failure:
        read_mapping(path)
    assert str(failure.value).startswith(f"{path}: ")
    assert said in str(failure.value)


def test_a_mapping_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="No such file"):
        read_mapping(tmp_path / "none.toml")


def test_a_foreign_type_takes_any_fields(tmp_path: Path) -> None:
    text = GOOD.replace("rapport.interactions.purchase.recorded.v1", "com.shop.sold").replace("paid", "sum")
    assert "sum" in read_mapping(written(tmp_path, text)).columns


CONTACTS = """
[contact]
identifiers = ["crm:{customer}", "email:{mail}"]
kind = { column = "kind" }
[contact.traits]
name = { column = "name" }
address = { country = { column = "country" }, origin = "shop" }
"""


def test_a_mapping_of_contacts_says_which_columns_it_reads(tmp_path: Path) -> None:
    assert read_mapping(written(tmp_path, CONTACTS)).columns == {
        "customer": "contact.identifiers",
        "mail": "contact.identifiers",
        "kind": "contact.kind.column",
        "name": "contact.traits.name.column",
        "country": "contact.traits.address.country.column",
    }


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[contact]", 'type = "com.shop.sold"\n[contact]', "unknown field type"),
        ('"crm:{customer}", "email:{mail}"', "", "contact.identifiers: Expected array of length >= 1"),
        ("{customer}", "4711", "contact.identifiers: names no column"),
        ("{customer}", "{customer", "contact.identifiers: "),
        ('kind = { column = "kind" }', 'kind = "robot"', "contact.kind: is person or organisation, or a column"),
        ('kind = { column = "kind" }', "kind = 7", "contact.kind: is person or organisation"),
        ('kind = { column = "kind" }', 'sort = "person"', "contact: the table contains unknown field sort"),
        ('name = { column = "name" }', "name = 1.5", "contact.traits.name: a constant is"),
        ('{ column = "name" }', '{ column = "name", type = "float" }', "contact.traits.name.type: Invalid enum"),
        ("[contact.traits]", '[csv]\nencoding = "utf-16"\n[contact.traits]', "csv.encoding: utf-16 cannot be read"),
    ],
)
def test_a_bad_mapping_of_contacts_names_file_key_and_reason(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in CONTACTS
    path = written(tmp_path, CONTACTS.replace(old, new))
    with pytest.raises(Failure) as failure:
        read_mapping(path)
    assert str(failure.value).startswith(f"{path}: ")
    assert said in str(failure.value)
