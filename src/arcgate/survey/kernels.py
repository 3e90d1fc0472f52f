"""Measured PSFs for galaxies whose survey gives them apart: models that are read from files, and which galaxy sees which.

A model serves galaxies of one split alone, so that no network meets at its test the very PSF that it was trained with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.data_node import Kernels
from arcgate.dataset.references import KERNEL_COLUMNS, kernel_row
from arcgate.ground.draws import text_ids, uniform
from arcgate.ground.errors import ArcgateError
from arcgate.ground.progress import step
from arcgate.imaging import Imaging
from arcgate.lensing.psf import Kernel, best_moffat
from arcgate.survey.coadd_psf import read_coadd_psf
from arcgate.survey.psfex import PsfEx, read_psfex
from arcgate.survey.splits import split_of, split_of_few
from arcgate.survey.wings import with_decam_wings

# Which galaxy sees which PSF is a property of the survey, not of a data set.
_SEED: Final = 20260102
# Places of a CCD along each axis at which its model is taken, in units of the region that it was fitted on, from the middle.
_PLACES: Final = (-0.375, -0.125, 0.125, 0.375)
# Of removing a centroid.
_STEPS: Final = 3


@dataclass(frozen=True)
class Model:
    """A PSF that was measured: of some bands, at some places.

    Attributes
    ----------
    name : str
        File that it comes from.
    ccdname : str
        Of a single exposure; empty for a coadd.
    at : tuple of mapping of str to callable
        For each place the kernel by band, made when it is asked for.
    """

    name: str
    ccdname: str
    at: tuple[dict[str, Callable[[], Kernel]], ...]


def kernel_files(kernels: Kernels) -> list[Path]:
    """The files of models, in order; ArcgateError where there are none."""
    folder, pattern = Path(kernels.path), _PATTERNS[kernels.format]
    found = sorted(folder.glob(pattern))
    if not found:
        raise ArcgateError(
            f"no PSF model of the form {pattern} is there",
            where=folder,
            todo="set data.hosts.kernels.path to the folder that holds them, and data.hosts.kernels.format to their form",
        )
    return found


def kernels_digest(kernels: Kernels) -> str:
    """SHA-256 over the files of models."""
    digest = hashlib.sha256()
    for path in kernel_files(kernels):
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def with_kernels(catalogue: pd.DataFrame, kernels: Kernels, imaging: Imaging) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give each galaxy a PSF.

    Parameters
    ----------
    catalogue : DataFrame
        Columns of `arcgate.survey.columns.declared_columns`.
    kernels : Kernels
        Where models lie, and what is done with them.
    imaging : Imaging
        Of the stamps.

    Returns
    -------
    catalogue : DataFrame
        With the kernel, its psfsize and the exponent of the Moffat that fits it best; null in splits that no model serves.
    table : DataFrame
        Columns of `arcgate.dataset.references.KERNEL_COLUMNS`, a row a kernel and band.

    Raises
    ------
    ArcgateError
        A file that cannot be read, or a band without a model.
    """
    models = [_READERS[kernels.format](path) for path in kernel_files(kernels)]
    side, ids = split_of(catalogue), text_ids(catalogue["host_id"].tolist())
    # Bands of one file go together; those of different files do not.
    together: dict[tuple[str, ...], list[Model]] = {}
    for model in models:
        together.setdefault(tuple(model.at[0]), []).append(model)
    lacking = [band for band in imaging.bands if not any(band in bands for bands in together)]
    if lacking:
        raise ArcgateError(
            f"no PSF is declared in {', '.join(lacking)}: the models are of {', '.join('+'.join(bands) for bands in together)}",
            where=kernels.path,
            todo="add models of these bands, or take an imaging without them",
        )
    catalogue = catalogue.copy()
    rows: dict[tuple[str, object], dict[str, object]] = {}
    with step(f"PSFs of {len(catalogue):,} galaxies"):
        for bands, some in together.items():
            seen = _dealt(some, "+".join(bands), side, ids)
            served = [both for both in seen if both is not None]
            for band in (band for band in imaging.bands if band in bands):
                made = {both: _row(some[both[0]], both[1], band, kernels, imaging) for both in sorted(set(served))}
                rows |= {(band, row["name"]): row for row in made.values()}
                for column, key in (("kernel", "name"), ("psfsize", "psfsize_arcsec"), ("psf_beta", "moffat_beta")):
                    name = f"{column}_{band}"
                    values = [None if both is None else made[both][key] for both in seen]
                    catalogue[name] = pd.Series(values, dtype=catalogue[name].dtype)
    return catalogue, pd.DataFrame(list(rows.values()), columns=list(KERNEL_COLUMNS)).astype(KERNEL_COLUMNS)


