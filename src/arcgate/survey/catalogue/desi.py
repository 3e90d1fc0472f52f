"""The cuts by which DESI chooses its luminous red galaxies that are no plain ranges.

Source: Zhou et al. 2023 (AJ 165, 58; arXiv:2208.08515), equations 1 to 3; `isLRG_colors` and `notinLRG_mask` of desitarget.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from arcgate.settings import STRICT
from arcgate.survey.catalogue.rows import Rows

Passed = NDArray[np.bool_]


@dataclass(config=STRICT, frozen=True)
class LrgCoefficients:
    """Numbers of the colour cuts in one of the two surveys; names as in the inequalities of `DesiLrgColours`."""

    z_fiber: float
    g_w1: float
    r_w1: float
    slope: float
    w1_sliding: float
    w1_limit: float
    r_w1_high: float


@dataclass(config=STRICT, frozen=True)
class DesiLrgColours:
    """Colours and brightness of DESI's main LRG sample; magnitudes as the selection's extinction says, DESI's are dereddened.

    z - W1 > 0.8 (r - z) - 0.6 (no stars); z_fiber < `z_fiber`; g - W1 > `g_w1` or r - W1 > `r_w1` (no low redshifts);
    r - W1 > `slope` (W1 - `w1_sliding`) and r - W1 > W1 - `w1_limit`, or r - W1 > `r_w1_high`.

    Attributes
    ----------
    south, north : LrgCoefficients
        The filters of the two surveys differ.
    """

    kind: Literal["desi_lrg_colours"]
    south: LrgCoefficients
    north: LrgCoefficients

    def needs(self) -> tuple[str, ...]:
        """Columns of the sweep."""
        bands = ("G", "R", "Z", "W1")
        return (*(f"{stem}_{band}" for band in bands for stem in ("FLUX", "MW_TRANSMISSION")), "FIBERFLUX_Z")

    def in_words(self) -> str:
        """For the cut flow."""
        return "colours of DESI's LRGs (g, r, z, W1, z_fiber)"

    def passes(self, rows: Rows) -> Passed:
        """Whether each row does."""
        limits = self.south if rows.south else self.north
        # A flux of g that is not positive is as faint as none: g - W1 is then red, as with desitarget's floor of 1e-7.
        g = np.nan_to_num(rows.magnitude("g"), nan=40.0)
        r, z, w1 = (rows.magnitude(band) for band in ("r", "z", "W1"))
        red = (g - w1 > limits.g_w1) | (r - w1 > limits.r_w1)
        sliding = (r - w1 > limits.slope * (w1 - limits.w1_sliding)) & (r - w1 > w1 - limits.w1_limit)
        bright = rows.magnitude("z", "FIBERFLUX") < limits.z_fiber
        return np.asarray((z - w1 > 0.8 * (r - z) - 0.6) & bright & red & (sliding | (r - w1 > limits.r_w1_high)))


@dataclass(config=STRICT, frozen=True)
class GaiaFainter:
    """The object is not in Gaia, or fainter there than a magnitude.

    Attributes
    ----------
    magnitude : float
        Of Gaia's G; the survey writes 0 for objects that Gaia does not have.
    """

    kind: Literal["gaia_fainter"]
    magnitude: float

    def needs(self) -> tuple[str, ...]:
        """Columns of the sweep."""
        return ("GAIA_PHOT_G_MEAN_MAG",)

    def in_words(self) -> str:
        """For the cut flow."""
        return f"not in Gaia, or G > {self.magnitude:g}"

    def passes(self, rows: Rows) -> Passed:
        """Whether each row does."""
        found = rows["GAIA_PHOT_G_MEAN_MAG"].astype(np.float64)
        return np.asarray((found == 0.0) | (found > self.magnitude))
