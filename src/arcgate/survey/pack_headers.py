"""What the headers of a stamp pack say about unit, pixel scale and band, against what the configuration says."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from astropy.io import fits

from arcgate.ground.errors import ArcgateError
from arcgate.hosts_node import PackHosts
from arcgate.imaging import ZERO_POINT, Imaging
from arcgate.survey.cubes import CubeFile

# Keywords of surveys for the AB magnitude of one count, and for the counts of magnitude 0 (Hyper Suprime-Cam).
_ZERO_POINTS: Final = ("MAGZERO", "MAGZPT", "MAGZP", "PHOTZP", "ZEROPNT", "ZP")
_FLUX_OF_ZERO: Final = "FLUXMAG0"
# Nanomaggies per unit; 1 nanomaggy is 3.631 microjansky.
_JANSKY: Final = 1e9 / 3631.0
_UNITS: Final = {
    **dict.fromkeys(("nanomaggy", "nanomaggies", "nanomaggie", "nmgy", "nmaggy"), 1.0),
    **dict.fromkeys(("maggy", "maggies", "mgy"), 1e9),
    **dict.fromkeys(("jy", "jansky"), _JANSKY),
    **dict.fromkeys(("mjy",), 1e-3 * _JANSKY),
    **dict.fromkeys(("ujy", "microjy", "microjansky"), 1e-6 * _JANSKY),
    **dict.fromkeys(("njy", "nanojy", "nanojansky"), 1e-9 * _JANSKY),
}
_NO_FLUX: Final = re.compile(r"^1/|\^-|\*\*-|mag|arcsec|ivar|weight")
_PER_PIXEL: Final = re.compile(r"(/|per)?\s*(pixel|pix)(\^?-1)?$")
FLUX_TOLERANCE: Final = 0.01
SCALE_TOLERANCE: Final = 0.01
# Below this a difference between scales is one of digits.
_SAME_SCALE: Final = 5e-4
_FILTERS: Final = ("FILTER", "BAND", "FILT", "BANDS")
_BAND: Final = re.compile(r"^(?:hsc|des|decam|sdss|lsst|ps1|megacam|cfht)?[-_ ]?([ugrizy])(?:[-_. ].*)?$", re.IGNORECASE)


def check_headers(files: Mapping[str, CubeFile], hosts: PackHosts, imaging: Imaging) -> tuple[str, ...]:
    """Compare headers with the configuration.

    Parameters
    ----------
    files : mapping
        Cubes by band.
    hosts : PackHosts
    imaging : Imaging
        Of the stamps to be cut.

    Returns
    -------
    tuple of str
        What is no contradiction, but worth telling.

    Raises
    ------
    ArcgateError
        If a header contradicts `nanomaggies_per_count`, `pixel_scale_arcsec` or the band, or itself: both numbers are named.
    """
    notes: list[str] = []
    for band, file in files.items():
        _check_band(file, band)
        _check_unit(file, hosts)
        notes += _check_scale(file, hosts, imaging.pixel_scale_arcsec)
    return tuple(dict.fromkeys(notes))


def _cards(file: CubeFile, keys: tuple[str, ...]) -> Iterator[tuple[str, object]]:
    """Values of keywords: of the image, or of another part of the file if the image has none of them."""
    own = [(key, file.header[key]) for key in keys if key in file.header]
    yield from own or [(key, header[key]) for header in file.others for key in keys if key in header]


def _check_unit(file: CubeFile, hosts: PackHosts) -> None:
    said = [*_by_zero_point(file), *_by_unit(file)]
    for words, factor in said:
        if abs(factor / hosts.factor - 1.0) > FLUX_TOLERANCE:
            raise ArcgateError(
                f"{words} means {factor:.4g} nanomaggies per count, the configuration says {hosts.factor:.4g}",
                where=f"{file.path}; data.hosts.nanomaggies_per_count",
                todo=f"if the header is right: data.hosts.nanomaggies_per_count={factor:.6g}; else correct the header",
            )


def _by_zero_point(file: CubeFile) -> Iterator[tuple[str, float]]:
    for key, value in _cards(file, (*_ZERO_POINTS, _FLUX_OF_ZERO)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            continue
        if key == _FLUX_OF_ZERO:
            if value > 0:
                yield f"{key} = {value:g}", 1e9 / value
        # A zero point of 0 is one that was never filled in.
        elif value != 0:
            yield f"{key} = {value:g}", 10.0 ** (0.4 * (ZERO_POINT - value))


def _by_unit(file: CubeFile) -> Iterator[tuple[str, float]]:
    for _, value in _cards(file, ("BUNIT",)):
        words = str(value).strip()
        plain = _PER_PIXEL.sub("", words.lower()).strip()
        # MJy is not mJy.
        known = None if words.startswith("MJy") else _UNITS.get(plain)
        if known is not None:
            yield f"BUNIT = {words!r}", known
        elif words.startswith("MJy") or _NO_FLUX.search(plain):
            raise ArcgateError(
                f"BUNIT = {words!r} is no flux per pixel",
                where=file.path,
                todo="a pack holds images in a unit of flux, or in counts (data.hosts.nanomaggies_per_count)",
            )


def _check_scale(file: CubeFile, hosts: PackHosts, sought: float) -> list[str]:
    notes = []
    stated = hosts.pixel_scale_arcsec
    if abs(stated / sought - 1.0) > _SAME_SCALE:
        off = 100.0 * (stated / sought - 1.0)
        notes.append(f"pixels of {stated:g} arcsec are labelled as {sought:g}: lengths in arcsec are off by {off:+.1f} %")
    found = header_scale(file)
    if found is None or abs(found / stated - 1.0) <= _SAME_SCALE:
        return notes
    words = f"{file.path.name}: pixels of {found:.4f} arcsec by the header, {stated:g} by the configuration"
    if abs(found / stated - 1.0) > SCALE_TOLERANCE:
        raise ArcgateError(
            f"{words}, {100 * (found / stated - 1.0):+.1f} %",
            where=f"{file.path}; data.hosts.pixel_scale_arcsec",
            todo=f"state the true scale; it must lie within {100 * SCALE_TOLERANCE:g} % of {sought:g}: no resampling",
        )
    return [*notes, f"{words} (data.hosts.pixel_scale_arcsec={found:.4g})"]


def header_scale(file: CubeFile) -> float | None:
    """Pixel scale that headers state, arcsec: from CD, from CDELT and PC, or from PIXSCALE; None if they state none."""
    for header in (file.header, *file.others):
        scale = _scale_of(header)
        if scale is not None:
            return scale
    return None


def _scale_of(header: fits.Header) -> float | None:
    if "CD1_1" in header:
        matrix = [[float(header.get(f"CD{i}_{j}", 0.0)) for j in (1, 2)] for i in (1, 2)]
    # A CDELT without a projection is a default that writers put there.
    elif "CDELT1" in header and "CDELT2" in header and "-" in str(header.get("CTYPE1", "")):
        turn = [[float(header.get(f"PC{i}_{j}", float(i == j))) for j in (1, 2)] for i in (1, 2)]
        matrix = [[float(header[f"CDELT{i}"]) * turn[i - 1][j] for j in (0, 1)] for i in (1, 2)]
    else:
        stated = next((header[key] for key in ("PIXSCALE", "PIXSCAL1") if key in header), None)
        return float(stated) if isinstance(stated, int | float) and stated > 0 else None
    area = abs(float(np.linalg.det(np.array(matrix))))
    unit = str(header.get("CUNIT1", "deg")).strip().lower()
    per_unit = {"arcsec": 1.0, "arcmin": 60.0}.get(unit, 3600.0)
    return math.sqrt(area) * per_unit if area > 0 else None


def _check_band(file: CubeFile, band: str) -> None:
    for key, value in _cards(file, _FILTERS):
        words = str(value).strip()
        if key == "BANDS" and len(words) > 1 and len(words) == file.pixels.shape[0]:
            raise ArcgateError(
                f"{key} = {words!r}: the {len(words)} planes of {file.path.name} are bands of one galaxy, "
                "sought are stamps of many galaxies in one band",
                where=file.path,
                todo="collect the stamps of each band in one cube (n, height, width)",
            )
        named = _BAND.match(words)
        if named and named.group(1).lower() != band:
            raise ArcgateError(
                f"{file.path.name} should hold the band {band}, its header says {key} = {words!r}",
                where=file.path,
                todo="give the files the names of their bands",
            )
