"""Whether the arcs that a table declares can be rendered: asked when it is opened, in words of its own rows.

Importing this module imports torch, which takes seconds: it is done only where arcs are declared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from arcgate.foreign.exact_names import Place
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging
from arcgate.injection.arcs import LENS_COLUMNS, PLACE_COLUMNS, SOURCE_COLUMNS, engine_columns, source_fluxes
from arcgate.lensing.models import Lenses, RowError, Sersics, check
from arcgate.lensing.psf import MAX_BETA, fwhm_from_psfsize, moffat_psfsize
from arcgate.lensing.render import check_lensed, sharpest_fwhm

Values = NDArray[np.float64]
# Between 1 and the first decimal above it.
_LOWEST_EXPONENT: Final = 1.05
_ADVICE: Final = "correct the value; or leave the column out, then no arc is predicted and no cause named"


def require_renderable(table: pd.DataFrame, is_control: NDArray[np.bool_], own: bool, imaging: Imaging, place: Place) -> None:
    """Raise ArcgateError for the first declared value that the renderer refuses.

    Parameters
    ----------
    table : DataFrame of n rows
        Declared in full, as `arcgate.foreign.recorded` found.
    is_control : ndarray of bool, shape (n,)
    own : bool
        Each positive has its galaxy's stamp beside it, so that PSFs of controls are not asked for.
    imaging : Imaging
        Of the stamps.
    place : callable
        File and row of one of the n rows, for messages.
    """
    positive = np.flatnonzero(~is_control)
    arcs = table.iloc[positive].reset_index(drop=True)
    try:
        _check_arcs(arcs, imaging)
        _check_masks(arcs)
        _check_psfs(arcs, imaging)
    except RowError as error:
        raise _in_words(error, lambda row: place(int(positive[row]))) from error
    if own:
        return
    controls = np.flatnonzero(is_control)
    try:
        _check_declared_psfs(table.iloc[controls].reset_index(drop=True), imaging)
    except RowError as error:
        raise _in_words(error, lambda row: place(int(controls[row]))) from error


def _in_words(error: RowError, place: Place) -> ArcgateError:
    words = f"{error.column} {error.rule}, got {error.value}"
    return ArcgateError(words, where=f"{place(error.row)}, column {error.column}", todo=_ADVICE)


def _check_arcs(arcs: pd.DataFrame, imaging: Imaging) -> None:
    """Lens, source and places, as the renderer checks them."""
    with _renamed(LENS_COLUMNS):
        lenses = Lenses.of(**engine_columns(arcs, LENS_COLUMNS))
    check("theta_e_arcsec", lenses.theta_e_arcsec, lenses.theta_e_arcsec > 0, "must be positive where there is an arc")
    with _renamed(SOURCE_COLUMNS):
        sources = Sersics.of(**engine_columns(arcs, SOURCE_COLUMNS))
    x, y = (torch.from_numpy(_column(arcs, name)) for name in ("host_x_pix", "host_y_pix"))
    with _renamed(PLACE_COLUMNS):
        fluxes = torch.from_numpy(source_fluxes(arcs, imaging))
        check_lensed(lenses, sources, fluxes, x, y, imaging.frame, torch.arange(len(arcs)))


@contextmanager
def _renamed(names: Mapping[str, str]) -> Iterator[None]:
    """Errors about the engine's parameters as errors about columns of the schema."""
    try:
        yield
    except RowError as error:
        raise RowError(names.get(error.column, error.column), error.row, error.rule, error.value) from error


def _check_masks(arcs: pd.DataFrame) -> None:
    kind = arcs["core_mask_kind"]
    radius, width = _column(arcs, "core_mask_radius_pix"), _column(arcs, "core_mask_width_pix")
    _require("core_mask_radius_pix", radius, (kind == "none").to_numpy() | (radius >= 0.0), "must not be negative")
    _require("core_mask_width_pix", width, (kind != "tanh").to_numpy() | (width > 0.0), "must be positive for a tanh mask")


def _check_psfs(arcs: pd.DataFrame, imaging: Imaging) -> None:
    _check_declared_psfs(arcs, imaging)
    touched = ((arcs["core_mask_kind"] != "none") | (arcs["arc_noise"] != "none")).to_numpy()
    if not touched.any():
        return
    moffat = (arcs["psf_profile_used"] == "moffat").to_numpy()
    for band in imaging.bands:
        beta, fwhm = _column(arcs, f"psf_beta_used_{band}"), _column(arcs, f"psf_fwhm_used_{band}")
        _require_exponent(f"psf_beta_used_{band}", beta, moffat & touched)
        _require(f"psf_beta_used_{band}", beta, moffat | ~touched | np.isnan(beta), "must be empty for a Gaussian")
        _require(f"psf_fwhm_used_{band}", fwhm, ~touched | (fwhm > 0.0), "must be positive")
        shown = np.where(touched, fwhm, np.inf)
        _require_width(f"psf_fwhm_used_{band}", fwhm, shown, np.where(moffat, beta, np.nan), imaging, _same)


def _check_declared_psfs(rows: pd.DataFrame, imaging: Imaging) -> None:
    for band in imaging.bands:
        size, beta = _column(rows, f"psfsize_{band}"), _column(rows, f"psf_beta_declared_{band}")
        _require_exponent(f"psf_beta_declared_{band}", beta, np.ones(len(rows), dtype=bool))
        _require_width(f"psfsize_{band}", size, fwhm_from_psfsize(size, beta), beta, imaging, _psfsize)


def _require_exponent(column: str, beta: Values, asked: NDArray[np.bool_]) -> None:
    _require(column, beta, ~asked | ((beta > 1.0) & (beta <= MAX_BETA)), f"must exceed 1 and be at most {MAX_BETA:g}")


def _require_width(
    column: str,
    stated: Values,
    fwhm: Values,
    beta: Values,
    imaging: Imaging,
    as_stated: Callable[[float, float], float],
) -> None:
    """Raise RowError where a PSF is too sharp for the pixels, with the smallest that can be rendered."""
    # The renderer looks at exponents to one decimal, of which a survey has few; at 1 a Moffat would have no finite light.
    exponents, exponent_of = np.unique(np.maximum(np.round(beta, 1), _LOWEST_EXPONENT), return_inverse=True)
    sharpest = [sharpest_fwhm(None if np.isnan(exponent) else float(exponent), imaging.frame) for exponent in exponents]
    smallest = np.array(sharpest)[exponent_of]
    sharp = np.round(fwhm, 2) < smallest
    if sharp.any():
        row = int(np.argmax(sharp))
        # Rounded up, so that the width which is named is accepted.
        enough = np.ceil(1e3 * as_stated(float(smallest[row]), float(beta[row]))) / 1e3
        of = "a Gaussian" if np.isnan(beta[row]) else f"an exponent of {beta[row]:g}"
        rule = f"is too sharp to be rendered in these pixels: the smallest width for {of} is {enough:g} arcsec"
        raise RowError(column, row, rule, float(stated[row]))


def _same(fwhm: float, beta: float) -> float:
    return fwhm


def _psfsize(fwhm: float, beta: float) -> float:
    return float(moffat_psfsize(fwhm, beta))


def _require(column: str, values: Values, good: NDArray[np.bool_], rule: str) -> None:
    check(column, torch.from_numpy(values), torch.from_numpy(good), rule)


def _column(rows: pd.DataFrame, name: str) -> Values:
    return rows[name].to_numpy(np.float64, na_value=np.nan).copy()
