"""From refit and explanations to a name: physics, a bug, an unknown bug, or undetermined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.result import Cause, Nuisance
from arcgate.gates.verdict.families import FAMILIES, Explained, Family, explain, without
from arcgate.gates.verdict.refit import QUANTITIES, estimates
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
_MOST_DEFECTS: Final = 3
# Share of a large defect's score that first-order predictions may leave.
_OF_A_STEP: Final = 0.1
# A family in less than half of the rows must explain them: light that it leaves there, as a share of what there was.
_HALF: Final = 0.5
_MAY_LEAVE: Final = 0.2
# A row's light is unexplained where, beyond twice what noise brings, it differs from every prediction by more than this share of
# the arc's power: a tenth of its amplitude; and by this share of the power that first-order predictions took away.
_SHOWN: Final = 3
_UNEXPLAINED: Final = 0.01
_OF_NOISE: Final = 2.0
_LARGE_FACTOR: Final = float(np.log(2.0))
# Quantities whose deviation each free family accounts for.
_ACCOUNTS: Final = {
    "pedestal": ("pedestal",),
    "core_pedestal": ("core_pedestal",),
    "centre_offset": ("shift_x", "shift_y", "shift"),
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


def name_cause(rows: Rows, unseen: Sequence[str] = ()) -> Cause:
    """The cause of what the rows' light holds beyond the declared arcs.

    Parameters
    ----------
    rows : Rows
        From `differences` or `between_galaxies`.
    unseen : sequence of str
        Quantities that the light at hand cannot show. They are not said to be measured, unless they are found there after all.
    """
    measured = tuple(estimate.nuisance(LEVEL, rows.hosts_hide) for estimate in estimates(rows))
    alarms = _alarms(rows)
    measured = tuple(each for each in measured if each.name not in unseen or each in alarms)
    findings, left = _findings(rows)
    noise = [nuisance for nuisance in alarms if nuisance.name == "noise" and nuisance.value > 0.0]
    names = [finding.explained.family.bug for finding in findings]
    sentences = [_sentence(finding) for finding in findings]
    if noise:
        names.append("extra_sky_noise")
        sentences.append("positives carry noise that their controls do not: " + _listed(noise))
    unexplained = _unexplained(rows, findings, left)
    if unexplained or (alarms and not names):
        names.append("unknown_bug")
        sentences.append("no known bug explains " + (unexplained or "what was measured: " + _listed(alarms)))
    names = list(dict.fromkeys(names))
    if names:
        confidence = min([finding.confidence for finding in findings], default=1.0)
        return Cause(" + ".join(names), confidence, "; ".join(sentences), measured)
    wide = [nuisance for nuisance in measured if not nuisance.inside]
    if wide:
        return Cause("undetermined", 0.0, "more galaxies are needed to bound " + _listed(wide), measured)
    sentence = (
        "the light added is what the declared lenses, sources and PSFs predict; every quantity refitted lies within its margin"
    )
    if unseen:
        sentence += f"; not run, since only arcs are stored and no stamps without them: {', '.join(unseen)}"
    return Cause("physics", LEVEL, sentence, measured)


def _alarms(rows: Rows) -> list[Nuisance]:
    """Quantities that leave their margin and whose deviation is no accident, by Holm's procedure over all of them."""
    found = estimates(rows)
    measured = [estimate.nuisance(LEVEL, rows.hosts_hide) for estimate in found]
    order = np.argsort([estimate.p_value for estimate in found])
    alarms = []
    for rank, position in enumerate(order):
        if found[position].p_value > ALARM / (len(found) - rank):
            break
        if abs(measured[position].value) > measured[position].margin:
            alarms.append(measured[position])
    return alarms


def _findings(rows: Rows) -> tuple[list[Finding], Rows]:
    """The best explanation, others of what it leaves, and the rows after all of them."""
    findings: list[Finding] = []
    left = rows
    for _ in range(_MOST_DEFECTS):
        best = _best(left, {alarm.name for alarm in _alarms(left)})
        if best is None or best.explained.score < _worth(findings):
            break
        bug = best.explained.family.bug
        if findings and bug == "unknown_bug":
            break
        left = without(left, best.explained)
        if bug not in [finding.explained.family.bug for finding in findings]:
            findings.append(best)
    return findings, left


def _worth(findings: Sequence[Finding]) -> float:
    """Score that a further explanation must have: what first-order predictions leave of a large defect is none of its own."""
    return max([_OF_A_STEP * finding.explained.score for finding in findings if not finding.explained.family.exact], default=0.0)


