"""The imaging of other people's stamps: as the command line or the file states it, else that of DECaLS."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from arcgate.foreign.exact_names import Place
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import DECALS, ZERO_POINT, Imaging

PIXEL_SCALE: Final = "pixel_scale_arcsec"
BANDS: Final = "bands"
REFERENCE: Final = "reference_band"
ZERO: Final = "zero_point"
# From space telescopes to small ground-based ones; what lies beyond is another unit.
_LOW, _HIGH = 0.02, 3.0
# Below this a difference between scales is one of digits.
_SAME_SCALE: Final = 5e-4
_SAME_ZERO: Final = 1e-3
_STATE: Final = (
    "state the imaging: on the command line (imaging=hsc_gri, or a file of yours in conf/imaging), or in the file by bands, "
    "reference_band and pixel_scale_arcsec"
)


@dataclass(frozen=True)
class Stated:
    """What a file says of its imaging; None where it says nothing.

    Attributes
    ----------
    bands : tuple of str or None
        In the order of the images, lower case.
    reference_band : str or None
    scale_arcsec : float or None
        Side of a pixel.
    zero_point : float or None
        AB magnitude of one count.
    """

    bands: tuple[str, ...] | None = None
    reference_band: str | None = None
    scale_arcsec: float | None = None
    zero_point: float | None = None


def imaging_of(shape: Sequence[int] | None, where: str, stated: Stated, given: Imaging | None) -> tuple[Imaging, list[str]]:
    """Imaging of stamps, and what was taken for granted.

    Parameters
    ----------
    shape : sequence of int or None
        Of one stamp: (band, y, x) or (y, x, band); None where there is none.
    where : str
        The stamp, for messages.
    stated : Stated
        By the file.
    given : Imaging or None
        By the command line.

    Raises
    ------
    ArcgateError
        What is stated contradicts itself or the stamps, or too little is stated for stamps of another shape than DECaLS'.
    """
    if given is not None:
        _agree(stated, given, where)
        imaging, notes = given, list[str]()
    else:
        imaging, notes = _by_file(shape, stated, where)
    size, bands = imaging.size_pix, len(imaging.bands)
    if shape is not None and tuple(shape) not in ((bands, size, size), (size, size, bands)):
        sought = f"{size} x {size} pixels in {', '.join(imaging.bands)}"
        raise ArcgateError(f"stamps are of shape {tuple(shape)}, the imaging has {sought}", where=where, todo=_STATE)
    return imaging, notes


def _by_file(shape: Sequence[int] | None, stated: Stated, where: str) -> tuple[Imaging, list[str]]:
    bands = DECALS.bands if stated.bands is None else stated.bands
    if stated.bands is not None and stated.scale_arcsec is None and bands != DECALS.bands:
        raise ArcgateError(f"bands are {', '.join(bands)}, but no {PIXEL_SCALE} is stated", where=where, todo=_STATE)
    scale = DECALS.pixel_scale_arcsec if stated.scale_arcsec is None else stated.scale_arcsec
    reference = stated.reference_band or (DECALS.reference_band if DECALS.reference_band in bands else bands[len(bands) // 2])
    # Whoever states bands may have stamps of any size.
    size = DECALS.size_pix if stated.bands is None or shape is None or len(shape) != 3 else int(sorted(shape)[1])
    try:
        imaging = Imaging(bands, reference, size, scale, ZERO_POINT if stated.zero_point is None else stated.zero_point)
    except ValueError as error:
        raise ArcgateError(str(error), where=where, todo=_STATE) from error
    taken = [] if stated.bands else [f"bands as {', '.join(bands)}"]
    taken += [] if stated.scale_arcsec else [f"pixels as {scale:g} arcsec"]
    return imaging, [f"no imaging is stated: {' and '.join(taken)} are taken, as in DECaLS"] if taken else []


def _agree(stated: Stated, given: Imaging, where: str) -> None:
    """Raise ArcgateError where a file contradicts the command line."""
    scale = stated.scale_arcsec
    if scale is not None and abs(scale / given.pixel_scale_arcsec - 1.0) > _SAME_SCALE:
        raise ArcgateError(
            f"{PIXEL_SCALE} is {scale:g} in the file and {given.pixel_scale_arcsec:g} in the imaging of the command line",
            where=where,
            todo="give the right one: imaging.pixel_scale_arcsec=... , or another imaging",
        )
    if stated.zero_point is not None and abs(stated.zero_point - given.zero_point) > _SAME_ZERO:
        raise ArcgateError(
            f"{ZERO} is {stated.zero_point:g} in the file and {given.zero_point:g} in the imaging of the command line",
            where=where,
            todo="give the right one: imaging.zero_point=... ; nanomaggies have 22.5",
        )
    if stated.bands is not None and stated.bands != given.bands:
        raise ArcgateError(
            f"the file's bands are {', '.join(stated.bands)}, the imaging of the command line has {', '.join(given.bands)}",
            where=where,
            todo="give the imaging of these stamps, its bands in the order of the images",
        )
    if stated.reference_band is not None and stated.reference_band != given.reference_band:
        raise ArcgateError(
            f"{REFERENCE} is {stated.reference_band} in the file and {given.reference_band} in the imaging of the command line",
            where=where,
            todo="give the right one: imaging.reference_band=... , or another imaging",
        )


def stated_by(raw: pd.DataFrame, metadata: Mapping[str, set[str]], place: Place) -> Stated:
    """What columns and the schema's metadata say.

    Raises
    ------
    ArcgateError
        A scale that is no number, differs between rows or lies outside 0.02 to 3 arcsec, or places that contradict each other.
    """
    where = f"{place(0)}, metadata of the schema"
    bands = [_words(text) for text in sorted(metadata.get(BANDS, ()))]
    reference = sorted(metadata.get(REFERENCE, ()))
    for name, values in ((BANDS, bands), (REFERENCE, reference)):
        if len(values) > 1:
            raise ArcgateError(f"{name} differ between files: {values[0]} and {values[1]}", where=where, todo=_STATE)
    zero = sorted(metadata.get(ZERO, ()))
    zero_point = float(pd.to_numeric(zero[0], errors="coerce")) if zero else None
    if len(zero) > 1 or (zero_point is not None and not np.isfinite(zero_point)):
        raise ArcgateError(f"{ZERO} is {' and '.join(zero)}", where=where, todo="give the AB magnitude of one count, once")
    first = reference[0].lower() if reference else None
    return Stated(bands[0] if bands else None, first, _scale(raw, metadata, place), zero_point)


def _words(text: str) -> tuple[str, ...]:
    """Names from a JSON list, or from text with commas or blanks; `grz` alone is three bands."""
    try:
        found = json.loads(text)
    except ValueError:
        found = text
    if not isinstance(found, list):
        words = (found if isinstance(found, str) else text).replace(",", " ").split()
        found = list(words[0]) if len(words) == 1 and set(words[0].lower()) <= set("ugrizyjhk") else words
    return tuple(str(name).strip().lower() for name in found)


def _scale(raw: pd.DataFrame, metadata: Mapping[str, set[str]], place: Place) -> float | None:
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
                todo=f"give the pixel scale of all stamps in arcsec, or leave the column out for {DECALS.pixel_scale_arcsec:g}",
            )
    return float(numbers[0])
