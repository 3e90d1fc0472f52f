"""The renderer uses another number of arcsec per pixel: the finished image is scaled, or lens and source are."""

from __future__ import annotations

from typing import Final

from arcgate.gates.verdict.bug_model import BugModel, Explanation

# A small scale is named where the light is known.
_SMALL: Final = 0.0015

MODEL = BugModel(
    "pixel_scale",
    title="wrong pixel scale",
    advice="Check the arcsec per pixel that the renderer uses.",
    explanations=(
        Explanation("magnification", "a pixel scale that is off by (ln ratio)", parameters=("magnification",), plain_from=_SMALL),
        Explanation(
            "geometry", "lens and source on a scale that is off by (ln ratio)", parameters=("geometry",), plain_from=_SMALL
        ),
    ),
    identifiability={
        "pixel_scale": ("identifiable", "identifiable", "identifiable"),
        "pixel_scale off by 0.2 to 2 %": ("identifiable", "identifiable", "impossible"),
    },
)
