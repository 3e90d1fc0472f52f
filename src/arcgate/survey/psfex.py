"""PsfEx models of single exposures: a PSF that varies over a CCD as a polynomial of position.

Two layouts are read: the Legacy Surveys' merged tables, one row a CCD, whose columns are the keywords of PSFEx's own files; and
those files (`.psf`), one CCD each, with the keywords in the header. A model's kernel is the effective PSF, pixel included
(GalSim's `DES_PSFEx` says the same), sampled at the pixels of the CCD and in its frame. Rows and columns of a CCD need not run
along those of a coadd, nor are its pixels exactly 0.262 arcsec wide: neither is corrected here, as these tables hold no WCS.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError
from arcgate.lensing.psf import Kernel
from arcgate.survey.fits_file import read_hdus

Array = NDArray[np.float64]

_WHAT = "a PsfEx model: a table with the column psf_mask"
_BAND = re.compile(r"_(u|g|r|i|z|Y|VR)_")
# POLSCAL is the span of the stars that were fitted. The CCD's edge lies a few pixels beyond them; further out is extrapolation.
_REACH = 0.55


@dataclass(frozen=True, eq=False)
class PsfEx:
    """The PSF of one CCD in one exposure.

    Attributes
    ----------
    source : str
        File and CCD, for messages.
    band : str
        From the file's name.
    ccdname : str
        Of the CCD, where the table says so.
    planes : ndarray, float64 (t, h, w)
        One image for each term of the polynomial, t = (degree + 1) (degree + 2) / 2, in the order 1, x, x^2, y, x y, y^2.
    degree : int
        Degree of the polynomial.
    zero, scale : tuple of float
        POLZERO and POLSCAL in x and y: the polynomial's variables are (x - zero) / scale.
    """

    source: str
    band: str
    ccdname: str
    planes: Array
    degree: int
    zero: tuple[float, float]
    scale: tuple[float, float]

    @property
    def centre(self) -> tuple[float, float]:
        """Middle (x, y) of the region that the model was fitted on, which is about that of the CCD."""
        return self.zero

    def kernel(self, x: float, y: float) -> Kernel:
        """PSF at a place of the CCD, sum 1.

        Parameters
        ----------
        x, y : float
            Column and row in the model's own count, that of SExtractor's X_IMAGE and Y_IMAGE: the first pixel is 1. Tables of
            images that were cut out of a CCD have POLZERO shifted, so that positions count from the cutout's corner.

        Raises
        ------
        ArcgateError
            If the place lies outside the region that the model was fitted on, or the model gives no PSF there.
        """
        try:
            return Kernel(self._evaluate(x, y)).normalised()
        except ValueError as error:
            raise ArcgateError(
                f"the model gives no PSF at x = {x:g}, y = {y:g}: {error}", where=self.source, todo="leave this exposure out"
            ) from error

    def raw_sum(self, x: float, y: float) -> float:
        """Sum of the kernel at a place before it is normalised; parameters and errors as `kernel`.

        PSFEx scales its stars by their flux in an aperture, so that the sum exceeds 1 by the light outside that aperture.
        """
        return float(self._evaluate(x, y).sum())

    def _evaluate(self, x: float, y: float) -> Array:
        u, v = (x - self.zero[0]) / self.scale[0], (y - self.zero[1]) / self.scale[1]
        if not (abs(u) <= _REACH and abs(v) <= _REACH):
            spans = [
                f"{zero - _REACH * scale:.0f} to {zero + _REACH * scale:.0f}"
                for zero, scale in zip(self.zero, self.scale, strict=True)
            ]
            raise ArcgateError(
                f"the place x = {x:g}, y = {y:g} lies outside the CCD: x runs from {spans[0]}, y from {spans[1]}",
                where=self.source,
                todo="give the position in pixels of this CCD, counted as in the model's table",
            )
        terms = [u**power_x * v**power_y for power_y in range(self.degree + 1) for power_x in range(self.degree + 1 - power_y)]
        image: Array = np.tensordot(np.array(terms), self.planes, axes=1)
        return image


def read_psfex(path: Path, ccdname: str | None = None) -> PsfEx:
    """Read the model of one CCD.

    Parameters
    ----------
    path : Path
        Merged table of the Legacy Surveys or PSFEx's own file; its name holds the band between underscores (`..._ooi_g_...`).
    ccdname : str, optional
        Which CCD of a merged table, as in its column `ccdname`; may be left out if the table has one row.

    Returns
    -------
    PsfEx

    Raises
    ------
    ArcgateError
        If the file cannot be read, names no band, lacks the CCD or a quantity, or holds another kind of model: other variables
        than X_IMAGE and Y_IMAGE, several groups of them, or a sampling that is not one sample a pixel. Such models are refused
        and not resampled: the survey's own models all have psf_samp = 1, and an interpolated kernel would be a blurred one.
    """
    table = _table(path)
    return _model(path, table, _row(path, table, ccdname), ccdname)


def read_psfex_file(path: Path) -> list[PsfEx]:
    """Read the models of all CCDs of a file: a merged table's rows, or the only one; errors as of `read_psfex`."""
    table = _table(path)
    if not len(table.data):
        raise ArcgateError(f"{path.name} has no rows; sought is {_WHAT}", where=path, todo=_CHECK)
    return [_model(path, table, row, _ccdname(table, row) or None) for row in range(len(table.data))]


