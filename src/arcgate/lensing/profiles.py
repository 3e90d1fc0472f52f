"""Surface-brightness profiles of sources."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from scipy.special import gammaincinv, gammaln
from torch import Tensor


@lru_cache(maxsize=256)
def sersic_b(n: float) -> float:
    """Coefficient b_n that makes `reff` the half-light radius: P(2n, b_n) = 1/2 (Ciotti 1991), to machine precision."""
    return float(gammaincinv(2.0 * n, 0.5))


@lru_cache(maxsize=256)
def sersic_extent(n: float, outside: float) -> float:
    """Radius in units of the half-light radius beyond which a share `outside` of the light lies."""
    return float((gammaincinv(2.0 * n, 1.0 - outside) / sersic_b(n)) ** n)


def sersic_centre(reff_arcsec: float, n: float) -> float:
    """Central surface brightness of a Sersic profile of total flux 1, per square arcsec (Graham & Driver 2005, eq. 4)."""
    log_norm = np.log(2.0 * np.pi * n) + 2.0 * np.log(reff_arcsec) - 2.0 * n * np.log(sersic_b(n)) + gammaln(2.0 * n)
    return float(np.exp(-log_norm))


def elliptical_radius(x: Tensor, y: Tensor, q: float, phi_rad: float) -> Tensor:
    """Radius on the intermediate axis, sqrt(q x'^2 + y'^2 / q), in the unit of `x` and `y`."""
    cos, sin = np.cos(phi_rad), np.sin(phi_rad)
    along, across = x * cos + y * sin, y * cos - x * sin
    return torch.sqrt(q * along * along + across * across / q)


def sersic(radius: Tensor, reff_arcsec: float, n: float) -> Tensor:
    """Surface brightness of a Sersic profile of total flux 1, per square arcsec, at intermediate-axis radii in arcsec."""
    scaled = radius / reff_arcsec
    # exp(log) instead of a power: pow's vector path changes last bits with the length of the array.
    shape = scaled if n == 1.0 else torch.exp(torch.log(scaled.clamp_min(1e-30)) / n)
    return sersic_centre(reff_arcsec, n) * torch.exp(-sersic_b(n) * shape)
