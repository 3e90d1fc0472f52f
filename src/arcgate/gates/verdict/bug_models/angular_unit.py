"""Degrees are taken for radians, or arcsec for pixels, or the other way round."""

from __future__ import annotations

from typing import Final

import numpy as np

from arcgate.gates.verdict.bug_model import BugModel, Explanation, OtherColumns
from arcgate.gates.verdict.declared import Columns, DeclaredRows
from arcgate.lensing.render import WIDEST_ARCSEC

_DEGREE: Final = np.pi / 180.0


def _turned(declared: DeclaredRows, factor: float) -> Columns:
    """Position angles of lens, source and shear multiplied by the ratio of the units."""
    gamma1, gamma2 = declared.column("gamma1"), declared.column("gamma2")
    size, angle = np.hypot(gamma1, gamma2), 0.5 * np.arctan2(gamma2, gamma1)
    shear = {"gamma1": size * np.cos(2.0 * factor * angle), "gamma2": size * np.sin(2.0 * factor * angle)}
    return {name: declared.column(name) * factor for name in ("lens_phi_rad", "source_phi_rad")} | shear


def _in_pixels(declared: DeclaredRows) -> Columns:
    return {"theta_e_arcsec": declared.column("theta_e_arcsec") * declared.imaging.pixel_scale_arcsec}


def _from_pixels(declared: DeclaredRows) -> Columns:
    # Larger rings than the renderer follows leave as little light in a stamp as the largest one that it does.
    wide = declared.column("theta_e_arcsec") / declared.imaging.pixel_scale_arcsec
    return {"theta_e_arcsec": np.minimum(wide, WIDEST_ARCSEC)}


MODEL = BugModel(
    "angular_unit",
    title="wrong angular unit",
    advice="Check degrees against radians in position angles, and arcsec against pixels in radii.",
    explanations=(
        Explanation(
            "angles_in_degrees",
            "position angles in degrees taken for radians",
            prediction=OtherColumns(lambda declared: _turned(declared, 1.0 / _DEGREE)),
        ),
        Explanation(
            "angles_in_radians",
            "position angles in radians taken for degrees",
            prediction=OtherColumns(lambda declared: _turned(declared, _DEGREE)),
        ),
        Explanation("radius_in_pixels", "Einstein radii in arcsec taken for pixels", prediction=OtherColumns(_in_pixels)),
        Explanation("radius_from_pixels", "Einstein radii in pixels taken for arcsec", prediction=OtherColumns(_from_pixels)),
    ),
    identifiability={"angular_unit": ("identifiable", "identifiable", "identifiable")},
)
