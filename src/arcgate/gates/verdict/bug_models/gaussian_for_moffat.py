"""A Gaussian of the declared psfsize stands in the place of the declared Moffat."""

from __future__ import annotations

from arcgate.gates.verdict.bug_model import BugModel, Explanation, OtherPsfs
from arcgate.gates.verdict.declared import DeclaredRows, profiles
from arcgate.injection.arcs import Psfs


def _gaussians(declared: DeclaredRows) -> list[Psfs]:
    return [profiles("gaussian", size, [None] * len(size)) for size in declared.psfsizes]


MODEL = BugModel(
    "gaussian_for_moffat",
    title="a Gaussian stands for a Moffat",
    advice="Convolve the arcs with the profile that the survey declares: a Gaussian has no wings.",
    explanations=(
        Explanation("gaussian_for_moffat", "a Gaussian in the place of the declared Moffat", prediction=OtherPsfs(_gaussians)),
    ),
    identifiability={"gaussian_for_moffat": ("identifiable", "identifiable", "identifiable")},
)
