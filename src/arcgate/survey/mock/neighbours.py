"""Other objects in and near a stamp: field galaxies, members of the host's group, stars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from arcgate.imaging import Imaging
from arcgate.lensing.frame import Frame
from arcgate.lensing.profiles import sersic_b
from arcgate.lensing.spectra import frequencies, joined_halves, point_spectra
from arcgate.survey.mock.population import Profile

BORDER_ARCSEC: Final = 2.096
"""Objects this far outside the stamp still send light into it: 8 px of DECaLS."""
MAG_R_LIMIT: Final = 24.5
"""The survey's limit, to which neighbours are counted, AB magnitude in r."""
_MAG_R_BRIGHT: Final = 17.0
# Counts go on below the limit: what cannot be seen by itself still moves the sky between pixels and from stamp to stamp.
_MAG_R_FAINTEST: Final = 26.0
# d log10 N / d mag of field galaxies at r = 20 to 24: between 0.4 (bright) and 0.3 (faint), e.g. Metcalfe et al. 2001.
_COUNT_SLOPE: Final = 0.34
# Stars at high Galactic latitude: a tenth of the objects to r = 24.5, with flatter counts.
_STAR_SHARE: Final = 0.05
_STAR_COUNT_SLOPE: Final = 0.12
# Luminous red galaxies live in groups: this share of the galaxies around one has its colours, as those around real ones do
# (experiments/01-mock-against-real).
_GROUP_SHARE: Final = 0.5
_GROUP_COLOUR_SCATTER: Final = 0.12


@dataclass(frozen=True)
class Neighbour:
    """An object near the host: AB magnitudes in g, r and z, place in pixels, profile (None for a star)."""

    mag: dict[str, float]
    x_pix: float
    y_pix: float
    profile: Profile | None


def draw_neighbours(
    rng: np.random.Generator, mean_per_stamp: float, host_mag: dict[str, float], imaging: Imaging
) -> list[Neighbour]:
    """Draw a Poisson number of objects, uniform over the stamp and a margin of `BORDER_ARCSEC` around it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Of this stamp alone.
    mean_per_stamp : float
        Mean number inside the stamp brighter than r = `MAG_R_LIMIT`; fainter ones to r = 26 come on top of it.
    host_mag : dict of str to float
        The host's magnitudes in g, r and z, whose colours the members of its group share.
    imaging : Imaging
        Of the stamp.

    Returns
    -------
    list of Neighbour
        Possibly on top of the host.
    """
    border = round(BORDER_ARCSEC / imaging.pixel_scale_arcsec)
    width = imaging.size_pix + 2 * border
    count = int(rng.poisson(mean_per_stamp / _share_above_limit() * (width / imaging.size_pix) ** 2))
    return [_draw(rng, host_mag, -0.5 - border, imaging.size_pix - 0.5 + border) for _ in range(count)]


def neighbour_spectrum(neighbour: Neighbour, modes: int, frame: Frame) -> Tensor:
    """Spectrum of flux 1, for `arcgate.lensing.render.convolved`: shape (2, modes, 2, modes).

    An exponential disc has the transform (1 + (h k)^2)^(-3/2) with scale length h (e.g. Freeman 1970), so that discs cost no
    integration: k runs along the axes of the disc, on which h is stretched by 1 / sqrt(q) and sqrt(q).
    """
    disc = neighbour.profile
    if disc is None:
        x, y = (torch.tensor([at], dtype=torch.float64) for at in (neighbour.x_pix, neighbour.y_pix))
        return point_spectra(x, y, modes, frame).values[0].to(torch.float32)
    k = frequencies(modes, frame.period_pix)
    along_x, along_y = (np.exp(-1j * k * (at - frame.centre_pix)) for at in (neighbour.x_pix, neighbour.y_pix))
    cos, sin = np.cos(disc.phi_rad), np.sin(disc.phi_rad)
    scale_pix = disc.reff_arcsec / sersic_b(1.0) / frame.pixel_scale_arcsec
    halves = []
    for ky, wave in ((k[:, None], along_y), (-k[:, None], along_y.conj())):
        along, across = k * cos + ky * sin, ky * cos - k * sin
        stretched = 1.0 + scale_pix**2 * (along**2 / disc.q + across**2 * disc.q)
        # A root takes a fraction of the time of a power.
        shape = 1.0 / (stretched * np.sqrt(stretched))
        halves.append(torch.from_numpy(wave[:, None] * along_x * shape))
    return joined_halves(*halves).to(torch.float32)


def _share_above_limit() -> float:
    """Share of the drawn objects that are brighter than the survey's limit."""
    shares = {_STAR_COUNT_SLOPE: _STAR_SHARE, _COUNT_SLOPE: 1.0 - _STAR_SHARE}
    return sum(share * _counts(slope, MAG_R_LIMIT) / _counts(slope, _MAG_R_FAINTEST) for slope, share in shares.items())


def _counts(slope: float, faint: float) -> float:
    return float(10.0 ** (slope * faint) - 10.0 ** (slope * _MAG_R_BRIGHT))


def _draw(rng: np.random.Generator, host_mag: dict[str, float], low: float, high: float) -> Neighbour:
    x, y = (float(value) for value in rng.uniform(low, high, size=2))
    if rng.random() < _STAR_SHARE:
        return Neighbour(_coloured(_magnitude(rng, _STAR_COUNT_SLOPE), *star_colours(rng)), x, y, None)
    r = _magnitude(rng, _COUNT_SLOPE)
    colours = _group_colours(rng, host_mag) if rng.random() < _GROUP_SHARE else field_colours(rng)
    # Median half-light radius of galaxies at r = 22 about 0.45 arcsec, smaller when fainter.
    reff = float(np.clip(0.45 * 10.0 ** (-0.08 * (r - 22.0) + 0.18 * rng.standard_normal()), 0.15, 2.5))
    disc = Profile(reff, 1.0, float(rng.uniform(0.35, 1.0)), float(rng.uniform(0.0, np.pi)))
    return Neighbour(_coloured(r, *colours), x, y, disc)


def _coloured(r: float, g_r: float, r_z: float) -> dict[str, float]:
    return {"g": r + g_r, "r": r, "z": r - r_z}


def star_colours(rng: np.random.Generator) -> tuple[float, float]:
    """Colours g - r and r - z of the stellar locus: M dwarfs, which most faint stars are, share g - r and differ in r - z."""
    if rng.random() < 0.6:
        return float(rng.normal(1.45, 0.08)), float(rng.uniform(0.8, 2.3))
    g_r = float(rng.uniform(0.3, 1.3))
    return g_r, 0.55 * g_r


def field_colours(rng: np.random.Generator) -> tuple[float, float]:
    """Colours g - r and r - z of a field galaxy."""
    shared, own = rng.standard_normal(2)
    return float(0.85 + 0.45 * shared), float(0.70 + 0.40 * (0.6 * shared + 0.8 * own))


def _group_colours(rng: np.random.Generator, host_mag: dict[str, float]) -> tuple[float, float]:
    g_r, r_z = rng.normal([host_mag["g"] - host_mag["r"], host_mag["r"] - host_mag["z"]], _GROUP_COLOUR_SCATTER)
    return float(g_r), float(r_z)


def _magnitude(rng: np.random.Generator, slope: float) -> float:
    """Magnitude from counts that grow as 10^(slope m) between the bright and the faint limit."""
    return float(np.log10(10.0 ** (slope * _MAG_R_BRIGHT) + rng.random() * _counts(slope, _MAG_R_FAINTEST)) / slope)
