"""Elementary functions for loops that a compiler turns into vector instructions, which calls of a library would prevent.

Polynomials in float32 from Cephes (S. L. Moshier); their errors are a few units of the last digit.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numba import njit


def _sources() -> str:
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


SOURCES: Final = _sources()
"""Digest of this package's sources: see `entry`."""

# A product and a sum in one instruction, and no other liberties: nothing is reordered, and NaN and infinity stay what they are.
_OPTIONS: Final[dict[str, Any]] = {"error_model": "numpy", "fastmath": {"contract"}}

# Where a call stays a call, the process that compiles reaches the function that was compiled by itself, and one that finds what
# was kept reaches the copy within the caller: on some processors their last bits differ.
compiled = njit(forceinline=True, **_OPTIONS)
"""For functions that other compiled functions call. They are part of whatever calls them, and are not kept by themselves."""


def entry(function: Callable[..., Any]) -> Any:
    """For functions called from Python: compiled once a machine, and kept.

    Where: `NUMBA_CACHE_DIR` if set, else `__pycache__` beside the source, else the user's cache (`~/.cache/numba`); where none of
    them can be written, each process compiles anew. To tell whether what it kept is of use, numba looks at the function alone,
    not at those that this one calls; but it looks at the values of the variables around it. So entries are made within a function
    whose argument is `SOURCES`.
    """
    try:
        return njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:
        return njit(**_OPTIONS)(function)


def takes(dtype: torch.dtype, device: torch.device) -> bool:
    """Whether arrays in this precision on this device are for compiled loops: float32 alone, to compile each loop once."""
    return dtype == torch.float32 and device.type == "cpu"


_F = np.float32
_ZERO, _ONE, _TWO = _F(0.0), _F(1.0), _F(2.0)
_QUARTER_PI, _HALF_PI = _F(math.pi / 4.0), _F(math.pi / 2.0)
_TAN_LOW, _TAN_HIGH = _F(math.tan(math.pi / 8.0)), _F(math.tan(3.0 * math.pi / 8.0))
_A3, _A5, _A7, _A9 = _F(-3.33329491539e-1), _F(1.99777106478e-1), _F(-1.38776856032e-1), _F(8.05374449538e-2)
_L3, _L5, _L7, _L9, _L11 = _F(1.0 / 3.0), _F(1.0 / 5.0), _F(1.0 / 7.0), _F(1.0 / 9.0), _F(1.0 / 11.0)
_LOG2E, _LN2, _LN2_HIGH, _LN2_LOW = _F(math.log2(math.e)), _F(math.log(2.0)), _F(0.693359375), _F(-2.12194440e-4)
_ROUND = _F(12582912.0)
_ROUND_BITS = np.int32(0x4B400000)
_E2, _E3, _E4 = _F(5.0000001201e-1), _F(1.6666665459e-1), _F(4.1665795894e-2)
_E5, _E6, _E7 = _F(8.3334519073e-3), _F(1.3981999507e-3), _F(1.9875691500e-4)
_HALF_BIT, _BIAS, _SHIFT = np.int32(0x400000), np.int32(127), np.int32(23)


@compiled
def atan(above, below):
    """atan(above / below) for below > 0 (Cephes)."""
    size = abs(above)
    low, high = size < _TAN_LOW * below, size > _TAN_HIGH * below
    top = size if low else (-below if high else size - below)
    bottom = below if low else (size if high else size + below)
    base = _ZERO if low else (_HALF_PI if high else _QUARTER_PI)
    u = top / bottom
    s = u * u
    angle = base + (u + u * s * (_A3 + s * (_A5 + s * (_A7 + s * _A9))))
    return angle if above > _ZERO else -angle


@compiled
def _twice_artanh(u):
    """2 artanh(u) for |u| < 0.18."""
    s = u * u
    return _TWO * (u + u * s * (_L3 + s * (_L5 + s * (_L7 + s * (_L9 + s * _L11)))))


@compiled
def log_ratio(above, below):
    """log(above / below) of positive numbers: their ratio to a power of 2, and twice artanh of what is left."""
    # The bits of a float are its logarithm to base 2 but for at most 0.09.
    power = (np.float32(above).view(np.int32) - np.float32(below).view(np.int32) + _HALF_BIT) >> _SHIFT
    below = below * np.int32((power + _BIAS) << _SHIFT).view(np.float32)
    return np.float32(power) * _LN2 + _twice_artanh((above - below) / (above + below))


@compiled
def twice_artanh(part, whole):
    """2 artanh(part / whole), the logarithm of (whole + part) / (whole - part), for |part| < whole; right to small ratios."""
    above, below = whole + part, whole - part
    power = (np.float32(above).view(np.int32) - np.float32(below).view(np.int32) + _HALF_BIT) >> _SHIFT
    below = below * np.int32((power + _BIAS) << _SHIFT).view(np.float32)
    # The difference of two numbers that are almost the same would lose the digits of a small part.
    top = _TWO * part if power == 0 else above - below
    return np.float32(power) * _LN2 + _twice_artanh(top / (above + below))


@compiled
def exp(x):
    """exp(x) for -80 < x < 80 (Cephes)."""
    # Adding 1.5 x 2^23 rounds to a whole number, which the lowest bits then hold.
    shifted = x * _LOG2E + _ROUND
    whole = shifted - _ROUND
    power = np.float32(shifted).view(np.int32) - _ROUND_BITS
    r = (x - whole * _LN2_HIGH) - whole * _LN2_LOW
    value = r * r * (_E2 + r * (_E3 + r * (_E4 + r * (_E5 + r * (_E6 + r * _E7))))) + r + _ONE
    return value * np.int32((power + _BIAS) << _SHIFT).view(np.float32)
