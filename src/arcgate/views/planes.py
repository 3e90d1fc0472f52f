"""What a network may be given of a stamp: the stamp itself, its galaxy without the arc, or what is left without the galaxy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from torch import Tensor

from arcgate.ground.errors import ArcgateError
from arcgate.views.profile import azimuthal_residual
from arcgate.views.turned import rotation_residual

if TYPE_CHECKING:
    from arcgate.variant import PlaneName, View

Symmetry = Literal["round", "even"]
"""Of light about a galaxy's centre: the same all around, the same after half a turn."""


@dataclass(frozen=True)
class Stamps:
    """Stamps as a view takes them.

    Attributes
    ----------
    image : Tensor of float32, shape (n, band, y, x)
        Nanomaggies per pixel.
    x_pix, y_pix : Tensor of float64, shape (n,)
        True centre of the host, 0-based pixels.
    sky : Tensor of float32, shape (n, band), or None
        Standard deviation of the sky, nanomaggies per pixel; for views that divide by it.
    control : Tensor of float32, shape of `image`, or None
        The control of each stamp's pair, for inputs that need it; of a control, itself.
    """

    image: Tensor
    x_pix: Tensor
    y_pix: Tensor
    sky: Tensor | None = None
    control: Tensor | None = None


@dataclass(frozen=True)
class Plane:
    """A part of an input: as many channels as there are bands.

    Attributes
    ----------
    make : callable
        From stamps to (n, band, y, x), nanomaggies per pixel.
    removes : frozenset of {'round', 'even'}
        Light of this symmetry is not in it, whatever class it belongs to.
    holds_sky : bool
        Whether the level of the sky is still in it, which a view takes away.
    needs_control : bool
        Whether the stamp's true control is needed: there is none for a real image.
    """

    make: Callable[[Stamps], Tensor]
    removes: frozenset[Symmetry] = frozenset()
    holds_sky: bool = False
    needs_control: bool = False


# Functions with names: a view goes to other processes with its planes.
def _stamp(stamps: Stamps) -> Tensor:
    return stamps.image


def _control(stamps: Stamps) -> Tensor:
    if stamps.control is None:
        raise ArcgateError(
            "this input shows each stamp beside its true control, and these stamps have none",
            where="view.planes",
            todo="take an input that any stamp has: view/input=stamp, azimuthal_residual or rotation_residual",
        )
    return stamps.control


def _residual(stamps: Stamps) -> Tensor:
    return stamps.image - _control(stamps)


def _azimuthal_residual(stamps: Stamps) -> Tensor:
    return azimuthal_residual(stamps.image, stamps.x_pix, stamps.y_pix)


def _rotation_residual(stamps: Stamps) -> Tensor:
    return rotation_residual(stamps.image, stamps.x_pix, stamps.y_pix)


PLANES: Final[dict[PlaneName, Plane]] = {
    "stamp": Plane(_stamp, holds_sky=True),
    "control": Plane(_control, holds_sky=True, needs_control=True),
    "residual": Plane(_residual, needs_control=True),
    "azimuthal_residual": Plane(_azimuthal_residual, removes=frozenset({"round"})),
    "rotation_residual": Plane(_rotation_residual, removes=frozenset({"round", "even"})),
}


def removed_by(view: View) -> frozenset[Symmetry]:
    """Symmetries of light that no plane of an input shows: a leak that has one is not there for the network."""
    return frozenset.intersection(*(PLANES[name].removes for name in view.planes))
