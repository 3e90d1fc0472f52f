"""Geometric conventions: flips and turns of everything at once, and maps of single columns of a lens and its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
Images = NDArray[np.floating]
Angle = Callable[[Array], Array]
Vector = Callable[[Array, Array], tuple[Array, Array]]

AS_IS: Final = "as declared"
_QUARTER: Final = np.pi / 2.0
# Position angles, from the x axis to the y axis.
ANGLES: Final[dict[str, Angle]] = {
    AS_IS: lambda phi: phi,
    "90 degrees more": lambda phi: phi + _QUARTER,
    "of the other sign": lambda phi: -phi,
    "from the y axis, of the other sign": lambda phi: _QUARTER - phi,
    "doubled": lambda phi: 2.0 * phi,
    "halved": lambda phi: 0.5 * phi,
}
# What each does to a shear or an ellipticity, (gamma1, gamma2).
SHEARS: Final[dict[str, Vector]] = {
    AS_IS: lambda one, two: (one, two),
    "90 degrees more": lambda one, two: (-one, -two),
    "of the other sign": lambda one, two: (one, -two),
    "from the y axis, of the other sign": lambda one, two: (-one, two),
    "components exchanged": lambda one, two: (two, one),
}
PLACES: Final[dict[str, Vector]] = {
    AS_IS: lambda x, y: (x, y),
    "x of the other sign": lambda x, y: (-x, y),
    "y of the other sign": lambda x, y: (x, -y),
    "x and y of the other sign": lambda x, y: (-x, -y),
    "x and y exchanged": lambda x, y: (y, x),
    "x and y exchanged, of the other sign": lambda x, y: (-y, -x),
    "turned by 90 degrees": lambda x, y: (-y, x),
    "turned by 270 degrees": lambda x, y: (y, -x),
}


@dataclass(frozen=True)
class Convention:
    """How a renderer with another convention reads the columns: names of maps above.

    Attributes
    ----------
    lens, source : str
        Position angles, of `ANGLES`.
    shear : str
        Of `SHEARS`.
    place : str
        Where the source is, of `PLACES`.
    """

    lens: str = AS_IS
    source: str = AS_IS
    shear: str = AS_IS
    place: str = AS_IS

    def change(self, table: pd.DataFrame) -> dict[str, Array]:
        """Columns of rows as they are read."""
        column = {name: table[name].to_numpy(np.float64) for name in _COLUMNS}
        gamma = SHEARS[self.shear](column["gamma1"], column["gamma2"])
        place = PLACES[self.place](column["source_x_arcsec"], column["source_y_arcsec"])
        angles = (ANGLES[self.lens](column["lens_phi_rad"]), ANGLES[self.source](column["source_phi_rad"]))
        return dict(zip(_COLUMNS, (*angles, *gamma, *place), strict=True))

    def in_words(self) -> str:
        """What differs from the declaration."""
        parts = {
            "position angles of lenses": self.lens,
            "position angles of sources": self.source,
            "shears": self.shear,
            "places of sources": self.place,
        }
        return ", ".join(f"{what} {how}" for what, how in parts.items() if how != AS_IS)


_COLUMNS: Final = ("lens_phi_rad", "source_phi_rad", "gamma1", "gamma2", "source_x_arcsec", "source_y_arcsec")


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


def steps(convention: Convention) -> list[Convention]:
    """Conventions that differ in one column, or in angles that are commonly mistaken together."""
    single = [
        *[replace(convention, lens=name) for name in ANGLES],
        *[replace(convention, source=name) for name in ANGLES],
        *[replace(convention, shear=name) for name in SHEARS],
        *[replace(convention, place=name) for name in PLACES],
    ]
    shared = [name for name in ANGLES if name in SHEARS and name != AS_IS]
    both = [replace(convention, lens=name, source=name) for name in ANGLES if name != AS_IS]
    both += [replace(convention, lens=name, shear=name) for name in shared]
    both += [replace(convention, lens=name, source=name, shear=name) for name in shared]
    return [step for step in dict.fromkeys([*single, *both]) if step != convention]
