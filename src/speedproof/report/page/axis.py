"""The axis of the small drawings in the page's table of claims, which need no script."""

import math

LEAST, MOST = 0.5, 60.0
"""Speed-ups at the ends of the axis, so that all rows can be compared; those beyond it stand at its ends."""


def along(speedup: float) -> float:
    """Where a speed-up stands on the axis, in percent from its low end."""
    return round(100 * math.log(min(max(speedup, LEAST), MOST) / LEAST) / math.log(MOST / LEAST), 2)
