"""One rule for numbers that are computed in two ways, or on another processor: how far apart their last bits may be."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike


def last_bits(dtype: DTypeLike, terms: int = 1, magnitude: float = 1.0) -> float:
    """Largest difference that rounding alone can make between two sums of the same `terms` products, whatever their order.

    Each of two sums in a precision of unit roundoff u is within terms * u of the true one, in units of the sum of the products'
    absolute values (Higham 2002, Accuracy and Stability of Numerical Algorithms, equation 3.5), and both can err: 2 u is eps.
    A kernel of another processor changes the order and fuses products with sums, and stays within that.

    Parameters
    ----------
    dtype
        The precision in which the sums are made (not that of the result, if they are made in a wider one).
    terms
        Length of the reduction; of several in a row, the sum of their lengths. An elementary function counts as 4.
    magnitude
        Sum of the absolute values of the products, in the unit of the result; 1 for a mean of values up to 1.

    Returns
    -------
    tolerance
        To be given as an absolute one.
    """
    return float(terms * np.finfo(dtype).eps * magnitude)
