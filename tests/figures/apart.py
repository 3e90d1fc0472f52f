"""Whether the words of a figure can be read."""

from __future__ import annotations

from itertools import combinations

from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text

LEAST_POINTS = 7.0


def words_of(figure: Figure) -> list[Text]:
    """Every text that is shown, of a figure that was drawn."""
    found = [artist for artist in figure.findobj(Text) if isinstance(artist, Text) and artist.get_text().strip()]
    beyond = {id(label) for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for label in _beyond(axis)}
    return [word for word in found if word.get_visible() and id(word) not in beyond and word.get_window_extent().width]


def _beyond(axis: Axis) -> list[Text]:
    """Labels of ticks beyond the ends of an axis, which are never drawn."""
    low, high = sorted(axis.get_view_interval())
    ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
    return [label for tick in ticks if not low <= tick.get_loc() <= high for label in (tick.label1, tick.label2)]


def assert_words_apart(figure: Figure) -> None:
    """No word lies on another, none is cut off at the edge, none is smaller than 7 pt."""
    figure.draw_without_rendering()
    words = words_of(figure)
    assert words
    for one, other in combinations(words, 2):
        # Boxes have room for accents and descenders: words that touch by a pixel or two do not touch.
        first, second = one.get_window_extent().padded(-1.5), other.get_window_extent().padded(-1.5)
        assert not first.overlaps(second), f"{one.get_text()!r} lies on {other.get_text()!r}"
    width, height = figure.bbox.size
    for word in words:
        box = word.get_window_extent()
        assert box.x0 >= -1, f"{word.get_text()!r} is cut off at the left"
        assert box.x1 <= width + 1, f"{word.get_text()!r} is cut off at the right"
        assert box.y0 >= -1, f"{word.get_text()!r} is cut off below"
        assert box.y1 <= height + 1, f"{word.get_text()!r} is cut off above"
        assert word.get_fontsize() >= LEAST_POINTS, word.get_text()
