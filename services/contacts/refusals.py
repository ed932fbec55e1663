"""What contacts says no with. A refusal's name is its code, also that of the judge's reason where he has one."""

from libs.events.decider import Refusal, Sentences, Unheard, code_of
from libs.events.identity.judge import Ruling


class ContactUnknown(Unheard):
    """No event and no claim has named this contact."""


class MergeUnknown(Unheard):
    """No merge was recorded under this id."""


class ConflictUnknown(Unheard):
    """No conflict was recorded under this id."""


class IdentifierNotLinked(Unheard):
    """This contact does not go by this name."""


class IdentifierClaimed(Refusal):
    """A name belongs to another contact; the conflict waits for a person."""


class NamesInConflict(Refusal):
    """Contacts that dispute a name cannot be made one before that is decided."""


class MergeWithItself(Refusal):
    """These names are those of one contact."""


class NameShared(Refusal):
    """Several contacts go by this name, so it tells none of them apart."""


class NameIsAContact(Refusal):
    """A name that has links or merges of its own stands for a contact: it is merged, not linked."""


class NameMerged(Refusal):
    """The disputed name was merged with another contact."""


class IdentifierIsAContact(Refusal):
    """A contact's id is no identifier of another contact."""


class ConflictResolved(Refusal):
    """Somebody has decided it otherwise."""


class HolderNotASide(Refusal):
    """Only who claimed a name or who has it can keep it."""


_SAID: dict[type[Refusal], str] = {
    ContactUnknown: "nobody has been heard of under this name",
    MergeUnknown: "there is no merge of this id",
    ConflictUnknown: "there is no conflict of this id",
    IdentifierNotLinked: "this contact does not go by this name",
    IdentifierClaimed: "a name belongs to another contact; the conflict is listed for a person to decide",
    NamesInConflict: "these contacts dispute a name; decide that conflict first",
    MergeWithItself: "these are names of one contact; a merge takes at least two",
    NameShared: "several contacts go by this name; name the contact by another, or by its id",
    NameIsAContact: "this name stands for a contact of its own; merge the contacts instead",
    NameMerged: "the name was merged with another contact; unmerge them first",
    IdentifierIsAContact: "a contact's id is no identifier; merge the contacts instead",
    ConflictResolved: "this conflict was decided before, for another holder",
    HolderNotASide: "the holder is one of the contacts that the conflict names",
}
_BY_CODE = {code_of(kind): kind for kind in _SAID}


refuse = Sentences(_SAID)


def refused(ruling: Ruling) -> Refusal:
    """What the judge said no with."""
    more = {} if ruling.conflict is None else {"conflict": str(ruling.conflict)}
    return refuse(_BY_CODE[ruling.reason or ""], **more)
