"""Places for names in a figure, so that none lies on another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from numpy.typing import NDArray

from arcgate.figures.style import BLACK, SOFT

Boxes: TypeAlias = NDArray[np.float64]
_NEAREST_POINTS: Final = 7.0
_STEP_POINTS: Final = 5.0
_STEPS: Final = 60
_ANGLES: Final = 24
_POINTS_AN_INCH: Final = 72.0
_NEXT_TO_NOTHING: Final = 1e-9
_ACROSS: Final[dict[float, Literal["left", "center", "right"]]] = {0.0: "left", 0.5: "center", 1.0: "right"}
_UPWARD: Final[dict[float, Literal["bottom", "center", "top"]]] = {0.0: "bottom", 0.5: "center", 1.0: "top"}


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places as near to those wanted as a gap between neighbours and two ends allow, in the same order.

    Parameters
    ----------
    wanted : sequence of float
        In any order.
    gap : float
        Least distance; smaller where there is no room for it.
    low, high : float
        Ends.
    """
    if not len(wanted):
        return []
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    order = np.argsort(wanted, kind="stable")
    steps = gap * np.arange(len(order))
    placed = np.maximum.accumulate(np.maximum(np.asarray(wanted)[order], low) - steps) + steps
    placed = np.minimum(placed, high - steps[::-1])
    places = np.empty(len(order))
    places[order] = placed
    return [float(place) for place in places]


def name_points(axes: Axes, points: Sequence[tuple[float, float]], names: Sequence[str], taken: Boxes, size: float) -> int:
    """Write a name beside each point, where it covers no point, no other name and no other name's line.

    Parameters
    ----------
    axes : Axes
        Of a figure that is laid out and will not be laid out again.
    points : sequence of (float, float)
        In data coordinates.
    names : sequence of str
        One a point.
    taken : ndarray, shape (n, 4)
        Left, lower, right and upper end of what must stay free, the markers, in pixels.
    size : float
        Of the letters, points.

    Returns
    -------
    int
        How many names found no place, and are not written.
    """
    page = _Page(axes, taken, [], [])
    lost = 0
    for point, name in zip(points, names, strict=True):
        label = axes.annotate(
            name, point, (0.0, 0.0), textcoords="offset points", fontsize=size, color=BLACK, annotation_clip=False
        )
        # Lines that cross names are better than no name.
        if not (page.place(label, crossing=False) or page.place(label, crossing=True)):
            label.remove()
            lost += 1
    return lost


@dataclass(frozen=True)
class _Page:
    """What is drawn so far, in pixels; a box is left, lower, right and upper end, a line its two ends."""

    axes: Axes
    markers: Boxes
    names: list[Boxes]
    lines: list[Boxes]

    def place(self, label: Annotation, crossing: bool) -> bool:
        """Move a name to the nearest free place, with a thin line to its point where that is not beside it."""
        assert self.axes.figure is not None  # it is drawn in one
        pixel = self.axes.figure.dpi / _POINTS_AN_INCH
        extent = label.get_window_extent()
        start = self.axes.transData.transform(label.xy)
        for distance, right, up in _offsets():
            tip = start + np.array([right, up]) * pixel
            across = 0.0 if right > 0.3 * distance else 1.0 if right < -0.3 * distance else 0.5
            upward = 0.5 if abs(up) < 0.5 * distance else 0.0 if up > 0 else 1.0
            corner = tip - (across * extent.width, upward * extent.height)
            box = np.array([*corner, corner[0] + extent.width, corner[1] + extent.height])
            if self._is_free(box, np.array([*start, *tip]), crossing):
                label.set_position((right, up))
                label.set_horizontalalignment(_ACROSS[across])
                label.set_verticalalignment(_UPWARD[upward])
                self._keep(box, np.array([*start, *tip]), with_line=distance > _NEAREST_POINTS)
                return True
        return False

    def _keep(self, box: Boxes, line: Boxes, with_line: bool) -> None:
        self.names.append(box)
        if with_line:
            self.lines.append(line)
            ends = self.axes.transData.inverted().transform(line.reshape(2, 2))
            self.axes.plot(*ends.T, color=SOFT, linewidth=0.6, zorder=1.5, scalex=False, scaley=False)

    def _is_free(self, box: Boxes, line: Boxes, crossing: bool) -> bool:
        whole = self.axes.bbox
        if not (whole.x0 <= box[0] and box[2] <= whole.x1 and whole.y0 <= box[1] and box[3] <= whole.y1):
            return False
        names = np.reshape(self.names, (-1, 4))
        occupied = np.concatenate([self.markers, names])
        if ((occupied[:, :2] < box[2:]) & (occupied[:, 2:] > box[:2])).all(axis=1).any():
            return False
        if crossing:
            return True
        of_others = ~((self.markers[:, :2] < line[:2]) & (self.markers[:, 2:] > line[:2])).all(axis=1)
        lines = np.reshape(self.lines, (-1, 4))
        return not (_cross(line, np.concatenate([names, self.markers[of_others]])).any() or _cross(lines, box).any())


def _cross(lines: Boxes, boxes: Boxes) -> NDArray[np.bool_]:
    """Whether lines cross boxes (Liang & Barsky 1984): of one against many, or many against one."""
    start, step = lines[..., :2], lines[..., 2:] - lines[..., :2]
    step = np.where(step == 0.0, _NEXT_TO_NOTHING, step)
    ends = np.stack([(boxes[..., :2] - start) / step, (boxes[..., 2:] - start) / step])
    enters, leaves = ends.min(axis=0).max(axis=-1), ends.max(axis=0).min(axis=-1)
    crossed: NDArray[np.bool_] = (enters < leaves) & (leaves > 0.0) & (enters < 1.0)
    return crossed


def _offsets() -> Iterator[tuple[float, float, float]]:
    """Distances from near to far with their parts in x and y, points; to the right first."""
    for step in range(_STEPS):
        distance = _NEAREST_POINTS + step * _STEP_POINTS
        for turn in range(_ANGLES):
            angle = (turn + 1) // 2 * (-1) ** turn * 2 * math.pi / _ANGLES
            yield distance, distance * math.cos(angle), distance * math.sin(angle)
