"""The asinh stretch, many times as fast as numpy's arcsinh and as accurate in float32."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.read_only import read_only_view
from arcgate.views.compiled_stretch import asinh_into

Floats = NDArray[np.float32]


def asinh(x: Floats) -> Floats:
    """Inverse hyperbolic sine, in float32, within a few units in the last place.

    asinh|x| = log1p(z) with z = |x| + x^2 / (1 + sqrt(1 + x^2)), and log1p(z) = log(w) z / (w - 1) with w = 1 + z
    (Kahan; Goldberg 1991, ACM Computing Surveys 23, 5, theorem 4).

    Parameters
    ----------
    x : ndarray of float32, any shape
        Below 1e19 in modulus.

    Returns
    -------
    ndarray of float32, shape of x
    """
    nothing, one = np.zeros((1, 1), dtype=np.float32), np.ones((1, 1), dtype=np.float32)
    flat = np.ascontiguousarray(x, dtype=np.float32).reshape(1, 1, -1)
    out = np.empty_like(flat)
    asinh_into(out, *map(read_only_view, (flat, nothing, one)))
    return out.reshape(x.shape)


def normalised_asinh(image: Floats, centre: Floats, scale: Floats) -> Floats:
    """`asinh` of stamps (n, band, y, x) less a centre, over a scale, (n, band) each: without a second image in between."""
    whole = np.ascontiguousarray(image, dtype=np.float32)
    out = np.empty_like(whole)
    shape = (*whole.shape[:2], whole.shape[2] * whole.shape[3])
    given = (whole.reshape(shape), np.ascontiguousarray(centre), np.ascontiguousarray(scale))
    asinh_into(out.reshape(shape), *map(read_only_view, given))
    return out
