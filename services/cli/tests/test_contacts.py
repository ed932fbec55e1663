from contextlib import ExitStack
from pathlib import Path

import pytest

from services.cli.importing.contacts import key_of, ndjson
from services.cli.importing.rows import Row, opened

EVENT = b'{"specversion":"1.0","id":"1","identifiers":[]}'


def read(folder: Path, *lines: bytes) -> tuple[bool, list[Row]]:
    path = folder / "file.ndjson"
    path.write_bytes(b"\n".join(lines))
    with ExitStack() as closing:
        are_contacts, rows = ndjson(opened(path, closing))
        return are_contacts, list(rows)


def test_a_contact_is_written_in_one_way(tmp_path: Path) -> None:
    are_contacts, rows = read(
        tmp_path,
        b'{"traits":{"b":1,"a":"x"},"identifiers":["email: Ada@X.org","crm:7","email:ada@x.org"]}',
        b'{"identifiers": ["email:ada@x.org", "crm:7"], "kind": "person", "traits": {"a": "x", "b": 1}}',
        b'{"identifiers":["crm:8"],"kind":"organisation","traits":{}}',
    )
    assert are_contacts
    assert [row.body for row in rows] == [
        b'{"identifiers":["email:ada@x.org","crm:7"],"kind":"person","traits":{"a":"x","b":1}}',
        b'{"identifiers":["email:ada@x.org","crm:7"],"kind":"person","traits":{"a":"x","b":1}}',
        b'{"identifiers":["crm:8"],"kind":"organisation"}',
    ]
    assert key_of(rows[0].body) == key_of(rows[1].body) != key_of(rows[2].body)


@pytest.mark.parametrize(
    ("line", "pointer", "code"),
    [
        (b"{", "", "not_json"),
        (b'{"identifiers":["crm:7"],"identifiers":[]}', "/identifiers", "duplicate_key"),
        (b"[]", "", "type"),
        (b"{}", "/identifiers", "required"),
        (b'{"identifiers":"crm:7"}', "/identifiers", "type"),
        (b'{"identifiers":[]}', "/identifiers", "range"),
        (b'{"identifiers":["crm:7",7]}', "/identifiers/1", "type"),
        (b'{"identifiers":["crm:7","4711"]}', "/identifiers/1", "bad_identifier"),
        (b'{"identifiers":["email:nobody"]}', "/identifiers/0", "bad_email"),
        (b'{"identifiers":["crm:7"],"kind":"robot"}', "/kind", "not_allowed"),
        (b'{"identifiers":["crm:7"],"kind":[]}', "/kind", "not_allowed"),
        (b'{"identifiers":["crm:7"],"traits":[]}', "/traits", "type"),
        (b'{"identifiers":["crm:7"],"name/last":1}', "/name~1last", "unknown_field"),
        (EVENT, "/specversion", "unknown_field"),
    ],
)
def test_a_line_that_is_no_contact_spoils_itself_alone(tmp_path: Path, line: bytes, pointer: str, code: str) -> None:
    are_contacts, (first, bad, last) = read(tmp_path, b'{"identifiers":["crm:1"]}', line, b'{"identifiers":["crm:2"]}')
    assert are_contacts
    assert (first.fault, last.fault) == (None, None)
    assert bad.fault
    assert (bad.number, bad.fault.pointer, bad.fault.code, bad.body, bad.line) == (2, pointer, code, b"", line)


@pytest.mark.parametrize(
    ("lines", "are_contacts"),
    [
        ([EVENT, b'{"identifiers":["crm:1"]}'], False),
        ([b'{"id":"an event without a version"}'], False),
        ([b"no", b"[]", b"", b'{"identifiers":["crm:1"]}'], True),
        ([b"no"] * 200, False),
        ([], False),
    ],
)
def test_the_first_object_says_what_a_file_holds(tmp_path: Path, lines: list[bytes], are_contacts: bool) -> None:
    found, rows = read(tmp_path, *lines)
    assert found is are_contacts
    assert len(rows) == len([line for line in lines if line])