def _dealt(models: list[Model], of: str, side: NDArray[np.str_], ids: NDArray[np.int64]) -> list[tuple[int, int] | None]:
    """Number of the model and of its place that each galaxy sees; None where no model serves its split."""
    served = split_of_few([model.name for model in models], f"PSF models in {of}")
    which, where = (uniform(_SEED, f"{what} {of}", ids) for what in ("model", "place"))
    seen: list[tuple[int, int] | None] = []
    for split, one, other in zip(side, which, where, strict=True):
        mine = np.flatnonzero(served == split)
        if not len(mine):
            seen.append(None)
            continue
        model = int(mine[int(one * len(mine))])
        seen.append((model, int(other * len(models[model].at))))
    return seen


def _row(model: Model, place: int, band: str, kernels: Kernels, imaging: Imaging) -> dict[str, object]:
    scale, largest = imaging.pixel_scale_arcsec, imaging.frame.largest_kernel_pix
    measured = model.at[place][band]().normalised()
    try:
        kernel = _with_wings(measured, model, band, kernels, imaging)
        # What lies outside the frame, or under the wings, moves the centroid a little: what the first step leaves goes too.
        x = y = 0.0
        for _ in range(_STEPS if kernels.centroid == "removed" else 0):
            x, y = (before - found for before, found in zip((x, y), kernel.centroid_pix, strict=True))
            kernel = _with_wings(measured.shifted(x, y), model, band, kernels, imaging)
        moffat = best_moffat(kernel, scale)
    except ValueError as error:
        raise ArcgateError(f"the PSF of {model.name} in {band} cannot be used: {error}", todo="leave this file out") from error
    if max(kernel.image.shape) > largest:
        raise ArcgateError(
            f"the PSF of {model.name} in {band} has {kernel.image.shape} pixels; {largest} a side are the most in these stamps",
            where=kernels.path,
            todo="cut its wings off, or take larger stamps",
        )
    assert moffat.beta is not None  # a Moffat
    return kernel_row(kernel, band, scale, (moffat.fwhm_arcsec, moffat.beta), f"{model.name}, place {place}")


def _with_wings(kernel: Kernel, model: Model, band: str, kernels: Kernels, imaging: Imaging) -> Kernel:
    if kernels.wings == "none":
        return kernel
    return with_decam_wings(kernel, band, model.ccdname, imaging.size_pix, imaging.pixel_scale_arcsec)


def _read_psfex(path: Path) -> Model:
    model = read_psfex(path)
    places = [(x, y) for y in _PLACES for x in _PLACES]
    return Model(path.name, model.ccdname, tuple({model.band: partial(_taken, model, *place)} for place in places))


def _taken(model: PsfEx, u: float, v: float) -> Kernel:
    return model.kernel(model.zero[0] + u * model.scale[0], model.zero[1] + v * model.scale[1])


def _read_coadd(path: Path) -> Model:
    return Model(path.name, "", ({band: partial(Kernel.normalised, kernel) for band, kernel in read_coadd_psf(path).items()},))


_READERS: Final[dict[str, Callable[[Path], Model]]] = {"psfex": _read_psfex, "coadd": _read_coadd}
_PATTERNS: Final = {"psfex": "*psfex*.fits", "coadd": "copsf*.fits"}
