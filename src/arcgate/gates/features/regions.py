"""Where the gates look on stamps of an imaging: pixels of what is stated in arcsec, or in shares of half the stamp. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError
from arcgate.imaging import CORE_RADIUS_ARCSEC, Imaging

# Distance between the edges of rings about the galaxy, and how far out rings of the core, and rings in which masks have an edge,
# begin and end.
_RING_ARCSEC: Final = 0.262
_CORE_RINGS, _FIRST_STEP, _RINGS = 7, 2, 15
_BOX_RINGS, _SQUARE_RINGS = 6, 4
# A galaxy's centre lies so many rings from the stamp's middle at most, and a pixel counts half a pixel further than it lies.
_OFF_CENTRE_RINGS: Final = 3
# In shares of half the stamp.
ANNULUS: Final = (8 / 32, 20 / 32)
_ANNULUS_RINGS: Final = (8 / 32, 9 / 32, 10 / 32, 11 / 32, 12 / 32, 13 / 32, 14 / 32, 17 / 32, 20 / 32)
_BORDER_RINGS: Final = (24 / 32, 28 / 32)
_ANNULUS_WIDE_RINGS: Final = (8 / 32, 10 / 32, 12 / 32, 14 / 32, 17 / 32, 20 / 32)
_STAMP_RINGS: Final = (0.0, 1 / 32, 2 / 32, 3 / 32, 5 / 32, 7 / 32, 10 / 32, 14 / 32, 19 / 32, 25 / 32, 31 / 32)
_LAST_STEP: Final = 13 / 32
_PEDESTAL_END: Final = 19 / 32
_STRIPS, _BORDER, _FRAME = 24 / 32, 28 / 32, 30 / 32


def middle(size_pix: int, half_pix: int) -> slice:
    """The pixels of a line up to `half_pix` from its middle, as far as there are any: an even number of an even size."""
    first = max(size_pix // 2 - half_pix, 0)
    return slice(first, size_pix - first)


def divided(size_pix: int, parts: int) -> list[int]:
    """Edges that divide a line into about equal parts; fewer where it has fewer pixels."""
    parts = min(parts, size_pix)
    return [part * size_pix // parts for part in range(parts + 1)]


@dataclass(frozen=True)
class Regions:
    """The core, the annulus and the border of stamps, and the columns of `features.stamp_features`.

    Edges of rings are whole pixels. Where the rings of the core would reach into the annulus, they end a pixel before it.

    Attributes
    ----------
    imaging : Imaging
        Of the stamps.

    Raises
    ------
    ArcgateError
        Stamps so small that the core reaches into the annulus.
    """

    imaging: Imaging

    def __post_init__(self) -> None:
        if self.core_pix > self.annulus_pix[0]:
            size, scale = self.imaging.size_pix, self.imaging.pixel_scale_arcsec
            raise ArcgateError(
                f"stamps of {size} pixels of {scale:g} arcsec are too small for the gates: the core reaches {self.core_pix:.3g} "
                f"px from the middle, and the annulus begins at {self.annulus_pix[0]} px, a quarter of half the stamp",
                where="imaging of the data set",
                todo=f"cut out stamps of {2.0 / ANNULUS[0] * CORE_RADIUS_ARCSEC:.3g} arcsec or more",
            )

    @property
    def core_pix(self) -> float:
        """Radius of the core."""
        return self.imaging.core_pix

    @property
    def core_rings_pix(self) -> tuple[int, ...]:
        """Edges of the rings of the core; they see a galaxy's own light a little beyond it."""
        return tuple(edge for edge in self.rings_pix if edge <= self._core_end_pix)

    @property
    def core_box(self) -> slice:
        """Lines of a square that holds the core, a galaxy's offset from the stamp's centre included."""
        return middle(self.imaging.size_pix, min(self._arcsec_rings(_BOX_RINGS), self.annulus_pix[0]))

    @property
    def core_window(self) -> slice:
        """Lines of the square that the annulus leaves."""
        return middle(self.imaging.size_pix, self.annulus_pix[0])

    @property
    def core_cut(self) -> slice:
        """Lines of the square that holds the rings of the core of every galaxy."""
        beside = max(self._arcsec_rings(_OFF_CENTRE_RINGS), 2)
        return middle(self.imaging.size_pix, self._core_end_pix + beside)

    @property
    def core_squares(self) -> tuple[int, ...]:
        """Lines that divide a square about the middle of the stamp into four by four; the inner four are the core."""
        half, side = self.imaging.size_pix // 2, max(self._arcsec_rings(_SQUARE_RINGS), 1)
        return tuple(half + place * min(side, half // 2) for place in (-2, -1, 0, 1, 2))

    @property
    def core_share(self) -> NDArray[np.float32]:
        """Share of each ring of the core that lies within the core's radius."""
        low, high = np.square(self.core_rings_pix[:-1]), np.square(self.core_rings_pix[1:])
        share: NDArray[np.float32] = np.clip((self.core_pix**2 - low) / (high - low), 0.0, 1.0).astype(np.float32)
        return share

    @property
    def annulus_pix(self) -> tuple[int, int]:
        """Inner and outer radius of the annulus."""
        inner, outer = ANNULUS
        return self.of_half(inner), self.of_half(outer)

    @property
    def pedestal_pix(self) -> tuple[int, int]:
        """Radii between which a pedestal is planted in the annulus; it ends where the border's rings do not see it yet."""
        inner, outer = self.annulus_pix
        return inner, min(self.of_half(_PEDESTAL_END), outer - 1)

    @property
    def frame_pix(self) -> int:
        """Width of the outermost frame."""
        return self._from_edge(_FRAME)

    @property
    def border_pix(self) -> int:
        """Width of the border."""
        return self._from_edge(_BORDER)

    @property
    def strip_pix(self) -> int:
        """Width of the strips on which the noise is measured: no arc of the grids reaches there."""
        return max(self._from_edge(_STRIPS), 2)

    @cached_property
    def rings_pix(self) -> tuple[int, ...]:
        """Edges of the rings of a stamp: narrow ones out to where masks may have an edge, wider ones beyond."""
        near = [self._arcsec_rings(ring) for ring in range(_RINGS)]
        inner = [edge for edge in (*near, self._core_end_pix) if edge < self.annulus_pix[0]]
        outer = self._of_half((*_ANNULUS_RINGS, *_BORDER_RINGS))
        return tuple(sorted({*inner, *outer, self.imaging.size_pix // 2}))

    @property
    def annulus_rings_pix(self) -> tuple[int, ...]:
        """Edges of the annulus's rings where they lie about the middle of the stamp."""
        return self._of_half(_ANNULUS_WIDE_RINGS)

    @property
    def stamp_rings_pix(self) -> tuple[int, ...]:
        """Edges of rings over the whole stamp."""
        return self._of_half(_STAMP_RINGS)

    @property
    def n_rings(self) -> int:
        """Rings of a stamp."""
        return len(self.rings_pix) - 1

    @property
    def n_features(self) -> int:
        """Features of a stamp in a band: rings, dipole, frame, noise."""
        return self.n_rings + 4

    @property
    def core_columns(self) -> tuple[int, ...]:
        """Rings of the core, and its dipole."""
        return (*range(len(self.core_rings_pix) - 1), self.n_rings, self.n_rings + 1)

    @property
    def residual_core_columns(self) -> tuple[int, ...]:
        """The same of residuals, with their quadrupole, which stands after all features of stamps."""
        return (*self.core_columns, self.n_features, self.n_features + 1)

    @property
    def annulus_columns(self) -> slice:
        """Rings of the annulus."""
        inner, outer = self.annulus_pix
        return slice(self.rings_pix.index(inner), self.rings_pix.index(outer))

    @property
    def border_columns(self) -> tuple[int, ...]:
        """Rings of the border, the outermost frame, and the noise."""
        return (*range(self.annulus_columns.stop, self.n_rings), self.frame, self.noise)

    @property
    def edge_columns(self) -> slice:
        """Rings in which a mask may have its edge."""
        first = next(place for place, edge in enumerate(self.rings_pix) if edge >= self._arcsec_rings(_FIRST_STEP))
        return slice(first, self.rings_pix.index(self.of_half(_LAST_STEP)))

    @property
    def dipole(self) -> slice:
        """Dipole of the core, x and y."""
        return slice(self.n_rings, self.n_rings + 2)

    @property
    def frame(self) -> int:
        """Column of the outermost frame."""
        return self.n_rings + 2

    @property
    def noise(self) -> int:
        """Column of the noise."""
        return self.n_rings + 3

    def of_half(self, share: float) -> int:
        """A share of half the stamp in whole pixels."""
        return round(share * self.imaging.size_pix / 2)

    def _of_half(self, shares: tuple[float, ...]) -> tuple[int, ...]:
        return tuple(sorted({self.of_half(share) for share in shares}))

    @property
    def _core_end_pix(self) -> int:
        return min(self._arcsec_rings(_CORE_RINGS), self.annulus_pix[0] - 1)

    def _arcsec_rings(self, rings: int) -> int:
        return round(rings * _RING_ARCSEC / self.imaging.pixel_scale_arcsec)

    def _from_edge(self, share: float) -> int:
        return max(self.of_half(1.0 - share), 1)
