"""What is known to happen to arcs and is no bug by name: several mistakes do each of it. It is looked for in any case."""

from __future__ import annotations

from typing import Final

from arcgate.gates.verdict.bug_model import UNKNOWN, BugModel, Explanation

PSF_WIDTH: Final = Explanation("psf_width", "PSFs whose widths are off by (ln ratio)", parameters=("psf_width",), by_band=True)
MISSING: Final = Explanation(
    "missing",
    "arcs are missing where they are declared: a common factor of one plus",
    parameters=("flux",),
    partial=True,
    nothing_left=True,
)
"""What a common factor of zero is: no unit."""

MODEL: Final = BugModel(
    UNKNOWN,
    title="A bug that is none of the known ones",
    advice="Look at the figures of the failed gates: they show where in the stamp the unexplained light is, and how much.",
    explanations=(
        Explanation("flux_by_band", "fluxes changed band by band by a factor of one plus", parameters=("flux",), by_band=True),
        PSF_WIDTH,
        Explanation("psf_wings", "PSFs whose exponents are off by (ln ratio)", parameters=("psf_wings",), by_band=True),
        Explanation("rotation", "a rotation of the arcs by (radians)", parameters=("rotation",)),
        Explanation("einstein_radius", "Einstein radii that are off by (ln ratio)", parameters=("einstein_radius",)),
    ),
    noise={
        "less": "positives carry less noise than their controls, as if smoothed or rounded",
        "other": "the noise of positives is not that of their galaxies, and no more of it",
    },
)
