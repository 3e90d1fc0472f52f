"""The pixels of a stamp, and the grid around it on which its light is followed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

ROOT_PIX: Final = 16
"""Side of the largest cells: what is followed around a stamp is made of whole ones."""
# What a PSF carries into the stamp from outside, how far out light that is lost is counted, and how far light beyond one side of
# the field has to stay from the other in the next period, so that only a PSF's outermost wings reach.
_BORDER_ARCSEC: Final = 4.19
_FAR_ARCSEC: Final = 25.1
_CLEAR_ARCSEC: Final = 12.4
_LARGEST_FIELD_PIX: Final = 1024
SIZES: Final = (16, 512)
"""Least and largest side of a stamp, pixels."""


@dataclass(frozen=True)
class Frame:
    """A square stamp, of even or odd size.

    Its light is transformed on an even grid, the *field*, that holds the stamp in its middle. A stamp that is a multiple of 16
    pixels and 17 arcsec wide or more is its own field. A smaller field would let light in again from the other side, since it
    repeats after two fields. Positions are pixels of the stamp wherever they are handed over.

    Attributes
    ----------
    size_pix : int
        Pixels along a side.
    pixel_scale_arcsec : float
        Side of a pixel.

    Raises
    ------
    ValueError
        A size that is not taken, or a scale that is not positive or so small that the field would be too large.
    """

    size_pix: int
    pixel_scale_arcsec: float

    def __post_init__(self) -> None:
        least, largest = SIZES
        if not isinstance(self.size_pix, int) or not least <= self.size_pix <= largest:
            raise ValueError(f"a stamp has {least} to {largest} pixels a side, got {self.size_pix}")
        if not (math.isfinite(self.pixel_scale_arcsec) and self.pixel_scale_arcsec > 0):
            raise ValueError(f"the pixel scale must be positive and finite, got {self.pixel_scale_arcsec}")
        # Compiled loops are compiled anew for another type of number.
        object.__setattr__(self, "pixel_scale_arcsec", float(self.pixel_scale_arcsec))
        if self.field_pix > _LARGEST_FIELD_PIX:
            raise ValueError(
                f"pixels of {self.pixel_scale_arcsec:g} arcsec are too small: light would be followed on a field of "
                f"{self.field_pix} of them, and {_LARGEST_FIELD_PIX} are the most"
            )

    @cached_property
    def field_pix(self) -> int:
        """Side of the field."""
        return _roots(max(self.size_pix, self.border_pix + _CLEAR_ARCSEC / self.pixel_scale_arcsec))

    @cached_property
    def first_pix(self) -> int:
        """Pixel of the field at which the stamp begins, along either axis."""
        return (self.field_pix - self.size_pix) // 2

    @cached_property
    def centre_pix(self) -> float:
        """Middle of the field, in pixels of the stamp: that of an even stamp, half a pixel beside that of an odd one."""
        return (self.field_pix - 1) / 2.0 - self.first_pix

    @cached_property
    def period_pix(self) -> int:
        """Of the transform, twice the field: an offset inside the field never meets its periodic image."""
        return 2 * self.field_pix

    @cached_property
    def border_pix(self) -> int:
        """Light up to this far outside the field is followed pixel by pixel, since the PSF carries part of it inside."""
        return _roots(_BORDER_ARCSEC / self.pixel_scale_arcsec)

    @cached_property
    def far_pix(self) -> int:
        """Light further out only counts as lost: it is followed up to this distance."""
        return _roots(_FAR_ARCSEC / self.pixel_scale_arcsec)

    @cached_property
    def largest_kernel_pix(self) -> int:
        """A larger kernel would carry light from outside in from the other side."""
        return 2 * (self.period_pix - self.field_pix - self.border_pix) + 1


def _roots(pixels: float) -> int:
    """So many pixels, rounded up to whole roots."""
    return ROOT_PIX * math.ceil(pixels / ROOT_PIX)
