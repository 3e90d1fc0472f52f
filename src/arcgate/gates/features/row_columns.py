"""The columns beside the pixels that could tell the label, as numbers that rules can be fitted on. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.ground.draws import text_ids
from arcgate.ground.sphere import unit_vectors
from arcgate.imaging import Imaging

Array = NDArray[np.float64]

_STEMS: Final = ("psfsize", "psf_beta_declared", "depth", "host_mag", "sky_sigma", "gain", "ivar")
# What tables without pixels may hold besides, a band and alone.
_OF_TABLES: Final = re.compile(r"(psfsize|depth|psfdepth|galdepth|nobs|host_mag|dered_mag|flux)(_[a-z][a-z0-9]*)?")
# No scale of their own: each value becomes a number by hash, which trees can cut out.
NAMES: Final = ("healpix", "provenance", "brick", "footprint", "release", "seed", "split")
SINGLE: Final = ("ebv", "host_x_pix", "host_y_pix", "host_reff_arcsec")
POSITION: Final = ("ra", "dec")
SKY: Final = ("sky_x", "sky_y", "sky_z")
"""Unit vector of a position, which has no seam as right ascension has; z is the sine of the declination."""


def numbers_of(imaging: Imaging) -> list[str]:
    """Columns of stamps that are numbers."""
    return [*[f"{stem}_{band}" for stem in _STEMS for band in imaging.bands], *SINGLE]


def names_in(facts: Facts) -> list[str]:
    """Columns of a table without pixels that are compared, its bricks and positions included."""
    numbers = sorted(name for name in facts.columns if _OF_TABLES.fullmatch(name) or name in SINGLE)
    return [*numbers, *[name for name in ("brick", "footprint", "release", *POSITION) if name in facts.columns]]


def recorded_columns(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Those of the columns that a table holds, with colours of neighbouring bands."""
    kept = table[[name for name in names if name in table]].copy()
    bands = [name.removeprefix("host_mag_") for name in map(str, kept) if name.startswith("host_mag_")]
    for blue, red in pairwise(bands):
        kept[f"colour_{blue}{red}"] = kept[f"host_mag_{blue}"] - kept[f"host_mag_{red}"]
    return kept


def with_sky(table: pd.DataFrame) -> pd.DataFrame:
    """Positions as `SKY`, in the place of ra and dec."""
    ra, dec = (table[name].to_numpy(np.float64, na_value=np.nan) for name in POSITION)
    vectors = unit_vectors(ra, dec)
    return table.drop(columns=[*POSITION]).assign(**{name: vectors[:, axis] for axis, name in enumerate(SKY)})


def as_numbers(positive: pd.DataFrame, control: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both classes as numbers: text and cells by hash; a missing value is the column's median, and one more column says so."""
    both = pd.concat([positive, control], ignore_index=True)
    columns: dict[str, Array] = {}
    for name in both:
        column = both[name]
        if name in NAMES:
            codes, values = pd.factorize(column.astype("string").fillna("missing"))
            hashed = text_ids([str(value) for value in values]).astype(np.float64) / 2.0**63
            columns[str(name)] = hashed[codes]
            continue
        numbers = column.to_numpy(np.float64, na_value=np.nan)
        unknown = ~np.isfinite(numbers)
        if unknown.any():
            columns[f"{name}_missing"] = unknown.astype(np.float64)
        median = float(np.median(numbers[~unknown])) if not unknown.all() else 0.0
        columns[str(name)] = np.where(unknown, median, numbers)
    table = pd.DataFrame(columns)
    return table.iloc[: len(positive)], table.iloc[len(positive) :]
