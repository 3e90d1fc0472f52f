"""Surface-brightness profiles of sources."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import gammaincinv, gammaln


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
