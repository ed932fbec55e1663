import pytest

from services.cli.amounts import counted, money, number


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (114000, "GBP", "1,140.00 GBP"),
        (-150, "GBP", "-1.50 GBP"),
        (0, "EUR", "0.00 EUR"),
        (1234567, "JPY", "1,234,567 JPY"),
        (1234567, "KWD", "1,234.567 KWD"),
        (2**63 - 1, "GBP", "92,233,720,368,547,758.07 GBP"),
        (1500, "XYZ", "1,500 minor units of XYZ"),
    ],
)
def test_money_is_shown_in_major_units(minor: int, currency: str, text: str) -> None:
    assert money(minor, currency) == text


def test_other_numbers() -> None:
    assert [number(1234), number(-2), number(1234.5)] == ["1,234", "-2", "1,234.50"]
    assert [number(0.0), number(0.0034567), number(-0.001)] == ["0.00", "0.0035", "-0.001"]
    assert [counted(n, "person", "people") for n in (1, 0, 4338)] == ["1 person", "0 people", "4,338 people"]
