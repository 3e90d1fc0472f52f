"""Image positions of a point source behind an isothermal lens with shear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arcgate.lensing.deflection import sie_deflection

Array = NDArray[np.float64]

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
    lens = _Lens.of(source_x, source_y, theta_e_arcsec, q, phi_rad, gamma1, gamma2)
    low, high = lens.brackets()
    sign_low = np.sign(lens.misalignment(low))
    for _ in range(50):
        middle = 0.5 * (low + high)
        same = np.sign(lens.misalignment(middle)) == sign_low
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    angle = 0.5 * (low + high)
    px, py = lens.position(angle)
    ahead = px * np.cos(angle) + py * np.sin(angle) > 0.0
    return np.stack([px[ahead], py[ahead]], axis=1)


def image_count(
    source_x: float, source_y: float, theta_e_arcsec: float, q: float, phi_rad: float, gamma1: float, gamma2: float
) -> int:
    """Number of images with non-zero magnification, without refining their positions; parameters as `image_positions`."""
    lens = _Lens.of(source_x, source_y, theta_e_arcsec, q, phi_rad, gamma1, gamma2)
    angle = lens.brackets()[0]
    px, py = lens.position(angle)
    return int((px * np.cos(angle) + py * np.sin(angle) > 0.0).sum())


@dataclass(frozen=True)
class _Lens:
    """The lens equation along each direction: (1 - Gamma) x = beta + alpha(angle)."""

    source: tuple[float, float]
    sie: tuple[float, float, float]
    inverse: Array

    @classmethod
    def of(cls, x: float, y: float, theta_e: float, q: float, phi: float, gamma1: float, gamma2: float) -> _Lens:
        matrix = np.array([[1.0 - gamma1, -gamma2], [-gamma2, 1.0 + gamma1]])
        return cls((x, y), (theta_e, q, phi), np.linalg.inv(matrix))

    def position(self, angle: Array) -> tuple[Array, Array]:
        ax, ay = sie_deflection(np.cos(angle), np.sin(angle), *self.sie)
        bx, by = self.source[0] + ax, self.source[1] + ay
        inverse = self.inverse
        return inverse[0, 0] * bx + inverse[0, 1] * by, inverse[1, 0] * bx + inverse[1, 1] * by

    def misalignment(self, angle: Array) -> Array:
        px, py = self.position(angle)
        return px * np.sin(angle) - py * np.cos(angle)

    def brackets(self) -> tuple[Array, Array]:
        # An offset keeps the grid off the symmetry axes, where roots of symmetric lenses would fall on a grid point.
        edges = 1e-4 + np.linspace(0.0, 2.0 * np.pi, _ANGLES + 1)
        sign = np.sign(self.misalignment(edges))
        at = np.flatnonzero(sign[:-1] != sign[1:])
        return edges[at], edges[at + 1]
