"""Values of recorded columns that can hardly be what the schema means: said, and left to the reader to judge."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

_WHOLE_TURN: Final = 2.0 * np.pi
# Beyond these a column is most likely in another unit.
_RANGES: Final = {
    "_mag_": (5.0, 40.0, "a magnitude"),
    "depth_": (15.0, 35.0, "a depth in magnitudes"),
    "theta_e_arcsec": (0.0, 60.0, "an Einstein radius in arcsec"),
    "reff_arcsec": (0.0, 60.0, "a half-light radius in arcsec"),
    "psfsize_": (0.02, 10.0, "a width in arcsec"),
    "psf_fwhm_used_": (0.02, 10.0, "a width in arcsec"),
    "lens_q": (0.01, 1.0, "an axis ratio"),
    "source_q": (0.01, 1.0, "an axis ratio"),
    "sersic_n": (0.1, 10.0, "a Sersic index"),
}
# Properties of a galaxy, a source or a place on the sky, which differ from row to row in any real set.
_VARIES: Final = ("host_mag_", "source_mag_r", "source_x_arcsec", "source_y_arcsec", "sky_sigma_", "host_x_pix", "host_y_pix")


def doubtful_notes(table: pd.DataFrame) -> list[str]:
    """Say which columns hold values that can hardly be meant, or one value where rows differ by nature."""
    notes = [note for name in table for note in _of_column(str(name), table[name])]
    constant = [
        name for name in table if str(name).startswith(_VARIES) and len(table) > 2 and table[name].nunique(dropna=False) == 1
    ]
    if constant:
        notes.append(f"one value in every row: {', '.join(f'{name} {table[name].iloc[0]}' for name in constant)}; is it known?")
    return notes


def _of_column(name: str, values: pd.Series) -> list[str]:
    if not pd.api.types.is_float_dtype(values.dtype):
        return []
    known = values.dropna()
    if name.endswith("_rad") and (known.abs() > _WHOLE_TURN).any():
        return [f"{name} reaches {known.abs().max():g}: angles are in radians, counter-clockwise from +x; are these degrees?"]
    for part, (low, high, what) in _RANGES.items():
        if part in name and (strange := known[(known < low) | (known > high)]).size:
            return [f"{name} is {strange.iloc[0]:g} in one of {strange.size} rows where it is hardly {what}"]
    return []
