"""A fingerprint changes with what it stands for, and with nothing else."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import Column, Index, Integer, MetaData, Text

from libs.events.envelope import Undecodable
from libs.events.fingerprint import fingerprint
from libs.events.fold import AppendFold, Fact, Projection, RowFold, TextRow
from libs.events.log_created import TYPE as LOG_CREATED
from libs.events.tests.folding_sample import PROJECTION, balance, balance_keys, entries, entry, event

CORPUS = [event("ada", "1", 5).value, event("ada", "2", 7).value]
NOW = fingerprint(PROJECTION, CORPUS)


def retold(fact: Fact) -> list[TextRow]:
    return [(*row[:-1], "told otherwise") for row in entry(fact)]


def with_tables(metadata: MetaData) -> Projection:
    return replace(PROJECTION, metadata=metadata)


def copied() -> MetaData:
    metadata = MetaData()
    for table in PROJECTION.metadata.tables.values():
        table.to_metadata(metadata)
    return metadata


def test_it_is_the_same_again_in_any_order_and_for_any_version() -> None:
    assert fingerprint(PROJECTION, reversed(CORPUS)) == NOW
    assert fingerprint(replace(PROJECTION, version=9, fingerprint="other"), CORPUS) == NOW
    assert fingerprint(with_tables(copied()), CORPUS) == NOW
    assert len(NOW) == len("sha256:") + 64


def test_another_column_or_index_changes_it() -> None:
    wider, indexed = copied(), copied()
    wider.tables["entries"].append_column(Column("more", Integer))
    Index("entries_by_note", indexed.tables["entries"].c.note)
    assert len({NOW, fingerprint(with_tables(wider), CORPUS), fingerprint(with_tables(indexed), CORPUS)}) == 3


def test_a_column_of_another_type_changes_it() -> None:
    retyped = copied()
    retyped.tables["entries"].c.amount.type = Text()
    assert fingerprint(with_tables(retyped), CORPUS) != NOW


def test_another_row_of_an_append_fold_changes_it() -> None:
    told = replace(PROJECTION, memory=AppendFold(entries, retold, order=0))
    assert fingerprint(told, CORPUS) != NOW


def test_another_row_of_a_row_fold_changes_it() -> None:
    [fold] = PROJECTION.rows
    doubled = RowFold(fold.table, balance_keys, lambda row, fact, key: balance(balance(row, fact, key), fact, key))
    assert fingerprint(replace(PROJECTION, rows=(doubled,)), CORPUS) != NOW


def test_another_sample_changes_it() -> None:
    assert fingerprint(PROJECTION, [*CORPUS, event("ada", "3", 1).value]) != NOW


def test_an_event_of_a_topic_that_is_not_read_is_left_out() -> None:
    other = json.loads(CORPUS[0]) | {"id": "0", "type": LOG_CREATED, "data": {}}
    assert fingerprint(PROJECTION, [*CORPUS, json.dumps(other).encode()]) == NOW


def test_a_sample_that_is_no_event_is_an_error() -> None:
    with pytest.raises(Undecodable):
        fingerprint(PROJECTION, [b"{}"])
