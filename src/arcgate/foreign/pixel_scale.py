"""The pixel scale that other makers state: lengths in arcsec are brought to arcgate's pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from arcgate.dataset.schema import BANDS, COLUMN_NAMES, PIXEL_SCALE_ARCSEC
from arcgate.foreign.exact_names import Place
from arcgate.ground.errors import ArcgateError

PIXEL_SCALE: Final = "pixel_scale_arcsec"
# Every length of the schema that is in arcsec; fluxes are totals, shears and ratios have no unit.
LENGTHS: Final = (
    *(name for name in COLUMN_NAMES if name.endswith("_arcsec")),
    *(f"{stem}_{band}" for stem in ("psfsize", "psf_fwhm_used") for band in BANDS),
)
# From space telescopes to small ground-based ones; what lies beyond is another unit.
_LOW, _HIGH = 0.1, 1.0


def stated_scale(raw: pd.DataFrame, metadata: Mapping[str, set[str]], place: Place) -> float | None:
    """Pixel scale in arcsec by the column, or the schema's metadata, `pixel_scale_arcsec`; None where neither states it.

    Raises
    ------
    ArcgateError
        It is no number, differs between rows, lies outside 0.1 to 1 arcsec, or column and metadata contradict each other.
    """
    by_column = _one_scale(raw[PIXEL_SCALE], place) if PIXEL_SCALE in raw else None
    if PIXEL_SCALE not in metadata:
        return by_column
    where = f"{place(0)}, metadata of the schema"
    by_metadata = _one_scale(pd.Series(sorted(metadata[PIXEL_SCALE]), dtype=object), lambda row: where)
    # A column of float32 holds the same number with fewer digits.
    if by_column is not None and not np.isclose(by_column, by_metadata, rtol=1e-6, atol=0.0):
        raise ArcgateError(
            f"{PIXEL_SCALE} is {by_column:g} in the column and {by_metadata:g} in the metadata of the schema",
            where=f"{place(0)}, column {PIXEL_SCALE}",
            todo="give the pixel scale of the stamps once, or the same in both places",
        )
    return by_metadata if by_column is None else by_column


def _one_scale(values: pd.Series, where: Place) -> float:
    """The scale that all values state."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    for wrong, what in (
        (~((numbers >= _LOW) & (numbers <= _HIGH)), f"is no pixel scale of {_LOW:g} to {_HIGH:g} arcsec"),
        (numbers != numbers[:1], f"differs from the {numbers[0]:g} of the first row: stamps of one set share their scale"),
    ):
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ArcgateError(
                f"{PIXEL_SCALE} is {values.iloc[row]!s}, which {what}",
                where=where(row),
                todo="give the pixel scale of all stamps in arcsec, or leave the column out for 0.262",
            )
    return float(numbers[0])


def in_own_pixels(table: pd.DataFrame, scale_arcsec: float | None) -> tuple[pd.DataFrame, list[str]]:
    """Lengths in arcsec as they would be if the pixels were arcgate's: times 0.262 over the stated scale.

    An arc is the same in pixels when all lengths are multiplied alike, and magnitudes are totals, so that nothing else changes.

    Parameters
    ----------
    table : DataFrame
        Columns of the schema.
    scale_arcsec : float or None
        None: nothing is stated.

    Returns
    -------
    table : DataFrame
    notes : list of str
    """
    if scale_arcsec is None or scale_arcsec == PIXEL_SCALE_ARCSEC:
        return table, []
    factor = PIXEL_SCALE_ARCSEC / scale_arcsec
    found = [name for name in LENGTHS if name in table]
    note = (
        f"pixels are {scale_arcsec:g} arcsec, as {PIXEL_SCALE} says: lengths in arcsec are multiplied by {factor:.6g}, so that "
        f"they are right in pixels of {PIXEL_SCALE_ARCSEC:g}, and are reported so: {', '.join(found) or 'none is recorded'}"
    )
    return table.assign(**{name: table[name] * factor for name in found}), [note]
