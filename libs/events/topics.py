"""The topics of a log. Their partition counts and numbers are fixed for the life of every log."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """`number` stands for the name in sort keys and tokens; it is never given to another topic."""

    name: str
    number: int
    partitions: int
    writer: str


IDENTITY = Topic("identity", 0, 1, "contacts")
CONTACTS = Topic("contacts", 1, 12, "contacts")
OPERATIONS = Topic("operations", 5, 1, "the operator's commands")
INTERACTIONS = Topic("interactions", 2, 12, "interactions")
FEEDBACK = Topic("feedback", 3, 12, "feedback")
SCORING = Topic("scoring", 4, 12, "scoring")

TOPICS = (
    IDENTITY,
    CONTACTS,
    INTERACTIONS,
    FEEDBACK,
    SCORING,
    OPERATIONS,
)
BY_NAME = {topic.name: topic for topic in TOPICS}
BY_NUMBER = {topic.number: topic for topic in TOPICS}
