"""Kernels that no Moffat is and images that no Sersic profile is, in a data set's own tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.references import References, image_row, kernel_row, write_references
from arcgate.imaging import Imaging
from arcgate.lensing.psf import Kernel, best_moffat


def lopsided_kernel(fwhm_arcsec: float, imaging: Imaging, seed: int = 0) -> Kernel:
    """An elliptical core with broad wings and a knot beside it, its light a tenth of a pixel off the middle."""
    rng, scale = np.random.default_rng(seed), imaging.pixel_scale_arcsec
    half = int(7.5 * fwhm_arcsec / scale)
    y, x = np.indices((2 * half + 1, 2 * half + 1), dtype=np.float64) - half
    angle = rng.uniform(0.0, np.pi)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    alpha = fwhm_arcsec / scale / (2.0 * np.sqrt(2.0 ** (1.0 / 3.0) - 1.0))
    core = (1.0 + ((along - 0.1) / 1.05) ** 2 / alpha**2 + (across * 1.05) ** 2 / alpha**2) ** -3.0
    knot = 0.03 * np.exp(-0.5 * ((x - alpha) ** 2 + (y + 0.7 * alpha) ** 2) / (0.6 * alpha) ** 2)
    return Kernel(core + knot)


def clumpy_image(seed: int, side: int = 81) -> NDArray[np.float32]:
    """A disc with a knot on one side, of sum 1 and smooth on its pixels of 0.03 arcsec."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((side, side), dtype=np.float64) - side // 2
    x_knot, y_knot = rng.uniform(-8.0, 8.0, 2)
    disc = np.exp(-np.sqrt(x**2 + (1.4 * y) ** 2 + 9.0) / 6.0)
    knot = 0.4 * np.exp(-0.5 * ((x - x_knot) ** 2 + (y - y_knot) ** 2) / 2.5**2)
    window = np.clip(1.5 - np.hypot(x, y) / (0.3 * side), 0.0, 1.0)
    light = window**2 * (disc + knot)
    return (light / light.sum()).astype(np.float32)


def tables(imaging: Imaging, kernels: int, images: int, fwhm_arcsec: float = 1.1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of both tables; kernels are those of each band in turn."""
    scale, rows = imaging.pixel_scale_arcsec, []
    for number in range(kernels):
        for place, band in enumerate(imaging.bands):
            kernel = lopsided_kernel(fwhm_arcsec * (1.0 + 0.05 * number - 0.05 * place), imaging, seed=10 * number + place)
            moffat = best_moffat(kernel, scale)
            assert moffat.beta is not None
            rows.append(kernel_row(kernel, band, scale, (moffat.fwhm_arcsec, moffat.beta), f"invented {number}"))
    stamps = [image_row(clumpy_image(seed), 0.03, 0.22, f"invented {seed}") for seed in range(images)]
    return pd.DataFrame(rows), pd.DataFrame(stamps)


def referring(table: pd.DataFrame, imaging: Imaging, folder: Path, images: bool = True) -> tuple[pd.DataFrame, References]:
    """Rows that declare Moffats and Sersic profiles, with kernels and images in their place, which lie in a folder."""
    kernels, stamps = tables(imaging, kernels=2, images=3)
    turn = np.arange(len(table))
    for band in imaging.bands:
        mine = kernels[kernels["band"] == band].iloc[turn % 2]
        table = table.assign(
            **{
                f"kernel_declared_{band}": mine["name"].to_numpy(),
                f"psfsize_{band}": mine["psfsize_arcsec"].to_numpy(),
                f"psf_beta_declared_{band}": mine["moffat_beta"].to_numpy(),
            }
        )
    if images:
        chosen = stamps.iloc[turn % 3]
        named = {"source_image": chosen["name"].to_numpy(), "source_reff_arcsec": chosen["half_light_arcsec"].to_numpy()}
        table = table.assign(**named, source_sersic_n=np.nan, source_q=np.nan)
    return table, write_references(folder, kernels, stamps if images else None)
