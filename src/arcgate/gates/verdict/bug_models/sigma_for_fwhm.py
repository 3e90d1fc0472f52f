"""A FWHM is taken for the standard deviation of the PSF: arcs are 2.355 times too wide."""

from __future__ import annotations

from arcgate.gates.verdict.bug_model import BugModel, Explanation, OtherPsfs
from arcgate.gates.verdict.declared import DeclaredRows, widened
from arcgate.injection.arcs import Psfs
from arcgate.lensing.psf import FWHM_PER_SIGMA


def _too_wide(declared: DeclaredRows) -> list[Psfs]:
    return [widened(row, FWHM_PER_SIGMA) for row in declared.psfs]


MODEL = BugModel(
    "sigma_for_fwhm",
    title="FWHM used as σ",
    advice="Divide the FWHM by 2.355 where the PSF's Gaussian is made; the arcs are too wide by that factor.",
    explanations=(Explanation("sigma_for_fwhm", "a FWHM taken for the sigma of the PSF", prediction=OtherPsfs(_too_wide)),),
    identifiability={"sigma_for_fwhm": ("identifiable", "identifiable", "identifiable")},
)
