"""Leaks of a training set's design: what a failed gate may show although the light that was added is as declared."""

from __future__ import annotations

from typing import Final

from arcgate.gates.core.words import DesignLeak

MASK_EDGE: Final = DesignLeak(
    "mask_edge",
    "the core mask leaves an edge at its radius: rings on its two sides tell stamps from controls, no arc needed",
    "Design: the core mask leaves an edge",
    "Do not cut the arc's light off at a radius: train without a core mask, or mask the same pixels in both classes.",
)
NORMALISATION: Final = DesignLeak(
    "normalisation",
    "the statistics that the view divides by contain the arc, and so carry the label into every pixel",
    "Design: the normalisation contains the arc",
    "Take the statistics of the normalisation from pixels that arcs do not reach (view=annulus_robust).",
)
SELECTION: Final = DesignLeak(
    "selection",
    "positives and controls differ before any arc is added, in their galaxies or in columns beside the pixels",
    "Design: hosts and controls were chosen differently",
    "Match controls to hosts in the quantities that the metadata section names, or use each host as its own control.",
)
SPLIT: Final = DesignLeak(
    "split",
    "the same galaxy, sky cell, pair, PSF kernel or source image is on two sides of a split, or a galaxy has two names",
    "Design: the same objects in two splits",
    "Split by galaxy, patch of sky, PSF and source image, and remove near-identical images.",
)
TWO_SURVEYS: Final = DesignLeak(
    "two_surveys",
    "one galaxy was taken from two surveys or releases, and counts as two on different sides of a split or in different classes",
    "Design: one galaxy from two surveys",
    "Keep one survey's row of each position (survey and release by rule), before splits and classes are drawn.",
)
LABELS: Final = DesignLeak(
    "labels",
    "negatives are lenses: known ones, or positives of the same set",
    "Design: lenses among the negatives",
    "Take known lenses and the set's own positives out of the negatives, by position.",
)
FOOTPRINT: Final = DesignLeak(
    "footprint",
    "positives and controls come from different footprints or releases of a survey",
    "Design: classes from different footprints",
    "Draw positives and controls from the same footprint and release, in the same shares.",
)
