"""Columns that another maker's table records under the schema's names, and whether they declare its arcs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.references import REFERRING
from arcgate.dataset.schema import schema_of
from arcgate.foreign.exact_names import Place
from arcgate.ground.counting import count_of
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging

CENTRE: Final = ("host_x_pix", "host_y_pix")
# Given by the layouts, not by a table.
STRUCTURAL: Final = ("sample_id", "host_id", "pair_id", "role", "label", "control_kind", "split", "provenance")
# Read by what makers call them: `place_columns`.
PLACE: Final = ("ra", "dec", "brick", "footprint", "release")


def _by_band(imaging: Imaging, *stems: str) -> tuple[str, ...]:
    return tuple(f"{stem}_{band}" for stem in stems for band in imaging.bands)


def sky_names(imaging: Imaging) -> tuple[str, ...]:
    """Columns of the sky's noise."""
    return _by_band(imaging, "sky_sigma")


_LENS_AND_SOURCE: Final = (
    "theta_e_arcsec",
    "lens_q",
    "lens_phi_rad",
    "gamma1",
    "gamma2",
    "source_reff_arcsec",
    "source_sersic_n",
    "source_q",
    "source_phi_rad",
    "source_x_arcsec",
    "source_y_arcsec",
)


def lens_and_source(imaging: Imaging) -> tuple[str, ...]:
    """Columns that declare a lens and its source."""
    return *_LENS_AND_SOURCE, *_by_band(imaging, "source_mag")


COLOURS: Final = ("source_gr", "source_rz")
"""May stand in for the source's magnitudes in g and z: g - r and r - z."""
NOISE: Final = "arc_noise"
MASK: Final = "core_mask_kind"
# Magnitudes, colours and depths outside these, and exactly the marks below, stand for missing values or another unit. Taken as
# numbers they would widen every distribution until a leak is lost in it.
_MAGNITUDES: Final = (-5.0, 60.0)
_COLOURS: Final = (-20.0, 20.0)
_EXTINCTION: Final = (-1.0, 50.0)
_FROM_ZERO: Final = (0.0, np.inf)
_OF_COLOURS: Final = (("source_mag_g", 1.0, "source_gr"), ("source_mag_z", -1.0, "source_rz"))
_MARKS: Final = (-999.0, -99.0, 99.0, 999.0)
# Exponents of PSFs may be large: a Moffat of 99 is a Gaussian to the eye.
_MAY_BE_LARGE: Final = "psf_beta_declared_"
# Needed only where a mask or noise is declared.
OF_MASK: Final = ("core_mask_radius_pix", "core_mask_width_pix")
_WORDS: Final = {NOISE: ("none", "poisson"), MASK: ("none", "hard", "tanh"), "psf_profile_used": ("gaussian", "moffat")}


@dataclass(frozen=True, eq=False)
class Declared:
    """What a table declares of its arcs.

    Attributes
    ----------
    table : DataFrame
        With the columns filled in, where arcs are declared.
    declared : bool
    notes : tuple of str
        What is missing, or was filled in.
    """

    table: pd.DataFrame
    declared: bool
    notes: tuple[str, ...]


def schema_columns(raw: pd.DataFrame, imaging: Imaging, place: Place) -> dict[str, pd.Series]:
    """The columns that the schema knows, as numbers or text.

    Parameters
    ----------
    raw : DataFrame of n rows
        Columns by their names in lower case.
    imaging : Imaging
        Of the stamps.
    place : callable
        File and row of a row, for messages.

    Raises
    ------
    ArcgateError
        A column of numbers holds something else, one of sizes or noise a value that is not positive, or one of centres a place
        outside the stamp.
    """
    known = [column for column in schema_of(imaging).columns if column.name in raw and column.name not in (*STRUCTURAL, *PLACE)]
    found = {column.name: _of_kind(raw[column.name], column.kind, place) for column in known}
    found |= {name: _of_kind(raw[name], "float", place) for name in COLOURS if name in raw}
    for name in _by_band(imaging, "sky_sigma", "psfsize", "gain"):
        if name in found and (wrong := (found[name] <= 0.0).to_numpy()).any():
            raise ArcgateError(
                f"column {name} is not positive in {int(wrong.sum())} of {count_of(len(wrong), 'row')}",
                where=f"{place(int(np.argmax(wrong)))}, column {name}",
                todo="give its values, leave unknown ones empty, or leave the column out",
            )
    for name in CENTRE:
        if name in found:
            require_inside(found[name], name, imaging, place)
    return found


