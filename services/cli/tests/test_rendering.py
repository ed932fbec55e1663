from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.currencies import CURRENCIES, MINOR_UNITS
from services.cli.errors import Failure
from services.cli.importing.cells import BadCell, amount_minor
from services.cli.importing.contact_mapping import ContactMapping, contact_mapping
from services.cli.importing.fields import CsvRule, Field
from services.cli.importing.mapping import Mapping, TimeRule
from services.cli.importing.rendering import mapped_rows
from services.cli.importing.rows import Row, opened

MAPPING = Mapping(
    type="com.shop.sold",
    source="urn:shop",
    id="{{{no}}}-{who}",
    subject="crm:{who}",
    time=TimeRule("day", "%Y-%m-%d", "Europe/London"),
    data={"pieces": Field("pieces", "integer", optional=True), "by": {"kind": "staff", "id": Field("clerk")}},
)
HEADER = "no,who,day,pieces,clerk\n"


def rows(folder: Path, text: str | bytes, mapping: Mapping | ContactMapping = MAPPING) -> list[Row]:
    path = folder / "sold.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with ExitStack() as closing:
        return list(mapped_rows(opened(path, closing), mapping, "map.toml"))


def events(found: list[Row]) -> list[Any]:
    return [msgspec.json.decode(row.body) for row in found]


def test_a_row_becomes_an_event(tmp_path: Path) -> None:
    assert events(rows(tmp_path, HEADER + "7, A ,2011-07-01,3,ann\n8,B,2011-12-01,,bob\n")) == [
        {
            "id": "{7}-A", "specversion": "1.0", "source": "urn:shop", "type": "com.shop.sold", "subject": "crm:A",
            "time": "2011-06-30T23:00:00Z", "data": {"pieces": 3, "by": {"kind": "staff", "id": "ann"}},
        },
        {
            "id": "{8}-B", "specversion": "1.0", "source": "urn:shop", "type": "com.shop.sold", "subject": "crm:B",
            "time": "2011-12-01T00:00:00Z", "data": {"by": {"kind": "staff", "id": "bob"}},
        },
    ]  # fmt: skip


def test_the_same_row_is_the_same_event(tmp_path: Path) -> None:
    text = HEADER + "7,A,2011-07-01,3,ann\n"
    assert rows(tmp_path, text)[0].body == rows(tmp_path, text)[0].body


@pytest.mark.parametrize(
    ("row", "pointer", "code"),
    [
        ("7,A,2011-07-01,3", "column 1", "columns"),
        ("7,A,2011-07-01,3,ann,x", "column 1", "columns"),
        ("7,,2011-07-01,3,ann", "column who", "empty"),
        ("7,A,01.07.2011,3,ann", "column day", "bad_time"),
        ("7,A,2011-07-01,3.0,ann", "column pieces", "not_integer"),
        ("7,A,2011-07-01,1_000,ann", "column pieces", "not_integer"),
        ("7,A,2011-07-01,٣,ann", "column pieces", "not_integer"),
        ("7,A,2011-07-01,3,", "column clerk", "empty"),
    ],
)
def test_a_cell_that_cannot_be_read_spoils_its_row_alone(tmp_path: Path, row: str, pointer: str, code: str) -> None:
    bad, good = rows(tmp_path, f"{HEADER}{row}\n8,B,2011-12-01,1,bob\n")
    assert good.fault is None
    assert bad.fault
    assert (bad.number, bad.fault.pointer, bad.fault.code, bad.line) == (2, pointer, code, row.encode())


