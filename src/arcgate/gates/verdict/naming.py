"""From refit and explanations to a name: physics, a bug, an unknown bug, or undetermined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.result import Cause, Nuisance
from arcgate.gates.verdict.families import FAMILIES, Explained, Family, chi_squared, explain
from arcgate.gates.verdict.refit import QUANTITIES, Estimate, estimates
from arcgate.gates.verdict.rows import PREDICTIONS, Rows

Array = NDArray[np.float64]

LEVEL: Final = 0.9
# Family-wise probability of an alarm on sound data: of all quantities together (Holm 1979).
ALARM: Final = 0.002
# Gain in log likelihood below which no explanation is taken, and how far it must exceed what controls alone give.
_GAIN: Final = 20.0
_OVER_NULL: Final = 3.0
# A bug that is there or not has amplitude one in the rows that it touches.
_AMPLITUDE: Final = (0.6, 1.4)
_ALL_ROWS: Final = 0.9
_LARGE_FACTOR: Final = float(np.log(2.0))
# Quantities whose deviation each free family accounts for.
_ACCOUNTS: Final = {
    "pedestal": ("pedestal",),
    "core_pedestal": ("core_pedestal",),
    "centre_offset": ("shift_x", "shift_y"),
    "flux_unit": ("flux",),
    "flux_by_band": ("flux",),
    "magnification": ("magnification",),
    "geometry": ("geometry",),
    "psf_width": ("psf_width",),
    "psf_wings": ("psf_wings",),
    "rotation": ("rotation",),
    "einstein_radius": ("einstein_radius",),
}
# What each family says of the arcs.
_WORDS: Final = {
    "pedestal": "a constant level on whole stamps",
    "core_pedestal": "a constant level at r < 5 px",
    "centre_offset": "a shift of the arcs from their hosts (px, x and y)",
    "flux_unit": "fluxes changed by a common factor of one plus",
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
    "swap_gr": "bands g and r exchanged",
    "swap_rz": "bands r and z exchanged",
    "swap_gz": "bands g and z exchanged",
    "cycle_rzg": "bands moved by one place",
    "cycle_zgr": "bands moved by one place",
}


@dataclass(frozen=True)
class Finding:
    """One defect: the family that explains it best, and its rival of another name."""

    explained: Explained
    rival: Explained | None

    @property
    def confidence(self) -> float:
        """Probability of the name against its rival's, both equally likely beforehand."""
        if self.rival is None:
            return 1.0
        return float(1.0 / (1.0 + np.exp(-min(self.explained.score - self.rival.score, 500.0))))


def name_cause(rows: Rows) -> Cause:
    """The cause of what the rows' light holds beyond the declared arcs.

    Parameters
    ----------
    rows : Rows
        From `differences` or `between_galaxies`.
    """
    found = estimates(rows)
    measured = tuple(estimate.nuisance(LEVEL, rows.hosts_hide) for estimate in found)
    alarms = _alarms(found, measured)
    findings = _findings(rows, alarms)
    noise = [nuisance for nuisance in alarms if nuisance.name == "noise" and nuisance.value > 0.0]
    names = list(dict.fromkeys(finding.explained.family.bug for finding in findings))
    sentences = [_sentence(finding) for finding in findings]
    if noise:
        names.append("extra_sky_noise")
        sentences.append("positives carry noise that their controls do not: " + _listed(noise))
    if not names and alarms:
        names, sentences = ["unknown_bug"], ["no known bug explains what was measured: " + _listed(alarms)]
    if names:
        confidence = min([finding.confidence for finding in findings], default=1.0)
        return Cause(" + ".join(names), confidence, "; ".join(sentences), measured)
    wide = [nuisance for nuisance in measured if not nuisance.inside]
    if wide:
        return Cause("undetermined", 0.0, "more galaxies are needed to bound " + _listed(wide), measured)
    sentence = (
        "the light added is what the declared lenses, sources and PSFs predict; every quantity refitted lies within its margin"
    )
    return Cause("physics", LEVEL, sentence, measured)


def _alarms(found: Sequence[Estimate], measured: Sequence[Nuisance]) -> list[Nuisance]:
    """Quantities that leave their margin and whose deviation is no accident, by Holm's procedure over all of them."""
    order = np.argsort([estimate.p_value for estimate in found])
    alarms = []
    for rank, position in enumerate(order):
        if found[position].p_value > ALARM / (len(found) - rank):
            break
        if abs(measured[position].value) > measured[position].margin:
            alarms.append(measured[position])
    return alarms


