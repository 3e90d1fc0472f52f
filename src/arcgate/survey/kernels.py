"""Measured PSFs for galaxies whose survey gives them apart: models that are read from files, and which galaxy sees which.

A model serves galaxies of one split alone, so that no network meets at its test the very PSF that it was trained with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.references import KERNEL_COLUMNS, content_name, kernel_row
from arcgate.ground.draws import text_ids, uniform
from arcgate.ground.errors import ArcgateError
from arcgate.ground.progress import step
from arcgate.hosts_node import Kernels
from arcgate.imaging import Imaging
from arcgate.lensing.psf import Kernel, best_moffat
from arcgate.survey.coadd_psf import read_coadd_psf
from arcgate.survey.kept import KERNELS, kept_table
from arcgate.survey.pack_headers import SCALE_TOLERANCE
from arcgate.survey.psfex import PsfEx, read_psfex_file
from arcgate.survey.splits import split_of, split_of_few
from arcgate.survey.wings import with_decam_wings

# Which galaxy sees which PSF is a property of the survey, not of a data set.
_SEED: Final = 20260102
# Places of a CCD along each axis at which its model is taken, in units of the region that it was fitted on, from the middle.
_PLACES: Final = (-0.375, -0.125, 0.125, 0.375)
# Of removing a centroid.
_STEPS: Final = 3


@dataclass(frozen=True)
class Place:
    """Where a model was taken: its CCD, empty for a coadd, and for each band the kernel, made when it is asked for."""

    ccdname: str
    kernel: Mapping[str, Callable[[], Kernel]]


@dataclass(frozen=True)
class Model:
    """A PSF that was measured: the file that it comes from, the digest of its numbers, and the places at which it is known.

    It has the same bands at each of them.
    """

    name: str
    origin: str
    places: tuple[Place, ...]

    @property
    def bands(self) -> tuple[str, ...]:
        """Of each of its places."""
        return tuple(self.places[0].kernel)


def kernel_files(kernels: Kernels) -> list[Path]:
    """The files of models, in order; ArcgateError where there are none."""
    folder, pattern = Path(kernels.path), _PATTERNS[kernels.format]
    found = sorted({path for one in pattern for path in folder.glob(one)})
    if not found:
        raise ArcgateError(
            f"no PSF model of the form {' or '.join(pattern)} is there",
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


def with_kernels(catalogue: pd.DataFrame, kernels: Kernels, imaging: Imaging, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give each galaxy a PSF.

    Parameters
    ----------
    catalogue : DataFrame
        Columns of `arcgate.survey.columns.declared_columns`.
    kernels : Kernels
        Where models lie, and what is done with them.
    imaging : Imaging
        Of the stamps.
    folder : Path
        Of the artifacts of just these galaxies and models: kernels are made once and kept there.

    Returns
    -------
    catalogue : DataFrame
        With the kernel, its psfsize and the exponent of the Moffat that fits it best; null in splits that no model serves.
    table : DataFrame
        Columns of `arcgate.dataset.references.KERNEL_COLUMNS`, a row a kernel and band.

    Raises
    ------
    ArcgateError
        A file that cannot be read, a band without a model, or models of other pixels than the stamps'.
    """
    _check_scale(kernels, imaging)
    models = [_READERS[kernels.format](path) for path in kernel_files(kernels)]
    _check_different(models, kernels)
    lacking = [band for band in imaging.bands if not any(band in model.bands for model in models)]
    if lacking:
        raise ArcgateError(
            f"no PSF is declared in {', '.join(lacking)}: the models are of "
            f"{', '.join(sorted({'+'.join(model.bands) for model in models}))}",
            where=kernels.path,
            todo="add models of these bands, or take an imaging without them",
        )
    seen = _seen(models, catalogue, imaging)
    table = kept_table(folder, lambda: _made(seen, {model.name: model for model in models}, kernels, imaging), KERNELS)
    row_of = {key: row for row, key in enumerate(zip(table["band"], table["file"], table["place"], strict=True))}
    catalogue = catalogue.copy()
    for band, keys in seen.items():
        rows = np.array([-1 if key is None else row_of[(band, *key)] for key in keys])
        for column, name in (("kernel", "name"), ("psfsize", "psfsize_arcsec"), ("psf_beta", "moffat_beta")):
            values = table[name].reindex(rows)
            catalogue[f"{column}_{band}"] = values.astype(catalogue[f"{column}_{band}"].dtype).to_numpy()
    return catalogue, table


_Key = tuple[str, int]


def _seen(models: list[Model], catalogue: pd.DataFrame, imaging: Imaging) -> dict[str, list[_Key | None]]:
    """By band the model and the number of its place that each galaxy sees; None where no model serves its split."""
    side, ids = split_of(catalogue), text_ids(catalogue["host_id"].tolist())
    # Bands of one file go together; those of different files do not.
    together: dict[tuple[str, ...], list[Model]] = {}
    for model in models:
        together.setdefault(model.bands, []).append(model)
    seen: dict[str, list[_Key | None]] = {}
    for bands, some in together.items():
        dealt = _dealt(some, "+".join(bands), side, ids)
        seen |= {band: dealt for band in imaging.bands if band in bands}
    return seen


