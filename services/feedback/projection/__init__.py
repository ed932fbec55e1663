"""From events to the tables of feedback. Pure; what joins votes with their voters' identity is derived from them."""

from services.feedback.projection.whole import PROJECTION

__all__ = ["PROJECTION"]
