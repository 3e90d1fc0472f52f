"""Mean difference of stamps and controls, where a leak would show."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import AsinhNorm
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from arcgate.dataset.schema import BANDS, STAMP_SIZE
from arcgate.figures.style import BLACK, SMALL, TEXT, TITLE, new_figure

CORE_RADIUS_PIX: Final = 5.0
BOX_PIX: Final = 10
OUTER_RADIUS_PIX: Final = 20.0
CENTRE_PIX: Final = (STAMP_SIZE - 1) / 2
_LINEAR_SHARE: Final = 0.003


def core_difference(difference: NDArray[np.floating], n_pairs: int) -> Figure:
    """Map of the mean of stamp minus control in each band, with the core's circle (r = 5 px) and box (10 x 10 px).

    Parameters
    ----------
    difference : ndarray, shape (3, 64, 64)
        Mean over pairs, bands g, r, z, nanomaggies per pixel.
    n_pairs : int
        Pairs in the mean.

    Returns
    -------
    Figure
        One colour scale for the three bands: linear near zero, logarithmic beyond, so that a pedestal shows beside a core.
    """
    largest = float(np.abs(difference).max()) or 1.0
    linear_width = _LINEAR_SHARE * largest
    norm = AsinhNorm(linear_width=linear_width, vmin=-largest, vmax=largest)
    figure = new_figure(11.0, 4.3)
    figure.suptitle(f"mean of stamp \u2212 control over {n_pairs:,} pairs", fontsize=TITLE)
    panels = figure.subplots(1, len(BANDS), sharey=True)
    for axes, band, values in zip(panels, BANDS, difference, strict=True):
        drawn = axes.imshow(values, origin="lower", cmap="RdBu_r", norm=norm, interpolation="nearest")
        _outlines(axes)
        axes.set_title(_caption(band, values), fontsize=TEXT)
        axes.set_xlabel("x [pixel]", fontsize=TEXT)
        axes.tick_params(labelsize=SMALL)
    panels[0].set_ylabel("y [pixel]", fontsize=TEXT)
    bar = figure.colorbar(drawn, ax=list(panels), shrink=0.85, pad=0.01)
    bar.set_label("nanomaggies per pixel", fontsize=TEXT)
    # Symmetric decades down to where the scale turns linear: closer ticks would overlap at zero.
    decades = 10.0 ** np.arange(np.floor(np.log10(linear_width)) + 1, np.log10(largest) + 1e-9)
    bar.set_ticks([*-decades[::-1], 0.0, *decades])
    bar.ax.minorticks_off()
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: "0" if value == 0 else f"{value:.0e}"))
    bar.ax.tick_params(labelsize=SMALL)
    return figure


def _outlines(axes: Axes) -> None:
    corner = CENTRE_PIX - BOX_PIX / 2
    axes.add_patch(Circle((CENTRE_PIX, CENTRE_PIX), CORE_RADIUS_PIX, fill=False, color=BLACK, linewidth=1.2))
    axes.add_patch(Rectangle((corner, corner), BOX_PIX, BOX_PIX, fill=False, color=BLACK, linewidth=1.2, linestyle="--"))


def _caption(band: str, values: NDArray[np.floating]) -> str:
    y, x = np.indices(values.shape)
    radius = np.hypot(x - CENTRE_PIX, y - CENTRE_PIX)
    core, outer = values[radius < CORE_RADIUS_PIX].mean(), values[radius >= OUTER_RADIUS_PIX].mean()
    return f"{band}:  {core:.2e} at r < {CORE_RADIUS_PIX:g} px\n{outer:.2e} at r \u2265 {OUTER_RADIUS_PIX:g} px"
