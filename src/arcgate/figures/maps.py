"""Mean difference of stamps and controls, where a leak would show."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import AsinhNorm
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from arcgate.figures.style import BLACK, SMALL, SOFT, TEXT, TITLE, new_figure
from arcgate.imaging import Imaging

# 20 of the 32 pixels of half a published stamp.
OUTER: Final = 20 / 32
# The published box is pixels, whatever their scale.
BOX_PIX: Final = 10
_PANELS_A_ROW: Final = 3
_LINEAR_SHARE: Final = 0.003


def core_difference(difference: NDArray[np.floating], n_pairs: int, imaging: Imaging) -> Figure:
    """Map of the mean of stamp minus control in each band, with the core's circle (1.31 arcsec) and box (10 x 10 px).

    Parameters
    ----------
    difference : ndarray, shape (band, y, x)
        Mean over pairs, nanomaggies per pixel.
    n_pairs : int
        Pairs in the mean.
    imaging : Imaging
        Of the stamps.

    Returns
    -------
    Figure
        One colour scale for all bands: linear near zero, logarithmic beyond, so that a pedestal shows beside a core.
    """
    largest = float(np.abs(difference).max()) or 1.0
    linear_width = _LINEAR_SHARE * largest
    norm = AsinhNorm(linear_width=linear_width, vmin=-largest, vmax=largest)
    columns = min(len(imaging.bands), _PANELS_A_ROW)
    rows = math.ceil(len(imaging.bands) / columns)
    figure = new_figure(1.5 + 2.5 * columns, 0.5 + 3.7 * rows)
    figure.suptitle(f"mean of stamp \u2212 control over {n_pairs:,} pairs", fontsize=TITLE)
    outlines = (f"circle: core, r < {imaging.core_pix:.3g} px", f"dashed: published box, {BOX_PIX} x {BOX_PIX} px")
    figure.supxlabel(("; " if columns > 1 else "\n").join(outlines), fontsize=TEXT, color=SOFT)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes in panels.flat[len(imaging.bands) :]:
        axes.set_axis_off()
    for axes, band, values in zip(panels.flat, imaging.bands, difference, strict=False):
        drawn = axes.imshow(values, origin="lower", cmap="RdBu_r", norm=norm, interpolation="nearest")
        _outlines(axes, imaging)
        axes.set_title(_caption(band, values, imaging), fontsize=TEXT)
        axes.set_xlabel("x [pixel]", fontsize=TEXT)
        axes.tick_params(labelsize=SMALL)
    for axes in panels[:, 0]:
        axes.set_ylabel("y [pixel]", fontsize=TEXT)
    bar = figure.colorbar(drawn, ax=panels.ravel().tolist(), shrink=0.85, pad=0.01)
    bar.set_label("nanomaggies per pixel", fontsize=TEXT)
    # Symmetric decades down to where the scale turns linear: closer ticks would overlap at zero.
    decades = 10.0 ** np.arange(np.floor(np.log10(linear_width)) + 1, np.log10(largest) + 1e-9)
    bar.set_ticks([*-decades[::-1], 0.0, *decades])
    bar.ax.minorticks_off()
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: "0" if value == 0 else f"{value:.0e}"))
    bar.ax.tick_params(labelsize=SMALL)
    return figure


def _outlines(axes: Axes, imaging: Imaging) -> None:
    centre = imaging.middle_pix
    corner = centre - BOX_PIX / 2
    axes.add_patch(Circle((centre, centre), imaging.core_pix, fill=False, color=BLACK, linewidth=1.2))
    axes.add_patch(Rectangle((corner, corner), BOX_PIX, BOX_PIX, fill=False, color=BLACK, linewidth=1.2, linestyle="--"))


def _caption(band: str, values: NDArray[np.floating], imaging: Imaging) -> str:
    y, x = np.indices(values.shape)
    radius = np.hypot(x - imaging.middle_pix, y - imaging.middle_pix)
    inner, begins = imaging.core_pix, OUTER * imaging.size_pix / 2
    core, outer = values[radius < inner].mean(), values[radius >= begins].mean()
    return f"{band}\n{core:.2e} at r < {inner:.3g} px\n{outer:.2e} at r \u2265 {begins:.3g} px"
