"""The words that Rapport shares with its senders; a company adds its own with a prefix, such as `acme:loyalty_desk`."""

from collections.abc import Iterable
from typing import Final

CHANNELS: Final = frozenset(
    {"face_to_face", "telephone", "letter", "email", "sms", "chat", "social", "web", "store", "event"}
)
TOUCHPOINTS: Final = frozenset({"product", "marketing", "store", "website", "service", "billing"})
VALUE_FACTORS: Final = frozenset(
    {
        "security",
        "convenience",
        "performance",
        "economy",
        "aesthetics",
        "reliability",
        "information",
        "personalisation",
        "interactivity",
    }
)
RELATIONSHIP_DRIVERS: Final = frozenset(
    {
        "quality",
        "price",
        "product",
        "location",
        "customer_service",
        "health_and_safety",
        "systems_compatibility",
        "contract_structure",
        "distribution_flexibility",
        "technical_support",
        "problem_solving",
    }
)
ABOUT: Final = VALUE_FACTORS | RELATIONSHIP_DRIVERS

_OWN_TERM = r"[a-z][a-z0-9_-]{0,31}:[a-z][a-z0-9_]{0,63}"
# Python's `$` also matches before a closing line feed, which no other dialect of regular expressions does.
END: Final = r"$(?!\n)"


def _pattern(terms: Iterable[str]) -> str:
    return f"^(?:{'|'.join(sorted(terms))}|{_OWN_TERM}){END}"


def portable(pattern: str) -> str:
    """The same pattern for JSON Schema, whose dialects need not know look-ahead."""
    return pattern.removesuffix(END) + "$" if pattern.endswith(END) else pattern


CHANNEL_PATTERN: Final = _pattern(CHANNELS)
TOUCHPOINT_PATTERN: Final = _pattern(TOUCHPOINTS)
VALUE_FACTOR_PATTERN: Final = _pattern(VALUE_FACTORS)
ABOUT_PATTERN: Final = _pattern(ABOUT)

TERMS_BY_PATTERN: Final = {
    CHANNEL_PATTERN: CHANNELS,
    TOUCHPOINT_PATTERN: TOUCHPOINTS,
    VALUE_FACTOR_PATTERN: VALUE_FACTORS,
    ABOUT_PATTERN: ABOUT,
}
