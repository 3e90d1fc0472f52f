"""Deflection by singular isothermal lenses and external shear.

Coordinates are arcsec relative to the lens; angles are radians counter-clockwise from +x.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Below this ellipticity term sqrt(1 - q^2) the SIE formula is 0 / 0; at it, the formula agrees with the SIS to 1e-17.
_MIN_ECCENTRICITY = 1e-8
_TINY = 1e-300


def sie_deflection(x: Array, y: Array, theta_e_arcsec: float, q: float, phi_rad: float) -> tuple[Array, Array]:
    """Deflection angle of a singular isothermal ellipsoid; a SIS at q = 1.

    Parameters
    ----------
    x, y : ndarray, any shape
        Image-plane position, arcsec.
    theta_e_arcsec : float
        Einstein radius on the intermediate axis: kappa = theta_E / (2 sqrt(q x'^2 + y'^2 / q)).
    q : float
        Axis ratio, 0 < q <= 1.
    phi_rad : float
        Position angle of the major axis.

    Returns
    -------
    tuple of ndarray
        Deflection in x and y, arcsec, shape of `x`. Zero at the lens's centre.

    Notes
    -----
    Kormann, Schneider & Bartelmann (1994), eq. 27; Keeton (2001, astro-ph/0102341), section 3.4.
    """
    cos, sin = np.cos(phi_rad), np.sin(phi_rad)
    along, across = x * cos + y * sin, y * cos - x * sin
    eccentricity = max(np.sqrt((1.0 - q) * (1.0 + q)), _MIN_ECCENTRICITY)
    psi = np.maximum(np.sqrt(q * q * along * along + across * across), _TINY)
    strength = theta_e_arcsec * np.sqrt(q) / eccentricity
    ratio = eccentricity * across / psi
    alpha_along = strength * np.arctan(eccentricity * along / psi)
    # atanh through log1p: np.arctanh's vector and scalar paths differ in the last bit.
    alpha_across = strength * 0.5 * (np.log1p(ratio) - np.log1p(-ratio))
    return alpha_along * cos - alpha_across * sin, alpha_along * sin + alpha_across * cos


def shear_deflection(x: Array, y: Array, gamma1: float, gamma2: float) -> tuple[Array, Array]:
    """Deflection by an external shear centred on the lens, arcsec; shapes and units as `sie_deflection`."""
    return gamma1 * x + gamma2 * y, gamma2 * x - gamma1 * y


def to_source_plane(
    x: Array, y: Array, theta_e_arcsec: float, q: float, phi_rad: float, gamma1: float, gamma2: float
) -> tuple[Array, Array]:
    """Source-plane position of image-plane rays: beta = theta - alpha(theta), arcsec."""
    alpha_x, alpha_y = sie_deflection(x, y, theta_e_arcsec, q, phi_rad)
    shear_x, shear_y = shear_deflection(x, y, gamma1, gamma2)
    return x - alpha_x - shear_x, y - alpha_y - shear_y
