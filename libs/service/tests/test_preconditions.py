"""What `If-Match` lets through, and what it does not."""

import pytest

from libs.service.errors import HttpRefusal
from libs.service.preconditions import require_match

ETAG = '"b1"'


@pytest.mark.parametrize(
    "if_match", [ETAG, "*", " * ", f'"a0", {ETAG}', f'{ETAG},"a0"', f'W/"b1" , {ETAG}', f",{ETAG}"]
)
def test_the_present_state_is_matched(if_match: str) -> None:
    require_match(if_match, ETAG)


@pytest.mark.parametrize(
    "if_match",
    ['"a0"', "", "b1", '"b1', 'W/"b1"', 'w/"b1"', 'x"b1"', '"a0" "b1"', '"a0""b1"', '"a0", *', '"A0, b1"', '"B1"'],
)
def test_anything_else_is_stale(if_match: str) -> None:
    with pytest.raises(HttpRefusal) as refused:
        require_match(if_match, ETAG)
    assert (refused.value.status_code, refused.value.code) == (412, "precondition_failed")
    assert refused.value.headers == {"ETag": ETAG}


def test_it_must_be_there() -> None:
    with pytest.raises(HttpRefusal) as refused:
        require_match(None, ETAG)
    assert (refused.value.status_code, refused.value.code) == (428, "precondition_required")


def test_where_it_is_not_required_it_counts_all_the_same() -> None:
    require_match(None, ETAG, required=False)
    with pytest.raises(HttpRefusal):
        require_match('"a0"', ETAG, required=False)
