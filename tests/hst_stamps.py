"""HST stamps in GalSim's RealGalaxy layout, of light that is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float64]


def gaussian(shape: tuple[int, int], x: float, y: float, sigma: float) -> Array:
    """Round, of sum 1 on a plane without borders."""
    rows, columns = np.indices(shape)
    return np.exp(-0.5 * ((columns - x) ** 2 + (rows - y) ** 2) / sigma**2) / (2.0 * np.pi * sigma**2)


PSF = 0.8 * gaussian((65, 51), 25.0, 32.0, 1.5) + 0.2 * gaussian((65, 51), 25.0, 32.0, 5.0)


def write_stamps(folder: Path, images: list[Array], **change: Any) -> Path:
    """A folder in GalSim's layout with a noise of 1e-3 a pixel."""
    count = len(images)
    fits.HDUList([fits.PrimaryHDU(images[0]), *(fits.ImageHDU(image) for image in images[1:])]).writeto(folder / "images.fits")
    fits.PrimaryHDU(PSF).writeto(folder / "psfs.fits")
    columns: dict[str, tuple[str, Any]] = {
        "IDENT": ("J", np.arange(count) + 70),
        "MAG": ("D", 25.94 - 2.5 * np.log10([max(image.sum(), 0.1) for image in images])),
        "GAL_FILENAME": ("64A", ["images.fits"] * count),
        "PSF_FILENAME": ("64A", ["psfs.fits"] * count),
        "GAL_HDU": ("J", np.arange(count)),
        "PSF_HDU": ("J", np.zeros(count, dtype=int)),
        "PIXEL_SCALE": ("D", np.full(count, 0.03)),
        "NOISE_VARIANCE": ("D", np.full(count, 1e-6)),
    }
    columns |= {name: (columns[name][0], value) for name, value in change.items()}
    table = fits.BinTableHDU.from_columns([fits.Column(name, kind, array=value) for name, (kind, value) in columns.items()])
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(folder / "the_catalog.fits")
    return folder


def seen_through_psf(sigma: float, flux: float = 10.0, side: int = 81) -> Array:
    """A round galaxy in the middle of its stamp, with a noise of 1e-3 a pixel."""
    rng = np.random.default_rng(int(100 * sigma))
    noise = ndimage.gaussian_filter(rng.normal(size=(side, side)), 0.7, mode="wrap")
    galaxy = flux * gaussian((side, side), side // 2, side // 2, sigma)
    return ndimage.convolve(galaxy, PSF / PSF.sum(), mode="constant") + 1e-3 * noise / noise.std()
