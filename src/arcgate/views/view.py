"""The view: what the network, and every gate that asks what the network sees, gets for a stamp."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from arcgate.ground.errors import ArcgateError, UnfitDataError
from arcgate.views.planes import PLANES, Plane, Stamps, Symmetry, removed_by
from arcgate.views.reductions import asinh, beyond, median, median_and_mad, normalised_asinh

if TYPE_CHECKING:
    from arcgate.imaging import Imaging
    from arcgate.variant import View

# Every so many pixels in either direction, and the share of them that repeat another one in a stamp that may have no spread.
_STRIDE = 8
_REPEATED = 6
_SAMPLED_PIX = 64


@dataclass(frozen=True)
class Viewer:
    """Turns stamps into what one configured view shows of them: planes, normalised and stretched.

    Every row is treated by itself: results are bit-equal whatever rows share its batch. All planes of a stamp are divided by the
    scale of the stamp, so that what one of them lacks is not blown up; from those that hold the sky its level is taken.

    Parameters
    ----------
    view : View
        Planes, normalisation, inner radius of the annulus, stretch and constants.
    imaging : Imaging
        Of the stamps.
    """

    view: View
    imaging: Imaging

    def __post_init__(self) -> None:
        unknown = [band for band in self.imaging.bands if band not in self.view.raw_scale_nmgy]
        if self.view.normalisation == "raw" and unknown:
            raise ArcgateError(
                f"no scale is given for the bands {', '.join(unknown)}",
                where="view.raw_scale_nmgy",
                todo="give view.raw_scale_nmgy a value for each band, or take a view that normalises by the stamps themselves",
            )

    @cached_property
    def planes(self) -> tuple[Plane, ...]:
        """The parts of the input, in the order of its channels."""
        return tuple(PLANES[name] for name in self.view.planes)

    @property
    def channels(self) -> int:
        """Channels of the input: a band after the other, plane after plane."""
        return len(self.planes) * len(self.imaging.bands)

    @property
    def needs_control(self) -> bool:
        """Whether stamps without a control of their own have no view."""
        return any(plane.needs_control for plane in self.planes)

    @property
    def removes(self) -> frozenset[Symmetry]:
        """Symmetries of light that no plane shows."""
        return removed_by(self.view)

    @property
    def annulus_pix(self) -> float:
        """Inner radius of the annulus."""
        return self.view.annulus * self.imaging.size_pix / 2

    def __call__(self, stamps: Stamps) -> Tensor:
        """The input of a network.

        Parameters
        ----------
        stamps : Stamps
            n of them, on any device.

        Returns
        -------
        Tensor of float32, shape (n, channels, y, x)
            Dimensionless.

        Raises
        ------
        ArcgateError
            See `normaliser`; no control or sky where the view needs it.
        """
        return self.apply(self.shown(stamps), *self.normaliser(stamps))

    def shown(self, stamps: Stamps) -> Tensor:
        """All planes of stamps, (n, channels, y, x), nanomaggies per pixel."""
        made = [plane.make(stamps) for plane in self.planes]
        return made[0] if len(made) == 1 else torch.cat(made, dim=1)

    def scalable(self, stamps: Stamps) -> Tensor:
        """Which stamps have a spread to normalise by in every band: the others have no view.

        Only stamps that repeat themselves are looked at in full: half of the pixels that count are equal where there is no
        spread, so that of every eighth pixel in either direction a sixth and more are (an annulus is two thirds of a stamp).
        Where that is not certain (small stamps, a narrow annulus) all stamps are looked at.

        Parameters
        ----------
        stamps : Stamps
            Finite pixels.

        Returns
        -------
        Tensor of bool, shape (n,)
        """
        image = stamps.image
        good = torch.ones(len(image), dtype=torch.bool, device=image.device)
        if self.view.normalisation in ("raw", "noise") or not len(image):
            return good
        some = image[:, :, _STRIDE // 2 :: _STRIDE, _STRIDE // 2 :: _STRIDE].flatten(2).sort(dim=2).values
        repeated = (some[:, :, 1:] == some[:, :, :-1]).sum(dim=2)
        suspects = (repeated >= some.shape[2] // _REPEATED).any(dim=1).nonzero()[:, 0]
        if not self._sampled_well():
            suspects = torch.arange(len(image), device=image.device)
        if len(suspects):
            part = Stamps(image[suspects], stamps.x_pix[suspects], stamps.y_pix[suspects])
            good[suspects] = (self._statistics(part)[1] > 0).all(dim=1)
        return good

    def normaliser(self, stamps: Stamps) -> tuple[Tensor, Tensor]:
        """Centre and scale of each stamp and band.

        Returns
        -------
        centre, scale : Tensor of float32, shape (n, band)
            Nanomaggies per pixel.

        Raises
        ------
        ArcgateError
            For a stamp without spread (constant) or with pixels that are not finite, naming row and band; for a centre outside
            the stamp.
        """
        _check(stamps, self.imaging)
        centre, scale = self._statistics(stamps)
        _check_scale(centre, scale, self.view, self.imaging)
        return centre, scale

    def apply(self, shown: Tensor, centre: Tensor, scale: Tensor) -> Tensor:
        """Normalise planes by given statistics, then stretch.

        Parameters
        ----------
        shown : Tensor of float32, shape (n, channels, y, x)
            From `shown`, or a cut of it: nanomaggies per pixel.
        centre, scale : Tensor of float32, shape (n, band)
            From `normaliser`, of these stamps or of others of the same galaxies.

        Returns
        -------
        Tensor of float32, shape of `shown`
        """
        level, unit = self._of_planes(centre, scale)
        if self.view.stretch == "asinh":
            return normalised_asinh(shown, level, unit)
        return _normalised(shown, level, unit)

    def masked(self, stamps: Stamps, radius_pix: float) -> Tensor:
        """View stamps with the core taken out: r < radius_pix set to the annulus median, then stretched.

        The annulus (r >= annulus_pix) is that of the normalised, unstretched planes, whatever the normalisation.

        Parameters
        ----------
        stamps : Stamps
        radius_pix : float
            Radius of the mask, pixels; at most the inner radius of the annulus.

        Returns
        -------
        Tensor of float32, shape (n, channels, y, x)

        Raises
        ------
        ArcgateError
            For a mask that reaches into the annulus, and as `normaliser`.
        """
        self.require_mask(radius_pix)
        normalised = _normalised(self.shown(stamps), *self._of_planes(*self.normaliser(stamps)))
        level = median(normalised, self._annulus(stamps))
        core = ~beyond(stamps.x_pix, stamps.y_pix, self.imaging.size_pix, radius_pix)
        filled = torch.where(core[:, None], level[:, :, None, None], normalised)
        return asinh(filled) if self.view.stretch == "asinh" else filled

    def require_mask(self, radius_pix: float) -> None:
        """Refuse a core mask that reaches into the annulus, whose median fills it."""
        if not 0 < radius_pix <= self.annulus_pix:
            raise ArcgateError(
                f"a core mask of {radius_pix} px does not lie inside the annulus that fills it, r >= {self.annulus_pix} px",
                where="evaluation.core_mask_radius_pix",
                todo="choose a smaller mask or a larger view.annulus",
            )

    def _of_planes(self, centre: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """Centre and scale of every channel, (n, channels)."""
        levels = [centre if plane.holds_sky else torch.zeros_like(centre) for plane in self.planes]
        return torch.cat(levels, dim=1), scale.repeat(1, len(self.planes))

    def _sampled_well(self) -> bool:
        """Whether enough pixels are looked at, and enough of them count, that no stamp without a spread goes by."""
        size = self.imaging.size_pix
        share = 1.0 if self.view.normalisation == "stamp_robust" else 1.0 - np.pi * (self.annulus_pix / size) ** 2
        return size >= _SAMPLED_PIX and 0.5 * share > 2.0 / _REPEATED

    def _statistics(self, stamps: Stamps) -> tuple[Tensor, Tensor]:
        image = stamps.image
        if self.view.normalisation == "raw":
            scales = torch.tensor([self.view.raw_scale_nmgy[band] for band in self.imaging.bands], dtype=torch.float32)
            scale = scales.to(image.device).repeat(len(image), 1)
            return torch.zeros_like(scale), scale
        if self.view.normalisation == "noise":
            return torch.zeros_like(_sky(stamps)), _sky(stamps)
        return median_and_mad(image, None if self.view.normalisation == "stamp_robust" else self._annulus(stamps))

    def _annulus(self, stamps: Stamps) -> Tensor:
        return beyond(stamps.x_pix, stamps.y_pix, self.imaging.size_pix, self.annulus_pix)


def _sky(stamps: Stamps) -> Tensor:
    if stamps.sky is None:
        raise ArcgateError(
            "this view divides by the noise of the sky, which is not known of these stamps",
            where="view.normalisation",
            todo="state it (sky_sigma of each band), or take a view that normalises by the stamps themselves: annulus_robust",
        )
    return stamps.sky.float()


def _normalised(shown: Tensor, centre: Tensor, scale: Tensor) -> Tensor:
    return (shown - centre[:, :, None, None]) / scale[:, :, None, None]


def _check(stamps: Stamps, imaging: Imaging) -> None:
    image, n = stamps.image, len(stamps.image)
    shapes = tuple(stamps.x_pix.shape), tuple(stamps.y_pix.shape)
    if image.dtype != torch.float32 or tuple(image.shape) != (n, *imaging.shape) or shapes != ((n,), (n,)):
        raise ArcgateError(
            f"a view takes float32 stamps of shape (n, {', '.join(map(str, imaging.shape))}) with n centres; "
            f"got {image.dtype} {tuple(image.shape)} with {shapes[0]} and {shapes[1]}"
        )
    _check_centres(stamps.x_pix, stamps.y_pix, imaging.size_pix)
    finite = torch.isfinite(image).flatten(2).all(dim=2)
    if not bool(finite.all()):
        row, band = (~finite).nonzero()[0].tolist()
        raise UnfitDataError(
            "the stamp holds pixels that are not finite", where=f"row {row} of the batch, band {imaging.bands[band]}"
        )


def _check_centres(x_pix: Tensor, y_pix: Tensor, size_pix: int) -> None:
    middle = (size_pix - 1) / 2
    inside = ((x_pix - middle).abs() <= size_pix / 2) & ((y_pix - middle).abs() <= size_pix / 2)
    if not bool(inside.all()):
        row = int((~inside).nonzero()[0, 0])
        raise UnfitDataError(
            f"the host's centre ({float(x_pix[row])}, {float(y_pix[row])}) does not lie in the stamp",
            where=f"row {row} of the batch",
            todo="check host_x_pix and host_y_pix",
        )


def _check_scale(centre: Tensor, scale: Tensor, view: View, imaging: Imaging) -> None:
    good = torch.isfinite(centre) & torch.isfinite(scale) & (scale > 0)
    if bool(good.all()):
        return
    row, band = (~good).nonzero()[0].tolist()
    found, where = float(scale[row, band]), f"row {row} of the batch, band {imaging.bands[band]}"
    if view.normalisation == "noise":
        raise UnfitDataError(
            f"the standard deviation of the sky is {found:g}, and this view divides by it",
            where=where,
            todo="give one above 0, in nanomaggies per pixel, or leave this stamp out",
        )
    raise UnfitDataError(
        f"the stamp has no spread to normalise by (scale {found}): a constant image",
        where=where,
        todo="leave this host out, or use view=raw",
    )
