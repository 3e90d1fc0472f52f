"""psfsize is taken for the FWHM of a Moffat; it is that of the Gaussian of the same noise-equivalent area."""

from __future__ import annotations

from arcgate.gates.verdict.bug_model import BugModel, Explanation, OtherPsfs
from arcgate.gates.verdict.declared import DeclaredRows, profiles
from arcgate.injection.arcs import Psfs


def _naive(declared: DeclaredRows) -> list[Psfs]:
    return [profiles("moffat", *both) for both in zip(declared.psfsizes, declared.betas, strict=True)]


MODEL = BugModel(
    "psfsize_as_moffat_fwhm",
    title="psfsize used as a Moffat's FWHM",
    advice="Convert psfsize through the noise-equivalent area before making the Moffat.",
    explanations=(Explanation("psfsize_as_moffat_fwhm", "psfsize taken for the FWHM of a Moffat", prediction=OtherPsfs(_naive)),),
    identifiability={"psfsize_as_moffat_fwhm": ("identifiable", "identifiable", "identifiable")},
)
