"""Lines of the classes that customers belong to, and of statistics. Pure and total."""

from typing import Final

from msgspec import UNSET, UnsetType

from libs.events.catalog import scoring as of
from services.timeline.titles.words import words

_TITLES: Final = {
    "advocacy": "Advocacy",
    "engagement": "Engagement",
    "expectation_gap": "Expectation gap",
    "harm": "Harm",
    "health": "Health",
    "problems": "Problem class",
    "profit": "Profit class",
    "rfm": "RFM",
    "turnover": "Turnover class",
    "voice": "Voice",
}


def line(data: object) -> str | None:
    match data:
        case of.ClassChanged():
            return f"{_definition(data.definition, data.currency)}: {_change(data.before, data.to)}"
        case of.StatisticsPublished():
            people = "1 person" if data.people == 1 else f"{data.people} people"
            return f"Statistics {data.version} published: {people}"
        case _:
            return None


def _definition(id_: str, currency: str | UnsetType) -> str:
    title = _TITLES.get(id_) or words(id_)
    return title if currency is UNSET else f"{title} ({currency})"


def _change(before: str | UnsetType, to: str | UnsetType) -> str:
    if to is UNSET:
        return "no class" if before is UNSET else f"no longer {_band(before)}"
    return f"now {_band(to)}" if before is UNSET else f"from {_band(before)} to {_band(to)}"


def _band(band: str) -> str:
    """The classes A to D are letters, as everybody writes them."""
    return band.upper() if len(band) == 1 else words(band)
