"""How the rows of a table become contacts: a TOML file with a table `contact`, read strictly.

    [contact]
    identifiers = ["crm:{customer}", "email:{mail}"]   the names of one contact; columns stand in {braces}
    kind        = "person"                             or "organisation", or { column = "kind" } (default person)

    [contact.traits]                                   what else is known: constants and columns, as in an event's data
    name    = { column = "name" }
    country = "GB"
    staff   = { column = "employees", type = "integer" }

    [csv]                                              as in a mapping of events

An empty cell leaves out the identifier or the trait that would be made of it; a row without any identifier is a fault.
"""

from collections.abc import Iterator
from typing import Annotated, Any, get_args

import msgspec

from libs.events.catalog.contacts import MAX_NAMES, Kind
from services.cli.importing.fields import (
    BadKey,
    CsvRule,
    Field,
    check_csv,
    check_template,
    columns_in,
    first_keys,
    read_by,
    with_field,
    with_fields,
)

KINDS = get_args(Kind)
Templates = Annotated[list[str], msgspec.Meta(min_length=1, max_length=MAX_NAMES)]


class ContactRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`kind` is one of KINDS, or the field that it is read from."""

    identifiers: Templates
    kind: Any = "person"
    traits: dict[str, Any] = {}


class ContactMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    contact: ContactRule
    csv: CsvRule = CsvRule()

    @property
    def columns(self) -> dict[str, str]:
        """Every column that is read, with the key that first names it."""
        return first_keys(self._columns())

    def _columns(self) -> Iterator[tuple[str, str]]:
        for template in self.contact.identifiers:
            for column in columns_in(template):
                yield column, "contact.identifiers"
        yield from read_by(self.contact.kind, "contact.kind")
        yield from read_by(self.contact.traits, "contact.traits")


def contact_mapping(document: dict[str, Any]) -> ContactMapping:
    """Raises BadKey, msgspec.ValidationError."""
    mapping = msgspec.convert(document, ContactMapping)
    rule = mapping.contact
    for template in rule.identifiers:
        check_template(template, "contact.identifiers")
    check_csv(mapping.csv)
    kind = with_field(rule.kind, "contact.kind")
    if not isinstance(kind, Field) and kind not in KINDS:
        raise BadKey(f"contact.kind: is {' or '.join(KINDS)}, or a column")
    traits = _optional(with_fields(rule.traits, "contact.traits"))
    return msgspec.structs.replace(mapping, contact=msgspec.structs.replace(rule, kind=_optional(kind), traits=traits))


def _optional(value: Any) -> Any:
    """Fields whose empty cells leave them out."""
    match value:
        case Field():
            return msgspec.structs.replace(value, optional=True)
        case dict():
            return {name: _optional(each) for name, each in value.items()}
        case _:
            return value
