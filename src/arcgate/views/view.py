"""The view: what the network, and every gate that asks what the network sees, gets for a stamp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.errors import ArcgateError, UnfitDataError
from arcgate.views.robust import beyond, median, median_and_mad
from arcgate.views.stretch import asinh, normalised_asinh

if TYPE_CHECKING:
    from arcgate.imaging import Imaging
    from arcgate.variant import View

Floats = NDArray[np.float32]
Centres = NDArray[np.float64]

# Every so many pixels in either direction, and the share of them that repeat another one in a stamp that may have no spread.
_STRIDE = 8
_REPEATED = 6
_SAMPLED_PIX = 64


@dataclass(frozen=True)
class Viewer:
    """Normalises and stretches stamps as one configured view does.

    Every row is treated by itself: results are bit-equal whatever rows share its batch.

    Parameters
    ----------
    view : View
        Normalisation, inner radius of the annulus, stretch and constants.
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

    @property
    def annulus_pix(self) -> float:
        """Inner radius of the annulus."""
        return self.view.annulus * self.imaging.size_pix / 2

    def __call__(self, image: Floats, x_pix: Centres, y_pix: Centres) -> Floats:
        """Normalise stamps by their own statistics, then stretch.

        Parameters
        ----------
        image : ndarray of float32, shape (n, band, y, x)
            Nanomaggies per pixel, (band, y, x).
        x_pix, y_pix : ndarray, shape (n,)
            True centre of the host, 0-based pixels.

        Returns
        -------
        ndarray of float32, shape (n, band, y, x)
            Dimensionless.

        Raises
        ------
        ArcgateError
            See `normaliser`.
        """
        return self.apply(image, *self.normaliser(image, x_pix, y_pix))

    def scalable(self, image: Floats, x_pix: Centres, y_pix: Centres) -> NDArray[np.bool_]:
        """Which stamps have a spread to normalise by in every band: the others have no view.

        Only stamps that repeat themselves are looked at in full: half of the pixels that count are equal where there is no
        spread, so that of every eighth pixel in either direction a sixth and more are (an annulus is two thirds of a stamp).
        Where that is not certain (small stamps, a narrow annulus) all stamps are looked at.

        Parameters
        ----------
        image, x_pix, y_pix
            As in `__call__`; finite pixels.

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        good = np.ones(len(image), dtype=bool)
        if self.view.normalisation == "raw" or not len(image):
            return good
        some = np.sort(image[:, :, _STRIDE // 2 :: _STRIDE, _STRIDE // 2 :: _STRIDE].reshape(*image.shape[:2], -1), axis=2)
        repeated = np.count_nonzero(some[:, :, 1:] == some[:, :, :-1], axis=2)
        suspects = np.flatnonzero((repeated >= some.shape[2] // _REPEATED).any(axis=1))
        if not self._sampled_well():
            suspects = np.arange(len(image))
        if len(suspects):
            scale = self._statistics(image[suspects], x_pix[suspects], y_pix[suspects])[1]
            good[suspects] = (scale > 0).all(axis=1)
        return good

    def normaliser(self, image: Floats, x_pix: Centres, y_pix: Centres) -> tuple[Floats, Floats]:
        """Centre and scale of each stamp and band.

        Parameters
        ----------
        image, x_pix, y_pix
            As in `__call__`.

        Returns
        -------
        centre, scale : ndarray of float32, shape (n, band)
            Nanomaggies per pixel.

        Raises
        ------
        ArcgateError
            For a stamp without spread (constant) or with pixels that are not finite, naming row and band; for a
            centre outside the stamp.
        """
        _check(image, x_pix, y_pix, self.imaging)
        centre, scale = self._statistics(image, x_pix, y_pix)
        _check_scale(centre, scale, self.imaging)
        return centre, scale

    def apply(self, image: Floats, centre: Floats, scale: Floats) -> Floats:
        """Normalise by given statistics, then stretch.

        Parameters
        ----------
        image : ndarray of float32, shape (n, band, y, x)
            Nanomaggies per pixel.
        centre, scale : ndarray of float32, shape (n, band)
            From `normaliser`, of these stamps or of others of the same galaxies.

        Returns
        -------
        ndarray of float32, shape (n, band, y, x)
        """
        if self.view.stretch == "asinh":
            return normalised_asinh(image, centre, scale)
        return _normalised(image, centre, scale)

    def masked(self, image: Floats, x_pix: Centres, y_pix: Centres, radius_pix: float) -> Floats:
        """View stamps with the core taken out: r < radius_pix set to the annulus median, then stretched.

        The annulus (r >= annulus_pix) is that of the normalised, unstretched stamp, whatever the normalisation.

        Parameters
        ----------
        image, x_pix, y_pix
            As in `__call__`.
        radius_pix : float
            Radius of the mask, pixels; at most the inner radius of the annulus.

        Returns
        -------
        ndarray of float32, shape (n, band, y, x)

        Raises
        ------
        ArcgateError
            For a mask that reaches into the annulus, and as `normaliser`.
        """
        if not 0 < radius_pix <= self.annulus_pix:
            raise ArcgateError(
                f"a core mask of {radius_pix} px does not lie inside the annulus that fills it, r >= {self.annulus_pix} px",
                where="evaluation.core_mask_radius_pix",
                todo="choose a smaller mask or a larger view.annulus",
            )
        centre, scale = self.normaliser(image, x_pix, y_pix)
        normalised = _normalised(image, centre, scale)
        level = median(normalised, self._annulus(x_pix, y_pix))
        core = ~beyond(x_pix, y_pix, self.imaging.size_pix, radius_pix)
        np.copyto(normalised, level[:, :, None, None], where=core[:, None])
        return asinh(normalised) if self.view.stretch == "asinh" else normalised

    def _sampled_well(self) -> bool:
        """Whether enough pixels are looked at, and enough of them count, that no stamp without a spread goes by."""
        size = self.imaging.size_pix
        share = 1.0 if self.view.normalisation == "stamp_robust" else 1.0 - np.pi * (self.annulus_pix / size) ** 2
        return size >= _SAMPLED_PIX and 0.5 * share > 2.0 / _REPEATED

    def _statistics(self, image: Floats, x_pix: Centres, y_pix: Centres) -> tuple[Floats, Floats]:
        if self.view.normalisation == "raw":
            scales = [self.view.raw_scale_nmgy[band] for band in self.imaging.bands]
            scale = np.tile(np.asarray(scales, dtype=np.float32), (len(image), 1))
            return np.zeros_like(scale), scale
        return median_and_mad(image, None if self.view.normalisation == "stamp_robust" else self._annulus(x_pix, y_pix))

    def _annulus(self, x_pix: Centres, y_pix: Centres) -> NDArray[np.bool_]:
        return beyond(x_pix, y_pix, self.imaging.size_pix, self.annulus_pix)


def _normalised(image: Floats, centre: Floats, scale: Floats) -> Floats:
    out = np.subtract(image, centre[:, :, None, None], dtype=np.float32)
    out /= scale[:, :, None, None]
    return out


def _check(image: Floats, x_pix: Centres, y_pix: Centres, imaging: Imaging) -> None:
    n = len(image)
    if image.dtype != np.float32 or image.shape != (n, *imaging.shape) or np.shape(x_pix) != (n,) or np.shape(y_pix) != (n,):
        raise ArcgateError(
            f"a view takes float32 stamps of shape (n, {', '.join(map(str, imaging.shape))}) with n centres; "
            f"got {image.dtype} {image.shape} with {np.shape(x_pix)} and {np.shape(y_pix)}"
        )
    _check_centres(x_pix, y_pix, imaging.size_pix)
    finite = np.isfinite(image).all(axis=(2, 3))
    if not finite.all():
        row, band = np.argwhere(~finite)[0]
        raise UnfitDataError(
            "the stamp holds pixels that are not finite", where=f"row {row} of the batch, band {imaging.bands[band]}"
        )


def _check_centres(x_pix: Centres, y_pix: Centres, size_pix: int) -> None:
    middle = (size_pix - 1) / 2
    inside = (np.abs(x_pix - middle) <= size_pix / 2) & (np.abs(y_pix - middle) <= size_pix / 2)
    if not inside.all():
        row = int(np.argmin(inside))
        raise UnfitDataError(
            f"the host's centre ({x_pix[row]}, {y_pix[row]}) does not lie in the stamp",
            where=f"row {row} of the batch",
            todo="check host_x_pix and host_y_pix",
        )


def _check_scale(centre: Floats, scale: Floats, imaging: Imaging) -> None:
    good = np.isfinite(centre) & np.isfinite(scale) & (scale > 0)
    if not good.all():
        row, band = np.argwhere(~good)[0]
        raise UnfitDataError(
            f"the stamp has no spread to normalise by (scale {scale[row, band]}): a constant image",
            where=f"row {row} of the batch, band {imaging.bands[band]}",
            todo="leave this host out, or use view=raw",
        )
