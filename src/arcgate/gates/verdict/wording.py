"""What explanations and measured quantities are called in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from arcgate.gates.core.result import RefitParameter
from arcgate.gates.verdict.families import Explained
from arcgate.imaging import Imaging

_MOST_ROWS: Final = 0.9
# What each family says of the arcs.
_WORDS: Final = {
    "pedestal": "a constant level on whole stamps",
    "centre_offset": "a shift of the arcs from their hosts (px, x and y)",
    "flux_unit": "fluxes changed by a common factor of one plus",
    "missing": "arcs are missing where they are declared: a common factor of one plus",
    "flux_by_band": "fluxes changed band by band by a factor of one plus",
    "magnification": "a pixel scale that is off by (ln ratio)",
    "geometry": "lens and source on a scale that is off by (ln ratio)",
    "psf_width": "PSFs whose widths are off by (ln ratio)",
    "psf_wings": "PSFs whose exponents are off by (ln ratio)",
    "rotation": "a rotation of the arcs by (radians)",
    "einstein_radius": "Einstein radii that are off by (ln ratio)",
    "sigma_for_fwhm": "a FWHM taken for the sigma of the PSF",
    "psfsize_as_moffat_fwhm": "psfsize taken for the FWHM of a Moffat",
    "double_psf": "a PSF applied twice",
    "gaussian_for_moffat": "a Gaussian in the place of the declared Moffat",
    "angles_in_degrees": "position angles in degrees taken for radians",
    "angles_in_radians": "position angles in radians taken for degrees",
    "radius_in_pixels": "Einstein radii in arcsec taken for pixels",
    "radius_from_pixels": "Einstein radii in pixels taken for arcsec",
}


def in_words(fit: Explained, imaging: Imaging, words: str = "") -> str:
    """An explanation, its amplitudes and its share of the rows; `words` in the place of the family's own."""
    if not words:
        core = f"a constant level at r < {imaging.core_pix:.3g} px"
        words = fit.family.words or (_WORDS | {"core_pedestal": core})[fit.family.label]
        if fit.family.free:
            amplitude = fit.amplitude if fit.family.by_band else fit.amplitude[:1]
            words += " " + ", ".join(f"{value:+.3g}" for value in amplitude.ravel())
    where = "all rows" if fit.share > _MOST_ROWS else f"{100 * fit.share:.0f} % of the rows"
    return f"{words} explains what is not the declared arc, in {where}"


def listed(nuisances: Sequence[RefitParameter]) -> str:
    """Quantities with their intervals."""
    return ", ".join(
        f"{each.name} ({each.band}) {each.value:+.3g} [{each.low:+.3g}, {each.high:+.3g}] {each.unit}" for each in nuisances
    )
