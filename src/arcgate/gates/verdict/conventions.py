"""Conventions of angles, signs and axes: maps of single columns of a lens and its source, and arcs that are read so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.gates.verdict.predictions import rendered_as
from arcgate.gates.verdict.scene import Scene

Array = NDArray[np.float64]
Images = NDArray[np.floating]
Angle = Callable[[Array], Array]
Vector = Callable[[Array, Array], tuple[Array, Array]]

AS_IS: Final = "as declared"
_QUARTER: Final = np.pi / 2.0
# Sources further out than this share of half the stamp may leave it when they are put elsewhere: 7 of 32 pixels of 0.262 arcsec.
_FARTHEST: Final = 7.0 / (32.0 * 0.262)
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


def read_as(scene: Scene, table: pd.DataFrame, arc: Images, convention: Convention) -> Images:
    """Arcs of rows as a renderer with another convention would have them; sources far out stay where they are.

    Parameters
    ----------
    scene : Scene
        Whose imaging and references count.
    table : DataFrame of m rows
    arc : ndarray (m, band, y, x)
        As declared.
    convention : Convention
    """
    image, imaging = arc.copy(), scene.imaging
    place = table[["source_x_arcsec", "source_y_arcsec"]].to_numpy(np.float64)
    near = np.hypot(place[:, 0], place[:, 1]) < _FARTHEST * imaging.size_pix / 2 * imaging.pixel_scale_arcsec
    if near.any():
        part = table[near].reset_index(drop=True)
        image[near] = rendered_as(part, convention.change(part), imaging, scene.references)
    return image
