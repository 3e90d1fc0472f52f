"""What the figures share: colours, sizes, and writing to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from arcgate.ground.atomic import atomically

# Colours that people with any form of colour blindness can tell apart: Okabe & Ito 2008, "Color Universal Design".
ORANGE: Final = "#E69F00"
SKY: Final = "#56B4E9"
GREEN: Final = "#009E73"
BLUE: Final = "#0072B2"
VERMILLION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"
BLACK: Final = "#222222"
GREY: Final = "#8A8A8A"
SERIES: Final = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)

TEXT: Final = 10
SMALL: Final = 8.5
TITLE: Final = 11
DPI: Final = 150


def new_figure(width_inch: float, height_inch: float) -> Figure:
    """Make a figure without pyplot's global state, laid out so that labels do not overlap."""
    return Figure(figsize=(width_inch, height_inch), layout="constrained")


def tidy(axes: Axes) -> None:
    """Light grid, readable ticks, no frame on top and right."""
    axes.grid(True, color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=SMALL)
    axes.spines[["top", "right"]].set_visible(False)


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure; a reader sees the old file or the new one, never half of one.

    Parameters
    ----------
    figure : Figure
        From a function of this package.
    path : str or Path
        File to write; its ending (.png, .pdf, .svg) decides the format. Its folder is made if it is missing.

    Returns
    -------
    Path
        The file.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomically(target) as unfinished:
        figure.savefig(unfinished, format=target.suffix.removeprefix("."), dpi=DPI, facecolor="white")
    return target
