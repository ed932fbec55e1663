"""Ballots: one row an event, whole."""

import pytest

from services.feedback.projection.votes import ballot_rows
from services.feedback.tables import ballots
from services.feedback.tests.facts import IDEA, NODE, RECORDED_AT, fact

AGENT_7, AGENT_3 = '{"kind":"staff","id":"agent-7"}', '{"kind":"staff","id":"agent-3"}'
VOTED = {
    "vote.cast": ("2026-03-02T10:38:00Z", None, "cast", "1", "3"),
    "vote.changed": ("2026-03-02T10:39:00Z", AGENT_7, "changed", "1", "1"),
    "vote.withdrawn": ("2026-03-02T10:40:00Z", AGENT_7, "withdrawn", "0", "0"),
    "vote.invalidated": ("2026-03-02T10:41:00Z", AGENT_3, "invalidated", "0", "0"),
}


@pytest.mark.parametrize("name", VOTED)
def test_what_was_said_is_one_row(name: str) -> None:
    at, actor, said, stance, spent = VOTED[name]
    row = ("4", "7", at, RECORDED_AT, IDEA, NODE, "crm:4711", actor, said, stance, spent)
    assert ballot_rows(fact(name)) == (row,)
    assert len(row) == len(ballots.columns)


def test_against_without_credits() -> None:
    ((*_, said, stance, spent),) = ballot_rows(fact("vote.cast", data={"stance": "down", "credits": 1}))
    assert (said, stance, spent) == ("cast", "-1", "1")


def test_without_a_time_it_happened_when_it_was_recorded() -> None:
    ((_, _, occurred_at, recorded_at, *_),) = ballot_rows(fact("vote.cast", time=None))
    assert occurred_at == recorded_at == RECORDED_AT


def test_the_name_is_kept_in_its_normal_form() -> None:
    ((*_, subject, _, _, _, _),) = ballot_rows(fact("vote.cast", subject="email: Ada@X.org "))
    assert subject == "email:ada@x.org"


def test_a_vote_of_nobody_is_none() -> None:
    with pytest.raises(ValueError, match="nobody"):
        ballot_rows(fact("vote.cast", subject=None))


@pytest.mark.parametrize("name", ["idea.submitted", "ideas.merged", "board.opened", "comment.posted"])
def test_nothing_else_is_a_ballot(name: str) -> None:
    assert ballot_rows(fact(name)) == ()
