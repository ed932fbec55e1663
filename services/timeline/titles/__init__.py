"""One readable line for every event. Pure and total: folds call it."""

from services.timeline.titles.whole import MAX_CHARS, title

__all__ = ["MAX_CHARS", "title"]
