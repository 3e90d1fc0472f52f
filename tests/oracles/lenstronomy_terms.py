"""Our parameters in lenstronomy's terms."""

from __future__ import annotations

import numpy as np
from lenstronomy.Util.param_util import phi_q2_ellipticity
from scipy.special import gamma, gammaincinv


def epl_terms(theta_e: float, q: float, phi: float, slope: float) -> dict[str, float]:
    """Keyword arguments of EPL at the origin."""
    e1, e2 = phi_q2_ellipticity(phi, q)
    return {"theta_E": theta_e, "gamma": slope, "e1": e1, "e2": e2, "center_x": 0.0, "center_y": 0.0}


def sersic_terms(reff: float, n: float, q: float, phi: float, x: float, y: float) -> dict[str, float]:
    """Keyword arguments of SERSIC_ELLIPSE for a profile of flux 1; lenstronomy's b_n is an approximation, which is mapped."""
    exact, theirs = gammaincinv(2.0 * n, 0.5), 1.9992 * n - 0.3271
    centre = exact ** (2.0 * n) / (2.0 * np.pi * n * reff**2 * gamma(2.0 * n))
    e1, e2 = phi_q2_ellipticity(phi, q)
    size = {"amp": centre * np.exp(-theirs), "R_sersic": reff * (theirs / exact) ** n, "n_sersic": n}
    return {**size, "e1": e1, "e2": e2, "center_x": x, "center_y": y}
