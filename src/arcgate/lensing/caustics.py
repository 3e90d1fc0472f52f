"""Critical curves, caustics and cuts of a power-law lens with external shear.

One lens at a time, floats in and float64 arrays out. Curves are closed polygons of shape (k, 2), x and y in arcsec, whose last
point joins the first; point i belongs to the polar angle 2 pi i / k in the image plane.

At a polar angle the Jacobian is A = B - s H, with B = 1 - Gamma, H the lens's own part at 1 arcsec and s = r^(1 - slope), since
the deflection is homogeneous. So det A = 0 is an eigenvalue problem of B^-1 H, and both roots are known in closed form: the
larger eigenvalue is the outer (tangential) critical curve, the smaller, where it is positive, the inner (radial) one.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from arcgate.lensing.mapping import convergence, power_law_deflection, to_source_plane
from arcgate.lensing.models import Lenses

Array = NDArray[np.float64]

DEFAULT_POINTS = 1440


def critical_curve(
    theta_e_arcsec: float,
    q: float,
    phi_rad: float,
    gamma1: float,
    gamma2: float,
    slope: float = 2.0,
    n_points: int = DEFAULT_POINTS,
) -> Array:
    """Tangential critical curve, where det A changes sign first on the way in.

    Parameters
    ----------
    theta_e_arcsec, q, phi_rad, gamma1, gamma2, slope : float
        The lens, as in `arcgate.lensing.mapping.to_source_plane`; theta_e_arcsec > 0.
    n_points : int
        Points of the curve.

    Returns
    -------
    ndarray, shape (n_points, 2)
        Image-plane curve, arcsec.

    Raises
    ------
    ValueError
        No mass, or a parameter outside its range (`arcgate.lensing.models.Lenses`).

    Notes
    -----
    At slope 2, r = 2 kappa(1 arcsec) (1 - gamma cos 2(phi - phi_gamma)) / (1 - gamma^2).
    """
    x, y = _circle(n_points)
    outer, _ = _critical_radii(x, y, theta_e_arcsec, q, phi_rad, gamma1, gamma2, slope)
    return _curve(outer * x, outer * y)


def tangential_caustic(
    theta_e_arcsec: float,
    q: float,
    phi_rad: float,
    gamma1: float,
    gamma2: float,
    slope: float = 2.0,
    n_points: int = DEFAULT_POINTS,
) -> Array:
    """The critical curve in the source plane (the astroid or diamond); parameters and errors as `critical_curve`.

    It may reach beyond the `cut`: a source in such a naked cusp has three images.
    """
    curve = torch.from_numpy(critical_curve(theta_e_arcsec, q, phi_rad, gamma1, gamma2, slope, n_points))
    return _curve(*to_source_plane(curve[:, 0], curve[:, 1], theta_e_arcsec, q, phi_rad, gamma1, gamma2, slope))


def cut(
    theta_e_arcsec: float,
    q: float,
    phi_rad: float,
    gamma1: float,
    gamma2: float,
    slope: float = 2.0,
    n_points: int = DEFAULT_POINTS,
) -> Array:
    """Border in the source plane within which a source has one image more on the lens's far side; parameters as `critical_curve`.

    At slope 2 the cut, or pseudo-caustic, beta = -alpha as r -> 0, which no shear moves (Kovner 1987). At slope < 2 the radial
    caustic: the radial critical curve in the source plane; where a very flat lens has none at some polar angle, the curve
    passes through the centre there.

    Raises
    ------
    ValueError
        As in `critical_curve`; slope > 2, whose deflection grows without limit towards the centre: every source has that image,
        and there is no border.
    """
    if slope > 2.0:
        raise ValueError(f"a lens of slope {slope:g} has no cut: above slope 2 every source has an image near the centre")
    x, y = _circle(n_points)
    _, inner = _critical_radii(x, y, theta_e_arcsec, q, phi_rad, gamma1, gamma2, slope)
    if slope == 2.0:
        alpha_x, alpha_y = power_law_deflection(x, y, theta_e_arcsec, q, phi_rad)
        return _curve(-alpha_x, -alpha_y)
    return _curve(*to_source_plane(inner * x, inner * y, theta_e_arcsec, q, phi_rad, gamma1, gamma2, slope))


def enclosed_area(curve: Array) -> float:
    """Area within a closed polygon of shape (k, 2), by the shoelace formula, in the square of its unit.

    A region that the curve winds around twice counts twice.
    """
    x, y = curve.T
    return float(0.5 * abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))))


def _circle(n_points: int) -> tuple[Tensor, Tensor]:
    angle = torch.arange(n_points, dtype=torch.float64) * (2.0 * math.pi / n_points)
    return torch.cos(angle), torch.sin(angle)


def _critical_radii(
    x: Tensor, y: Tensor, theta_e: float, q: float, phi: float, gamma1: float, gamma2: float, slope: float
) -> tuple[Tensor, Tensor]:
    """Radii of the outer and inner critical curves in the directions (x, y); 0 where there is no inner one."""
    Lenses.of(theta_e, q, phi, gamma1, gamma2, slope)
    if theta_e == 0.0:
        raise ValueError("theta_e_arcsec must be positive for a critical curve, got 0")
    h = 2.0 - slope
    alpha_x, alpha_y = power_law_deflection(x, y, theta_e, q, phi, slope)
    twice_kappa = 2.0 * convergence(x, y, theta_e, q, phi, slope)
    # H and Gamma in the radial and tangential directions.
    along, across = x * alpha_x + y * alpha_y, x * alpha_y - y * alpha_x
    gamma_along = gamma1 * (x * x - y * y) + 2.0 * gamma2 * x * y
    gamma_across = gamma2 * (x * x - y * y) - 2.0 * gamma1 * x * y
    h_determinant = h * (twice_kappa * along - h * (along * along + across * across))
    mixed = (1.0 + gamma_along) * h * along + 2.0 * gamma_across * h * across + (1.0 - gamma_along) * (twice_kappa - h * along)
    b_determinant = 1.0 - gamma1**2 - gamma2**2
    trace, determinant = mixed / b_determinant, h_determinant / b_determinant
    outer = 0.5 * (trace + torch.sqrt((trace * trace - 4.0 * determinant).clamp_min(0.0)))
    # The smaller one through the product of both, which keeps its digits near slope 2.
    inner = (determinant / outer).clamp_min(0.0)
    return outer ** (1.0 / (slope - 1.0)), inner ** (1.0 / (slope - 1.0))


def _curve(x: Tensor, y: Tensor) -> Array:
    return np.stack([x.numpy(), y.numpy()], axis=1)
