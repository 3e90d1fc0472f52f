"""What the rounding of a file can do to a sum of its numbers. Pure."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

# Each of two terms and their sum is off by half a unit in the last place of the largest of them, whoever added in whatever order
# and scaled before or after; twice as much is allowed.
UNITS: Final = 4.0


def rounding_of(largest: NDArray[np.floating[Any]], precision: str) -> NDArray[np.floating[Any]]:
    """Largest difference between a stored sum and the sum of its stored terms.

    Parameters
    ----------
    largest : ndarray
        Modulus of the largest term.
    precision : str
        Floating-point type in which the numbers were written; they are read into float32, so that float64 is no finer.

    Returns
    -------
    ndarray
        In the unit and type of `largest`.
    """
    info, read = np.finfo(np.dtype(precision)), np.finfo(np.float32)
    unit, least = max(float(info.eps), float(read.eps)), max(float(info.smallest_subnormal), float(read.smallest_subnormal))
    # Below its smallest normal number a type has no more digits, only steps.
    tolerated: NDArray[np.floating[Any]] = largest.dtype.type(UNITS) * np.maximum(largest * largest.dtype.type(unit), least)
    return tolerated.astype(largest.dtype)
