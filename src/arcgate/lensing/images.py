"""Images of a point source behind a power-law lens with external shear: where and how many."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from arcgate.lensing.angle_equation import AngleEquation
from arcgate.lensing.mapping import jacobian, to_source_plane
from arcgate.lensing.models import Lenses, check

# Rows solved at once: tens of megabytes of memory.
_CHUNK = 2000
_NEWTON_STEPS = 3


def image_positions(
    source_x: float,
    source_y: float,
    theta_e_arcsec: float,
    q: float,
    phi_rad: float,
    gamma1: float,
    gamma2: float,
    slope: float = 2.0,
) -> NDArray[np.float64]:
    """Positions of all images with non-zero magnification.

    Parameters
    ----------
    source_x, source_y : float
        Source position, arcsec from the lens.
    theta_e_arcsec, q, phi_rad, gamma1, gamma2, slope : float
        The lens, as in `arcgate.lensing.mapping.to_source_plane`.

    Returns
    -------
    ndarray, shape (k, 2)
        Image positions (x, y), arcsec, that map back to the source to 1e-8 arcsec or better. At slope below 2 they hold the faint
        central image too, unless it is nearer to the centre than 1e-20 arcsec.

    Raises
    ------
    ValueError
        A source exactly behind a circular lens without shear: its image is an Einstein ring. A parameter outside its range.
    """
    equation = _equation(source_x, source_y, theta_e_arcsec, q, phi_rad, gamma1, gamma2, slope)
    if theta_e_arcsec == 0.0:
        matrix = np.array([[1.0 - gamma1, -gamma2], [-gamma2, 1.0 + gamma1]])
        return np.linalg.solve(matrix, [source_x, source_y])[None, :]
    if bool(equation.is_ring()):
        raise ValueError(
            f"a source at ({source_x:g}, {source_y:g}) arcsec is exactly behind a circular lens without shear: its image is a "
            f"ring of radius {theta_e_arcsec:g} arcsec, not a number of points"
        )
    _, angle, radius = equation.images()
    x, y = _polished(radius * torch.cos(angle), radius * torch.sin(angle), equation)
    return np.stack([x.numpy(), y.numpy()], axis=1)


def image_counts(
    source_x: ArrayLike,
    source_y: ArrayLike,
    theta_e_arcsec: ArrayLike,
    q: ArrayLike,
    phi_rad: ArrayLike,
    gamma1: ArrayLike,
    gamma2: ArrayLike,
    slope: ArrayLike = 2.0,
) -> NDArray[np.int64]:
    """Number of images with non-zero magnification in each row.

    Parameters
    ----------
    source_x, source_y, theta_e_arcsec, q, phi_rad, gamma1, gamma2, slope : array_like, shape (n,) or ()
        As in `image_positions`, a row a source.

    Returns
    -------
    ndarray of int, shape (n,)
        The length of `image_positions`; 0 for an Einstein ring, which is no finite number of points. A row's number does not
        depend on the other rows.

    Raises
    ------
    ValueError
        A parameter outside its range, naming row and column.
    """
    equation = _equation(source_x, source_y, theta_e_arcsec, q, phi_rad, gamma1, gamma2, slope)
    parts = torch.split(torch.arange(len(equation.lenses)), _CHUNK)
    return np.concatenate([_counts(equation.take(rows)).numpy() for rows in parts])


def _equation(source_x: ArrayLike, source_y: ArrayLike, *lens: ArrayLike) -> AngleEquation:
    arrays = np.broadcast_arrays(*(np.atleast_1d(np.asarray(value, dtype=np.float64)) for value in (source_x, source_y, *lens)))
    x, y = (torch.from_numpy(np.array(column)) for column in arrays[:2])
    for name, column in (("source_x", x), ("source_y", y)):
        check(name, column, torch.isfinite(column), "must be finite")
    return AngleEquation(x, y, Lenses.of(*arrays[2:]))


def _counts(equation: AngleEquation) -> Tensor:
    lenses = equation.lenses
    counts = torch.bincount(equation.images()[0], minlength=len(lenses))
    counts = torch.where(equation.is_ring(), torch.zeros_like(counts), counts)
    return torch.where(lenses.theta_e_arcsec == 0.0, torch.ones_like(counts), counts)


def _polished(x: Tensor, y: Tensor, equation: AngleEquation) -> tuple[Tensor, Tensor]:
    """Newton's steps on the lens equation, each taken only where it brings the image nearer to the source."""
    lens = (*(getattr(equation.lenses, name) for name in ("theta_e_arcsec", "q", "phi_rad", "gamma1", "gamma2", "slope")),)

    def miss(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        beta_x, beta_y = to_source_plane(x, y, *lens)
        return equation.source_x - beta_x, equation.source_y - beta_y

    off_x, off_y = miss(x, y)
    for _ in range(_NEWTON_STEPS):
        matrix = jacobian(x, y, *lens)
        xx, xy, yy = matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 1, 1]
        determinant = xx * yy - xy * xy
        next_x, next_y = x + (yy * off_x - xy * off_y) / determinant, y + (xx * off_y - xy * off_x) / determinant
        next_off_x, next_off_y = miss(next_x, next_y)
        nearer = torch.hypot(next_off_x, next_off_y) < torch.hypot(off_x, off_y)
        x, y = torch.where(nearer, next_x, x), torch.where(nearer, next_y, y)
        off_x, off_y = torch.where(nearer, next_off_x, off_x), torch.where(nearer, next_off_y, off_y)
    return x, y
