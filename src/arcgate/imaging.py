"""How stamps image the sky: bands, size and scale. One value, for whoever needs it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Final, Self

from arcgate.lensing.frame import Frame

ZERO_POINT: Final = 22.5
"""Zero point of nanomaggies, in AB magnitudes."""
CORE_RADIUS_ARCSEC: Final = 1.31
"""Of the core, in which light that no arc brings tells lenses most easily: 5 pixels of the Legacy Surveys."""


@dataclass(frozen=True)
class Imaging:
    """Bands and pixels of stamps.

    Attributes
    ----------
    bands : tuple of str
        In the order of the images' first axis; lower case, since they end the names of columns.
    reference_band : str
        The band in which galaxies are centred and magnitudes of sources are stated.
    size_pix : int
        Pixels along a side of the square stamps.
    pixel_scale_arcsec : float
        Side of a pixel.
    zero_point : float
        AB magnitude of one count in files that are read. What arcgate holds and writes is in nanomaggies, whose zero point is
        `ZERO_POINT`.

    Raises
    ------
    ValueError
        No band, one twice, or one whose name cannot end a column's; a reference band that is none of them; a size or scale that
        `Frame` does not take; a zero point that is no number.
    """

    # A key of a configuration that is none of its own is refused.
    __pydantic_config__: ClassVar = {"extra": "forbid"}

    bands: tuple[str, ...]
    reference_band: str
    size_pix: int
    pixel_scale_arcsec: float
    zero_point: float = ZERO_POINT

    def __post_init__(self) -> None:
        odd = [band for band in self.bands if not (band.isascii() and band.isalnum() and band == band.lower())]
        if not self.bands or odd or len(set(self.bands)) != len(self.bands):
            raise ValueError(f"bands are different names in lower-case letters and digits, got {list(self.bands)}")
        if self.reference_band not in self.bands:
            raise ValueError(f"the reference band is one of {list(self.bands)}, got {self.reference_band!r}")
        if not math.isfinite(self.zero_point):
            raise ValueError(f"the zero point is a magnitude, got {self.zero_point}")
        object.__setattr__(self, "pixel_scale_arcsec", self.frame.pixel_scale_arcsec)
        object.__setattr__(self, "zero_point", float(self.zero_point))

    @classmethod
    def of(cls, stated: Mapping[str, Any]) -> Self:
        """From plain values, as cards, shards and checkpoints state it; a ValueError says what cannot be."""
        try:
            return cls(**(dict(stated) | {"bands": tuple(stated["bands"])}))
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"no imaging: {stated!r} ({error})") from error

    def __str__(self) -> str:
        bands = f"{', '.join(self.bands)} (reference {self.reference_band})" if len(self.bands) > 1 else self.bands[0]
        zero_point = "" if self.zero_point == ZERO_POINT else f", zero point {self.zero_point:g}"
        return f"{bands}, {self.size_pix} x {self.size_pix} pixels of {self.pixel_scale_arcsec:g} arcsec{zero_point}"

    @cached_property
    def frame(self) -> Frame:
        """The pixels, for the engine."""
        return Frame(self.size_pix, self.pixel_scale_arcsec)

    @property
    def nanomaggies_per_count(self) -> float:
        """Of files that are read."""
        return float(10.0 ** (-0.4 * (self.zero_point - ZERO_POINT)))

    @property
    def in_nanomaggies(self) -> Imaging:
        """That of the same stamps inside arcgate."""
        return replace(self, zero_point=ZERO_POINT)

    @property
    def middle_pix(self) -> float:
        """Middle of a stamp along either axis, pixels; between two where the size is even."""
        return (self.size_pix - 1) / 2.0

    @property
    def diagonal_arcsec(self) -> float:
        """Of a stamp: stamps of galaxies that lie closer than this can share sky."""
        return self.size_pix * self.pixel_scale_arcsec * math.sqrt(2.0)

    @property
    def core_pix(self) -> float:
        """Radius of the core."""
        return CORE_RADIUS_ARCSEC / self.pixel_scale_arcsec

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of a stamp: (band, y, x)."""
        return len(self.bands), self.size_pix, self.size_pix


DECALS: Final = Imaging(("g", "r", "z"), "r", 64, 0.262)
"""Coadds of the Legacy Surveys (Dey et al. 2019)."""
