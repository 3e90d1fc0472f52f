"""Image positions of a point source behind an isothermal lens with shear."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arcgate.lensing.deflection import sie_deflection

_ANGLES = 1440


def image_positions(
    source_x: float,
    source_y: float,
    theta_e_arcsec: float,
    q: float,
    phi_rad: float,
    gamma1: float,
    gamma2: float,
) -> NDArray[np.float64]:
    """Positions of all images with non-zero magnification.

    An isothermal deflection depends on the polar angle alone, so that the lens equation (1 - Gamma) x = beta + alpha(angle)
    gives x for each angle; an image is where x lies in the direction it was computed for. That is one equation in one
    unknown, solved by bracketing on a grid of angles and bisection.

    Parameters
    ----------
    source_x, source_y : float
        Source position, arcsec from the lens.
    theta_e_arcsec, q, phi_rad, gamma1, gamma2 : float
        As in `arcgate.lensing.deflection.to_source_plane`.

    Returns
    -------
    ndarray, shape (n, 2)
        Image positions (x, y), arcsec, ordered by angle. Accurate to 1e-10 arcsec.
    """
    matrix = np.array([[1.0 - gamma1, -gamma2], [-gamma2, 1.0 + gamma1]])
    inverse = np.linalg.inv(matrix)

    def position(angle: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        ax, ay = sie_deflection(np.cos(angle), np.sin(angle), theta_e_arcsec, q, phi_rad)
        bx, by = source_x + ax, source_y + ay
        return inverse[0, 0] * bx + inverse[0, 1] * by, inverse[1, 0] * bx + inverse[1, 1] * by

    def misalignment(angle: NDArray[np.float64]) -> NDArray[np.float64]:
        px, py = position(angle)
        return px * np.sin(angle) - py * np.cos(angle)

    # An offset keeps the grid off the symmetry axes, where roots of symmetric lenses would fall on a grid point.
    edges = 1e-4 + np.linspace(0.0, 2.0 * np.pi, _ANGLES + 1)
    values = misalignment(edges)
    bracketed = np.flatnonzero(np.sign(values[:-1]) != np.sign(values[1:]))
    low, high = edges[bracketed], edges[bracketed + 1]
    sign_low = np.sign(values[bracketed])
    for _ in range(60):
        middle = 0.5 * (low + high)
        same = np.sign(misalignment(middle)) == sign_low
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    angle = 0.5 * (low + high)
    px, py = position(angle)
    ahead = px * np.cos(angle) + py * np.sin(angle) > 0.0
    return np.stack([px[ahead], py[ahead]], axis=1)
