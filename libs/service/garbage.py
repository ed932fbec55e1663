"""How often a process looks for cycles of objects that nobody needs."""

import gc

# Modules are made of objects that stay, and events are made and dropped by the thousand and hold no cycles: looking for
# some every 700 costs a sixth of a start, and a tenth of a fold.
THRESHOLDS = (50_000, 20, 100)


def collect_seldom() -> None:
    """For this process and those that are forked from it; to be called before most is imported."""
    gc.set_threshold(*THRESHOLDS)
