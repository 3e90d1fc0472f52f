"""The view of numpy's arrays, for gates: the same code as for a network's tensors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from arcgate.views.planes import Stamps
from arcgate.views.tensors import tensor_of
from arcgate.views.view import Viewer

if TYPE_CHECKING:
    from arcgate.imaging import Imaging
    from arcgate.variant import View

Floats = NDArray[np.float32]
Centres = NDArray[np.float64]


@dataclass(frozen=True)
class ArrayViewer:
    """`Viewer` with arrays in the place of tensors; parameters, values and errors are its own.

    Parameters
    ----------
    view : View
    imaging : Imaging
        Of the stamps.
    """

    view: View
    imaging: Imaging

    def __post_init__(self) -> None:
        """Refuse a view that lacks constants for these bands."""
        _ = self.viewer

    @cached_property
    def viewer(self) -> Viewer:
        """The view of tensors."""
        return Viewer(self.view, self.imaging)

    def __call__(self, image: Floats, x_pix: Centres, y_pix: Centres, sky: Floats | None = None) -> Floats:
        """The input of a network, float32 (n, channels, y, x)."""
        seen: Floats = self.viewer(stamps_of(image, x_pix, y_pix, sky)).numpy()
        return seen

    def shown(self, image: Floats, x_pix: Centres, y_pix: Centres, control: Floats | None = None) -> Floats:
        """All planes, (n, channels, y, x), nanomaggies per pixel; the very array where the stamp is all that is shown."""
        if self.view.planes == ("stamp",):
            return image
        planes: Floats = self.viewer.shown(stamps_of(image, x_pix, y_pix, control=control)).numpy()
        return planes

    def scalable(self, image: Floats, x_pix: Centres, y_pix: Centres) -> NDArray[np.bool_]:
        """Which stamps have a spread to normalise by in every band, bool (n,)."""
        good: NDArray[np.bool_] = self.viewer.scalable(stamps_of(image, x_pix, y_pix)).numpy()
        return good

    def normaliser(self, image: Floats, x_pix: Centres, y_pix: Centres, sky: Floats | None = None) -> tuple[Floats, Floats]:
        """Centre and scale of each stamp and band, float32 (n, band)."""
        centre, scale = self.viewer.normaliser(stamps_of(image, x_pix, y_pix, sky))
        return centre.numpy(), scale.numpy()

    def apply(self, shown: Floats, centre: Floats, scale: Floats) -> Floats:
        """Planes, or a cut of them, normalised by given statistics and stretched."""
        seen: Floats = self.viewer.apply(tensor_of(shown), tensor_of(centre), tensor_of(scale)).numpy()
        return seen

    def masked(self, image: Floats, x_pix: Centres, y_pix: Centres, radius_pix: float, sky: Floats | None = None) -> Floats:
        """The input with the core taken out."""
        seen: Floats = self.viewer.masked(stamps_of(image, x_pix, y_pix, sky), radius_pix).numpy()
        return seen


def stamps_of(image: Floats, x_pix: Centres, y_pix: Centres, sky: Floats | None = None, control: Floats | None = None) -> Stamps:
    """Arrays as a view takes them, in the same memory."""
    rest = [None if each is None else tensor_of(each) for each in (sky, control)]
    return Stamps(tensor_of(image), tensor_of(np.asarray(x_pix, float)), tensor_of(np.asarray(y_pix, float)), *rest)