def _dealt(models: list[Model], of: str, side: NDArray[np.str_], ids: NDArray[np.int64]) -> list[_Key | None]:
    served = split_of_few([model.name for model in models], f"PSF models in {of}")
    which, where = (uniform(_SEED, f"{what} {of}", ids) for what in ("model", "place"))
    seen: list[_Key | None] = []
    for split, one, other in zip(side, which, where, strict=True):
        mine = np.flatnonzero(served == split)
        if not len(mine):
            seen.append(None)
            continue
        model = models[int(mine[int(one * len(mine))])]
        seen.append((model.name, int(other * len(model.places))))
    return seen


def _made(seen: dict[str, list[_Key | None]], models: dict[str, Model], kernels: Kernels, imaging: Imaging) -> pd.DataFrame:
    """The kernels that galaxies see, a row a band, model and place."""
    wanted = sorted({(band, *key) for band, keys in seen.items() for key in keys if key is not None})
    rows = []
    with step("measured PSFs", len(wanted)) as advance:
        for band, name, place in wanted:
            rows.append(_row(models[name], place, band, kernels, imaging))
            advance(1)
    return pd.DataFrame(rows, columns=list(KERNEL_COLUMNS)).astype(KERNEL_COLUMNS)


def _check_scale(kernels: Kernels, imaging: Imaging) -> None:
    off = kernels.pixel_scale_arcsec / imaging.pixel_scale_arcsec - 1.0
    if abs(off) > SCALE_TOLERANCE:
        raise ArcgateError(
            f"the PSF models' pixels are {kernels.pixel_scale_arcsec:g} arcsec, {100 * off:+.1f} % off "
            f"{imaging.pixel_scale_arcsec:g}, the imaging's",
            where="data.hosts.kernels.pixel_scale_arcsec, data.imaging.pixel_scale_arcsec",
            todo="nothing is resampled: use models of the stamps' own pixels, or state the right scale",
        )


def _check_different(models: list[Model], kernels: Kernels) -> None:
    """One model under two names could serve two splits."""
    seen: dict[str, str] = {}
    for model in models:
        if (first := seen.setdefault(model.origin, model.name)) != model.name:
            raise ArcgateError(
                f"{first} and {model.name} hold the same PSF model", where=kernels.path, todo="leave one of them out"
            )


def _row(model: Model, number: int, band: str, kernels: Kernels, imaging: Imaging) -> dict[str, object]:
    scale, largest, place = imaging.pixel_scale_arcsec, imaging.frame.largest_kernel_pix, model.places[number]
    measured = place.kernel[band]().normalised()
    where = Path(kernels.path) / model.name
    try:
        kernel = _with_wings(measured, place.ccdname, band, kernels, imaging)
        # What lies outside the frame, or under the wings, moves the centroid a little: what the first step leaves goes too.
        x = y = 0.0
        for _ in range(_STEPS if kernels.centroid == "removed" else 0):
            x, y = (before - found for before, found in zip((x, y), kernel.centroid_pix, strict=True))
            kernel = _with_wings(measured.shifted(x, y), place.ccdname, band, kernels, imaging)
        moffat = best_moffat(kernel, scale)
    except ValueError as error:
        raise ArcgateError(f"the PSF in {band} cannot be used: {error}", where=where, todo="leave this file out") from error
    if max(kernel.image.shape) > largest:
        raise ArcgateError(
            f"the PSF in {band} has {kernel.image.shape} pixels; {largest} a side are the most in these stamps",
            where=where,
            todo="cut its wings off, or take larger stamps",
        )
    assert moffat.beta is not None  # a Moffat
    return kernel_row(kernel, band, scale, (moffat.fwhm_arcsec, moffat.beta), model.origin, number, model.name)


def _with_wings(kernel: Kernel, ccdname: str, band: str, kernels: Kernels, imaging: Imaging) -> Kernel:
    if kernels.wings == "none":
        return kernel
    return with_decam_wings(kernel, band, ccdname, imaging.size_pix, imaging.pixel_scale_arcsec)


def _read_psfex(path: Path) -> Model:
    ccds = read_psfex_file(path)
    places = [
        Place(model.ccdname, {model.band.lower(): partial(_taken, model, x, y)})
        for model in ccds
        for y in _PLACES
        for x in _PLACES
    ]
    numbers = np.concatenate([model.planes.ravel() for model in ccds])
    return Model(path.name, content_name(numbers.astype(np.float32)), tuple(places))


def _taken(model: PsfEx, u: float, v: float) -> Kernel:
    return model.kernel(model.zero[0] + u * model.scale[0], model.zero[1] + v * model.scale[1])


def _read_coadd(path: Path) -> Model:
    kernels = {band.lower(): partial(Kernel.normalised, kernel) for band, kernel in read_coadd_psf(path).items()}
    numbers = np.concatenate([kernel().image.ravel() for kernel in kernels.values()])
    return Model(path.name, content_name(numbers.astype(np.float32)), (Place("", kernels),))


_READERS: Final[dict[str, Callable[[Path], Model]]] = {"psfex": _read_psfex, "coadd": _read_coadd}
_PATTERNS: Final = {"psfex": ("*psfex*.fits", "*.psf"), "coadd": ("copsf*.fits",)}
