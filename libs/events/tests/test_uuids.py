"""What the driver's UUIDs have in common with Python's."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.uuids import uuid_of

TEXT = "5c0f1c1e-5f0e-5a34-9c64-6a3d9f3e2b11"


@given(st.uuids())
def test_it_is_the_uuid_that_python_would_have_made(value: UUID) -> None:
    for spelled in (str(value), value.hex, str(value).upper()):
        found = uuid_of(spelled)
        assert found == value
        assert value == found
        assert hash(found) == hash(value)
        assert {found: 1}[value] == 1
        assert isinstance(found, UUID)
        assert (str(found), found.hex, found.bytes, found.int) == (str(value), value.hex, value.bytes, value.int)


@pytest.mark.parametrize("spelled", [f"{{{TEXT}}}", f"urn:uuid:{TEXT}", TEXT.replace("-", ""), "-".join(TEXT)])
def test_it_understands_what_python_understands(spelled: str) -> None:
    assert uuid_of(spelled) == UUID(TEXT)


@pytest.mark.parametrize("text", ["", "contact", TEXT[:-1], f"{TEXT}0", TEXT.replace("5", "g"), "\x00" * 32])
def test_it_refuses_what_python_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"hexadecimal|base 16"):
        uuid_of(text)