def _unexplained(rows: Rows, findings: Sequence[Finding], left: Rows) -> str:
    """What the explanations leave, in words; empty if nothing."""
    if any(finding.explained.family.bug == "unknown_bug" for finding in findings):
        return ""
    said = []
    alarms = [alarm for alarm in _alarms(left) if alarm.name != "noise"] if findings else []
    if alarms and all(finding.explained.family.exact for finding in findings):
        said.append("what is left: " + _listed(alarms))
    odd = odd_rows(rows, left, all(finding.explained.family.exact for finding in findings))
    if odd.any():
        galaxies = rows.groups[odd]
        more = ", ..." if len(galaxies) > _SHOWN else ""
        said.append(f"the light of {len(galaxies)} rows (galaxies {', '.join(galaxies[:_SHOWN])}{more})")
    return "; nor ".join(said)


def odd_rows(rows: Rows, left: Rows, exact: bool) -> NDArray[np.bool_]:
    """Rows whose light no explanation accounts for, (n,); none where hosts hide it.

    Parameters
    ----------
    rows, left : Rows
        Before and after the explanations found are taken away.
    exact : bool
        Whether these hold at any size; else a share of what they took away is expected to be left.
    """
    if rows.hosts_hide:
        return np.zeros(len(rows.groups), dtype=bool)
    at = PREDICTIONS.index("flux")
    power = left.product[:, :, at, at].sum(axis=1)
    taken = 0.0 if exact else _OF_A_STEP * (rows.squared - left.squared).sum(axis=1).clip(min=0.0)
    odd: NDArray[np.bool_] = left.squared.sum(axis=1) > _OF_NOISE * rows.expected.sum(axis=1) + _UNEXPLAINED * power + taken
    return odd


def _best(rows: Rows, alarming: set[str]) -> Finding | None:
    """The family of the highest score among those that are believable on their own, and its best rival of another name."""
    ranked = sorted((explain(rows, family) for family in FAMILIES), key=lambda fit: -fit.score)
    believed = [fit for fit in ranked if not _common_factor(rows, fit) and _believable(rows, fit, alarming)]
    if not believed:
        return None
    best = believed[0]
    rivals = [fit for fit in ranked if fit.family.bug != best.family.bug]
    return Finding(best, rivals[0] if rivals else None)


def _common_factor(rows: Rows, fit: Explained) -> bool:
    """Whether factors of the flux fitted band by band are one factor: then that is said, and by its name."""
    if not (fit.family.by_band and fit.family.predictions == ("flux",)):
        return False
    return bool(np.ptp(np.log1p(fit.amplitude.clip(min=-0.999))) < _least(fit.family, rows))


def _believable(rows: Rows, fit: Explained, alarming: set[str]) -> bool:
    if fit.score < _GAIN:
        return False
    if fit.family.free and not fit.family.partial:
        return any(name in alarming for name in _ACCOUNTS[fit.family.label])
    if not rows.hosts_hide and not _explains_its_rows(rows, fit):
        return False
    if rows.hosts_hide:
        null = explain(replace(rows, found=rows.null_found, squared=rows.null_squared), fit.family)
        if fit.score < _OVER_NULL * max(null.score, _GAIN):
            return False
    if fit.family.free:
        factor = 1.0 + fit.amplitude
        if factor.min() <= 0.0:
            return False
        if rows.hosts_hide and fit.share < _ALL_ROWS:
            # A unit is off by a large factor; neighbours make a few arcs look somewhat brighter.
            return bool(np.abs(np.log(factor)).min() > _LARGE_FACTOR)
        return bool(np.abs(fit.amplitude).max() > _least(fit.family, rows))
    low, high = _AMPLITUDE
    return low < _typical_amplitude(rows, fit) < high


def _explains_its_rows(rows: Rows, fit: Explained) -> bool:
    """Whether a defect said to be in a few rows accounts for most of their light."""
    touched = fit.touched
    if not touched.any() or touched.mean() >= _HALF:
        return bool(touched.any())
    left = without(rows, fit).squared[touched].sum(axis=1)
    before = np.maximum(rows.squared[touched].sum(axis=1), 1e-300)
    return bool(np.median(left / before) < _MAY_LEAVE)


def _least(family: Family, rows: Rows) -> float:
    quantity = next(each for each in QUANTITIES if each.name == family.predictions[0])
    return quantity.margin_hidden if rows.hosts_hide else quantity.margin


def _typical_amplitude(rows: Rows, fit: Explained) -> float:
    """Median amplitude with which a fixed prediction is found in the rows that belong to it."""
    at = PREDICTIONS.index(fit.family.predictions[0])
    touched = fit.touched
    if not touched.any():
        return 0.0
    ratio = rows.found[touched, :, at].sum(axis=1) / np.maximum(rows.product[touched][:, :, at, at].sum(axis=1), 1e-300)
    return float(np.median(ratio))


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
