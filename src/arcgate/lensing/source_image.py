"""Sources that are images of real galaxies: cubic B-splines through their pixels, evaluated anywhere.

An image holds surface brightness sampled at pixel centres, times pixel area: what a telescope records once its effective PSF is
taken as part of the source. The interpolant is the cubic B-spline that passes through every pixel (Unser, Aldroubi & Eden 1993,
IEEE Trans. Signal Process. 41, 821). It has two continuous derivatives, as the Jacobian of a lensed image needs, and its integral
is the sum of its coefficients: 1, to the last digit of float32. Compared with Catmull-Rom, which keeps the flux too, it is closer
to the truth and less negative at the sharpest features that HST resolves (tests/oracles/test_source_image_oracle.py).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, fields
from typing import Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from torch import Tensor

from arcgate.lensing.models import check

# A spline through pixels that end abruptly rings beyond them, by a factor of 0.27 less from each pixel to the next.
_BORDER = 12
# Zero coefficients around the rest: positions outside are clamped to where all sixteen that they touch are among them.
_MARGIN = 4
# Coefficients below this share of the largest are set to zero, so that the support ends.
_NEGLIGIBLE = 1e-6
_FLUX_TOLERANCE = 1e-5


@dataclass(frozen=True, eq=False)
class SourceImages:
    """Sources of total flux 1, each an image of a real galaxy, moved, turned and resized.

    Attributes
    ----------
    images : Tensor, float32 (k, h, w)
        Light a pixel, y before x; each sums to 1. The source's centre is the middle of the array, ((h - 1) / 2, (w - 1) / 2).
    scale_arcsec : float
        Side of a pixel of the images.
    index : Tensor, int64 (m,)
        Which image each source is.
    x_arcsec, y_arcsec : Tensor, float64 (m,)
        Centre in the source plane, relative to the lens.
    phi_rad : Tensor, float64 (m,)
        Direction of the image's +x axis, counter-clockwise from +x of the source plane.
    size_factor : Tensor, float64 (m,)
        Scales the angular size; the total flux stays 1.
    coefficients : Tensor, float32 (k, h + 24, w + 24)
        Of the splines; made from `images`.
    half_width_pix : Tensor, float64 (k, 2)
        Half sides (x, y) of the box about an image's middle beyond which its spline is exactly zero; made from `images`.

    Raises
    ------
    ValueError
        A value outside its range, naming row and column.
    """

    images: Tensor
    scale_arcsec: float
    index: Tensor
    x_arcsec: Tensor
    y_arcsec: Tensor
    phi_rad: Tensor
    size_factor: Tensor
    coefficients: Tensor = field(init=False, repr=False)
    half_width_pix: Tensor = field(init=False, repr=False)

    @classmethod
    def of(
        cls,
        images: ArrayLike,
        scale_arcsec: float,
        index: ArrayLike = 0,
        x_arcsec: ArrayLike = 0.0,
        y_arcsec: ArrayLike = 0.0,
        phi_rad: ArrayLike = 0.0,
        size_factor: ArrayLike = 1.0,
    ) -> Self:
        """From arrays; the columns broadcast against each other."""
        values = (np.atleast_1d(np.asarray(value)) for value in (index, x_arcsec, y_arcsec, phi_rad, size_factor))
        which, *columns = (torch.from_numpy(np.array(column)) for column in np.broadcast_arrays(*values))
        if which.is_floating_point():
            raise ValueError(f"index must hold whole numbers, got {which.dtype}")
        pixels = torch.from_numpy(np.array(images, dtype=np.float32))
        return cls(pixels, scale_arcsec, which.to(torch.int64), *(column.to(torch.float64) for column in columns))

    def __post_init__(self) -> None:
        if self.images.ndim != 3 or 0 in self.images.shape:
            raise ValueError(f"images must have shape (k, h, w), none of them 0, got {tuple(self.images.shape)}")
        if not 0 < self.scale_arcsec < np.inf:
            raise ValueError(f"scale_arcsec must be positive and finite, got {self.scale_arcsec}")
        self._check_images()
        self._check_columns()
        coefficients, half_widths = _splines(self.images.detach().cpu().numpy())
        object.__setattr__(self, "coefficients", torch.from_numpy(coefficients).to(self.images.device))
        object.__setattr__(self, "half_width_pix", torch.from_numpy(half_widths).to(self.images.device))

    def _check_images(self) -> None:
        total = self.images.to(torch.float64).sum(dim=(1, 2))
        check("images", total, torch.isfinite(self.images).all(dim=2).all(dim=1), "must be finite; their sum is checked")
        check("images", total, (total - 1.0).abs() < _FLUX_TOLERANCE, "must sum to 1")

    def _check_columns(self) -> None:
        count = len(self.images)
        check("index", self.index, (self.index >= 0) & (self.index < count), f"must lie in 0 to {count - 1}")
        for name in ("x_arcsec", "y_arcsec", "phi_rad", "size_factor"):
            values = getattr(self, name)
            if values.shape != self.index.shape:
                raise ValueError(f"{name} has shape {tuple(values.shape)}, index {tuple(self.index.shape)}; they must agree")
            check(name, values, torch.isfinite(values), "must be finite")
        check("size_factor", self.size_factor, self.size_factor > 0, "must be positive")

    def __len__(self) -> int:
        """Number of sources."""
        return len(self.index)

    def take(self, rows: Tensor) -> Self:
        """Some of the sources."""
        taken = copy.copy(self)
        for name in ("index", "x_arcsec", "y_arcsec", "phi_rad", "size_factor"):
            object.__setattr__(taken, name, getattr(self, name)[rows])
        return taken

    def placed(
        self, index: ArrayLike, x_arcsec: ArrayLike, y_arcsec: ArrayLike, phi_rad: ArrayLike, size_factor: ArrayLike
    ) -> Self:
        """Other sources of the same images, whose splines need not be made again; columns as in `of`, of one length."""
        placed = copy.copy(self)
        object.__setattr__(placed, "index", torch.from_numpy(np.array(index, dtype=np.int64)))
        columns = {"x_arcsec": x_arcsec, "y_arcsec": y_arcsec, "phi_rad": phi_rad, "size_factor": size_factor}
        for name, column in columns.items():
            object.__setattr__(placed, name, torch.from_numpy(np.array(column, dtype=np.float64)))
        placed._check_columns()
        return placed

    def to(self, device: torch.device | str) -> Self:
        """The same sources on another device."""
        moved = copy.copy(self)
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, Tensor):
                object.__setattr__(moved, each.name, value.to(device))
        return moved

    @property
    def extent_arcsec(self) -> Tensor:
        """Half-diagonal of the box about each source's centre beyond which it is exactly dark, arcsec, shape (m,)."""
        half = self.half_width_pix[self.index]
        return torch.hypot(half[:, 0], half[:, 1]) * self.scale_arcsec * self.size_factor

    def brightness(self, u: Tensor, v: Tensor, source_index: Tensor) -> Tensor:
        """Surface brightness, per square arcsec.

        Parameters
        ----------
        u, v : Tensor, any floating dtype and shape
            Position relative to a source's centre, along its image's x and y axes, arcsec on the sky (`size_factor` is applied
            here). Finite.
        source_index : Tensor, int64
            Which source each position is for; broadcasts against `u`.

        Returns
        -------
        Tensor
            In the dtype and on the device of `u`; zero outside the image. Elementwise: no value depends on other positions.
        """
        side = (self.scale_arcsec * self.size_factor)[source_index]
        per_side = (1.0 / side).to(u.dtype)
        height, width = self.coefficients.shape[1:]
        column, weights_x = _weights(u * per_side + 0.5 * (width - 1), width)
        row, weights_y = _weights(v * per_side + 0.5 * (height - 1), height)
        flat = self.coefficients.reshape(-1)
        first = (self.index[source_index] * height + row) * width + column
        total = torch.zeros_like(per_side + u)
        for step_y, weight_y in enumerate(weights_y):
            line = torch.zeros_like(total)
            for step_x, weight_x in enumerate(weights_x):
                line = line + weight_x * flat[first + (step_y * width + step_x)].to(u.dtype)
            total = total + weight_y * line
        return total * (per_side * per_side)