def require_inside(values: pd.Series, name: str, imaging: Imaging, place: Place) -> None:
    """Raise ArcgateError where a galaxy's centre lies outside its stamp; unknown ones may be empty."""
    wrong = ((values < 0) | (values > imaging.size_pix - 1)).to_numpy()
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ArcgateError(
            f"{name} is {values.iloc[row]:g}, which is outside the stamp, in {count_of(int(wrong.sum()), 'row')}",
            where=f"{place(row)}, column {name}",
            todo=f"give centres in pixels of the stamp, 0-based, {imaging.middle_pix:g} in the middle, or leave the columns out",
        )


def require_plausible(table: pd.DataFrame, is_control: NDArray[np.bool_], own: bool, imaging: Imaging, place: Place) -> None:
    """Raise ArcgateError for magnitudes and the like that mark missing values, such as -99, or are in another unit.

    Parameters
    ----------
    table : DataFrame of n rows
        From `schema_columns`.
    is_control : ndarray of bool, shape (n,)
        Of controls nothing is asked that belongs to a source.
    own : bool
        Each positive has its galaxy's stamp beside it; rows that are controls are not judged.
    imaging : Imaging
        Of the stamps.
    place : callable
        File and row of one of the n rows, for messages.
    """
    of_arcs = dict.fromkeys(_by_band(imaging, "source_mag"), _MAGNITUDES) | dict.fromkeys(COLOURS, _COLOURS)
    of_galaxies = dict.fromkeys(_by_band(imaging, "host_mag", "depth"), _MAGNITUDES) | {"ebv": _EXTINCTION}
    of_galaxies |= dict.fromkeys(_by_band(imaging, "psf_beta_declared", "psfsize"), _FROM_ZERO)
    for ranges, judged in ((of_arcs, ~is_control), (of_galaxies, ~is_control if own else np.ones(len(table), bool))):
        for name in (name for name in ranges if name in table):
            values = table[name].to_numpy(np.float64, na_value=np.nan)
            low, high = ranges[name]
            wrong = judged & ((values < low) | (values > high) | (np.isin(values, _MARKS) & (not name.startswith(_MAY_BE_LARGE))))
            if wrong.any():
                row = int(np.argmax(wrong))
                raise ArcgateError(
                    f"{name} is {values[row]:g}, which cannot be meant, in {int(wrong.sum())} "
                    f"of {count_of(int(judged.sum()), 'row')}: does "
                    "it mark a missing value, or is it in another unit?",
                    where=f"{place(row)}, column {name}",
                    todo="leave unknown values empty (null), or leave the column out",
                )


