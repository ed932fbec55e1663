"""Hypothesis strategies for stories of people, whatever may have happened to them, and cases of scores."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from libs.events.catalog.fields import INT64_MAX
from libs.events.catalog.interactions import SCALES
from libs.events.times import FIRST_YEAR, LAST_YEAR
from services.scoring.numbers.figures import Figures
from services.scoring.numbers.scores import Case
from services.scoring.tests.facts import Told, answered, bought, expected, perceived, statistics, story

MANY = 8

_START, _END = (datetime(year, 1, 1, tzinfo=UTC) for year in (FIRST_YEAR, LAST_YEAR + 1))
_SPAN_S = int((_END - _START).total_seconds())

any_time = st.integers(0, _SPAN_S - 1).map(lambda seconds: _START + timedelta(seconds=seconds))
these_days = st.integers(-3_000, 3_000).map(lambda hours: datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hours))
moments = these_days | any_time
amounts = st.integers(0, 50) | st.integers(0, INT64_MAX)

_currencies = st.sampled_from(["GBP", "EUR"])
_touchpoints = st.sampled_from(["store", "website", "acme:loyalty_desk"])
_factors = st.sampled_from(["quality", "price", "reliability"])
_one_to_five, _one_to_seven = st.integers(1, 5), st.integers(1, 7)
_answers = st.sampled_from(sorted(SCALES)).flatmap(
    lambda scale: st.builds(answered, st.integers(*SCALES[scale]), st.just(scale), at=moments)
)

facts: st.SearchStrategy[Told] = st.one_of(
    st.builds(bought, amounts, cost=st.none() | amounts, at=moments, currency=_currencies),
    st.builds(Told, st.sampled_from(["refund", "cost_to_serve"]), amounts, _currencies, occurred_at=moments),
    st.builds(Told, st.sampled_from(["problem", "complaint"]), _one_to_five, _touchpoints, occurred_at=moments),
    st.builds(Told, st.just("problem_resolved"), st.integers(0, 1), occurred_at=moments),
    st.builds(Told, st.sampled_from(["complaint_resolved", "complaint_escalated", "referral", "vote", "comment"])),
    st.builds(Told, st.sampled_from(["inbound", "outbound"]), about=st.sampled_from(["web", "chat"])),
    st.builds(Told, st.just("idea"), about=_touchpoints, occurred_at=moments),
    _answers,
    st.builds(expected, _factors, _one_to_seven, _one_to_five, at=moments),
    st.builds(perceived, _factors, _one_to_seven, at=moments),
)
stories: st.SearchStrategy[Figures] = st.lists(facts, max_size=MANY).map(lambda told: story(*told))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Of somebody who was counted or came later, among others or alone, with statistics or without."""
    figures, others = draw(stories), draw(st.lists(stories, max_size=4))
    people = {UUID(int=n): each for n, each in enumerate(others, 1)}
    person = UUID(int=draw(st.integers(0, MANY)))
    if draw(st.booleans()):
        people[person] = figures
    among = draw(st.sampled_from([None, statistics(of=people)])) if people else None
    return Case(person, figures, among, draw(moments), draw(_currencies))
