"""What the figures share: colours, sizes, and writing to a file."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

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
SOFT: Final = "#555555"
SERIES: Final = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)

# A figure of 9 inches is shown 700 pixels wide or more (the report, MLflow's page of a run): its smallest text is then 7.5 pt.
SMALL: Final = 9.4
TEXT: Final = 10.5
TITLE: Final = 11.5
WIDEST_INCH: Final = 9.0
DPI: Final = 150
DIGEST_SHOWN: Final = 12
_CAPTION_LINE_INCH: Final = 0.2
_CAPTION_EDGE_INCH: Final = 0.06
_CHARACTERS_PER_INCH: Final = 13.0


def new_figure(width_inch: float, height_inch: float) -> Figure:
    """Make a figure without pyplot's global state, laid out so that labels do not overlap."""
    # Letters are as wide as whole pixels allow: a layout that was found at another resolution would cut them off at the edge.
    return Figure(figsize=(width_inch, height_inch), dpi=DPI, layout="constrained")


def tidy(axes: Axes) -> None:
    """Light grid, readable ticks, no frame on top and right."""
    axes.grid(True, color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=SMALL)
    axes.spines[["top", "right"]].set_visible(False)


def caption_of(name: str, data_digest: str) -> str:
    """Whose figure it is: the variant's or data set's name, and as much of the data digest as is typed."""
    return f"{name}, data {data_digest[:DIGEST_SHOWN]}"


def save(figure: Figure, path: str | Path, caption: str = "") -> Path:
    """Write a figure; a reader sees the old file or the new one, never half of one.

    Parameters
    ----------
    figure : Figure
        From a function of this package. It stays as it is: the report shows the same figure without the caption.
    path : str or Path
        File to write; its ending (.png, .pdf, .svg) decides the format. Its folder is made if it is missing.
    caption : str
        Written above the figure, in as many lines as it needs; the file becomes so much higher. See `caption_of`.

    Returns
    -------
    Path
        The file.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    width, height = figure.get_size_inches()
    lines = textwrap.wrap(caption, int(width * _CHARACTERS_PER_INCH))
    room = len(lines) * _CAPTION_LINE_INCH + (_CAPTION_EDGE_INCH if lines else 0.0)
    words = figure.text(
        _CAPTION_EDGE_INCH / width, 1.0, "\n".join(lines), fontsize=SMALL, color=SOFT, va="bottom", in_layout=False
    )
    try:
        with atomically(target) as unfinished:
            whole = Bbox([[0.0, 0.0], [width, height + room]])
            form = target.suffix.removeprefix(".")
            figure.savefig(unfinished, format=form, dpi=DPI, facecolor="white", bbox_inches=whole, pad_inches=0.0)
    finally:
        words.remove()
    return target