def _plain(value: object) -> object:
    """Text without blanks at its ends, also where it was bytes."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return text.strip() if isinstance(text, str) else text


def _of_kind(values: pd.Series, kind: str, place: Place) -> pd.Series:
    if kind == "text":
        return values.astype(object).map(_plain)
    numbers = pd.to_numeric(values.astype(object) if values.dtype == object else values, errors="coerce")
    if (wrong := (numbers.isna() & values.notna()).to_numpy()).any():
        row = int(np.argmax(wrong))
        raise ArcgateError(
            f"column {values.name} holds values that are not numbers: {values.iloc[row]!r} "
            f"in {count_of(int(wrong.sum()), 'row')}",
            where=f"{place(row)}, column {values.name}",
        )
    try:
        return numbers.astype("Int64" if kind == "int" else np.float64)
    except (ValueError, TypeError) as error:
        raise ArcgateError(f"column {values.name} holds values that are not whole numbers: {error}", where=place(0)) from error


def whole_groups(table: pd.DataFrame, imaging: Imaging) -> pd.DataFrame:
    """The table without half a position or noise: what is recorded in part, or with gaps, has to be measured."""
    for group in (CENTRE, sky_names(imaging)):
        if not set(group) <= set(table) or table[list(group)].isna().any(axis=None):
            table = table.drop(columns=[name for name in group if name in table])
    return table


def with_declared_arcs(table: pd.DataFrame, is_control: NDArray[np.bool_], own: bool, imaging: Imaging) -> Declared:
    """Whether lens, source and PSF of every positive are declared, so that its arc can be predicted.

    Columns that makers rarely write are filled in where that is safe: a flux scale of 1 and no core mask. A mask that is not
    declared then shows up as light that is missing. The galaxy's centre, about which the arc lies, has to be recorded where
    controls are other galaxies: measured on a stamp with its arc, it is pulled towards the arc, by pixels.

    Parameters
    ----------
    table : DataFrame of n rows
        From `schema_columns`.
    is_control : ndarray of bool, shape (n,)
    own : bool
        Each positive has its galaxy's stamp beside it; rows that are controls are not judged.
    imaging : Imaging
        Of the stamps.
    """
    psf, used = _by_band(imaging, "psfsize", "psf_beta_declared"), ("psf_profile_used", *_by_band(imaging, "psf_fwhm_used"))
    positive, table = ~is_control, _with_magnitudes(table)
    if named := [str(name) for name in table if str(name).startswith(REFERRING) and table[name][positive].notna().any()]:
        return Declared(table, False, (_undeclared(f"{', '.join(named)} name what only arcgate's own data sets hold"),))
    wanted = [*lens_and_source(imaging), *psf, NOISE, *CENTRE]
    masked = MASK in table and bool((table[MASK][positive] != "none").any())
    noisy = NOISE in table and bool((table[NOISE][positive] != "none").any())
    wanted += OF_MASK if masked else ()
    wanted += _by_band(imaging, "gain") if noisy else ()
    wanted += used if masked or noisy else ()
    # Null for a Gaussian.
    exponents = _by_band(imaging, "psf_beta_used") if masked or noisy else ()
    missing = [name for name in (*wanted, *exponents) if name not in table]
    if missing:
        return Declared(table, False, (_undeclared(f"missing are the columns {', '.join(missing)}"),))
    scale = ("flux_scale",) if "flux_scale" in table else ()
    mask = (MASK,) if MASK in table else ()
    gaps = _gaps(table[positive], (*wanted, *scale, *mask)) + ([] if own else _gaps(table[is_control], psf))
    if gaps:
        return Declared(table, False, (_undeclared("; ".join(dict.fromkeys(gaps))),))
    notes = []
    if not scale:
        table = table.assign(flux_scale=1.0)
    if not mask:
        notes.append("no core mask is declared (core_mask_kind): arcs are predicted without one")
        table = table.assign(**{MASK: "none"})
    table = table.assign(**{name: 0.0 for name in OF_MASK if name not in table})
    # Photon noise that gates draw for comparison needs some seed.
    return Declared(table if "seed" in table else table.assign(seed=0), True, tuple(notes))


def _with_magnitudes(table: pd.DataFrame) -> pd.DataFrame:
    """The source's magnitudes from its colours, where they are declared so; colours are not kept."""
    if "source_mag_r" in table:
        for mag, sign, colour in _OF_COLOURS:
            if colour in table and mag not in table:
                table = table.assign(**{mag: table["source_mag_r"] + sign * table[colour]})
    return table.drop(columns=[name for name in COLOURS if name in table])


def _undeclared(why: str) -> str:
    return f"lens, source, PSF and centre of rows are not declared in full, so that no arc is predicted and no cause named: {why}"


def _gaps(rows: pd.DataFrame, names: Iterable[str]) -> list[str]:
    """What is wrong with the values of columns that must be there."""
    out = []
    for name in names:
        if name in _WORDS:
            strange = ~rows[name].isin(_WORDS[name]).to_numpy()
            rule = f"is none of {', '.join(_WORDS[name])}"
        else:
            strange = ~np.isfinite(rows[name].to_numpy(np.float64))
            rule = "is no finite number"
        if strange.any():
            out.append(f"{name} {rule} in {count_of(int(strange.sum()), 'row')}")
    return out
