"""Contact sheet: pairs and their arcs in colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from arcgate.figures.style import SMALL, TEXT
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging

# Weights (blue, green, red), offset and softening of the Legacy Surveys sky viewer, for nanomaggies per pixel of this side.
BAND_WEIGHT: Final = (6.0, 3.4, 2.2)
_SIDE_ARCSEC: Final = 0.262
OFFSET: Final = 0.03
SOFTENING: Final = 20.0
PANELS: Final = ("stamp", "control", "arc")
_PANEL_INCH: Final = 1.35
_BAR_ARCSEC: Final = 5.0
# Where the bar begins in x and lies in y, and where its words stand in y: of the side of a stamp.
_BAR_PLACE: Final = (3 / 64, 4 / 64, 6 / 64)


def shown_bands(imaging: Imaging) -> tuple[int, ...]:
    """Places of the bands shown as blue, green and red; one where there is one, which is shown in grey.

    The first and the last band, since imagings list theirs from blue to red, and between them the reference band, or the middle
    one where the reference band is the first or the last. Of two bands the second stands for green as well.
    """
    last = len(imaging.bands) - 1
    if last == 0:
        return (0,)
    between = imaging.bands.index(imaging.reference_band)
    return 0, between if 0 < between < last else (last + 1) // 2, last


def colour(image: NDArray[np.floating], imaging: Imaging) -> NDArray[np.float64]:
    """Colour composite, or grey where there is one band (Lupton et al. 2004, PASP 116, 133, eq. 2).

    Parameters
    ----------
    image : ndarray, shape (band, y, x)
        Nanomaggies per pixel.
    imaging : Imaging
        Which bands are shown, see `shown_bands`; stamps of finer pixels are as bright as those of coarser ones.

    Returns
    -------
    ndarray, shape (y, x, 3)
        Red, green, blue in 0 to 1. The same flux always gives the same colour, so panels can be compared.
    """
    shown = image[list(shown_bands(imaging))] * (_SIDE_ARCSEC / imaging.pixel_scale_arcsec) ** 2
    weight = BAND_WEIGHT if len(shown) == len(BAND_WEIGHT) else BAND_WEIGHT[1:2]
    weighted = np.maximum(shown * np.reshape(weight, (-1, 1, 1)) + OFFSET, 0.0)
    mean = weighted.mean(axis=0)
    stretched = np.arcsinh(SOFTENING * mean) / np.sqrt(SOFTENING)
    factor = np.divide(stretched, mean, out=np.zeros_like(mean), where=mean > 0)
    composite: NDArray[np.float64] = np.clip(np.moveaxis((weighted * factor)[::-1], 0, -1), 0.0, 1.0)
    return np.broadcast_to(composite, (*composite.shape[:2], len(BAND_WEIGHT)))


def spread_over(values: NDArray[np.floating], n: int) -> NDArray[np.intp]:
    """Choose at most n entries at evenly spaced ranks of `values`, ascending, so that they cover its range.

    Parameters
    ----------
    values : ndarray, shape (m,)
        For example Einstein radii. NaN is left out.
    n : int
        How many.

    Returns
    -------
    ndarray
        Indices into `values`.
    """
    finite = np.flatnonzero(np.isfinite(values))
    order = finite[np.argsort(values[finite], kind="stable")]
    ranks = np.unique(np.linspace(0, max(len(order) - 1, 0), min(n, len(order))).round().astype(int))
    chosen: NDArray[np.intp] = order[ranks]
    return chosen


def pair_title(theta_e_arcsec: float, arc_snr: float) -> str:
    """Title of a pair: Einstein radius in arcsec and S/N of the arc."""
    return f"$\\theta_\\mathrm{{E}}$ = {theta_e_arcsec:.2f}\u2033,  S/N = {arc_snr:{',.0f' if arc_snr >= 10 else '.1f'}}"


def contact_sheet(
    stamps: NDArray[np.floating],
    controls: NDArray[np.floating],
    arcs: NDArray[np.floating],
    titles: Sequence[str],
    imaging: Imaging,
) -> Figure:
    """Stamp, control and arc of each pair side by side, with one stretch for all.

    Parameters
    ----------
    stamps, controls, arcs : ndarray, shape (n, band, y, x)
        Nanomaggies per pixel; n >= 1. See `spread_over` for choosing them.
    titles : sequence of str
        One a pair, see `pair_title`.
    imaging : Imaging
        Of the stamps.

    Returns
    -------
    Figure
        +x (west on survey images) to the right, +y (north) up.
    """
    if not len(stamps) == len(controls) == len(arcs) == len(titles) > 0:
        raise ArcgateError(
            f"{len(stamps)} stamps, {len(controls)} controls, {len(arcs)} arcs, {len(titles)} titles",
            where="contact sheet",
            todo="give as many of each, at least one",
        )
    blocks = min(3, 1 + (len(stamps) - 1) // 4)
    rows = -(-len(stamps) // blocks)
    close = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.03, wspace=0.0, hspace=0.0)
    figure = Figure(figsize=(blocks * 3 * _PANEL_INCH + (blocks - 1) * 0.3, rows * (_PANEL_INCH + 0.27) + 0.1), layout=close)
    parts = figure.subfigures(rows, blocks, squeeze=False, wspace=0.04 if blocks > 1 else 0.0)
    for index, title in enumerate(titles):
        part = parts[index // blocks, index % blocks]
        part.suptitle(title, fontsize=TEXT)
        for axes, name, image in zip(part.subplots(1, 3), PANELS, (stamps, controls, arcs), strict=True):
            _panel(axes, colour(image[index], imaging), name if index < blocks else None)
            if index == 0 and name == "stamp":
                _scale_bar(axes, imaging)
    return figure


def _panel(axes: Axes, composite: NDArray[np.float64], name: str | None) -> None:
    axes.imshow(composite, origin="lower", interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    if name is not None:
        axes.text(0.04, 0.96, name, transform=axes.transAxes, color="white", fontsize=SMALL, va="top")


def _scale_bar(axes: Axes, imaging: Imaging) -> None:
    length = _BAR_ARCSEC / imaging.pixel_scale_arcsec
    left, height, words = (part * imaging.size_pix for part in _BAR_PLACE)
    axes.plot([left, left + length], [height, height], color="white", linewidth=2)
    axes.text(left + length / 2, words, f"{_BAR_ARCSEC:g}\u2033", color="white", fontsize=SMALL, ha="center", va="bottom")
    axes.set_xlim(-0.5, imaging.size_pix - 0.5)
    axes.set_ylim(-0.5, imaging.size_pix - 0.5)
