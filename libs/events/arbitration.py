"""Who wins when several writers decide about one aggregate at once (DESIGN.md section 4).

The log cannot append on a condition, so a decision names its place: `source` is its aggregate's path and `sequence` one
more than the last that its writer had seen. Every reader rules alike, over envelope and headers only, before folding:

    id applied before       duplicate: nothing happens, however often it comes
    sequence = head + 1     applied: the head moves on
    sequence <= head        superseded: another writer was first; the id may come again with a new sequence
    sequence > head + 1     the log is broken, since whoever wrote it had seen what is not there
"""

from enum import StrEnum

from libs.events.log import LogBroken

SEQUENCE_DIGITS = 20  # a string that sorts (CloudEvents, extension `sequence`)


class Outcome(StrEnum):
    """What becomes of a decision."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"


def arbitrate(*, is_applied: bool, head: int, sequence: int) -> Outcome:
    """Raises LogBroken for a sequence that leaves a gap."""
    if is_applied:
        return Outcome.DUPLICATE
    if sequence <= head:
        return Outcome.SUPERSEDED
    if sequence > head + 1:
        raise LogBroken(f"log broken: a decision has the sequence {sequence} where its aggregate's last one has {head}")
    return Outcome.APPLIED


def sequence_text(sequence: int) -> str:
    return f"{sequence:0{SEQUENCE_DIGITS}}"


def sequence_of(text: str | None) -> int:
    """Raises ValueError where it is no positive number."""
    if text is None or not (text.isascii() and text.isdecimal() and len(text) <= SEQUENCE_DIGITS):
        raise ValueError("a decision has its place among those of its aggregate as `sequence`")
    return int(text)
