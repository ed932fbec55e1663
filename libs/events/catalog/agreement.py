"""What every reader of the log keeps to, in words: where each kind of event lies, and how it gets its force.

The page and the AsyncAPI document say it alike, so that consumers outside Rapport rule as its own folds do.
"""

from typing import Final

from libs.events import topics
from libs.events.catalog.registry import EventType, Kind

KEYS: Final = {
    topics.IDENTITY.name: "the word `identity`, always",
    topics.CONTACTS.name: "the canonical id that the contact had when the decision was made",
    topics.INTERACTIONS.name: "the node of the event's `subject`; a decision has the key of its interaction",
    topics.FEEDBACK.name: "the id of the board or of the market",
    topics.SCORING.name: "the contact's canonical id when it was decided; of statistics the word `statistics`",
    topics.OPERATIONS.name: "the name of the service that the record is for",
}
HEADINGS: Final = {
    Kind.OBSERVATION: "Observations",
    Kind.DECISION: "Decisions",
    Kind.CLAIM: "Claims",
    Kind.CONTROL: "Control records",
}
KINDS: Final = {
    Kind.OBSERVATION: """\
Something happened. Other systems send these, and any type of their own that has a subject. Topic, key, `source` and
`id` name an observation: the same name with the same content is a duplicate, with other content it is quarantined.""",
    Kind.DECISION: """\
Rapport ruled on something. `source` is the path of what it ruled on and `sequence` numbers the rulings of that path,
in 20 digits from 1. A decision counts once [arbitration](#how-decisions-are-arbitrated) applies it. What is decided
about the company's own affairs, such as a board, has no `subject`. Only Rapport writes decisions.""",
    Kind.CLAIM: """\
Something was said about who is who. `source` is `/identity`. A claim is [judged](#how-claims-are-judged) in the order
of the log. Only Rapport writes claims.""",
    Kind.CONTROL: "What operators and the log itself note for the services. Only Rapport writes these.",
}
_WITHOUT_SUBJECT: Final = {
    Kind.DECISION: "The event has a `subject` only if it is about a customer.",
    Kind.CONTROL: "The event has no `subject`.",
}
NODES: Final = """\
A **node** is the id that a name has: a keyed hash of the name in its normal form, or for `contact:<uuid>` that uuid.
Readers never compute one. It is the record's key; where the key is something else, Rapport's own events carry the
subject's node as the extension attribute `subjectnode`, and every other name in their data as `{"name", "node"}`."""
NAMES: Final = """\
Whoever got no answer writes again, so one event may stand in the log twice. Topic, key, `source` and `id` are its
**name**. The first record of a name counts; a later one has no effect:

- It is a **duplicate** where it says the same: the bytes are equal; else, where either record has the header `request`,
  both have the same one; else attributes and data are equal once parsed (numbers by value, `time` by the moment).
- It is **quarantined** where it says something else: kept for a person to look at.

The same `source` and `id` under another key are another event. Of decisions, the first record that was *applied* is the
one that the others repeat."""
RECORDED: Final = """\
**Recorded time** is the record's timestamp, which the broker sets; on a copied log it is the header `recordedtime`.
Where it is less than that of the record before it in the partition, it is that one's. The attribute `time` says when
it happened, as its source knows; an event without one happened when it was recorded. Late events are normal."""
FIRST_RECORDS: Final = """\
Offset 0 of every partition is a `rapport.operations.log.created.v1` with the key `log`: the id of the log, the topic
(without a prefix), the partition, and how many partitions each topic has. Partition counts never change, offsets have
no gaps, and no record is ever taken away. Whoever opens the log compares the first records of all partitions that it
reads with each other and with what it saw before: one that is missing or another means that the log was cut or
replaced, and nothing more may be read from it. A `log.created` at a later offset means nothing."""
ARBITRATION: Final = """\
A log cannot append on a condition, so two decisions that were made at the same time may both stand in it, and one
decision may stand in it twice. Every reader rules on them alike, before it folds and apart from it, from `source`,
`id` and `sequence` alone. All decisions of one `source` have one key and therefore one order, that of the offsets.
For each `source` remember `head`, the last sequence that was applied (0 at first), and the ids that were applied. Then
take the first line that fits:

| the decision | ruling | |
|---|---|---|
| its `id` was applied before | duplicate | passed over |
| its `sequence` is `head` + 1 | applied | `head` is now this sequence, and its `id` is used up |
| its `sequence` is `head` or less | superseded | passed over: another one was first |
| its `sequence` is greater than `head` + 1 | broken | a record is missing from the log: stop |

Only applying uses up an `id`: the writer of a superseded decision may decide again and append it with the same `id` and
a new `sequence`, and the first copy that applies is the one that counts. A decision that a reader cannot fold, or that
an operator has it skip, has used its sequence all the same."""
JUDGING: Final = """\
All claims lie in one topic of one partition, so they have one order everywhere, and one pure judge rules on each of
them in that order: **effective**, **already so**, **conflict** or **invalid**. Any ruling uses up the claim's `id`;
later copies are duplicates. What the judge cannot read is invalid and has no effect.

- A claim is judged whole. A registration joins all its names to its contact; where they all lie in one contact already,
  it is already so.
- A name of a unique namespace (`crm`, `email` and any that is not weak) belongs to the first contact that claims it.
  A claim to it by another contact is a conflict: kept with both sides' evidence and without effect until a person
  resolves it, even when the first contact gives the name up.
- A name of a weak namespace (`tel`, `device`, `anon`) joins a contact only while all who claim it are one contact.
- A merge adds an edge between the contacts as they are named. Unmerging takes that edge away and no other, so that
  everything is as it was before. Contacts that are in conflict with each other are not merged before it is resolved.
- A contact is what registrations, links and merges connect. Its canonical id is the registered contact id that is
  earliest in the log; else the node of the name that its earliest effective claim names first; else its one node."""


def rules_of(event_type: EventType) -> str:
    """What its fields keep together and, where it needs no subject, when it has one; empty where there is nothing."""
    about = "" if event_type.needs_subject else _WITHOUT_SUBJECT[event_type.kind]
    return " ".join(filter(None, (event_type.rule, about)))
