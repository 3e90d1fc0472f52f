"""Noise of the sky is added with the arc, beside that which the galaxy's stamp has."""

from __future__ import annotations

from arcgate.gates.verdict.bug_model import BugModel

MODEL = BugModel(
    "extra_sky_noise",
    title="noise is added with the arc",
    advice="Add only the arc's own Poisson noise: the galaxy's stamp already has the sky's.",
    noise={"more": "positives carry noise that their controls do not"},
    identifiability={"extra_sky_noise": ("impossible", "identifiable", "bounded")},
)
