"""Arcs are mirrored, turned or transposed: whole stamps about their middle, or arcs about their galaxies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.gates.verdict.bug_model import BugModel, Transformation
from arcgate.gates.verdict.conventions import AS_IS, PLACES, Convention, Vector, read_as
from arcgate.gates.verdict.shifting import shifted
from arcgate.gates.verdict.trial import Transform, Trial

Images = NDArray[np.floating]

_NAME: Final = "orientation"
# Two explanations whose light differs by less than this share of what they add predict the same pixels.
_SAME: Final = 0.02


@dataclass(frozen=True)
class Orientation:
    """A flip or turn of whole stamps.

    Attributes
    ----------
    label : str
        In words.
    pixels : callable
        Of images (..., y, x), about the middle of the stamp.
    place : callable
        The same of offsets from the middle, (x, y).
    convention : Convention
        What it does to each column: all of them together are the same as turned stamps.
    """

    label: str
    pixels: Callable[[Images], Images]
    place: Vector
    convention: Convention


def _orientation(label: str, pixels: Callable[[Images], Images], angle: str, place: str) -> Orientation:
    return Orientation(label, pixels, PLACES[place], Convention(angle, angle, angle, place))


ORIENTATIONS: Final = (
    _orientation("mirrored in x", lambda image: image[..., ::-1], "of the other sign", "x of the other sign"),
    _orientation("mirrored in y", lambda image: image[..., ::-1, :], "of the other sign", "y of the other sign"),
    _orientation("turned by 180 degrees", lambda image: image[..., ::-1, ::-1], AS_IS, "x and y of the other sign"),
    _orientation("transposed", lambda image: image.swapaxes(-1, -2), "from the y axis, of the other sign", "x and y exchanged"),
    _orientation(
        "transposed and turned by 180 degrees",
        lambda image: image.swapaxes(-1, -2)[..., ::-1, ::-1],
        "from the y axis, of the other sign",
        "x and y exchanged, of the other sign",
    ),
    _orientation(
        "turned by 90 degrees", lambda image: image.swapaxes(-1, -2)[..., ::-1], "90 degrees more", "turned by 90 degrees"
    ),
    _orientation(
        "turned by 270 degrees", lambda image: image.swapaxes(-1, -2)[..., ::-1, :], "90 degrees more", "turned by 270 degrees"
    ),
)


def _turns() -> list[Transform]:
    """Whole stamps turned about their middle, and arcs about their galaxies."""
    return [
        Transform(_NAME, f"{what} {each.label}", partial(_turned, each, what == "arcs"), partial(_single_columns, each))
        for each in ORIENTATIONS
        for what in ("stamps", "arcs")
    ]


def _turned(orientation: Orientation, about_galaxy: bool, table: pd.DataFrame, arc: Images) -> Images:
    image = orientation.pixels(arc)
    if not about_galaxy:
        return image
    middle = (image.shape[-1] - 1) / 2.0
    x, y = (table[name].to_numpy(np.float64) - middle for name in ("host_x_pix", "host_y_pix"))
    moved_x, moved_y = orientation.place(x, y)
    return shifted(image, np.stack([x - moved_x, y - moved_y], axis=1)[:, None, :], wrapped=False)


def _single_columns(orientation: Orientation, trial: Trial) -> str:
    """Single columns, read otherwise, that predict the same pixels as everything turned together, in words."""
    few, whole = trial.few, orientation.convention
    image = read_as(trial.scene, few.table, few.arc, whole)
    added = np.maximum(few.square(image - few.arc).sum(axis=1), 1e-300)
    for other in (Convention(place=whole.place), replace(whole, place=AS_IS)):
        if other in (whole, Convention()):
            continue
        apart = few.square(image - read_as(trial.scene, few.table, few.arc, other)).sum(axis=1)
        if np.median(apart / added) < _SAME:
            return other.in_words()
    return ""


MODEL = BugModel(
    _NAME,
    title="arcs are mirrored or turned",
    advice="Check the order of axes and the direction of x and y where stamps are read and arcs are added.",
    transformation=Transformation(lambda trial: trial.best(_turns())),
    identifiability={_NAME: ("identifiable", "identifiable", "identifiable")},
)
