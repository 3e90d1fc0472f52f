"""What the rounding of a file can do to a sum of its numbers. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np

# Each of two terms and their sum is off by half a unit in the last place of the largest of them, whoever added in whatever order
# and scaled before or after; twice as much is allowed.
UNITS: Final = 4.0


def rounding_unit(precision: str) -> float:
    """Largest relative difference, in the largest term, between a stored sum and the sum of its stored terms.

    Parameters
    ----------
    precision : str
        Floating-point type in which the numbers were written; they are read into float32, so that float64 is no finer.
    """
    return UNITS * max(float(np.finfo(np.dtype(precision)).eps), float(np.finfo(np.float32).eps))
