"""Fluxes are in another unit: all of them are off by a common factor."""

from __future__ import annotations

from arcgate.gates.verdict.bug_model import BugModel, Explanation
from arcgate.gates.verdict.unnamed import MISSING

MODEL = BugModel(
    "flux_unit",
    title="wrong unit of flux",
    advice="Check the zero point and the unit of the arcs against the stamps.",
    explanations=(
        Explanation(
            "flux_unit",
            "fluxes changed by a common factor of one plus",
            parameters=("flux",),
            partial=True,
            without_light=MISSING,
        ),
    ),
    identifiability={"flux_unit": ("identifiable", "identifiable", "identifiable")},
)