def test_rows_over_several_lines_blank_lines_and_a_bom(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbf" + HEADER.encode() + b'\r\n7,"A\r\nB",2011-12-01,1,ann\r\n\r\n8,B,2011-12-01,1,"b,o""b"\r\n'
    first, second = rows(tmp_path, text)
    assert (first.number, second.number) == (3, 6)
    assert events([first, second])[0]["subject"] == "crm:A\nB"
    assert events([second])[0]["data"]["by"]["id"] == 'b,o"b'


def test_other_delimiters_and_encodings(tmp_path: Path) -> None:
    mapping = msgspec.structs.replace(MAPPING, csv=CsvRule(";", "cp1252"))
    text = f"{HEADER}7,Zoë,2011-12-01,1,ann\n".replace(",", ";").encode("cp1252")
    assert events(rows(tmp_path, text, mapping))[0]["subject"] == "crm:Zoë"
    bad = rows(tmp_path, text.replace(b";", b","))[0]
    assert bad.fault
    assert bad.fault.code == "encoding"


def test_an_unclosed_quote_or_an_endless_cell_is_no_end(tmp_path: Path) -> None:
    found = rows(tmp_path, f'{HEADER}7,A,2011-12-01,1,{"x" * 300_000}\n8,B,2011-12-01,1,bob\n9,"C,2011-12-01,1,ann\n')
    assert [row.fault and row.fault.code for row in found] == ["line_too_long", None, "columns"]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("no,who,pieces,clerk\n", "map.toml: time.column: .*sold.csv has no column day; it has no, who, pieces, clerk"),
        ("no,who,day,day,pieces,clerk\n", "the column day more than once"),
        ("", "has no header line"),
    ],
)
def test_a_table_without_a_column(tmp_path: Path, header: str, said: str) -> None:
    with pytest.raises(Failure, match=said):
        rows(tmp_path, header)


@given(st.integers(-(10**17), 10**17), st.sampled_from(CURRENCIES))
def test_amounts_are_exact(minor: int, currency: str) -> None:
    text = f"{Decimal(minor).scaleb(-MINOR_UNITS[currency]):f}"
    assert amount_minor(text, currency, "paid") == minor


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("12.3", "GBP", 1230), ("12", "GBP", 1200), ("0012.30", "GBP", 1230), ("12.3000", "GBP", 1230),
     ("-0.01", "GBP", -1), ("1.10", "GBP", 110), ("1.234", "KWD", 1234), ("1234", "JPY", 1234)],
)  # fmt: skip
def test_amounts_by_the_minor_units_of_their_currency(text: str, currency: str, minor: int) -> None:
    assert amount_minor(text, currency, "paid") == minor


@pytest.mark.parametrize("text", ["1.001", "1e3", "1,5", "NaN", "inf", "1.", ".5", "£5", "", "1" * 30, "１２"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(BadCell):
        amount_minor(text, "GBP", "paid")


PEOPLE = contact_mapping(
    {
        "contact": {
            "identifiers": ["crm:{no}", "email:{mail}", "tel:{country}{phone}"],
            "kind": {"column": "kind"},
            "traits": {"name": {"column": "name"}, "origin": "shop", "staff": {"column": "staff", "type": "integer"}},
        }
    }
)
PEOPLE_HEADER = "no,mail,country,phone,kind,name,staff\n"


def test_a_row_becomes_a_contact(tmp_path: Path) -> None:
    text = PEOPLE_HEADER + "7, Ada@X.org ,+44,20 7946 0018,,Ada,\n8,,+44,,organisation,,12\n"
    assert events(rows(tmp_path, text, PEOPLE)) == [
        {"kind": "person", "identifiers": ["crm:7", "email:ada@x.org", "tel:+442079460018"],
         "traits": {"name": "Ada", "origin": "shop"}},
        {"kind": "organisation", "identifiers": ["crm:8"], "traits": {"origin": "shop", "staff": 12}},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "pointer", "code"),
    [
        (",,+44,,,Ada,", "column no", "empty"),
        ("7,nobody,,,,Ada,", "column mail", "bad_email"),
        ("7,,+44,12,,Ada,", "column country", "bad_telephone"),
        ("7,,,,robot,Ada,", "column kind", "not_allowed"),
        ("7,,,,,Ada,few", "column staff", "not_integer"),
        ("7,,,,,Ada", "column 1", "columns"),
    ],
)
def test_a_contact_that_cannot_be_read_spoils_its_row_alone(tmp_path: Path, row: str, pointer: str, code: str) -> None:
    bad, good = rows(tmp_path, f"{PEOPLE_HEADER}{row}\n8,,,,,Bob,\n", PEOPLE)
    assert good.fault is None
    assert bad.fault
    assert (bad.fault.pointer, bad.fault.code, bad.line) == (pointer, code, row.encode())