def _model(path: Path, table: Any, row: int, ccdname: str | None) -> PsfEx:
    source = f"{path} ({ccdname})" if ccdname else str(path)
    model = PsfEx(
        source,
        _band(path),
        _ccdname(table, row),
        np.asarray(table.data["psf_mask"][row], dtype=np.float64),
        *_polynomial(source, table, row),
    )
    terms = (model.degree + 1) * (model.degree + 2) // 2
    if model.planes.ndim != 3 or len(model.planes) != terms:
        raise ArcgateError(
            f"psf_mask has shape {model.planes.shape}; sought are {terms} images for degree {model.degree}",
            where=source,
            todo=_CHECK,
        )
    return model


_CHECK = "check the file; PSFEx writes it with PSFVAR_KEYS X_IMAGE,Y_IMAGE and PSFVAR_GROUPS 1,1"


def _table(path: Path) -> Any:
    table = next((hdu for hdu in read_hdus(path, _WHAT) if "psf_mask" in _columns(hdu)), None)
    if table is None:
        raise ArcgateError(f"{path.name} has no column psf_mask; sought is {_WHAT}", where=path, todo="give a PsfEx file")
    return table


def _names(table: Any) -> list[str]:
    return [str(name).strip() for name in table.data["ccdname"]] if "ccdname" in _columns(table) else []


def _columns(hdu: Any) -> list[str]:
    columns = getattr(hdu, "columns", None)
    return [] if columns is None else [str(name).lower() for name in columns.names]


def _band(path: Path) -> str:
    found = _BAND.search(path.name)
    if found is None:
        raise ArcgateError(
            f"the name {path.name} holds no band",
            where=path.parent,
            todo="name it with the band between underscores, as in c4d_..._ooi_g_...",
        )
    return found[1]


def _row(path: Path, table: Any, ccdname: str | None) -> int:
    names = _names(table)
    if ccdname is None and len(table.data) == 1:
        return 0
    if ccdname in names:
        return names.index(ccdname)
    listed = ", ".join(names) or "no CCDs by name"
    sought = f"the CCD {ccdname}" if ccdname else "one CCD"
    raise ArcgateError(
        f"{path.name} holds {listed}; sought is {sought}", where=path, todo="give `ccdname`, one of the names in the table"
    )


def _ccdname(table: Any, row: int) -> str:
    return str(table.data["ccdname"][row]).strip() if "ccdname" in _columns(table) else ""


def _polynomial(source: str, table: Any, row: int) -> tuple[int, tuple[float, float], tuple[float, float]]:
    """Degree, zero point and scale, once the rest has been found to be of the kind that is evaluated here."""
    value = _lookup(source, table, row)
    expected = {
        "polnaxis": 2,
        "polngrp": 1,
        "polgrp1": 1,
        "polgrp2": 1,
        "polname1": "X_IMAGE",
        "polname2": "Y_IMAGE",
        "psf_samp": 1.0,
    }
    for name, sought in expected.items():
        found = value(name)
        if found != sought:
            raise ArcgateError(f"{name} is {found}; models with {name} = {sought} are read", where=source, todo=_CHECK)
    scale = float(value("polscal1")), float(value("polscal2"))
    if not min(scale) > 0:
        raise ArcgateError(f"polscal is {scale}; it must be positive", where=source, todo=_CHECK)
    return int(value("poldeg1")), (float(value("polzero1")), float(value("polzero2"))), scale


def _lookup(source: str, table: Any, row: int) -> Callable[[str], Any]:
    columns = _columns(table)

    def value(name: str) -> Any:
        if name in columns:
            found = table.data[name][row]
        elif name.upper() in table.header:
            found = table.header[name.upper()]
        else:
            raise ArcgateError(f"neither a column nor a keyword {name}", where=source, todo=_CHECK)
        return found.strip() if isinstance(found, str) else found

    return value
