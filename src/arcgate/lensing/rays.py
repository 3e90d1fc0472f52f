"""Rays: from points of a stamp to the surface brightness behind them, for many rows at a time.

A source is measured in units of its own: a Sersic profile in elliptical half-light radii, a galaxy image in arcsec along its
axes. The map from the image plane to these units is linear but for the angular part of the deflection, so that all rays of a cell
share most of it. Formulas are those of `deflection`, `profiles` and `source_image`; here they are arranged for speed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from arcgate.lensing.deflection import epl_series
from arcgate.lensing.models import Lenses, Sersics
from arcgate.lensing.profiles import sersic_b, sersic_centre, sersic_extent
from arcgate.lensing.source_image import SourceImages

LOWEST_EXPONENT: Final = -60.0
"""Below it an exponential counts as this small: numbers that underflow cost a hundred times others, here and in what follows."""
_TINY: Final = 1e-20
# Below this sqrt(1 - q^2) the SIE formula is 0 / 0; at it, it agrees with the SIS to 1e-8.
_MIN_ECCENTRICITY: Final = 1e-4
# Of an exponential profile's cone, and growing with n: the cusp of a Sersic profile goes as R^(1/n).
_KINK: Final = 0.1
# Galaxy images have structure everywhere down to their pixels. Set on HST galaxies of 0.3 to 0.6 of their size, whose arcs stay
# within 0.1 % of the peak.
_IMAGE_KINK: Final = 1.0
_IMAGE_HIDE: Final = 0.7
# Half-light radius over scale length of an exponential disc, whose effective area 1 / integral I^2 is 8 pi h^2.
_REFF_PER_SCALE: Final = 1.678


@dataclass(frozen=True)
class Rays:
    """Sources behind their lenses, one a row, prepared for tracing.

    Attributes
    ----------
    lens : Tensor (4, m)
        cos and sin of the lens's position angle, its q and its eccentricity.
    linear : Tensor (6, m)
        xi = l0 + l1 x + l2 y and eta = l3 + l4 x + l5 y before the deflection; x and y in arcsec from the lens.
    bend : Tensor (4, m)
        What the two angular functions of the deflection take away from xi (first, second) and from eta (third, fourth).
    power : Tensor (2, m)
        slope - 1 and ln(theta_E sqrt(q)), for lenses that are not isothermal.
    profile : Tensor (3, m)
        Sersic profiles: -b_n, 1 / n and central brightness, per square arcsec.
    stretch : Tensor (3, m)
        For `reach`: 1 + shear, theta_E / sqrt(q) in arcsec, largest number of source units an arcsec.
    extent, grain, hide : Tensor (m,)
        In source units: the radius beyond which light is not followed; the radius within which the profile has no structure (0 at
        a Sersic profile's cusp); the half-size of a cell above which the source may hide between its rays.
    kink : Tensor (m,)
        How badly a cell is integrated that holds the sharpest place of the profile, relative to its variation.
    turn : Tensor (m,)
        Radius, in source units, of the curve to which a small circle about the lens is mapped.
    peak : Tensor (m,)
        Largest surface brightness, per square arcsec.
    scale : Tensor (m,)
        Surface brightness to which errors are relative: flux 1 over the effective area of the unlensed source seen through a PSF
        of the size of `blur_arcsec2`. Lensing makes some image of a source larger, so that a stamp's peak is never much below.
    isothermal, exponential : bool
        Whether all slopes are 2; whether all sources are Sersic profiles of n = 1.
    images : SourceImages or None
        Galaxy images; None for Sersic profiles.
    """

    lens: Tensor
    linear: Tensor
    bend: Tensor
    power: Tensor
    profile: Tensor
    stretch: Tensor
    extent: Tensor
    grain: Tensor
    hide: Tensor
    kink: Tensor
    turn: Tensor
    peak: Tensor
    scale: Tensor
    isothermal: bool
    exponential: bool
    images: SourceImages | None

    def trace(self, row: Tensor, x: Tensor, y: Tensor, nodes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Source coordinates of rays.

        Parameters
        ----------
        row : Tensor, int64 (n,)
            Which source each ray looks for.
        x, y : Tensor (n,)
            Image-plane position from the lens, arcsec.
        nodes : Tensor (k,), optional
            Offsets from x and y, arcsec: a k by k grid of rays about each position.

        Returns
        -------
        tuple of Tensor
            xi and eta in source units, shape (n,), or (k, k, n) in (y, x, ray) order with `nodes`.
        """
        cos, sin, q, eccentricity = self.lens.index_select(1, row).unbind()
        l0, l1, l2, l3, l4, l5 = self.linear.index_select(1, row).unbind()
        along, across = _plane(cos, sin, None, x, y, nodes), _plane(-sin, cos, None, x, y, nodes)
        xi, eta = _plane(l1, l2, l0, x, y, nodes), _plane(l4, l5, l3, x, y, nodes)
        if self.isothermal:
            first, second = _isothermal_angles(along, across, q, eccentricity)
        else:
            slope, log_scale = self.power.index_select(1, row).unbind()
            first, second = _power_law_angles(along, across, q, slope, log_scale)
        b0, b1, b2, b3 = self.bend.index_select(1, row).unbind()
        xi.addcmul_(first, b0, value=-1).addcmul_(second, b1, value=-1)
        eta.addcmul_(first, b2, value=-1).addcmul_(second, b3, value=-1)
        return xi, eta

    def light(self, row: Tensor, xi: Tensor, eta: Tensor, radius: Tensor) -> Tensor:
        """Surface brightness at source coordinates, per square arcsec; `radius` is their modulus and is overwritten."""
        if self.images is not None:
            return self.images.brightness(xi, eta, row.expand(xi.shape))
        return self.at_radius(row, radius)

    def at_radius(self, row: Tensor, radius: Tensor) -> Tensor:
        """Surface brightness of Sersic profiles at a radius in source units, which is overwritten; their peak for images."""
        if self.images is not None:
            return torch.where(
                radius < self.extent.index_select(0, row), self.peak.index_select(0, row), torch.zeros_like(radius)
            )
        minus_b, inverse_n, centre = self.profile.index_select(1, row).unbind()
        if not self.exponential:
            # exp(log) instead of a power: pow's vector path changes last bits with the length of the array.
            radius.clamp_min_(_TINY).log_().mul_(inverse_n).exp_()
        return radius.mul_(minus_b).clamp_min_(LOWEST_EXPONENT).exp_().mul_(centre)

    def reach(self, row: Tensor, distance: Tensor, half: float) -> Tensor:
        """Bound on the distance in the source plane between a cell's centre and the middle of its sides, in source units.

        The largest singular value of an isothermal lens map is 1 or |1 - 2 kappa|, plus shear, with kappa at most
        theta_E / (2 sqrt(q) r). For other slopes 2 kappa + 1 is a bound.

        Parameters
        ----------
        row : Tensor, int64 (n,)
            Source of each cell.
        distance : Tensor (n,)
            From the lens to the cell's centre, arcsec.
        half : float
            Half the side of a cell, arcsec.
        """
        widest, radius, units = self.stretch.index_select(1, row).unbind()
        near = (distance - math.sqrt(2.0) * half).clamp_min(1e-3)
        ratio = radius / near
        if self.isothermal:
            bend = (ratio - 2.0).clamp_min(0.0)
        else:
            bend = torch.exp(self.power[0].index_select(0, row) * torch.log(ratio.clamp_min(_TINY))) * 2.0
        return half * units * (widest + bend)


def rays_of(
    lenses: Lenses,
    sources: Sersics | SourceImages,
    light_outside: float,
    blur_arcsec2: float,
    dtype: torch.dtype,
    device: torch.device,
) -> Rays:
    """Prepare sources behind their lenses, row by row.

    Parameters
    ----------
    lenses, sources : of the same length m
        Lens and source of each row.
    light_outside : float
        Share of a Sersic profile's light beyond the radius to which it is followed.
    blur_arcsec2 : float
        Area over which a PSF spreads light, for the scale of errors.
    dtype : torch.dtype
        Of the rays. What is prepared here is computed in float64.
    device : torch.device
        Where rays are traced.
    """
    if isinstance(sources, Sersics):
        along, across = torch.sqrt(sources.q) / sources.reff_arcsec, 1.0 / (torch.sqrt(sources.q) * sources.reff_arcsec)
        columns = _sersic_columns(sources, light_outside)
    else:
        along = across = torch.ones_like(sources.x_arcsec)
        columns = _image_columns(sources)
    columns |= _geometry(lenses, sources, along, across)
    columns["stretch"][2] = torch.maximum(along, across)
    columns["turn"] = columns["stretch"][1] * columns["stretch"][2]
    area = columns.pop("area")
    columns["scale"] = 1.0 / (blur_arcsec2 + area)
    moved = {name: value.to(dtype=dtype, device=device) for name, value in columns.items()}
    return Rays(
        **moved,
        isothermal=bool((lenses.slope == 2.0).all()),
        exponential=isinstance(sources, Sersics) and bool((sources.n == 1.0).all()),
        images=None if isinstance(sources, Sersics) else sources.to(device),
    )


def _geometry(lenses: Lenses, sources: Sersics | SourceImages, along: Tensor, across: Tensor) -> dict[str, Tensor]:
    """The map to source units, from `along` and `across` units an arcsec on the source's axes."""
    cos, sin = torch.cos(lenses.phi_rad), torch.sin(lenses.phi_rad)
    source_cos, source_sin = torch.cos(sources.phi_rad), torch.sin(sources.phi_rad)
    # Rows of the matrix from the sky's axes to source units.
    xi = along * source_cos, along * source_sin
    eta = -across * source_sin, across * source_cos
    gamma1, gamma2 = lenses.gamma1, lenses.gamma2
    linear = []
    for to_x, to_y in (xi, eta):
        offset = -(to_x * sources.x_arcsec + to_y * sources.y_arcsec)
        linear += [offset, to_x * (1.0 - gamma1) - to_y * gamma2, to_y * (1.0 + gamma1) - to_x * gamma2]
    eccentricity = torch.sqrt((1.0 - lenses.q) * (1.0 + lenses.q)).clamp_min(_MIN_ECCENTRICITY)
    isothermal = lenses.slope == 2.0
    scale = lenses.theta_e_arcsec * torch.sqrt(lenses.q)
    first = torch.where(isothermal, scale / eccentricity, 2.0 * scale / (1.0 + lenses.q))
    second = torch.where(isothermal, 0.5 * first, first)
    bend = []
    for to_x, to_y in (xi, eta):
        bend += [first * (to_x * cos + to_y * sin), second * (to_y * cos - to_x * sin)]
    zero = torch.zeros_like(cos)
    return {
        "lens": torch.stack([cos, sin, lenses.q, eccentricity]),
        "linear": torch.stack(linear),
        "bend": torch.stack(bend),
        "power": torch.stack([lenses.slope - 1.0, torch.log(scale.clamp_min(_TINY))]),
        "stretch": torch.stack([1.0 + torch.hypot(gamma1, gamma2), lenses.theta_e_arcsec / torch.sqrt(lenses.q), zero]),
    }


def _sersic_columns(sources: Sersics, light_outside: float) -> dict[str, Tensor]:
    index = sources.n.tolist()
    centre = [sersic_centre(reff, n) for reff, n in zip(sources.reff_arcsec.tolist(), index, strict=True)]
    ones = torch.ones_like(sources.n)
    return {
        "profile": torch.tensor([[-sersic_b(n) for n in index], [1.0 / n for n in index], centre], dtype=torch.float64),
        "extent": torch.tensor([sersic_extent(n, light_outside) for n in index], dtype=torch.float64),
        "grain": 0.0 * ones,
        "hide": ones,
        "kink": _KINK * sources.n.clamp_min(1.0) ** 2,
        "peak": torch.tensor(centre, dtype=torch.float64),
        "area": 8.0 * math.pi * (sources.reff_arcsec / _REFF_PER_SCALE) ** 2,
    }


def _image_columns(sources: SourceImages) -> dict[str, Tensor]:
    side = sources.scale_arcsec * sources.size_factor
    images = sources.images.to(torch.float64)
    return {
        "profile": torch.zeros((3, len(sources)), dtype=torch.float64),
        "extent": sources.extent_arcsec,
        "grain": side,
        "hide": _IMAGE_HIDE * side,
        "kink": torch.full_like(side, _IMAGE_KINK),
        "peak": images.amax(dim=(1, 2))[sources.index] / side**2,
        "area": (1.0 / (images**2).sum(dim=(1, 2)))[sources.index] * side**2,
    }


def _plane(a: Tensor, b: Tensor, c: Tensor | None, x: Tensor, y: Tensor, nodes: Tensor | None) -> Tensor:
    """A x + b y + c at positions (n,), or at a grid of nodes about them, (k, k, n)."""
    centre = a * x + b * y if c is None else a * x + b * y + c
    if nodes is None:
        return centre
    return (nodes[:, None] * a + centre)[None] + (nodes[:, None] * b)[:, None]


def _isothermal_angles(along: Tensor, across: Tensor, q: Tensor, eccentricity: Tensor) -> tuple[Tensor, Tensor]:
    """The two functions of direction in a SIE's deflection, atan(e x' / psi) and 2 artanh(e y' / psi); overwrites `along`."""
    psi = (along * q).square_().addcmul_(across, across).sqrt_().clamp_min_(_TINY)
    inverse = torch.div(eccentricity, psi, out=psi)
    ratio = across * inverse
    # One log1p for artanh: torch's atanh changes its last bits with the length of a batch.
    ratio.div_(1.0 - ratio).mul_(2.0)
    return along.mul_(inverse).atan_(), ratio.log1p_()


def _power_law_angles(along: Tensor, across: Tensor, q: Tensor, t: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor]:
    """Deflection of a power law along the lens's axes, divided by 2 scale / (1 + q); t is slope - 1."""
    flat = q * along
    radius = torch.sqrt(flat * flat + across * across).clamp_min(_TINY)
    real, imaginary = epl_series(flat / radius, across / radius, (1.0 - q) / (1.0 + q), t)
    growth = torch.exp((t - 1.0) * (log_scale - torch.log(radius)))
    return real * growth, imaginary * growth