def _weights(position: Tensor, size: int) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor, Tensor]]:
    """First of the four coefficients around each position along one axis, and the weights of all four."""
    inside = position.clamp(1.0, size - _MARGIN + 1.0)
    cell = torch.floor(inside)
    t = inside - cell
    s = 1.0 - t
    inner = (4.0 - 6.0 * t * t + 3.0 * t * t * t) / 6.0, (4.0 - 6.0 * s * s + 3.0 * s * s * s) / 6.0
    return cell.to(torch.int64) - 1, (s * s * s / 6.0, *inner, t * t * t / 6.0)


def _splines(images: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Coefficients of the splines, and half sides (x, y) of their supports in pixels."""
    padded = np.pad(images.astype(np.float64), ((0, 0), (_BORDER, _BORDER), (_BORDER, _BORDER)))
    half_widths = np.empty((len(images), 2))
    for number, image in enumerate(padded):
        coefficients = ndimage.spline_filter(image, order=3)
        coefficients[np.abs(coefficients) < _NEGLIGIBLE * np.abs(coefficients).max()] = 0.0
        dark = np.ones(image.shape, dtype=bool)
        dark[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN] = False
        coefficients[dark] = 0.0
        padded[number] = coefficients / coefficients.sum()
        lit_y, lit_x = np.nonzero(coefficients)
        # A basis function reaches two pixels from its knot.
        half_widths[number] = [
            np.abs(lit - 0.5 * (size - 1)).max() + 2.0 for lit, size in ((lit_x, image.shape[1]), (lit_y, image.shape[0]))
        ]
    return padded.astype(np.float32), half_widths
