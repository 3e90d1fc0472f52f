"""Arcs were convolved with PSFs of another width than the measured ones.

A width that is off has a name only where PSFs were measured: several mistakes make Moffats too wide.
"""

from __future__ import annotations

from arcgate.gates.verdict.bug_model import BugModel, Explanation
from arcgate.gates.verdict.rows import RefitRows
from arcgate.gates.verdict.unnamed import PSF_WIDTH
from arcgate.injection.arcs import kernels_named


def _of_kernels(explanation: Explanation, rows: RefitRows) -> bool:
    if explanation.label != PSF_WIDTH.label or rows.scene is None:
        return False
    return bool(kernels_named(rows.scene.table, rows.imaging).all())


# The sets of experiment 11 name no kernels, so that nothing is known of other kinds of data.
MODEL = BugModel(
    "kernel_width",
    title="arcs were convolved with PSFs of another width than the measured ones",
    advice="Check how kernels are resampled to the stamps' pixels, and that each galaxy gets its own.",
    claims=_of_kernels,
)
