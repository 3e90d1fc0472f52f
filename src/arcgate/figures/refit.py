"""The refit of the injection: each quantity with its interval, in units of its margin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matplotlib.figure import Figure

from arcgate.figures.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, SMALL, TEXT, VERMILLION, new_figure
from arcgate.gates.core.result import RefitParameter

# Colour and marker of the bands in their order, and what the markers are called; more bands begin anew.
_LOOKS: Final = (
    (GREEN, "^", "triangles"),
    (VERMILLION, "o", "circles"),
    (BLUE, "s", "squares"),
    (PURPLE, "p", "pentagons"),
    (ORANGE, "*", "stars"),
    (SKY, "P", "crosses"),
)
_ALL_BANDS: Final = (BLACK, "D", "diamonds")
_ALL: Final = "all"
_QUANTITIES: Final = {
    "flux": "flux",
    "psf_width": "width of the PSF",
    "psf_wings": "wings of the PSF",
    "core_pedestal": "pedestal in the core",
    "shift_x": "shift in x",
    "shift_y": "shift in y",
    "einstein_radius": "Einstein radius",
    "geometry": "scale of lens and source",
    "magnification": "scale of the image",
    "noise": "added noise",
}
_MARGIN_COLOUR: Final = "#DCEBF5"
_FARTHEST: Final = 5.0
_NEAREST: Final = 1.6


def refit_chart(measured: Sequence[RefitParameter]) -> Figure:
    """Chart of the refit, a row a quantity and band.

    Parameters
    ----------
    measured : sequence of RefitParameter
        At least one.

    Returns
    -------
    Figure
        0 is the value in a sound data set and the coloured band its margin. What lies more than five margins away is an
        arrow at the edge; the figures stand at the right.
    """
    figure = new_figure(7.2, 0.9 + 0.27 * len(measured))
    axes = figure.subplots()
    edge = _edge(measured)
    axes.axvspan(-1.0, 1.0, color=_MARGIN_COLOUR, zorder=0)
    axes.axvline(0.0, color=BLACK, linewidth=0.9, zorder=1)
    looks = _looks(measured)
    for row, one in enumerate(measured):
        _draw_row(figure, row, one, edge, looks[one.band])
    axes.set_xlim(-edge, edge)
    axes.set_ylim(len(measured) - 0.4, -0.6)
    axes.set_yticks(range(len(measured)), [f"{quantity_words(one.name)}, {_band(one.band)}" for one in measured], fontsize=SMALL)
    axes.tick_params(axis="y", length=0, pad=7)
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_xlabel("distance from the sound value, in margins", fontsize=TEXT)
    return figure


def marker_words(measured: Sequence[RefitParameter]) -> str:
    """Which marker of the chart stands for which band."""
    looks = _looks(measured)
    said = [f"{look[2]} {'' if place else 'are '}{_band(band)}" for place, (band, look) in enumerate(looks.items())]
    return ", ".join(said).capitalize()


def _looks(measured: Sequence[RefitParameter]) -> dict[str, tuple[str, str, str]]:
    """The look of each band, in the order in which they come up; all bands together last."""
    bands = list(dict.fromkeys(one.band for one in measured))
    looks = {band: _LOOKS[place % len(_LOOKS)] for place, band in enumerate(band for band in bands if band != _ALL)}
    return looks | ({_ALL: _ALL_BANDS} if _ALL in bands else {})


def quantity_words(name: str) -> str:
    """A quantity of the refit in words."""
    return _QUANTITIES.get(name, name.replace("_", " "))


def _draw_row(figure: Figure, row: int, one: RefitParameter, edge: float, look: tuple[str, str, str]) -> None:
    (axes,) = figure.axes
    colour, marker, _ = look
    low, value, high = (_in_margins(one, number) for number in (one.low, one.value, one.high))
    axes.plot([max(low, -edge), min(high, edge)], [row, row], color=colour, linewidth=2.2, solid_capstyle="butt", zorder=3)
    if abs(value) < edge:
        axes.plot(value, row, color=colour, marker=marker, markersize=6, zorder=4)
    else:
        axes.plot(
            edge if value > 0 else -edge,
            row,
            color=colour,
            marker=">" if value > 0 else "<",
            markersize=8,
            clip_on=False,
            zorder=4,
        )
    text = f"{one.value:.3g} [{one.low:.3g}, {one.high:.3g}] {one.unit}"
    axes.annotate(text, (1.06, row), xycoords=("axes fraction", "data"), fontsize=SMALL, va="center", color=BLACK)


def _edge(measured: Sequence[RefitParameter]) -> float:
    """Half the range shown, in margins."""
    farthest = max(abs(_in_margins(one, bound)) for one in measured for bound in (one.low, one.high))
    return min(max(1.08 * farthest, _NEAREST), _FARTHEST)


def _in_margins(one: RefitParameter, number: float) -> float:
    return (number - one.null) / one.margin


def _band(band: str) -> str:
    return "all bands" if band == _ALL else band
