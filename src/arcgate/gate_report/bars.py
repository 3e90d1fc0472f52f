"""Small bars in tables: an interval against its margin."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

WIDTH: Final = 132
HEIGHT: Final = 20
_MIDDLE: Final = HEIGHT / 2
_PAD: Final = 6
_ROOM: Final = 1.12


def interval_bar(
    value: float, low: float | None, high: float | None, null: float, margin: float, look: str, described: str
) -> Markup:
    """Draw a value with its interval over its margin, with the null value in the middle.

    Parameters
    ----------
    value, low, high : float
        In the unit of `null`; without an interval `low` and `high` are None.
    null, margin : float
        The margin reaches from null - margin to null + margin; 0 draws none.
    look : str
        CSS class, the status.
    described : str
        The same in words, for readers who do not see it.

    Returns
    -------
    Markup
        An SVG of `WIDTH` x `HEIGHT`. Its range is chosen so that interval and margin fit.
    """
    ends = [end for end in (low, high) if end is not None]
    half = _ROOM * max([2.0 * margin, *(abs(end - null) for end in (value, *ends))]) or 1.0
    scale = (WIDTH / 2 - _PAD) / half

    def place(number: float) -> str:
        return f"{WIDTH / 2 + (number - null) * scale:.1f}"

    parts = [f'<line class="axis" x1="0" x2="{WIDTH}" y1="{_MIDDLE:g}" y2="{_MIDDLE:g}"/>']
    if margin > 0:
        parts.append(
            f'<rect class="margin" x="{place(null - margin)}" y="2" width="{2 * margin * scale:.1f}" height="{HEIGHT - 4}"/>'
        )
    parts.append(f'<line class="null" x1="{place(null)}" x2="{place(null)}" y1="1" y2="{HEIGHT - 1}"/>')
    if len(ends) == 2:
        parts.append(f'<line class="interval" x1="{place(ends[0])}" x2="{place(ends[1])}" y1="{_MIDDLE:g}" y2="{_MIDDLE:g}"/>')
    parts.append(f'<circle class="value" cx="{place(value)}" cy="{_MIDDLE:g}" r="3.6"/>')
    frame = Markup('<svg class="bar {}" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">').format(
        look, WIDTH, HEIGHT, WIDTH, HEIGHT, described
    )
    # The parts hold numbers only.
    return frame + Markup("".join(parts)) + Markup("</svg>")
