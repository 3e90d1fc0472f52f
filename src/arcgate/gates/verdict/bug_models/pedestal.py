"""A constant is added with the arc, on whole stamps or in their core."""

from __future__ import annotations

from typing import Final

from arcgate.gates.verdict.bug_model import BugModel, Explanation
from arcgate.gates.verdict.evenness import uneven_level
from arcgate.gates.verdict.rows import RefitRows
from arcgate.imaging import Imaging

# A level in fewer rows than this is none.
_LEAST_SHARE: Final = 0.1


def _levels(imaging: Imaging) -> tuple[Explanation, ...]:
    core = f"a constant level at r < {imaging.core_pix:.3g} px"
    return (
        Explanation(
            "pedestal", "a constant level on whole stamps", parameters=("pedestal",), by_band=True, least_share=_LEAST_SHARE
        ),
        Explanation("core_pedestal", core, parameters=("core_pedestal",), by_band=True, least_share=_LEAST_SHARE),
    )


def _no_level(rows: RefitRows) -> str:
    """Light that falls or rises with radius is no level."""
    uneven = uneven_level(rows)
    return f"positives carry light that their galaxies do not, and it is no constant level: {uneven}" if uneven else ""


MODEL = BugModel(
    "pedestal",
    title="a constant is added with the arc",
    advice="Find where a background or an offset is added to the arc before injection.",
    explanations=_levels,
    contradicted=_no_level,
    identifiability={"pedestal": ("impossible", "identifiable", "bounded")},
)
