"""Sums of money in one currency, in minor units: what several definitions compute alike. Pure."""

from services.scoring.numbers.figures import Figures


def bought(figures: Figures, currency: str | None) -> bool:
    return figures.n("purchase", currency or "") > 0


def currencies(figures: Figures) -> list[str]:
    """In which somebody has bought, in order."""
    return list(figures.of("purchase"))


def turnover(figures: Figures, currency: str | None) -> int:
    """What was bought less what was paid back."""
    return figures.total("purchase", currency or "") - figures.total("refund", currency or "")


def turnover_if_bought(figures: Figures, currency: str | None) -> int | None:
    """None for whoever has bought nothing: they take no part."""
    return turnover(figures, currency) if bought(figures, currency) else None


def is_costed(figures: Figures, currency: str | None) -> bool:
    """Whether what any purchase cost is known."""
    return figures.n("purchase_costed", currency or "") > 0


def profit(figures: Figures, currency: str | None) -> int:
    """Purchases whose cost is known less that cost, less what was paid back and what serving cost."""
    gained = figures.total("purchase_costed", currency or "") - figures.total("cost", currency or "")
    return gained - figures.total("refund", currency or "") - figures.total("cost_to_serve", currency or "")
