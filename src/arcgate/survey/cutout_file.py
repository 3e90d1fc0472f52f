"""One FITS cutout of the Legacy Surveys' viewer: native pixels, an image a brick, band and type, or a cube that was resampled."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging
from arcgate.survey.fits_file import read_hdus
from arcgate.survey.legacy.planes import check_unit
from arcgate.survey.legacy.wcs import coordinates, places_in
from arcgate.survey.places import Unusable
from arcgate.survey.stamp_reading import Raw

WHAT: Final = "a cutout of the survey's viewer"
NO_BAND: Final = "a cutout without one of the bands"
OUTSIDE: Final = "a position outside its cutout"


@dataclass(frozen=True)
class Position:
    """Of a galaxy, degrees; not exact where it is only that for which a cutout was asked."""

    ra: float
    dec: float
    exact: bool


@dataclass(frozen=True)
class Kind:
    """What a cutout is, by its headers: native or resampled, and of which layer."""

    pixels: Literal["native", "resampled"]
    survey: str
    version: str


def kind_of(path: Path) -> Kind:
    """Read a cutout's headers.

    Raises
    ------
    ArcgateError
        The file cannot be read, is no such cutout, or holds parts of several layers.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", AstropyUserWarning)
        try:
            with path.open("rb") as stream, fits.open(stream, lazy_load_hdus=False) as file:
                headers = [hdu.header for hdu in file]
        except (OSError, ValueError, TypeError, fits.VerifyError, AstropyUserWarning) as error:
            raise ArcgateError(
                f"{path.name} is not a complete FITS file ({error}), sought is {WHAT}", where=path, todo="download it again"
            ) from error
    native = [header for header in headers if header["NAXIS"] == 2 and "BRICK" in header]
    cubes = [header for header in headers if header["NAXIS"] == 3]
    if native or cubes:
        # A sub-image may hold parts of several bricks; where a layer ends, of another layer's.
        layers = sorted(
            {(str(one.get("SURVEY", "")).strip(), str(one.get("VERSION", "")).strip()) for one in native or cubes[:1]}
        )
        if len(layers) > 1:
            raise ArcgateError(
                f"{path.name} holds parts of several layers: {', '.join(map(' '.join, layers))}",
                where=path,
                todo="the viewer delivers another layer where the one that was asked for ends: take the file away",
            )
        return Kind("native" if native else "resampled", *layers[0])
    raise ArcgateError(
        f"{path.name} holds neither images with the keyword BRICK nor a cube of bands, sought is {WHAT}",
        where=path,
        todo="take it out of the folder; stamps of other makers are read as a pack (hosts=pack)",
    )


def read_native(path: Path, imaging: Imaging, at: Position) -> Raw | tuple[str, Unusable]:
    """A galaxy from the brick in which it lies farthest from the edge: a cutout may hold parts of several."""
    planes: dict[str, dict[tuple[str, str], Any]] = {}
    for hdu in read_hdus(path, WHAT):
        if hdu.data is not None and hdu.data.ndim == 2:
            key = (str(hdu.header.get("IMAGETYP", "")).strip().lower(), str(hdu.header.get("BAND", "")).strip().lower())
            check_unit(hdu.header, key[0], path)
            planes.setdefault(str(hdu.header.get("BRICK", "")).strip(), {})[key] = hdu
    wanted = [(kind, band) for kind in ("image", "invvar") for band in imaging.bands]
    whole = {brick: found for brick, found in planes.items() if all(key in found for key in wanted)}
    if not whole:
        found = "; ".join(f"{brick}: {', '.join(' '.join(key) for key in parts)}" for brick, parts in planes.items())
        lacking = sorted({" ".join(key) for key in wanted for parts in planes.values() if key not in parts})
        return path.stem, Unusable(NO_BAND, f"no {', '.join(lacking)} among {found}")
    best: tuple[float, str, float, float] | None = None
    for brick, parts in whole.items():
        first = parts["image", imaging.bands[0]]
        x, y = (float(axis[0]) for axis in _place(first.header, path, imaging, at))
        height, width = first.data.shape
        inside = min(x, y, width - 1 - x, height - 1 - y)
        if inside >= 0 and (best is None or inside > best[0]):
            best = inside, brick, x, y
    if best is None:
        return path.stem, Unusable(OUTSIDE, f"RA {at.ra:.5f}, Dec {at.dec:.5f}")
    _, brick, x, y = best
    image, ivar = (_stack(whole[brick], kind, imaging.bands, path) for kind in ("image", "invvar"))
    return Raw(
        path.stem, image, ivar, (x, y), at.exact, _declared(whole[brick]["image", imaging.bands[0]].header, at) | {"brick": brick}
    )


def read_resampled(path: Path, imaging: Imaging, at: Position) -> Raw | tuple[str, Unusable]:
    """A galaxy from a cube that the viewer put onto pixels of its own; it states no inverse variance."""
    hdu = next(hdu for hdu in read_hdus(path, WHAT) if hdu.data is not None and hdu.data.ndim == 3)
    check_unit(hdu.header, "image", path)
    bands = str(hdu.header.get("BANDS", "")).strip().lower()
    if lacking := [band for band in imaging.bands if band not in bands]:
        return path.stem, Unusable(NO_BAND, f"no {', '.join(lacking)} among {bands or 'bands that are not named'}")
    x, y = _place(hdu.header, path, imaging, at)
    height, width = hdu.data.shape[1:]
    if not (0 <= x[0] < width and 0 <= y[0] < height):
        return path.stem, Unusable(OUTSIDE, f"RA {at.ra:.5f}, Dec {at.dec:.5f}")
    image = np.stack([hdu.data[bands.index(band)] for band in imaging.bands]).astype(np.float32)
    return Raw(path.stem, image, None, (float(x[0]), float(y[0])), at.exact, _declared(hdu.header, at))


def _place(header: fits.Header, path: Path, imaging: Imaging, at: Position) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    wcs = coordinates(header, path, imaging.pixel_scale_arcsec)
    return places_in(wcs, np.array([at.ra]), np.array([at.dec]))


def _stack(parts: dict[tuple[str, str], Any], kind: str, bands: Sequence[str], path: Path) -> NDArray[np.float32]:
    shapes = {parts[kind, band].data.shape for band in bands}
    if len(shapes) > 1:
        raise ArcgateError(
            f"images of {kind} in {path.name} differ in shape: {sorted(shapes)}", where=path, todo="download it again"
        )
    return np.stack([parts[kind, band].data for band in bands]).astype(np.float32)


def _declared(header: fits.Header, at: Position) -> dict[str, object]:
    """The layer's name ends with the part of the survey where there are two: DR9-south."""
    version = str(header.get("VERSION", "")).strip()
    footprint = next((name for name in ("south", "north") if version.lower().endswith(name)), None)
    return {"ra": at.ra, "dec": at.dec, "release": version or None, "footprint": footprint}