def _findings(rows: Rows, alarms: Sequence[Nuisance]) -> list[Finding]:
    """The best explanation, and a second one of what it leaves."""
    first = _best(rows, {alarm.name for alarm in alarms})
    if first is None:
        return []
    left = _without(rows, first.explained)
    found = estimates(left)
    still = _alarms(found, [estimate.nuisance(LEVEL, rows.hosts_hide) for estimate in found])
    second = _best(left, {alarm.name for alarm in still})
    if second is None or second.explained.score < 0.05 * first.explained.score:
        return [first]
    if second.explained.family.bug in (first.explained.family.bug, "unknown_bug"):
        return [first]
    return [first, second]


def _best(rows: Rows, alarming: set[str]) -> Finding | None:
    """The family of the highest score among those that are believable on their own, and its best rival of another name."""
    ranked = sorted((explain(rows, family) for family in FAMILIES), key=lambda fit: -fit.score)
    believed = [fit for fit in ranked if _believable(rows, fit, alarming)]
    if not believed:
        return None
    best = believed[0]
    rivals = [fit for fit in ranked if fit.family.bug != best.family.bug]
    return Finding(best, rivals[0] if rivals else None)


def _believable(rows: Rows, fit: Explained, alarming: set[str]) -> bool:
    if fit.score < _GAIN:
        return False
    if fit.family.free and not fit.family.partial:
        return any(name in alarming for name in _ACCOUNTS[fit.family.label])
    if rows.hosts_hide:
        null = explain(replace(rows, found=rows.null_found, squared=rows.null_squared), fit.family)
        if fit.score < _OVER_NULL * max(null.score, _GAIN):
            return False
    if fit.family.free:
        if rows.hosts_hide and fit.share < _ALL_ROWS:
            # A unit is off by a large factor; neighbours make a few arcs look somewhat brighter.
            return bool(np.abs(np.log1p(fit.amplitude.clip(min=-0.999))).min() > _LARGE_FACTOR)
        return bool(np.abs(fit.amplitude).max() > _least(fit.family, rows))
    low, high = _AMPLITUDE
    return low < _typical_amplitude(rows, fit) < high


def _least(family: Family, rows: Rows) -> float:
    quantity = next(each for each in QUANTITIES if each.name == family.predictions[0])
    return quantity.margin_hidden if rows.hosts_hide else quantity.margin


def _typical_amplitude(rows: Rows, fit: Explained) -> float:
    """Median amplitude with which a fixed prediction is found in the rows that belong to it."""
    at = PREDICTIONS.index(fit.family.predictions[0])
    touched = fit.belongs > 0.5
    if not touched.any():
        return 0.0
    ratio = rows.found[touched, :, at].sum(axis=1) / np.maximum(rows.product[touched][:, :, at, at].sum(axis=1), 1e-300)
    return float(np.median(ratio))


def _without(rows: Rows, fit: Explained) -> Rows:
    """The rows after an explanation is taken away from those that it holds in."""
    chosen = [PREDICTIONS.index(name) for name in fit.family.predictions]
    touched = fit.belongs > 0.5
    amplitude = fit.amplitude * touched[:, None, None]
    moved = np.einsum("nbkl,nbl->nbk", rows.product[..., chosen], amplitude)
    product, found = rows.product[:, :, chosen][..., chosen], rows.found[:, :, chosen]
    squared = np.where(touched[:, None], chi_squared(rows.squared, product, found, fit.amplitude), rows.squared)
    return replace(rows, found=rows.found - moved, squared=squared)


def _sentence(finding: Finding) -> str:
    fit = finding.explained
    words = _WORDS[fit.family.label]
    if fit.family.free:
        amplitude = fit.amplitude if fit.family.by_band else fit.amplitude[:1]
        words += " " + ", ".join(f"{value:+.3g}" for value in amplitude.ravel())
    where = "all rows" if fit.share > _ALL_ROWS else f"{100 * fit.share:.0f} % of the rows"
    return f"{words} explains what is not the declared arc, in {where}"


def _listed(nuisances: Sequence[Nuisance]) -> str:
    return ", ".join(
        f"{each.name} ({each.band}) {each.value:+.3g} [{each.low:+.3g}, {each.high:+.3g}] {each.unit}" for each in nuisances
    )
