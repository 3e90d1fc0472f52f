"""Arcs are not centred on their galaxies: a small shift, or arcs that landed elsewhere, however far."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.gates.verdict.bug_model import BugModel, Explanation, Transformation
from arcgate.gates.verdict.shifting import shifted
from arcgate.gates.verdict.trial import Transform, Trial
from arcgate.imaging import Imaging

Array = NDArray[np.float64]
Images = NDArray[np.floating]

_NAME: Final = "centre_offset"
# Peaks of the matched filter that are looked at, and how far apart they lie.
_PEAKS: Final = 2
_APART_ARCSEC: Final = 3.0 * 0.262


def _landing(trial: Trial) -> Transform | None:
    """Where arcs landed; where hosts hide which rows are wrong, by those whose arcs are missed most where they belong."""
    imaging = trial.rows.imaging
    shifts = common_shifts(trial.few.matched, trial.few.arc, imaging)
    if trial.rows.hosts_hide:
        trial = trial.where_light_is_missed()
        shifts += shifts_of_some(trial.few.rest, trial.few.arc, imaging)
    return trial.best(
        [
            Transform(_NAME, _landing_in_words(shift, wrapped, imaging.bands), partial(_landed, shift, wrapped))
            for shift in shifts
            for wrapped in (False, True)
        ]
    )


def _landed(shift: Array, wrapped: bool, table: pd.DataFrame, arc: Images) -> Images:
    return shifted(arc, shift, wrapped)


def _landing_in_words(shift: Array, wrapped: bool, bands: tuple[str, ...]) -> str:
    places = [f"({x:+.1f}, {y:+.1f})" for x, y in shift]
    where = places[0] if len(set(places)) == 1 else f"{', '.join(places)} in {', '.join(bands)}"
    return f"arcs that landed {where} px from where they belong" + (", around the stamp's edge" if wrapped else "")


def common_shifts(weighed: Array, arc: Images, imaging: Imaging) -> list[Array]:
    """Shifts (band, 2) of all arcs that the light speaks for: those of all bands together, then each band's own.

    Parameters
    ----------
    weighed : ndarray (n, band, y, x)
        Light times its inverse covariance.
    arc : ndarray, float32 (n, band, y, x)
        As declared.
    imaging : Imaging
    """
    match, size, apart = _matched(weighed, arc), imaging.size_pix, _apart_pix(imaging)
    own = np.array([_peaks(each, apart)[0] for each in match])
    return [*_together(match, apart), *_ways(own, size)]


def shifts_of_some(rest: Array, arc: Images, imaging: Imaging) -> list[Array]:
    """Shifts (band, 2) of arcs in some of the rows: those of all bands together, then each band's own.

    Of the latter all bands are moved, all but one, or one alone.

    Arcs that are where they belong take the highest peak of all light; in what they leave, only those that went elsewhere have
    one.

    Parameters
    ----------
    rest : ndarray (n, band, y, x)
        Light beyond the declared arcs times its inverse covariance.
    arc : ndarray, float32 (n, band, y, x)
        As declared.
    imaging : Imaging
    """
    match, size, apart = _matched(rest, arc), imaging.size_pix, _apart_pix(imaging)
    own = np.array([_peaks(each, apart)[0] for each in match])
    # Every choice among many bands would take minutes to try.
    n = len(own)
    moved = [np.array(which)[:, None] for which in product((True, False), repeat=n) if sum(which) in (1, n - 1, n) and any(which)]
    return [*_together(match, apart), *[way for which in moved for way in _ways(np.where(which, own, 0.0), size)]]


def _apart_pix(imaging: Imaging) -> float:
    # Something of a small stamp is to be left.
    return min(_APART_ARCSEC / imaging.pixel_scale_arcsec, imaging.size_pix / 4)


def _matched(weighed: Array, arc: Images) -> Array:
    """How well arcs at each shift match the light, by band: (band, y, x)."""
    found = np.fft.fft2(weighed) * np.conj(np.fft.fft2(arc.astype(np.float64)))
    # Each row and band counts alike, whatever its brightness.
    size = np.sqrt((weighed**2).sum(axis=(2, 3)) * (arc.astype(np.float64) ** 2).sum(axis=(2, 3)))
    match: Array = np.fft.ifft2((found / np.maximum(size, 1e-300)[..., None, None]).mean(axis=0)).real
    return match


def _together(match: Array, apart_pix: float) -> list[Array]:
    bands, size = match.shape[:2]
    return [way for peak in _peaks(match.sum(axis=0), apart_pix) for way in _ways(np.tile(peak, (bands, 1)), size)]


def _peaks(match: Array, apart_pix: float) -> list[Array]:
    """Places (x, y) of the highest peaks, better than whole pixels; from minus to plus half a stamp."""
    left, places, size = match.copy(), [], len(match)
    for _ in range(_PEAKS):
        y, x = np.unravel_index(int(left.argmax()), left.shape)
        places.append(np.array([x + _vertex(match[y], int(x)), y + _vertex(match[:, x], int(y))]))
        near_y = _away(np.arange(size) - y, size) <= apart_pix
        near_x = _away(np.arange(size) - x, size) <= apart_pix
        left[np.ix_(near_y, near_x)] = -np.inf
    half = size // 2
    return [(place + half) % size - half for place in places]


def _away(offset: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    distance: NDArray[np.int64] = np.minimum(offset % size, -offset % size)
    return distance


def _vertex(line: Array, at: int) -> float:
    """Where the parabola through a peak and its neighbours is highest."""
    below, peak, above = line[at - 1], line[at], line[(at + 1) % len(line)]
    bend = below - 2.0 * peak + above
    return float(np.clip(0.5 * (below - above) / bend, -0.5, 0.5)) if bend < 0.0 else 0.0


def _ways(shift: Array, size: int) -> list[Array]:
    """Shifts that are one on a circle as long as a stamp, (band, 2) each: arcs may have gone to either side."""
    ways = [shift]
    for axis in (0, 1):
        if np.abs(shift[:, axis]).max() > size // 4:
            other = np.zeros_like(shift)
            other[:, axis] = -size * np.sign(shift[:, axis]) * (np.abs(shift[:, axis]) > size // 4)
            ways += [way + other for way in ways]
    return ways


# A cutout of the wrong place moves the galaxy, not the arc: a difference of two cutouts of the same wrong place shows nothing of
# it.
MODEL = BugModel(
    _NAME,
    title="arcs are not centred on their galaxies",
    advice="Check the centre of the PSF kernel (an ifftshift), the half pixel of even-sized stamps, and the centre of the "
    "cutouts.",
    explanations=(
        Explanation(
            _NAME,
            "a shift of the arcs from their hosts (px, x and y)",
            parameters=("shift_x", "shift_y"),
            accounts_for=("shift_x", "shift_y", "shift"),
        ),
    ),
    transformation=Transformation(_landing),
    identifiability={
        _NAME: ("identifiable", "identifiable", "identifiable"),
        "cutouts of positives shifted": ("impossible", "noticed", "impossible"),
        "all cutouts shifted": ("impossible", "impossible", "impossible"),
    },
)
