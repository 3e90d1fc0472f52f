"""The asinh stretch of normalised stamps, in a loop that a compiler turns into vector instructions."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.compiling import compiled

Floats = NDArray[np.float32]

# A product and a sum in one instruction, and no other liberties, as in `lensing.compiled_functions`.
_compiled: Final = compiled("contract")
_F = np.float32
_ZERO, _HALF, _ONE = _F(0.0), _F(0.5), _F(1.0)
# log(1 + m) of a mantissa between sqrt(1/2) and sqrt(2): a polynomial in float32 from Cephes (S. L. Moshier).
_P0, _P1, _P2 = _F(7.0376836292e-2), _F(-1.1514610310e-1), _F(1.1676998740e-1)
_P3, _P4, _P5 = _F(-1.2420140846e-1), _F(1.4249322787e-1), _F(-1.6668057665e-1)
_P6, _P7, _P8 = _F(2.0000714765e-1), _F(-2.4999993993e-1), _F(3.3333331174e-1)
_LN2_LOW, _LN2_HIGH = _F(-2.12194440e-4), _F(0.693359375)
_ROOT_HALF = _F(0.707106781186547524)
_MANTISSA, _OF_HALF, _SHIFT, _BIAS = np.int32(0x7FFFFF), np.int32(0x3F000000), np.int32(23), np.int32(126)


@_compiled
def asinh_into(out: Floats, image: Floats, centre: Floats, scale: Floats) -> None:
    """Write asinh((image - centre) / scale), within three units in the last place; see `stretch.asinh`.

    Parameters
    ----------
    out : ndarray, float32 (n, band, pixel)
        Made by numpy, whose large arrays take fewer and larger pages of memory than those that are made here.
    image : ndarray, float32 (n, band, pixel)
    centre, scale : ndarray, float32 (n, band)
    """
    n, bands, pixels = image.shape
    for row in range(n):
        for band in range(bands):
            level, unit = centre[row, band], scale[row, band]
            for pixel in range(pixels):
                x = (image[row, band, pixel] - level) / unit
                size = abs(x)
                square = size * size
                z = size + square / (_ONE + np.sqrt(square + _ONE))
                w = _F(z + _ONE)
                gap = w - _ONE
                bits = w.view(np.int32)
                power = _F(np.int32((bits >> _SHIFT) - _BIAS))
                mantissa = np.int32((bits & _MANTISSA) | _OF_HALF).view(np.float32)
                low = mantissa < _ROOT_HALF
                power = power - _ONE if low else power
                m = (mantissa + mantissa if low else mantissa) - _ONE
                half = _P0 * m + _P1
                half = ((half * m + _P2) * m + _P3) * m + _P4
                series = (((half * m + _P5) * m + _P6) * m + _P7) * m + _P8
                tail = series * m * (m * m) + _LN2_LOW * power - _HALF * (m * m)
                logarithm = m + tail + _LN2_HIGH * power
                # Where w rounds to 1, log(1 + z) is z itself.
                found = logarithm * z / (gap if gap > _ZERO else _ONE) if gap > _ZERO else z
                out[row, band, pixel] = np.copysign(found, x)
