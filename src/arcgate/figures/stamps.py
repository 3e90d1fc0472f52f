"""Contact sheet: pairs and their arcs in colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from arcgate.dataset.schema import PIXEL_SCALE_ARCSEC, STAMP_SIZE
from arcgate.figures.style import SMALL, TEXT
from arcgate.ground.errors import ArcgateError

# Weights, offset and softening of the Legacy Surveys sky viewer for images in nanomaggies per pixel.
BAND_WEIGHT: Final = (6.0, 3.4, 2.2)
OFFSET: Final = 0.03
SOFTENING: Final = 20.0
PANELS: Final = ("stamp", "control", "arc")
_PANEL_INCH: Final = 1.35
_BAR_ARCSEC: Final = 5.0


def colour(image: NDArray[np.floating]) -> NDArray[np.float64]:
    """Colour composite with z as red, r as green and g as blue (Lupton et al. 2004, PASP 116, 133, eq. 2).

    Parameters
    ----------
    image : ndarray, shape (3, y, x)
        Bands g, r, z, nanomaggies per pixel.

    Returns
    -------
    ndarray, shape (y, x, 3)
        Red, green, blue in 0 to 1. The same flux always gives the same colour, so panels can be compared.
    """
    weighted = np.maximum(image * np.reshape(BAND_WEIGHT, (3, 1, 1)) + OFFSET, 0.0)
    mean = weighted.mean(axis=0)
    stretched = np.arcsinh(SOFTENING * mean) / np.sqrt(SOFTENING)
    factor = np.divide(stretched, mean, out=np.zeros_like(mean), where=mean > 0)
    composite: NDArray[np.float64] = np.clip(np.moveaxis((weighted * factor)[::-1], 0, -1), 0.0, 1.0)
    return composite


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
    stamps: NDArray[np.floating], controls: NDArray[np.floating], arcs: NDArray[np.floating], titles: Sequence[str]
) -> Figure:
    """Stamp, control and arc of each pair side by side, with one stretch for all.

    Parameters
    ----------
    stamps, controls, arcs : ndarray, shape (n, 3, 64, 64)
        Bands g, r, z, nanomaggies per pixel; n >= 1. See `spread_over` for choosing them.
    titles : sequence of str
        One a pair, see `pair_title`.

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
            _panel(axes, image[index], name if index < blocks else None)
            if index == 0 and name == "stamp":
                _scale_bar(axes)
    return figure


def _panel(axes: Axes, image: NDArray[np.floating], name: str | None) -> None:
    axes.imshow(colour(image), origin="lower", interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    if name is not None:
        axes.text(0.04, 0.96, name, transform=axes.transAxes, color="white", fontsize=SMALL, va="top")


def _scale_bar(axes: Axes) -> None:
    length = _BAR_ARCSEC / PIXEL_SCALE_ARCSEC
    axes.plot([3, 3 + length], [4, 4], color="white", linewidth=2)
    axes.text(3 + length / 2, 6, f"{_BAR_ARCSEC:g}\u2033", color="white", fontsize=SMALL, ha="center", va="bottom")
    axes.set_xlim(-0.5, STAMP_SIZE - 0.5)
    axes.set_ylim(-0.5, STAMP_SIZE - 0.5)
