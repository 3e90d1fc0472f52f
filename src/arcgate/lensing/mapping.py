"""From the image plane to the source plane, and how areas change on the way.

Coordinates are arcsec relative to the lens; angles are radians counter-clockwise from +x. All functions broadcast, and compute in
the dtype and on the device of `x`. The lens is an elliptical power law with external shear: theta_e_arcsec, q, phi_rad, gamma1,
gamma2 and slope as in `arcgate.lensing.deflection`, floats or tensors.
"""

from __future__ import annotations

import torch
from torch import Tensor

from arcgate.lensing.deflection import epl_deflection, lens_frame, shear_deflection, sie_deflection

Value = Tensor | float

_TINY = 1e-30


def power_law_deflection(
    x: Tensor, y: Tensor, theta_e_arcsec: Value, q: Value, phi_rad: Value, slope: Value = 2.0
) -> tuple[Tensor, Tensor]:
    """Deflection by the lens without its shear, arcsec: the closed form where `slope` is 2, the series elsewhere.

    An element's value does not depend on the slopes of the others.
    """
    slope = torch.as_tensor(slope, dtype=x.dtype, device=x.device)
    isothermal = slope == 2.0
    if bool(isothermal.all()):
        return sie_deflection(x, y, theta_e_arcsec, q, phi_rad)
    series = epl_deflection(x, y, theta_e_arcsec, q, phi_rad, slope)
    if not bool(isothermal.any()):
        return series
    closed = sie_deflection(x, y, theta_e_arcsec, q, phi_rad)
    return torch.where(isothermal, closed[0], series[0]), torch.where(isothermal, closed[1], series[1])


def to_source_plane(
    x: Tensor,
    y: Tensor,
    theta_e_arcsec: Value,
    q: Value,
    phi_rad: Value,
    gamma1: Value,
    gamma2: Value,
    slope: Value = 2.0,
) -> tuple[Tensor, Tensor]:
    """Source-plane position of image-plane rays.

    Parameters
    ----------
    x, y : Tensor, any shape
        Image-plane position, arcsec.
    theta_e_arcsec, q, phi_rad, gamma1, gamma2, slope : Tensor or float
        The lens.

    Returns
    -------
    tuple of Tensor
        beta = theta - alpha(theta), x and y in arcsec.
    """
    alpha_x, alpha_y = power_law_deflection(x, y, theta_e_arcsec, q, phi_rad, slope)
    shear_x, shear_y = shear_deflection(x, y, gamma1, gamma2)
    return x - alpha_x - shear_x, y - alpha_y - shear_y


def convergence(x: Tensor, y: Tensor, theta_e_arcsec: Value, q: Value, phi_rad: Value, slope: Value = 2.0) -> Tensor:
    """Surface mass density in units of the critical one, kappa = (3 - slope) / 2 (theta_E / sqrt(q x'^2 + y'^2 / q))^(slope - 1).

    Parameters as in `to_source_plane`. Very large but finite at the centre, where the density diverges.
    """
    cos, sin, q, theta_e = lens_frame(x, phi_rad, q, theta_e_arcsec)
    t = torch.as_tensor(slope, dtype=x.dtype, device=x.device) - 1.0
    along, across = x * cos + y * sin, y * cos - x * sin
    square = (q * along * along + across * across / q).clamp_min(_TINY)
    # A power as exp(log): pow changes its last bits with the length of a batch. Without mass the logarithm is -inf, and kappa 0.
    return 0.5 * (2.0 - t) * torch.exp(t * (torch.log(theta_e) - 0.5 * torch.log(square)))


def jacobian(
    x: Tensor,
    y: Tensor,
    theta_e_arcsec: Value,
    q: Value,
    phi_rad: Value,
    gamma1: Value,
    gamma2: Value,
    slope: Value = 2.0,
) -> Tensor:
    """Jacobian of the lens mapping, A = d beta / d theta; parameters as in `to_source_plane`.

    Returns
    -------
    Tensor, shape (..., 2, 2)
        Symmetric; [..., 0, 1] is d beta_x / d theta_y.

    Notes
    -----
    Exact, with no derivative taken: the deflection of a power law is homogeneous of degree h = 2 - slope (Euler:
    theta . grad alpha = h alpha), its divergence is 2 kappa and its curl 0 (Schneider, Ehlers & Falco 1992, chapter 5). Three
    equations give kappa and both components of the lens's own shear.
    """
    alpha_x, alpha_y = power_law_deflection(x, y, theta_e_arcsec, q, phi_rad, slope)
    kappa = convergence(x, y, theta_e_arcsec, q, phi_rad, slope)
    h = 2.0 - torch.as_tensor(slope, dtype=x.dtype, device=x.device)
    square = (x * x + y * y).clamp_min(_TINY)
    towards, aside = h * alpha_x - kappa * x, h * alpha_y - kappa * y
    first = (x * towards - y * aside) / square + gamma1
    second = (y * towards + x * aside) / square + gamma2
    rows = (torch.stack((1.0 - kappa - first, -second), dim=-1), torch.stack((-second, 1.0 - kappa + first), dim=-1))
    return torch.stack(rows, dim=-2)


def inverse_magnification(
    x: Tensor,
    y: Tensor,
    theta_e_arcsec: Value,
    q: Value,
    phi_rad: Value,
    gamma1: Value,
    gamma2: Value,
    slope: Value = 2.0,
) -> Tensor:
    """Signed inverse magnification det A; parameters as in `to_source_plane`. Negative at saddle points."""
    matrix = jacobian(x, y, theta_e_arcsec, q, phi_rad, gamma1, gamma2, slope)
    determinant: Tensor = matrix[..., 0, 0] * matrix[..., 1, 1] - matrix[..., 0, 1] * matrix[..., 1, 0]
    return determinant
