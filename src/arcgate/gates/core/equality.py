"""Gates on equality: rows that differ from what they must be, of which none may, with differences planted in a row. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.core.counted import NOTICED, CountStatistic, Noticed, exactly
from arcgate.gates.core.evaluator import Outcome, Statement, evaluate, not_run
from arcgate.gates.core.gate import Arrays, Judgement, Kept
from arcgate.gates.core.stamps import Pixels, Stamps

_UNIT = "sky sigma"


class Equality:
    """Differences that are planted, by name."""

    HALF = "rounding to half precision"
    UNIT = "one unit in the last place,"
    PIXEL = "one pixel brighter by"


def compared(
    view: str,
    stamps: Stamps,
    value: Pixels,
    expected: Pixels,
    planted: Mapping[str, tuple[Pixels, float]],
    tolerated: Pixels | None = None,
    stated: bool = True,
) -> dict[str, Kept]:
    """Hold rows against what they must be.

    Parameters
    ----------
    view : str
        Start of the keys.
    stamps : Stamps
        Whose rows are compared.
    value, expected : ndarray, float32 (n, band, y, x)
    planted : mapping of str to (ndarray, float)
        The first row with a difference in it, and its size in sky sigma (0 for one that has no size).
    tolerated : ndarray or None
        Differences that are no finding, pixel by pixel.
    stated : bool
        Whether the largest difference is measured.
    """
    differs = _differs(value, expected, tolerated)
    largest = np.zeros(len(value))
    if tolerated is not None or (differs.any() and stated):
        largest = np.abs(value - expected).max(axis=(2, 3)) / stamps.sky[:, :, 0, 0]
        largest = largest.max(axis=1)
    kept: dict[str, Kept] = {"differs": differs, "largest": largest, "galaxy": stamps.galaxy}
    # The planted row is held against itself, so that a leak that is there already drowns nothing.
    first = None if tolerated is None else tolerated[:1]
    for name, (image, size) in planted.items():
        noticed = bool(_differs(image, value[:1], first).all())
        kept |= {f"noticed/{name}": np.array([noticed]), f"size/{name}": np.array([size])}
    return {f"{view}/{key}": part for key, part in kept.items()}


def judged_equality(name: str, views: Sequence[str], arrays: Arrays, missing: str, equal: str) -> Judgement:
    """A result for each view; `missing` says why the data set cannot feed them, and `equal` what rows must be."""
    judgement = Judgement([], [], [])
    for view in views:
        stated = Statement(name, view, 0.0, 0.0, NOTICED)
        if f"{view}/differs" not in arrays:
            judgement.results.append(not_run(stated, missing or "no pair has the rows that are compared"))
            continue
        found = evaluate(stated, _statistic(name, view, arrays, equal))
        judgement.results.append(found.result)
        judgement.curves.extend(found.curves)
    return judgement


def _statistic(name: str, view: str, arrays: Arrays, equal: str) -> CountStatistic:
    differs, galaxies = arrays[f"{view}/differs"], len(np.unique(arrays[f"{view}/galaxy"]))
    rows, off, largest = len(differs), int(np.count_nonzero(differs)), float(arrays[f"{view}/largest"].max())
    if off:
        size = f", by {largest:.2g} sky sigma at most" if largest else ""
        shown = Outcome("leak", f"{off} of {rows} rows are not {equal}{size}")
    else:
        size = f"; largest difference of a pixel: {largest:.2g} sky sigma" if largest else ""
        shown = Outcome("no leak", f"all {rows} rows are {equal}{size}")
    planted, prefix = {}, f"{view}/noticed/"
    for key in arrays:
        if key.startswith(prefix):
            leak = key.removeprefix(prefix)
            size_sky_sigma = float(arrays[f"{view}/size/{leak}"].max())
            sized = (size_sky_sigma, size_sky_sigma, _UNIT) if size_sky_sigma else ()
            planted[leak] = Noticed(bool(arrays[key].all()), *sized)
    return CountStatistic(name, view, exactly(off / rows, rows, galaxies), shown, planted)


def rounded_to_half(stamps: Stamps) -> Pixels:
    """The first row as a file in half precision would hold it."""
    return stamps.image[:1].astype(np.float16).astype(np.float32)


def one_pixel_brighter(stamps: Stamps, size_sky_sigma: float) -> Pixels:
    """The first row with a pixel that is brighter by so much."""
    image = stamps.image[:1].copy()
    image[middle_pixel(stamps)] += np.float32(size_sky_sigma * stamps.sky[0, 0, 0, 0])
    return image


def one_unit(stamps: Stamps) -> Pixels:
    """The first row with a pixel that is brighter by one unit in the last place."""
    image, place = stamps.image[:1].copy(), middle_pixel(stamps)
    image[place] = np.nextafter(image[place], np.float32(np.inf))
    return image


def middle_pixel(stamps: Stamps) -> tuple[int, int, int, int]:
    """The first band's middle pixel of the first row."""
    half = stamps.imaging.size_pix // 2
    return 0, 0, half, half


def _differs(one: Pixels, other: Pixels, tolerated: Pixels | None = None) -> NDArray[np.bool_]:
    """Rows with a pixel that differs, by more than is tolerated there."""
    different = one != other if tolerated is None else np.abs(one - other) > tolerated
    rows: NDArray[np.bool_] = different.any(axis=(1, 2, 3))
    return rows
