"""Arrays that cannot be written: whoever tries is told at that line."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)


def read_only(array: NDArray[Number], *others: NDArray[Any]) -> NDArray[Number]:
    """Lock arrays; the first is given back."""
    for each in (array, *others):
        each.setflags(write=False)
    return array


def read_only_view(array: NDArray[Number]) -> NDArray[Number]:
    """An array as it is handed to a compiled loop that only reads it; the array itself stays as it was.

    Numba compiles a loop once for arrays that may be written and once for those that may not.
    """
    return read_only(array.view())
