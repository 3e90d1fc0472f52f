"""Contact sheet: pairs and their arcs in colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from arcgate.figures.style import BLACK, SMALL, SOFT, TEXT, new_figure
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging

# Weights (blue, green, red), offset and softening of the Legacy Surveys sky viewer, for nanomaggies per pixel of this side.
BAND_WEIGHT: Final = (6.0, 3.4, 2.2)
_SIDE_ARCSEC: Final = 0.262
OFFSET: Final = 0.03
SOFTENING: Final = 20.0
PANELS: Final = ("stamp", "control", "arc")
_MOST_BLOCKS: Final = 2
_PANEL_INCH: Final = 1.35
_TITLE_INCH: Final = 0.27
_NAMES_INCH: Final = 0.12
_HEADING_INCH: Final = 0.35
_BARS_ARCSEC: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_LONGEST_BAR: Final = 0.4
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
    """Colour composite, or grey where there is one band (Lupton et al. 2004, PASP 116, 133, eqs. 1 to 3).

    The stretch acts on the mean of the three bands, so that a colour does not depend on how bright it is. Where a band would
    leave the range, all three are divided by the largest: bright cores keep their colour, and do not turn white. Sky below zero
    is black.

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
    coloured = weighted * factor
    coloured = coloured / np.maximum(coloured.max(axis=0), 1.0)
    composite: NDArray[np.float64] = np.moveaxis(coloured[::-1], 0, -1)
    return np.broadcast_to(composite, (*composite.shape[:2], len(BAND_WEIGHT)))


def colour_words(imaging: Imaging) -> str:
    """Which band of an imaging is which colour."""
    bands = [imaging.bands[place] for place in shown_bands(imaging)]
    if len(bands) == 1:
        return f"grey: {bands[0]}"
    return ", ".join(f"{name}: {band}" for name, band in zip(("red", "green", "blue"), reversed(bands), strict=True))


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
        +x (west on survey images) to the right, +y (north) up; the bands, the stretch and the scale are stated in it.
    """
    if not len(stamps) == len(controls) == len(arcs) == len(titles) > 0:
        raise ArcgateError(
            f"{len(stamps)} stamps, {len(controls)} controls, {len(arcs)} arcs, {len(titles)} titles",
            where="contact sheet",
            todo="give as many of each, at least one",
        )
    blocks = min(_MOST_BLOCKS, 1 + (len(stamps) - 1) // 4)
    rows = -(-len(stamps) // blocks)
    close = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.03, wspace=0.0, hspace=0.0)
    heights = [_TITLE_INCH + _PANEL_INCH] * rows
    heights[0] += _NAMES_INCH
    figure = new_figure(blocks * 3 * _PANEL_INCH + (blocks - 1) * 0.3, sum(heights) + _HEADING_INCH)
    figure.set_layout_engine(close)
    figure.suptitle(f"{colour_words(imaging)}; one stretch for all", fontsize=TEXT, color=SOFT)
    parts = figure.subfigures(rows, blocks, squeeze=False, wspace=0.04 if blocks > 1 else 0.0, height_ratios=heights)
    for index, title in enumerate(titles):
        part = parts[index // blocks, index % blocks]
        part.suptitle(title, fontsize=TEXT)
        for axes, name, image in zip(part.subplots(1, 3), PANELS, (stamps, controls, arcs), strict=True):
            axes.imshow(colour(image[index], imaging), origin="lower", interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            if index < blocks:
                axes.set_title(name, fontsize=SMALL, pad=3)
            if index == 0 and name == PANELS[0]:
                _scale_bar(axes, imaging)
    return figure


def _scale_bar(axes: Axes, imaging: Imaging) -> None:
    side = imaging.size_pix * imaging.pixel_scale_arcsec
    arcsec = max((one for one in _BARS_ARCSEC if one <= _LONGEST_BAR * side), default=min(_BARS_ARCSEC))
    length = arcsec / imaging.pixel_scale_arcsec
    left, height, words = (part * imaging.size_pix for part in _BAR_PLACE)
    # Dark edges, so that it shows on bright light too.
    look: dict[str, Any] = {"color": "white", "path_effects": [withStroke(linewidth=2.5, foreground=BLACK)]}
    axes.plot([left, left + length], [height, height], linewidth=2, **look)
    axes.text(left + length / 2, words, f"{arcsec:g}\u2033", fontsize=SMALL, ha="center", va="bottom", **look)
    axes.set_xlim(-0.5, imaging.size_pix - 0.5)
    axes.set_ylim(-0.5, imaging.size_pix - 0.5)
