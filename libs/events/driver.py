"""asyncpg's connection, which asks the server nothing about types that have the same number on every server.

asyncpg asks on each new connection about each type of array but text[] and oid[]: by a recursive query that keeps
PostgreSQL busy for milliseconds and then takes 2 MB in that connection, for as long as it lives (asyncpg #1272, open in
0.32). SQLAlchemy has it ask about json and jsonb, too. A type that is not named here is asked about, as ever.
"""

from collections.abc import Collection, Mapping
from types import SimpleNamespace
from typing import Any

import asyncpg

# From PostgreSQL's src/include/catalog/pg_type.dat, whose numbers never change: an array's name, its elements' type.
ARRAYS = {
    1000: ("_bool", 16),
    1001: ("_bytea", 17),
    1005: ("_int2", 21),
    1007: ("_int4", 23),
    1016: ("_int8", 20),
    1022: ("_float8", 701),
    1185: ("_timestamptz", 1184),
    1231: ("_numeric", 1700),
    2287: ("_record", 2249),
    2951: ("_uuid", 2950),
}
SCALARS = {("pg_catalog", "json"): 114, ("pg_catalog", "jsonb"): 3802}

TypeInfo = Mapping[str, Any]

_NOT_ASKED = SimpleNamespace(name="not asked")


def _type_info(oid: int, name: str, element: int | None) -> TypeInfo:
    """What the server would have answered."""
    info: dict[str, Any] = {
        "oid": oid,
        "ns": "pg_catalog",
        "name": name,
        "kind": b"b",
        "elemtype": element,
        "elemdelim": None if element is None else b",",
    }
    names = ("basetype_name", "elemtype_name", "range_subtype_name")
    return info | dict.fromkeys(("basetype", "range_subtype", "attrtypoids", "attrnames", *names))


class Connection(asyncpg.Connection):
    """Its two methods replace asyncpg's own, which are private: test_driver.py tells when they are others."""

    async def _introspect_types(
        self,
        typeoids: Collection[int],
        timeout: float | None,  # noqa: ASYNC109  it is the driver's
    ) -> tuple[list[TypeInfo], Any]:
        known = [_type_info(oid, *ARRAYS[oid]) for oid in typeoids if oid in ARRAYS]
        unknown = [oid for oid in typeoids if oid not in ARRAYS]
        if not unknown:
            return known, _NOT_ASKED
        asked, statement = await super()._introspect_types(unknown, timeout)  # type: ignore[misc]
        return [*known, *asked], statement

    async def _introspect_type(self, typename: str, schema: str) -> TypeInfo:
        if (oid := SCALARS.get((schema, typename))) is not None:
            return _type_info(oid, typename, None)
        found: TypeInfo = await super()._introspect_type(typename, schema)  # type: ignore[misc]
        return found
