"""Loops that a compiler turns into machine code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(*liberties: str) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function that calls no other compiled one: once a machine where numba can keep it, else in each process.

    Parameters
    ----------
    liberties : str
        What the compiler may do with sums and products (LLVM's fast-math flags): `contract` a product and a sum into one
        instruction, `reassoc` a sum in another order, as numpy does too, `nnan` take numbers for granted, `nsz` ignore the sign
        of zero. None by default.
    """
    options: dict[str, Any] = {"error_model": "numpy"} | ({"fastmath": set(liberties)} if liberties else {})

    def wrapped(function: Callable[..., Any]) -> Any:
        try:
            return njit(cache=True, **options)(function)
        except RuntimeError:
            return njit(**options)(function)

    return wrapped
