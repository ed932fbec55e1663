"""What scoring says no with. A refusal's name is its code."""

from libs.events.decider import Refusal, Sentences, Unheard


class DefinitionUnknown(Unheard):
    """There is no definition of this id."""


class MeasureUnknown(Unheard):
    """There is no curve of this measure."""


class StatisticsUnknown(Unheard):
    """No statistics of this version were published."""


class NobodyToCount(Refusal):
    """There is nobody whom this could be counted over."""


class NoStatistics(Refusal):
    """No statistics say how everybody stood in this."""


_SAID: dict[type[Refusal], str] = {
    DefinitionUnknown: "there is no definition of this id; GET /v1/definitions lists them",
    MeasureUnknown: "there is no curve of this measure",
    StatisticsUnknown: "no statistics of this version were published",
    NobodyToCount: "there is nobody whom this could be counted over",
    NoStatistics: "no statistics were published for this; POST /v1/statistics publishes them",
}


refuse = Sentences(_SAID)
