"""Deflection by power-law lenses and external shear.

Coordinates are arcsec relative to the lens; angles are radians counter-clockwise from +x. All functions broadcast, and compute in
the dtype and on the device of their inputs.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

# Below this sqrt(1 - q^2) the SIE formula is 0 / 0; at it, the formula agrees with the SIS to the last digit of its dtype.
_MIN_ECCENTRICITY = {torch.float64: 1e-8, torch.float32: 1e-4}
# Rays nearer than this to the lens, in arcsec, count as at its centre: their squares are still normal numbers in float32.
_CENTRE_ARCSEC = {torch.float64: 1e-30, torch.float32: 1e-15}
_SERIES_PRECISION = 1e-14


def sie_deflection(
    x: Tensor, y: Tensor, theta_e_arcsec: Tensor | float, q: Tensor | float, phi_rad: Tensor | float
) -> tuple[Tensor, Tensor]:
    """Deflection angle of a singular isothermal ellipsoid; a SIS at q = 1.

    Parameters
    ----------
    x, y : Tensor, any shape
        Image-plane position, arcsec.
    theta_e_arcsec : Tensor or float
        Einstein radius on the intermediate axis: kappa = theta_E / (2 sqrt(q x'^2 + y'^2 / q)).
    q : Tensor or float
        Axis ratio, 0 < q <= 1.
    phi_rad : Tensor or float
        Position angle of the major axis.

    Returns
    -------
    tuple of Tensor
        Deflection in x and y, arcsec. Zero at the lens's centre.

    Notes
    -----
    Kormann, Schneider & Bartelmann (1994), eq. 27; Keeton (2001, astro-ph/0102341), section 3.4. The deflection across the major
    axis, atanh(e y' / psi), is written as asinh(e y' / (q r)): the same number, but without loss of digits as q tends to 0.
    """
    cos, sin, q, theta_e = lens_frame(x, phi_rad, q, theta_e_arcsec)
    along, across = x * cos + y * sin, y * cos - x * sin
    eccentricity = torch.sqrt((1.0 - q) * (1.0 + q)).clamp_min(_MIN_ECCENTRICITY[x.dtype])
    centre = _CENTRE_ARCSEC[x.dtype]
    psi = torch.sqrt(q * q * along * along + across * across).clamp_min(centre)
    strength = theta_e * torch.sqrt(q) / eccentricity
    alpha_along = strength * torch.atan(eccentricity * along / psi)
    ratio = eccentricity * across / (q * torch.sqrt(along * along + across * across)).clamp_min(centre)
    # asinh through log1p: torch's inverse hyperbolic functions change their last bits with the length of a batch. The sign is
    # 1 or -1, never 0, so that derivatives hold on the major axis too.
    sign, square = torch.where(ratio < 0.0, -1.0, 1.0).to(x.dtype), ratio * ratio
    alpha_across = sign * strength * torch.log1p(sign * ratio + square / (1.0 + torch.sqrt(1.0 + square)))
    return alpha_along * cos - alpha_across * sin, alpha_along * sin + alpha_across * cos


def epl_deflection(
    x: Tensor,
    y: Tensor,
    theta_e_arcsec: Tensor | float,
    q: Tensor | float,
    phi_rad: Tensor | float,
    slope: Tensor | float,
) -> tuple[Tensor, Tensor]:
    """Deflection angle of an elliptical power law, kappa = (3 - slope) / 2 (theta_E / sqrt(q x'^2 + y'^2 / q))^(slope - 1).

    Parameters
    ----------
    x, y, theta_e_arcsec, q, phi_rad
        As in `sie_deflection`.
    slope : Tensor or float
        Slope of the three-dimensional density, 1 < slope < 3; 2 is isothermal.

    Returns
    -------
    tuple of Tensor
        Deflection in x and y, arcsec.

    Notes
    -----
    Tessore & Metcalf (2015, A&A 580, A79), eqs. 13 and 23 to 29: the angular part is a power series in f = (1 - q) / (1 + q).
    Each element's series ends where its own terms fall below 1e-14, so that it does not depend on the others.
    """
    cos, sin, q, theta_e = lens_frame(x, phi_rad, q, theta_e_arcsec)
    t = torch.as_tensor(slope, dtype=x.dtype, device=x.device) - 1.0
    along, across = q * (x * cos + y * sin), y * cos - x * sin
    centre = _CENTRE_ARCSEC[x.dtype]
    radius = torch.sqrt(along * along + across * across).clamp_min(centre)
    cos_angle, sin_angle = along / radius, across / radius
    real, imaginary = epl_series(cos_angle, sin_angle, (1.0 - q) / (1.0 + q), t)
    scale = theta_e * torch.sqrt(q)
    strength = 2.0 * scale / (1.0 + q) * torch.exp((t - 1.0) * (torch.log(scale.clamp_min(centre)) - torch.log(radius)))
    alpha_along, alpha_across = strength * real, strength * imaginary
    return alpha_along * cos - alpha_across * sin, alpha_along * sin + alpha_across * cos


def epl_series(cos: Tensor, sin: Tensor, f: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Angular part of the deflection, Omega(angle), as real and imaginary part."""
    turn_real, turn_imaginary = f * (cos * cos - sin * sin), f * (2.0 * cos * sin)
    needed = math.log(_SERIES_PRECISION) / torch.log(f.clamp(1e-12, 1.0 - 1e-9))
    real, imaginary = cos.clone(), sin.clone()
    term_real, term_imaginary = cos, sin
    for n in range(1, int(needed.max().item()) + 2):
        factor = -(2.0 * n - (2.0 - t)) / (2.0 * n + (2.0 - t))
        factor = torch.where(n <= needed + 1.0, factor, torch.zeros_like(factor))
        term_real, term_imaginary = (
            factor * (turn_real * term_real - turn_imaginary * term_imaginary),
            factor * (turn_real * term_imaginary + turn_imaginary * term_real),
        )
        real, imaginary = real + term_real, imaginary + term_imaginary
    return real, imaginary


def shear_deflection(x: Tensor, y: Tensor, gamma1: Tensor | float, gamma2: Tensor | float) -> tuple[Tensor, Tensor]:
    """Deflection by an external shear centred on the lens, arcsec; shapes and units as `sie_deflection`."""
    return gamma1 * x + gamma2 * y, gamma2 * x - gamma1 * y


def lens_frame(
    like: Tensor, phi_rad: Tensor | float, q: Tensor | float, theta_e_arcsec: Tensor | float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Cosine and sine of the position angle, axis ratio and Einstein radius as tensors of the rays' dtype."""
    phi, ratio, theta_e = (torch.as_tensor(value, dtype=like.dtype, device=like.device) for value in (phi_rad, q, theta_e_arcsec))
    return torch.cos(phi), torch.sin(phi), ratio, theta_e
